package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// BNScaler batch-normalises mu and sigma without shift; a learned theta per dimension splits a
// fixed second moment between them:
//
//	mu    = gamma_mu    BN(m),   gamma_mu    = sqrt(tau + (1-tau) sigmoid(theta))
//	sigma = gamma_sigma BN(s),   gamma_sigma = sqrt((1-tau) sigmoid(-theta))
//
// m and s are (B, D), theta is (D). Over a batch E[mu] = 0 and E[mu²] + E[sigma²] = 1 in every
// dimension, as under the prior and up to eps; gamma_mu is at least sqrt(tau). BN(s) has mean
// zero, so sigma takes both signs. The density depends on sigma² only.
//
// By Jensen's inequality the KL, in nats, has the lower bounds
//
//	E[KL] >= -sum_j ln gamma_sigma,j >= -(D/2) ln(1-tau)
//
// They hold for batch statistics, not for running statistics.
//
// Source: Su 2020, kexue.fm/archives/7381, with eps 1e-8 and Keras momentum 0.99, which is 0.01
// here. The second bound is new (docs/design.md).
type BNScaler struct {
	// Tau is the least share of the second moment that goes to mu.
	Tau float64 `yaml:"tau" range:"(0,1)" knob:"rises"`
	// Eps keeps both divisions finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() { Methods.Add("bn-scaler", BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01}) }

// Build makes encoder.mu_bn, encoder.sigma_bn and encoder.scaler.theta, theta 0.
func (v BNScaler) Build(b vae.Builder) vae.Variant {
	mu := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	sigma := nn.NewBatchNorm(b.Params, "encoder.sigma_bn", b.D, v.Eps, v.Momentum)
	scaler := newScaler(b, v.Tau)
	return scaler.variant(func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
		return vae.FromSigma(
			mu.Apply(p, m).MulRow(scaler.gammaMu(p)),
			sigma.Apply(p, s).MulRow(scaler.gammaSigma(p)))
	})
}

// A scaler divides one unit of second moment between mu and sigma.
type scaler struct {
	tau   float64
	theta *nn.Param // (D)
}

func newScaler(b vae.Builder, tau float64) scaler {
	return scaler{tau, b.Params.New("encoder.scaler.theta", nn.Constant(0), b.D)}
}

// gammaMu is sqrt(tau + (1-tau) sigmoid(theta)), (1, D).
func (s scaler) gammaMu(p *nn.Pass) *grad.Value {
	return p.Use(s.theta).Sigmoid().Scale(Float(1 - s.tau)).Shift(Float(s.tau)).Sqrt()
}

// gammaSigma is sqrt((1-tau) sigmoid(-theta)), (1, D).
func (s scaler) gammaSigma(p *nn.Pass) *grad.Value {
	return p.Use(s.theta).Neg().Sigmoid().Scale(Float(1 - s.tau)).Sqrt()
}

// shares are E[mu_j²] and E[sigma_j²], each from the side that keeps it exact: 1 minus the
// other would be 0 for a theta above 17.
func (s scaler) shares(j int) (mu2, sigma2 float64) {
	theta := float64(s.theta.Data[j])
	return s.tau + (1-s.tau)/(1+math.Exp(-theta)), (1 - s.tau) / (1 + math.Exp(theta))
}

// variant adds to a head what every scaler knows of itself.
func (s scaler) variant(head vae.Head) vae.Variant {
	D := len(s.theta.Data)
	return vae.Variant{
		Head: head,
		Floor: func() (nats float64) {
			for _, theta := range s.theta.Data { // -ln gamma_sigma = (ln(1+e^theta) - ln(1-tau)) / 2
				softplus := max(float64(theta), 0) + math.Log1p(math.Exp(-math.Abs(float64(theta))))
				nats += 0.5 * (softplus - math.Log1p(-s.tau))
			}
			return nats
		},
		Gauges: func() []vae.Gauge {
			return []vae.Gauge{
				perDim("theta", "parameter that splits the second moment between mu and sigma", D, func(j int) float64 { return float64(s.theta.Data[j]) }),
				perDim("sig_theta", "sigmoid(theta), the share of 1-tau that goes to mu", D, func(j int) float64 { return 1 / (1 + math.Exp(-float64(s.theta.Data[j]))) }),
				perDim("gamma_mu", "root mean square of mu over a batch", D, func(j int) float64 { mu2, _ := s.shares(j); return math.Sqrt(mu2) }),
				perDim("gamma_sigma", "root mean square of sigma over a batch", D, func(j int) float64 { _, sigma2 := s.shares(j); return math.Sqrt(sigma2) }),
			}
		},
	}
}

// RateBound is Floor as theta falls to -∞.
func (BNScaler) RateBound() string { return "KL >= -(D/2) ln(1-tau)" }

// leastKL is the floor as theta falls to -∞.
func (v BNScaler) leastKL(D int) bound {
	return bound{nats: -0.5 * float64(D) * math.Log1p(-v.Tau), dims: true}
}
