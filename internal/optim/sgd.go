package optim

import (
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

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

func init() { Optimizers.Add("sgd", SGD{}) }

// Make is NewSGD.
func (SGD) Make(params []*nn.Param, momentum float64) Optimizer { return NewSGD(params, momentum) }

// Reads is the momentum.
func (SGD) Reads() []string { return []string{"momentum"} }

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
		tensor.Axpy(Float(scale), p.Grad(), v)
		tensor.Axpy(Float(-lr), v, p.Data)
	}
}

// State is v; without momentum SGD has no memory.
func (o *SGD) State() []*nn.Param { return o.ps.All() }

// Reset forgets v.
func (o *SGD) Reset() { forget(&o.ps) }
