package nn

import (
	"math"

	"vaelab/internal/grad"
)

// Conv is a convolution over images stored pixel by pixel, see grad.Value.Conv. A window of
// grad.Before or grad.UpTo makes it a masked one.
type Conv struct {
	Window *grad.Window
	Weight *Param // (C', taps·C)
	Bias   *Param // (C'), or nil
}

// NewConv makes `name`.weight (out, taps·in) and `name`.bias (out), which starts from 0.
func NewConv(ps *Params, name string, win *grad.Window, in, out int, init Init) Conv {
	return Conv{win, ps.New(name+".weight", init, out, len(win.Taps)*in), ps.New(name+".bias", Constant(0), out)}
}

// Apply returns the images of C' channels, (B·H'·W', C'), for x (B·H·W, C); those of onto are
// added unless it is nil.
func (c Conv) Apply(p *Pass, x, onto *grad.Value) *grad.Value {
	var bias *grad.Value
	if c.Bias != nil {
		bias = p.Use(c.Bias)
	}
	return x.Conv(c.Window, p.Use(c.Weight), bias, onto)
}

// He is N(0, 2/n), for the weights of sums of n numbers that come out of a rectifier.
//
// Source: He et al. 2015, "Delving deep into rectifiers", section 2.2 (arXiv 1502.01852).
func He(n int) Init { return Normal(math.Sqrt(2 / float64(n))) }
