package variants

import (
	"fmt"
	"math"

	"vaelab/internal/vae"
)

// ControlVAE sets the KL weight at each step by a PI controller, so that the KL goes to a target C:
//
//	e = C - KL of the step before
//	P = kp sigmoid(-e)
//	I = clip(I - ki e, 0, 1),   from I = 0
//	w = clip(P + I, 0, 1),      0 at the first step
//
// In mode above-1, for disentangling, I has no upper limit and w = 1 + P + I, 1 at the first step. The KL settles at C
// only if some allowed weight gives that KL; it has no lower bound. Any posterior goes with it. Section kl does not,
// because the weight is set here. Choose ki near 4/(C * steps of the trial). Evaluations count from step 1/(ki C), in
// which I can rise from 0 to 1.
//
// Public code: that for text and images stops I only where the weight is both below 0 and at least 1, which is never: I winds
// up. That for dialogue stops I while P + I > 1. P is at most kp, so one overshoot keeps the weight at 1 for ever. Here I
// itself is limited.
//
// Source: Shao et al. 2020, "ControlVAE: controllable variational autoencoder" (arXiv 2004.05988), with kp 0.01 and
// ki 0.0001 for text and images, 0.001 for disentangling.
type ControlVAE struct {
	// C is the target of the KL in nats, summed over the dimensions.
	C float64 `yaml:"c" range:"(0,inf)" knob:"rises"`
	// Kp is the largest part of the weight that follows the last KL alone.
	Kp float64 `yaml:"kp" range:"[0,inf)"`
	// Ki is how far the weight moves in a step for each nat of error.
	Ki float64 `yaml:"ki" range:"(0,inf)"`
	// Mode keeps the weight from 0 to 1 (to-1) or at 1 or more (above-1).
	Mode string `yaml:"mode" choice:"to-1|above-1"`
}

func init() { Methods.Add("control-vae", ControlVAE{C: 4, Kp: 0.01, Ki: 0.001, Mode: "to-1"}) }

// Build makes encoder.control.i and encoder.control.w, the controller's memory.
func (v ControlVAE) Build(b vae.Builder) vae.Variant {
	first := 0.0
	if v.Mode == "above-1" {
		first = 1
	}
	return vae.Variant{Weigher: controller{v,
		newExact(b, "encoder.control.i", 0),
		newExact(b, "encoder.control.w", first),
	}}
}

// RateBound is none: the KL may settle at C.
func (ControlVAE) RateBound() string { return "none; settles at c" }

func (v ControlVAE) targetKL() float64 { return v.C }

func (v ControlVAE) hurry(steps int) string {
	return fmt.Sprintf("raise ki from %.3g to 4/(c steps) = %.3g, for %d steps", v.Ki, 4/(v.C*float64(steps)), steps)
}

// A controller remembers I and the next weight.
type controller struct {
	ControlVAE
	i, w exact
}

// Target is that of the KL.
func (c controller) Target() (string, float64) { return "kl", c.C }

func (c controller) Weight(int, int) float64 { return c.w.get() }

func (c controller) Saw(kl, _ float64) {
	e := c.C - kl
	p, i := c.Kp/(1+math.Exp(e)), max(0, c.i.get()-c.Ki*e)
	w := 1 + p + i
	if c.Mode == "to-1" {
		i = min(1, i)
		w = min(1, p+i)
	}
	c.i.set(i)
	c.w.set(w)
}

func (c controller) Final(int) int { return int(min(math.Ceil(1/(c.Ki*c.C)), math.MaxInt32)) }

// Goal is 1: at the target the objective, the NELBO, compares reconstructions.
func (c controller) Goal() float64 { return 1 }
