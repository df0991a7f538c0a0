package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// RMSScaler is bn-scaler with a sigma that keeps its sign: sigma is a positive function of
// x divided by its root mean square over the batch,
//
//	sigma = gamma_sigma softplus(s) / sqrt(mean_B softplus(s)²)
//
// The moments are those of bn-scaler, but sigma may be constant and is never near zero. It is
// the control for the sign of sigma: with a Gaussian BN(s) the KL is higher by 0.635 nats per
// dimension than with a constant sigma.
//
// Source: new here (docs/design.md), after Su 2020, kexue.fm/archives/7381.
type RMSScaler struct {
	// Tau is the least share of the second moment that goes to mu.
	Tau float64 `yaml:"tau" range:"(0,1)" knob:"rises"`
	// Eps keeps both divisions finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() { Methods.Add("rms-scaler", RMSScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01}) }

// Build makes encoder.mu_bn, encoder.sigma_rms and encoder.scaler.theta, theta 0.
func (v RMSScaler) Build(b vae.Builder) vae.Variant {
	mu := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	sigma := nn.NewBatchRMS(b.Params, "encoder.sigma_rms", b.D, v.Eps, v.Momentum)
	scaler := newScaler(b, v.Tau)
	return scaler.variant(func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
		return vae.FromSigma(
			mu.Apply(p, m).MulRow(scaler.gammaMu(p)),
			sigma.Apply(p, s.Softplus()).MulRow(scaler.gammaSigma(p)))
	})
}

// RateBound is Floor as theta falls to -∞.
func (RMSScaler) RateBound() string { return "KL >= -(D/2) ln(1-tau)" }

// leastKL is the floor as theta falls to -∞, as that of bn-scaler.
func (v RMSScaler) leastKL(D int) bound {
	return bound{nats: -0.5 * float64(D) * math.Log1p(-v.Tau), dims: true}
}
