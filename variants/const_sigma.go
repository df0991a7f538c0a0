package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// ConstSigma is bn without a shift and with a constant sigma, so that no training changes the mean KL of a batch:
//
//	mu      = gamma (m - mean_B m)/sqrt(var_B m + eps),   sigma = c
//	E[KL]   = (D/2) (gamma² + c² - ln c² - 1)
//	I(x; z) <= (D/2) ln(1 + gamma²/c²)
//
// in nats. m is (B, D); the encoder has no s. Both hold for batch statistics and up to eps (see bn). The second is the
// capacity of D Gaussian channels of power gamma² and noise c²; it is the KL less the least KL(q(z) || N(0, I)). The decoder
// is told at most that, so c is the knob: the KL rises to infinity as c falls to 0, and the auto-encoder becomes
// deterministic. It is the control for ceae, which lowers c during training, and for methods that learn sigma. What charges
// or weighs the KL has no effect and is refused, unless another variant brings a prior or refines q.
//
// Source: new here, after Ghose & Poupart 2023, "Contrastive deterministic autoencoders for language modeling" (Findings of
// EMNLP 2023), with gamma 1. The capacity is that of Shannon 1948.
type ConstSigma struct {
	// C is sigma, the standard deviation of z given x in every dimension.
	C float64 `yaml:"c" range:"(0,1]" knob:"falls"`
	// Gamma is the standard deviation that mu has over the batch.
	Gamma float64 `yaml:"gamma" range:"(0,inf)"`
	// Eps keeps the division finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() { Methods.Add("const-sigma", ConstSigma{C: 0.5, Gamma: 1, Eps: 1e-8, Momentum: 0.1}) }

// Build makes the running statistics of encoder.mu_bn.
func (v ConstSigma) Build(b vae.Builder) vae.Variant {
	norm := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	return vae.Variant{
		Raw: vae.MOnly,
		Head: func(p *nn.Pass, m, _ *grad.Value) vae.Posterior {
			return evenly(p, norm.Apply(p, m).Scale(Float(v.Gamma)), v.C)
		},
		ConstantRate: true,
		Floor:        func() float64 { return v.leastKL(b.D).nats },
	}
}

// evenly is N(mu, c²), with the same c everywhere.
func evenly(p *nn.Pass, mu *grad.Value, c float64) vae.Gaussian {
	same := func(x float64) *grad.Value { return p.Tape.Zeros(mu.Rows, mu.Cols).Shift(Float(x)) }
	return vae.Gaussian{Mu: mu, Sigma: same(c), Logvar: same(2 * math.Log(c))}
}

// RateBound is Floor.
func (ConstSigma) RateBound() string { return "KL = D (gamma²+c²-ln c²-1)/2" }

// leastKL is the KL, of which each dimension has its share.
func (v ConstSigma) leastKL(D int) bound {
	return bound{nats: float64(D) * vae.NormalKL(v.Gamma, v.C*v.C, 2*math.Log(v.C)), dims: true}
}
