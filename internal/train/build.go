package train

import (
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// Build makes a model with its variant for a vocabulary of V symbols; its initial weights
// depend on the seed and the parameters' names only.
func Build(m models.Model, methods []vae.Method, V int, seed uint64) (*vae.Model, error) {
	ps := &nn.Params{Seed: seed}
	enc, dec := m.Build(ps, V)
	variant, err := variants.Build(vae.Builder{Params: ps, D: m.Latent()}, methods...)
	if err != nil {
		return nil, err
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, Variant: variant, D: m.Latent()}, nil
}
