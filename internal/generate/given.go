package generate

import (
	"math/rand/v2"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Given is c of the conditions of a split's examples, in its order, (N, C); it has no columns if the model has no
// conditions. Nothing else of the examples is read.
func Given(m *vae.Model, split data.Split) tensor.Matrix {
	if m.Given == nil {
		return tensor.New(split.N(), 0)
	}
	c, p := tensor.New(split.N(), m.Given.C), pass()
	for _, x := range batches(split) {
		of := m.Given.Of(p, x)
		for k, i := range x.Rows {
			copy(c.Row(i), of.Row(k))
		}
		p.Tape.Reset()
	}
	return c
}

// PriorGiven is Prior for p(z|c), with the condition of each example of a split, in its order, (N, D). Nothing else of the
// examples is read.
func PriorGiven(m *vae.Model, split data.Split, first int, seed uint64) tensor.Matrix {
	densities, p := make([]vae.Density, split.N()), pass()
	for _, x := range batches(split) {
		density := m.Prior().Density(p, x)
		for k, i := range x.Rows {
			densities[i] = density(k)
		}
		p.Tape.Reset()
	}
	return rows(len(densities), m.D, func(i int) (vae.Density, *rand.Rand) { return densities[i], stream.New(seed, "prior", first+i) })
}

// Beside is z with c beside it, row by row: what a Conditional reads.
func Beside(z, c tensor.Matrix) tensor.Matrix {
	if c.Cols == 0 {
		return z
	}
	both := tensor.New(z.Rows, z.Cols+c.Cols)
	for i := range both.Rows {
		copy(both.Row(i)[copy(both.Row(i), z.Row(i)):], c.Row(i))
	}
	return both
}

// Conditional is the decoder of a model for z with c beside it, so that each row of z has its own condition. That of a model
// without conditions is the decoder itself.
func Conditional(m *vae.Model) (d vae.Predictor, ok bool) {
	if d, ok = m.Decoder.(vae.Predictor); ok && m.Given != nil {
		d = conditional{d, m.D}
	}
	return d, ok
}

type conditional struct {
	vae.Predictor
	D int
}

// Predict is the decoder's for z and a batch that is told c.
func (d conditional) Predict(p *nn.Pass, both *grad.Value, x *vae.Batch) *grad.Value {
	x.Tell(both.Columns(d.D, both.Cols).Matrix)
	return d.Predictor.Predict(p, both.Columns(0, d.D), x)
}

// Autoregressive is whether the decoder is.
func (d conditional) Autoregressive() bool { return Autoregressive(d.Predictor) }
