package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// DUVAE keeps posterior means apart (diversity) and variances up (uncertainty):
//
//	mu     = gamma_j BN(m) + beta_j,   sqrt(mean_j gamma_j²) = gamma
//	sigma² = k e^s + f,                f = alpha/(2 pi e)
//	k      = 0 with probability p, else 1/(1-p), in training; 1 in evaluation
//
// m and s are (B, D). gamma_j and beta_j are learnt. After each update the gamma_j are scaled to their root mean
// square. k is drawn for each example and dimension. f and k begin at the first step whose KL weight is 1; before that
// sigma² is e^s. A model that never reached that weight is evaluated as it was trained, without f.
//
//	E[KL] >= (1/2) sum_j (gamma_j² + beta_j²) = (D/2) gamma² + (1/2) sum_j beta_j²
//
// in nats, for batch statistics and without an eps leak (see bn). f bounds the entropy of each q(z_j|x) by (1/2) ln
// alpha from below. With p 0 and alpha near 0 this is bn with a learnt scale. It combines with penalties, but not with
// another head. A dropped variance costs (f - ln f - 1)/2 nats, so the KL of training rows is that of evaluations plus
// up to 0.95 p D (alpha 1), or less than it where sigma² is above 4.4.
//
// Public code: that for text leaves out batches below 16; here none is. Its eps is 1e-5.
//
// Source: Shen et al. 2021, "Regularizing variational autoencoder with diversity and uncertainty awareness" (arXiv
// 2110.12381), gamma 0.5 to 0.6, p 0.1 to 0.3.
type DUVAE struct {
	// Gamma is the root mean square of the scales of mu over the dimensions.
	Gamma float64 `yaml:"gamma" range:"(0,inf)" knob:"rises"`
	// Alpha is the least variance, in units of 1/(2 pi e).
	Alpha float64 `yaml:"alpha" range:"(0,inf)"`
	// Dropout is p, the probability that training drops a variance.
	Dropout float64 `yaml:"dropout" range:"[0,1)"`
	// Eps keeps the division finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() {
	Methods.Add("du-vae", DUVAE{Gamma: 0.5, Alpha: 1, Dropout: 0.2, Eps: 1e-8, Momentum: 0.1})
}

// RateBound is the floor.
func (DUVAE) RateBound() string { return "KL >= D gamma²/2" }

// Build makes encoder.mu_bn, and encoder.du.uncertain, which is 1 once f and k act.
func (v DUVAE) Build(b vae.Builder) vae.Variant {
	gamma := b.Params.New("encoder.mu_bn.weight", nn.Constant(v.Gamma), b.D)
	beta := b.Params.New("encoder.mu_bn.bias", nn.Constant(0), b.D)
	norm := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	uncertain := b.Params.Counter("encoder.du.uncertain")
	return vae.Variant{
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			mu := norm.Apply(p, m).MulRow(p.Use(gamma)).AddRow(p.Use(beta))
			if p.Train && p.KLWeight >= 1 {
				uncertain.Data[0] = 1
			}
			if uncertain.Data[0] == 0 {
				return vae.FromLogvar(mu, s)
			}
			variance := nn.Dropout(p, s.Exp(), Float(v.Dropout)).Shift(Float(v.Alpha / (2 * math.Pi * math.E)))
			return vae.FromLogvar(mu, variance.Log())
		},
		Project: func() {
			var squares float64
			for _, g := range gamma.Data {
				squares += float64(g) * float64(g)
			}
			scale := v.Gamma / math.Sqrt(squares/float64(b.D))
			for j := range gamma.Data {
				gamma.Data[j] = Float(scale * float64(gamma.Data[j]))
			}
		},
		Floor: func() (nats float64) {
			for j, g := range gamma.Data {
				nats += 0.5 * float64(g*g+beta.Data[j]*beta.Data[j])
			}
			return nats
		},
		Gauges: func() []vae.Gauge {
			return []vae.Gauge{
				perDim("gamma", "learned scale of mu", b.D, func(j int) float64 { return float64(gamma.Data[j]) }),
				perDim("beta", "learned shift of mu", b.D, func(j int) float64 { return float64(beta.Data[j]) }),
			}
		},
	}
}

// leastKL is the floor at beta = 0, which single dimensions may be below.
func (v DUVAE) leastKL(D int) bound { return bound{nats: 0.5 * float64(D) * v.Gamma * v.Gamma} }
