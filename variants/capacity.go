package variants

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Capacity charges the distance of the KL from a target, which rises from 0 to C:
//
//	penalty = gamma |mean_i KL_i - C(t)|,   C(t) = C min(1, t/steps)
//
// t counts training steps from 0. The KL settles at C if gamma is more than the nats of reconstruction that one nat of KL
// saves there. It has no lower bound. Any posterior goes with it. The KL weight is 1, so section kl does not.
// Evaluations count from the first step at C.
//
// The absolute value is of the batch mean.
//
// Public code: some ports take |KL_i - C| for each example, which has another gradient: it also pulls the examples towards one
// KL.
//
// Source: Burgess et al. 2018, "Understanding disentangling in beta-VAE", equation 8 (arXiv 1804.03599), with gamma 1000,
// C 25 and 100,000 steps. The smaller defaults here are for short trials with clipped gradients.
type Capacity struct {
	// C is the target of the KL in nats, summed over the dimensions.
	C float64 `yaml:"c" range:"(0,inf)" knob:"rises"`
	// Gamma is the charge in nats for each nat of distance from the target.
	Gamma float64 `yaml:"gamma" range:"(0,inf)"`
	// Steps is the number of training steps in which the target rises; 0 is C from the start.
	Steps int `yaml:"steps" range:"[0,inf)"`
}

func init() { Methods.Add("capacity", Capacity{C: 4, Gamma: 10, Steps: 1000}) }

// Build makes the counter encoder.capacity.step.
func (v Capacity) Build(b vae.Builder) vae.Variant {
	r := ramp{v, b.Params.Counter("encoder.capacity.step")}
	return vae.Variant{
		Weigher: r,
		Penalty: func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			off := t.KL.RowSums().Mean().Shift(-Float(r.target()))
			return off.Max(0).Add(off.Neg().Max(0)).Scale(Float(v.Gamma)) // |off|, with gradient 0 at 0
		},
	}
}

// RateBound is none: the KL may settle at C.
func (Capacity) RateBound() string { return "none; settles at c" }

func (v Capacity) targetKL() float64 { return v.C }

func (v Capacity) hurry(steps int) string { return fmt.Sprintf("lower steps below %d", steps) }

// A ramp counts steps. It weighs only to see them: the weight is always 1.
type ramp struct {
	Capacity
	step *nn.Param
}

// target is C(t).
func (r ramp) target() float64 {
	if t := float64(r.step.Data[0]); t < float64(r.Steps) {
		return r.C * t / float64(r.Steps)
	}
	return r.C
}

// Target is that of the KL.
func (r ramp) Target() (string, float64) { return "kl", r.target() }

func (r ramp) Weight(int, int) float64 { return 1 }

func (r ramp) Saw(float64, float64) { r.step.Data[0]++ }

func (r ramp) Final(int) int { return r.Steps }

func (r ramp) Goal() float64 { return 1 }
