package train

import (
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// Build makes a model with its variant for examples of a space; its initial weights
// depend on the seed and the parameters' names only.
func Build(m models.Model, methods []vae.Method, space vae.Space, seed uint64) (*vae.Model, error) {
	if err := m.Fits(space); err != nil {
		return nil, err
	}
	ps := &nn.Params{Seed: seed}
	enc, dec := m.Build(ps, space)
	variant, err := variants.Build(vae.Builder{Params: ps, D: m.Latent()}, methods...)
	if err != nil {
		return nil, err
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, Variant: variant, D: m.Latent()}, nil
}
