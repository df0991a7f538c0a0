package vae

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// An Output is the output map of a decoder. It makes predictions, (n, O), of rows r, (n, I): rows times the transpose of
// weights, (n, K) and (O, K). Predictions are logits, of vectors means. r is z; where a decoder makes several predictions of
// one z, r is what tells them apart beside z.
type Output func(p *nn.Pass, r *grad.Value) (rows, weights *grad.Value)

// Apply is the predictions, (n, O).
func (o Output) Apply(p *nn.Pass, r *grad.Value) *grad.Value {
	rows, weights := o(p, r)
	return rows.MatMulT(weights)
}

// A Mapped decoder has an output map that a variant may bring.
type Mapped interface {
	Decoder
	// Sizes are I and O.
	Sizes() (in, out int)
	// Map is the decoder with that output map.
	Map(o Output) Decoder
}
