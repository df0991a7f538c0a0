package train

import (
	"fmt"

	"vaelab/internal/memory"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// Build makes a model with its variant for examples of a space; its initial weights
// depend on the seed and the parameters' names only. A model for which the machine's memory is too small is
// an error, because what takes more is ended without a word.
func Build(m models.Model, methods []vae.Method, space vae.Space, seed uint64) (*vae.Model, error) {
	return build(m, methods, space, seed, memory.Total())
}

func build(m models.Model, methods []vae.Method, space vae.Space, seed, total uint64) (_ *vae.Model, err error) {
	if err := m.Fits(space); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			t, ok := r.(nn.TooMany)
			if !ok {
				panic(r)
			}
			const gigabyte = 1e9
			err = fmt.Errorf("the model has at least %.3g weights, up to %s; with gradients and Adam it takes at least %.3g GB, and this machine has %.3g GB; lower the sizes of the model",
				float64(t.Size), t.Name, float64(t.Size)*nn.WeightBytes/gigabyte, float64(total)/gigabyte)
		}
	}()
	ps := &nn.Params{Seed: seed, Most: int(total / nn.WeightBytes)}
	v, err := Check(m, space.Kind, methods)
	if err != nil {
		return nil, err
	}
	enc, dec := m.Build(ps, space, v.Raw)
	variant, err := variants.Build(vae.Builder{Params: ps, D: m.Latent(), Space: space}, with(m, methods)...)
	if err != nil {
		return nil, err
	}
	if dec, err = variant.Decode(dec); err != nil {
		return nil, err
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, Variant: variant, D: m.Latent()}, nil
}
