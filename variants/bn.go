package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// BN batch-normalises mu with a fixed scale gamma and a learned shift beta, so that the KL
// cannot fall below a floor:
//
//	mu = gamma (m - mean_B m) / sqrt(var_B m + eps) + beta
//	E[KL] >= (1/2) sum_j (gamma² v_j/(v_j + eps) + beta_j²),   v_j = var_B m_j
//
// ln sigma² is unchanged. The KL can fall below (D/2) gamma² where the raw variance v_j is
// near eps (eps leak), as it is when the raw mu of an encoder collapses.
//
// Public code: an eps of 1e-5 violates the floor on small data.
//
// Source: Zhu et al. 2020, "A batch normalized inference network keeps the KL vanishing away", equations 5 and 6 (arXiv
// 2004.12585); momentum as valdersoul/bn-vae, eps as Su 2020, kexue.fm/archives/7381.
type BN struct {
	// Gamma is the standard deviation that mu has over the batch; the paper's best are 0.6 and 0.7.
	Gamma float64 `yaml:"gamma" range:"(0,inf)" alias:"bn_gamma" knob:"rises"`
	// Eps keeps the division finite. The larger it is, the further the KL can fall below
	// (D/2) gamma²: to almost 0 with the 1e-5 of the reference code.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() { Methods.Add("bn", BN{Gamma: 0.5, Eps: 1e-8, Momentum: 0.1}) }

// Build makes encoder.mu_bn with the names of torch.nn.BatchNorm1d.
func (v BN) Build(b vae.Builder) vae.Variant {
	gamma := b.Params.Buffer("encoder.mu_bn.weight", nn.Constant(v.Gamma), b.D) // frozen
	beta := b.Params.New("encoder.mu_bn.bias", nn.Constant(0), b.D)
	norm := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	return vae.Variant{
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			mu := norm.Apply(p, m).MulRow(p.Use(gamma)).AddRow(p.Use(beta))
			return vae.FromLogvar(mu, s)
		},
		Floor: func() (nats float64) {
			for j, g := range gamma.Data {
				nats += 0.5 * float64(g*g+beta.Data[j]*beta.Data[j])
			}
			return nats
		},
		Gauges: func() []vae.Gauge {
			return []vae.Gauge{perDim("beta", "learned shift of mu", b.D, func(j int) float64 { return float64(beta.Data[j]) })}
		},
	}
}

// RateBound is Floor at beta = 0.
func (BN) RateBound() string { return "KL >= D gamma²/2" }

// leastKL is the bound at beta = 0, (D/2) gamma²; beta² adds to it.
func (v BN) leastKL(D int) bound {
	return bound{nats: 0.5 * float64(D) * v.Gamma * v.Gamma, dims: true}
}
