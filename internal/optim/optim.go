// Package optim turns gradients into steps: SGD, Adam, clipping, weight decay, and the schedules of
// the learning rate and of the KL weight.
package optim

import (
	"math"

	"vaelab/internal/nn"
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

// SGD is stochastic gradient descent, with momentum mu if it is not 0:
//
//	v = mu v + g,   w -= lr v
//
// v is 0 before the first step. The learning rate is not part of v, as in torch.optim.SGD
// with dampening 0 and nesterov False; Sutskever et al. 2013 have v = mu v - lr g, which differs
// once the rate changes. With mu 0 there is no v, and a step changes only the rows of a table that
// have a gradient. With mu it changes all rows, because their v decays.
//
// Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; the
// formula is that of PyTorch's documentation of torch.optim.SGD.
type SGD struct {
	params   []*nn.Param
	momentum float64
	v        []*nn.Param // empty with momentum 0
	ps       nn.Params
}

// NewSGD returns an SGD whose memory is zero.
func NewSGD(params []*nn.Param, momentum float64) *SGD {
	o := &SGD{params: params, momentum: momentum}
	if momentum == 0 {
		return o
	}
	for _, p := range params {
		o.v = append(o.v, o.ps.Buffer("sgd.v."+p.Name, nn.Constant(0), p.Rows, p.Cols))
	}
	return o
}

// Step makes one update.
func (o *SGD) Step(lr, scale float64) {
	if o.momentum == 0 {
		for _, p := range o.params {
			p.EachGrad(func(w, g []Float) { tensor.Axpy(Float(-lr*scale), g, w) })
		}
		return
	}
	for k, p := range o.params {
		v := o.v[k].Data
		tensor.Scale(Float(o.momentum), v)
		tensor.Axpy(Float(scale), p.Grad, v)
		tensor.Axpy(Float(-lr), v, p.Data)
	}
}

// State is v; without momentum SGD has no memory.
func (o *SGD) State() []*nn.Param { return o.ps.All() }

// Reset forgets v.
func (o *SGD) Reset() { forget(&o.ps) }

// Adam keeps running means m of the gradient and v of its square:
//
//	m = β1 m + (1-β1) g,   v = β2 v + (1-β2) g²
//	w -= lr · m/(1-β1^t) / (√(v/(1-β2^t)) + ε)
//
// with β1 = 0.9, β2 = 0.999, ε = 1e-8.
//
// Source: Kingma & Ba 2015, "Adam", algorithm 1 (arXiv 1412.6980).
type Adam struct {
	params []*nn.Param
	m, v   []*nn.Param
	t      *nn.Param
	ps     nn.Params
}

// NewAdam returns an Adam whose memory is zero.
func NewAdam(params []*nn.Param) *Adam {
	a := &Adam{params: params}
	a.t = a.ps.Counter("adam.t")
	for _, p := range params {
		a.m = append(a.m, a.ps.Buffer("adam.m."+p.Name, nn.Constant(0), p.Rows, p.Cols))
		a.v = append(a.v, a.ps.Buffer("adam.v."+p.Name, nn.Constant(0), p.Rows, p.Cols))
	}
	return a
}

// State is the step count and both running means.
func (a *Adam) State() []*nn.Param { return a.ps.All() }

// Reset forgets both means and the step count.
func (a *Adam) Reset() { forget(&a.ps) }

// forget sets an optimiser's memory to zero.
func forget(ps *nn.Params) {
	for _, p := range ps.All() {
		clear(p.Data)
	}
}

// Step makes one update.
func (a *Adam) Step(lr, scale float64) {
	const beta1, beta2, eps = 0.9, 0.999, 1e-8
	a.t.Data[0]++
	t := float64(a.t.Data[0])
	rate := Float(lr / (1 - math.Pow(beta1, t)))
	root := Float(1 / math.Sqrt(1-math.Pow(beta2, t)))
	for k, p := range a.params {
		tensor.Adam(p.Data, p.Grad, a.m[k].Data, a.v[k].Data, beta1, Float((1-beta1)*scale), beta2, Float((1-beta2)*scale*scale), rate, root, eps)
	}
}
