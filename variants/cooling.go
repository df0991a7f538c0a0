package variants

import (
	"math"

	"vaelab/internal/nn"
)

// A cooling is what changes with the epoch. It weighs only to be told of the step: the weight is always 1.
type cooling struct {
	CEAE
	epoch  *nn.Param // t; 0 before the first step
	global bool      // this step has running statistics
}

// zero stands for a sigma of 0, whose KL would be infinite.
const zero = 1e-5

func (c *cooling) t() float64 { return max(1, float64(c.epoch.Data[0])) }

func (c *cooling) sigma() float64 {
	least := max(c.CMin, zero)
	if c.t() > float64(c.TMax) {
		return least
	}
	return max(c.C0/c.t(), least)
}

func (c *cooling) lambda() float64 { return (1 - 1/c.t()) * c.Lambda }

func (c *cooling) Weight(step, stepsPerEpoch int) float64 {
	c.epoch.Data[0] = Float(1 + step/stepsPerEpoch)
	c.global = c.Global > 0 && (step+1)%c.Global == 0
	return 1
}

func (c *cooling) Saw(float64, float64) {}

// Final is one step after the begin of the first epoch with the last sigma, because an evaluation has the sigma of the step
// before.
func (c *cooling) Final(stepsPerEpoch int) int {
	before := min(float64(c.TMax), math.Ceil(c.C0/max(c.CMin, zero))-1) // epochs
	return int(before)*stepsPerEpoch + 1
}

func (c *cooling) Goal() float64 { return 1 }
