// Package models has the encoders and decoders, one pair per file.
//
// A model is a struct of settings; Build makes encoder, decoder and their parameters. A model
// does not depend on the variant between them.
package models

import (
	"embed"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

//go:embed *.go
var source embed.FS

// Models are all models by name.
var Models = registry.New[Model]("model", source)

// A Model is the settings of an encoder and a decoder.
type Model interface {
	// Latent is d, the number of latent dimensions.
	Latent() int
	// Fits returns an error that says why the model cannot read such examples. What is not
	// known of the space yet is 0.
	Fits(s vae.Space) error
	// Encoder makes an encoder for examples that the model fits; the names of its parameters begin with "encoder.". raw is
	// what it gives.
	Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder
	// Decoder makes a decoder; the names of its parameters begin with "decoder.". If the space has conditions, it reads D and C
	// numbers, see NewGiven.
	Decoder(ps *nn.Params, s vae.Space) vae.Decoder
}

// A Bare model can make a decoder without its output map, because a variant brings one. The names of its parameters are those
// of the whole decoder.
type Bare interface {
	Bare(ps *nn.Params, s vae.Space) vae.Mapped
}

// A direct decoder predicts from z alone, by a map of its own or by that of a variant.
type direct struct {
	in, out int                                         // D and the number of predictions
	predict func(p *nn.Pass, z *grad.Value) *grad.Value // (B, out)
}

// Sizes are those of an output map.
func (d direct) Sizes() (in, out int) { return d.in, d.out }

// Build makes both halves of a model: what a variant reads, and of a decoder what it leaves to the model; with their
// conditions.
func Build(m Model, ps *nn.Params, s vae.Space, v vae.Variant) (vae.Encoder, vae.Decoder) {
	given := NewGiven(m, ps, s)
	return NewEncoder(m, ps, s, v, given), given.Decoder(NewDecoder(m, ps, s, v))
}

// outputs is the number of outputs of an encoder's last layer.
func outputs(raw vae.Raw, D int) int {
	if raw == vae.MOnly {
		return D
	}
	return 2 * D
}

// split makes m and s, (B, D) each, of that layer's outputs; s is nil if there is m only.
func split(out *grad.Value, D int) (m, s *grad.Value) {
	if out.Cols == D {
		return out, nil
	}
	return out.Columns(0, D), out.Columns(D, 2*D)
}

// A WordReader is a Model of text whose decoder reads the words before each prediction: it is a vae.Words, which variants
// may change.
type WordReader interface {
	// DecoderDropout is the largest share that training drops anywhere in the decoder.
	DecoderDropout() float64
}

// A StepsReader is a Model of text whose encoder is a vae.StepsEncoder. ReadsSteps is an error if its settings stand in the way.
type StepsReader interface{ ReadsSteps() error }

// A Counter is a Model that can say how much work it is.
type Counter interface {
	// FlopsPerToken is the number of floating-point operations that the matrix products of
	// a training step (forward and backward, three times forward) take for each symbol or
	// pixel predicted. What reads conditions is left out.
	FlopsPerToken(s vae.Space) float64
}
