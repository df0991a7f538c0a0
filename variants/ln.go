package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// LN standardises mu over its dimensions instead of over the batch:
//
//	mu_i = gamma (m_i - mean_j m_ij) / sqrt(var_j m_ij + eps)
//	KL_i >= (D/2) gamma² v_i/(v_i + eps),   v_i = var_j m_ij
//
// The floor holds for every single example. All examples may share one direction of mu, so
// the floor does not imply a positive MI. A comparison with bn shows whether MI is positive.
//
// Source: the counter-argument in Su 2020, kexue.fm/archives/7381; layer normalisation:
// Ba, Kiros & Hinton 2016 (arXiv 1607.06450).
type LN struct {
	// Gamma is the root mean square of mu over its dimensions.
	Gamma float64 `yaml:"gamma" range:"(0,inf)" knob:"rises"`
	// Eps keeps the division finite. The larger it is, the further the KL can fall below (D/2) gamma²; PyTorch's default is
	// 1e-5.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
}

func init() { Methods.Add("ln", LN{Gamma: 0.5, Eps: 1e-8}) }

// Build needs no parameters.
func (v LN) Build(b vae.Builder) vae.Variant {
	return vae.Variant{
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.FromLogvar(m.LayerNorm(Float(v.Eps)).Scale(Float(v.Gamma)), s)
		},
		Floor: func() float64 { return 0.5 * float64(b.D) * v.Gamma * v.Gamma },
	}
}

// RateBound is Floor.
func (LN) RateBound() string { return "KL >= D gamma²/2" }

// leastKL is the floor, which single dimensions may be below.
func (v LN) leastKL(D int) bound {
	return bound{nats: 0.5 * float64(D) * v.Gamma * v.Gamma, examples: true}
}
