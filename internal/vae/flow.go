package vae

import (
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Coupling is an invertible map of rows, (B, D), of which one part changes given the other:
//
//	y1 = x1,   y2 = x2 e^s(x1) + t(x1),   ln |det dy/dx| = sum_j s_j(x1)
//
// x1 are the first Split columns, or all others if Last. Its inverse is as cheap: x2 = (y2 - t(y1)) e^-s(y1).
//
// Source: Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using Real NVP" (arXiv 1605.08803), equations 4 to 8.
type Coupling struct {
	Split int
	Last  bool
	Net   func(p *nn.Pass, x1 *grad.Value) (s, t *grad.Value) // as wide as x2, each
}

// parts are x1 and x2.
func (c Coupling) parts(x *grad.Value) (x1, x2 *grad.Value) {
	first, last := x.Columns(0, c.Split), x.Columns(c.Split, x.Cols)
	if c.Last {
		return last, first
	}
	return first, last
}

// whole is the inverse of parts.
func (c Coupling) whole(x1, x2 *grad.Value) *grad.Value {
	if c.Last {
		return x2.Beside(x1)
	}
	return x1.Beside(x2)
}

// Apply is y, (B, D), and ln |det dy/dx|, (B, 1).
func (c Coupling) Apply(p *nn.Pass, x *grad.Value) (y, logdet *grad.Value) {
	x1, x2 := c.parts(x)
	s, t := c.Net(p, x1)
	return c.whole(x1, x2.Mul(s.Exp()).Add(t)), s.RowSums()
}

// Inverse is x, (B, D).
func (c Coupling) Inverse(p *nn.Pass, y *grad.Value) *grad.Value {
	y1, y2 := c.parts(y)
	s, t := c.Net(p, y1)
	return c.whole(y1, y2.Sub(t).Mul(s.Neg().Exp()))
}

// A Flow is a prior: z is such that f(z) ~ N(0, I), with f the couplings one after the other. So
//
//	ln p(z) = ln N(f(z); 0, I) + ln |det df/dz|
type Flow struct{ Couplings []Coupling }

// KL is that of a sample, because there is no closed form.
func (f *Flow) KL(p *nn.Pass, q Posterior, z *grad.Value, x *Batch) *grad.Value {
	return SampledKL(p, q, z, f, x)
}

// LogProb is ln p(z_i), (B, 1).
func (f *Flow) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	sum := p.Tape.Zeros(z.Rows, 1)
	for _, c := range f.Couplings {
		var logdet *grad.Value
		z, logdet = c.Apply(p, z)
		sum = sum.Add(logdet)
	}
	return Normal{}.LogProb(p, z, nil).Add(sum)
}

// Density is p(z), whatever the example.
func (f *Flow) Density(*nn.Pass, *Batch) func(int) Density {
	d := &flowDensity{Flow: f, pass: nn.Pass{Tape: &grad.Tape{NoGrad: true}, Frozen: true}}
	return func(int) Density { return d }
}

// String is "a flow".
func (*Flow) String() string { return "a flow" }

// A flowDensity runs a flow on a tape of its own, with one row.
type flowDensity struct {
	*Flow
	pass nn.Pass
}

func (d *flowDensity) row(z []float64) *grad.Value {
	d.pass.Tape.Reset()
	v := d.pass.Tape.Zeros(1, len(z))
	for j, x := range z {
		v.Data[j] = Float(x)
	}
	return v
}

func (d *flowDensity) LogProb(z []float64) float64 {
	return d.Flow.LogProb(&d.pass, d.row(z), nil).Scalar()
}

func (d *flowDensity) Draw(noise *rand.Rand, z []float64) {
	normal{}.Draw(noise, z)
	v := d.row(z)
	for k := len(d.Couplings) - 1; k >= 0; k-- {
		v = d.Couplings[k].Inverse(&d.pass, v)
	}
	for j, x := range v.Data {
		z[j] = float64(x)
	}
}
