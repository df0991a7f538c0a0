// Package models has the encoders and decoders, one pair per file.
//
// A model is a struct of settings; Build makes encoder, decoder and their parameters. A model
// does not depend on the variant between them.
package models

import (
	"embed"

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
	// Build makes both halves for examples that the model fits.
	Build(ps *nn.Params, s vae.Space) (vae.Encoder, vae.Decoder)
}

// A Counter is a Model that can say how much work it is.
type Counter interface {
	// FlopsPerToken is the number of floating-point operations that the matrix products of
	// a training step (forward and backward, three times forward) take for each symbol or
	// pixel predicted.
	FlopsPerToken(s vae.Space) float64
}
