// Package optim turns gradients into steps: SGD, Adam, clipping, weight decay, and the schedules of
// the learning rate and of the KL weight.
package optim

import (
	"math"

	"vaelab/internal/nn"
	"vaelab/internal/registry"
	"vaelab/internal/tensor"
)

// Float is the engine's number.
type Float = tensor.Float

// Norm is the L2 norm of all gradients together.
func Norm(params []*nn.Param) float64 {
	sum := 0.0
	for _, p := range params {
		p.EachGrad(func(_, g []Float) { sum += tensor.SumSquares(g) })
	}
	return math.Sqrt(sum)
}

// Clip is what gradients of a norm are to be multiplied by so that it is max at most:
// max/(norm + 1e-6) if the norm exceeds max, as torch.nn.utils.clip_grad_norm_ does, else 1;
// max 0 never clips.
func Clip(norm, max float64) float64 {
	if max == 0 || norm+1e-6 <= max {
		return 1
	}
	return max / (norm + 1e-6)
}

// A Maker makes an optimiser of some parameters. The zero value of each kind of optimiser is one.
type Maker interface {
	Make(params []*nn.Param, momentum float64) Optimizer
	// Reads are the settings of train that it reads beside the learning rate.
	Reads() []string
}

// Optimizers are all optimisers by name.
var Optimizers = registry.New[Maker]("optimizer", source)

// An Optimizer makes one step along the gradients of its parameters.
type Optimizer interface {
	// Step makes a step with the gradients times scale, see Clip.
	Step(lr, scale float64)
	// State is every number the next step depends on, by name, shared with the optimiser:
	// what a checkpoint must keep.
	State() []*nn.Param
	// Reset forgets the past, as after the learning rate decays and the best weights are reloaded.
	Reset()
}

// forget sets an optimiser's memory to zero.
func forget(ps *nn.Params) {
	for _, p := range ps.All() {
		clear(p.Data)
	}
}
