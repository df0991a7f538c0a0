package optim

import (
	"math"

	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

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

func init() { Optimizers.Add("adam", Adam{}) }

// Make is NewAdam; Adam has a momentum of its own, 0.9.
func (Adam) Make(params []*nn.Param, _ float64) Optimizer { return NewAdam(params) }

// Reads is nothing.
func (Adam) Reads() []string { return nil }

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

// Step makes one update.
func (a *Adam) Step(lr, scale float64) {
	const beta1, beta2, eps = 0.9, 0.999, 1e-8
	a.t.Data[0]++
	t := float64(a.t.Data[0])
	rate := Float(lr / (1 - math.Pow(beta1, t)))
	root := Float(1 / math.Sqrt(1-math.Pow(beta2, t)))
	for k, p := range a.params {
		tensor.Adam(p.Data, p.Grad(), a.m[k].Data, a.v[k].Data, beta1, Float((1-beta1)*scale), beta2, Float((1-beta2)*scale*scale), rate, root, eps)
	}
}
