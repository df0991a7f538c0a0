package vae

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// Vectors is a decoder of vectors that explains each number of x by its mean and one variance for all:
//
//	ln p(x|z) = ln N(x; Mean(z), s² I)
//
// A variant sets s² by Noise, and the mean by its output map, whatever the model is.
type Vectors struct {
	In, Out  int                                         // D and P
	Mean     func(p *nn.Pass, z *grad.Value) *grad.Value // (B, P)
	Variance float64                                     // s² without a Noise
	Noise    Noise
}

// Sizes are those of an output map.
func (d Vectors) Sizes() (in, out int) { return d.In, d.Out }

// Map is the decoder with another output map.
func (d Vectors) Map(o Output) Decoder {
	d.Mean = o.Apply
	return d
}

// Noise is ln s² of a decoder of vectors, (1, 1). Squares, (B, P), are (x - Mean(z))² of a batch, or nil where none is
// decoded.
type Noise func(p *nn.Pass, squares *grad.Value) *grad.Value

// LogProb is ln N(x; Mean(z), s² I), constant included, (B, 1).
func (d Vectors) LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	squares := p.Tape.Const(x.Values).Sub(d.Mean(p, z)).Square() // (B, P)
	P := float64(squares.Cols)
	if d.Noise == nil {
		constant := -0.5 * P * math.Log(2*math.Pi*d.Variance)
		return squares.RowSums().Scale(Float(-0.5 / d.Variance)).Shift(Float(constant))
	}
	logvar := d.Noise(p, squares)
	perNumber := logvar.Shift(Float(math.Log(2 * math.Pi)))
	return squares.RowSums().MulRow(logvar.Neg().Exp()).AddRow(perNumber.Scale(Float(P))).Scale(-0.5)
}

// Predict is the mean, (B, P).
func (d Vectors) Predict(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value { return d.Mean(p, z) }
