package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/mmd"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// InfoVAE takes a share of the KL away and charges instead how far the z of a batch, all examples together, are from
// draws of the prior:
//
//	penalty = (1 - alpha) KL
//	extra   = mmd MMD²(z, z'),   z_i ~ q(z|x_i), z'_i ~ p(z) drawn at each step
//
// MMD² is an unbiased estimate with one of two kernels, see package internal/mmd; it may be negative. p is the
// variant's prior, N(0, I) without one. The distance moves z, and not p where that is learnt. mmd is alpha + lambda - 1
// of the paper. With alpha 1 this is the WAE-MMD: no KL is charged, a small sigma costs nothing, and the rate has no
// bound. MMD does not charge the MI of x and z, which the KL does. Any posterior goes with it.
//
// Here mmd must be positive. The extra has no KL weight, and a batch of one example no extra.
//
// Public code: some ports have a default lambda below 1 - alpha, which rewards the distance.
//
// Source: Zhao et al. 2019, "InfoVAE" (arXiv 1706.02262), with lambda 1000 and alpha 0 on images; Tolstikhin et al.
// 2018, "Wasserstein auto-encoders" (arXiv 1711.01558), with lambda 10 and the imq kernel.
type InfoVAE struct {
	// Alpha is the share of the KL that is not charged.
	Alpha float64 `yaml:"alpha" range:"[0,1]" knob:"rises"`
	// MMD is the weight of MMD² in nats.
	MMD float64 `yaml:"mmd" range:"(0,inf)"`
	// Kernel is k: inverse multiquadrics of seven widths (imq) or a Gaussian (rbf).
	Kernel string `yaml:"kernel" choice:"imq|rbf"`
}

func init() { Methods.Add("info-vae", InfoVAE{Alpha: 0, MMD: 10, Kernel: "imq"}) }

// RateBound is none.
func (InfoVAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v InfoVAE) Build(b vae.Builder) vae.Variant {
	distance, drawn := mmd.New(v.Kernel), make([]float64, b.D)
	variant := vae.Variant{Extras: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
		draws := p.Tape.Zeros(t.Z.Rows, t.Z.Cols)
		if t.Z.Rows < 2 {
			return p.Tape.Zeros(1, 1)
		}
		prior := t.Prior.Density(p, t.X)
		for i := range draws.Rows {
			prior(i).Draw(p.Noise, drawn)
			for j, z := range drawn {
				draws.Row(i)[j] = Float(z)
			}
		}
		return distance.Squared(t.Z, draws.Stop()).Scale(Float(v.MMD)) // a learnt prior is not moved
	}}}
	if v.Alpha > 0 { // else another variant may change the KL term
		variant.Penalty = func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			return t.KL.RowSums().Mean().Scale(Float(1 - v.Alpha))
		}
	}
	return variant
}
