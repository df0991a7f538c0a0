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
	// Decoder makes a decoder; the names of its parameters begin with "decoder.".
	Decoder(ps *nn.Params, s vae.Space) vae.Decoder
}

// Build makes both halves of a model.
func Build(m Model, ps *nn.Params, s vae.Space, raw vae.Raw) (vae.Encoder, vae.Decoder) {
	return m.Encoder(ps, s, raw), m.Decoder(ps, s)
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
type WordReader interface{ ReadsWords() }

// A Counter is a Model that can say how much work it is.
type Counter interface {
	// FlopsPerToken is the number of floating-point operations that the matrix products of
	// a training step (forward and backward, three times forward) take for each symbol or
	// pixel predicted.
	FlopsPerToken(s vae.Space) float64
}
