package vae

import (
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Posterior is q(z|x) of a batch of B examples. Training needs what is on the tape: a sample and its density.
// Metrics need what is off the tape: the mean, and a Density for each example.
type Posterior interface {
	// Sample draws one z for each example, (B, D), so that a gradient reaches the parameters of q. Without noise
	// in the pass it is the mode, or a point that stands for it, see IAF.
	Sample(p *nn.Pass) *grad.Value
	// LogProb is ln q(z_i|x_i) in nats, (B, 1).
	LogProb(p *nn.Pass, z *grad.Value) *grad.Value
	// Mean is E[z], (B, D), or a point that stands for it where E[z] has no closed form, see IAF.
	Mean() *grad.Value
	// Density is q(z|x_i). It does not refer to the tape.
	Density(i int) Density
	// Parts are the arrays that make the posterior, each with a row for each example.
	Parts() []*grad.Value
	// With is a posterior of the same family made of other arrays, in the order of Parts. So metrics can regroup
	// examples without encoding them again.
	With(parts []*grad.Value) Posterior
}

// A Family is a kind of posterior.
type Family string

// The families. A variant that says nothing of the posterior leaves it Gaussian.
const (
	GaussianFamily Family = "gaussian" // a Gaussian
	SphereFamily   Family = "sphere"   // a distribution on the unit sphere
	CodeFamily     Family = "code"     // one of finitely many codes
	FlowFamily     Family = "flow"     // a Gaussian that an invertible map has changed
)

// ContinuousFamily is what a variant needs that reads Gaussians and spheres alike. DensityFamily is what one needs that asks for
// densities alone, which all but codes have.
const (
	ContinuousFamily Family = "gaussian or sphere"
	DensityFamily    Family = "gaussian, sphere or flow"
)

// meets tells whether a posterior of the family, or a variant that needs it, satisfies a need.
func (f Family) meets(need Family) bool {
	switch both := f == GaussianFamily || f == SphereFamily; need {
	case "", f:
		return true
	case ContinuousFamily:
		return both
	case DensityFamily:
		return both || f == ContinuousFamily || f == FlowFamily
	}
	return false
}

// A Density is a distribution of one z, off the tape. Values are float64, because metrics add up many.
type Density interface {
	// LogProb is the logarithm of the density at z, (D), in nats.
	LogProb(z []float64) float64
	// Draw fills z, (D).
	Draw(noise *rand.Rand, z []float64)
}
