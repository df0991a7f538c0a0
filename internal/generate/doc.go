// Package generate decodes latent vectors z to examples with a trained model, and encodes examples to latent
// vectors.
//
//	z  := generate.Prior(prior, 0, n, d, seed)             // or PriorGiven, Posteriors, Line, Arc
//	s  := generate.Greedy(decoder, z, words)              // or Sample, Beam: sentences
//	x  := generate.PixelSamples(decoder, z, P, 1, noise)  // or PixelModes, PixelMeans: images
//	mu := generate.Means(decoder, z, P)                   // vectors
//
// Each row of z has its own random stream, so row i depends neither on the number of rows nor on
// the others. If a caller gives all rows the same stream, they differ only because of z.
//
// A model with conditions writes from z with c beside it, see Conditional. The only interface to a decoder is
// [vae.Predictor]. It decodes a sentence anew for each word,
// T²/2 steps instead of T. This is simple, and fast enough for a few sentences.
package generate

import (
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Float is the engine's number.
type Float = tensor.Float

// A Noise is the stream of random numbers that row i of z draws from.
type Noise func(i int) *rand.Rand

// numbers bounds what a decoder predicts at once, in logits: 32 MB.
const numbers = 1 << 23

// pass is evaluation: nothing is learnt, dropped or drawn.
func pass() *nn.Pass { return &nn.Pass{Tape: &grad.Tape{NoGrad: true}} }

// constant puts some rows of z on the tape, (len(rows), D).
func constant(p *nn.Pass, z tensor.Matrix, rows []int) *grad.Value {
	v := p.Tape.Zeros(len(rows), z.Cols)
	for k, i := range rows {
		copy(v.Row(k), z.Row(i))
	}
	return v
}

// predict is the decoder's logits or means of P numbers for some rows of z, shape
// (len(rows), P), given what has been made of them so far. It is valid until the tape's Reset.
func predict(p *nn.Pass, d vae.Predictor, z tensor.Matrix, rows []int, x [][]float32) *grad.Value {
	return d.Predict(p, constant(p, z, rows), vae.NewGrid(x, nil, false))
}
