package nn

import "vaelab/internal/grad"

// Affine is y = x·Wᵀ + b: x (B, I), W (O, I), b (O).
type Affine struct {
	Linear
	Bias *Param
}

// NewAffine makes `name`.weight and `name`.bias, both from init.
func NewAffine(ps *Params, name string, in, out int, init Init) Affine {
	return Affine{NewLinear(ps, name, in, out, init), ps.New(name+".bias", init, out)}
}

// Apply returns x·Wᵀ + b, shape (B, O).
func (a Affine) Apply(p *Pass, x *grad.Value) *grad.Value {
	return x.Affine(p.Use(a.Weight), p.Use(a.Bias))
}
