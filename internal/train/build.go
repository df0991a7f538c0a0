package train

import (
	"errors"
	"fmt"
	"slices"

	"vaelab/internal/data"
	"vaelab/internal/memory"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// Build makes the trial's model for examples of a space, see the function Build.
func (t Trial) Build(space vae.Space, examples data.Split) (*vae.Model, error) {
	products, err := nn.ProductsIn(t.Train.Precision)
	if err != nil {
		return nil, fmt.Errorf("train.precision: %w", err)
	}
	return build(t.Model, t.Methods, products, space, examples, uint64(t.Seed), memory.Total())
}

// Build makes a model with its variant for examples of a space; its initial weights
// depend on the seed and the parameters' names only, unless a method asks for examples of training. There may be none of
// these where weights are loaded. A model for which the machine's memory is too small is an error, because what takes more
// is ended without a word.
func Build(m models.Model, methods []vae.Method, space vae.Space, examples data.Split, seed uint64) (*vae.Model, error) {
	return build(m, methods, nn.Full, space, examples, seed, memory.Total())
}

func build(m models.Model, methods []vae.Method, products nn.Products, space vae.Space, examples data.Split, seed, total uint64) (_ *vae.Model, err error) {
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
	ps := &nn.Params{Seed: seed, Most: int(total / nn.WeightBytes), Products: products}
	v, err := Check(m, space, methods)
	if err != nil {
		return nil, err
	}
	model := &vae.Model{Params: ps, D: m.Latent(), Given: models.NewGiven(m, ps, space)}
	model.Encoder = models.NewEncoder(m, ps, space, v, model.Given)
	model.Decoder = models.NewDecoder(m, ps, space, v)
	var few error
	model.Variant, err = variants.Build(vae.Builder{
		Params: ps, D: m.Latent(), Space: space, Model: model, Given: model.Given,
		Encoder: func(name string) vae.Encoder { return models.NewEncoder(m, ps.Under(name), space, v, model.Given) },
		Decoder: func(name string) vae.Decoder {
			return model.Given.Decoder(models.NewDecoder(m, ps.Under(name), space, vae.Variant{}))
		},
		Follower: func(name string) (vae.Encoder, func(float64)) {
			copies := ps.Copies(name)
			return models.NewEncoder(m, copies, space, v, model.Given), copies.Follow
		},
		Data: func(n int) *vae.Batch {
			if N := examples.N(); n > N && N > 0 {
				few = fmt.Errorf("variant %s takes %d examples of the training split, which has %d; lower its setting, or use more data", v.Name, n, N)
			}
			return drawn(examples, n, seed)
		},
	}, with(m, methods)...)
	if err = errors.Join(err, few); err != nil {
		return nil, err
	}
	if model.Decoder, err = model.Variant.Decode(model.Decoder); err != nil {
		return nil, err
	}
	model.Decoder = model.Given.Decoder(model.Decoder)
	return model, nil
}

// drawn are n examples of a split in the order of the split, and the pixels of grey ones; nil if it has fewer.
func drawn(split data.Split, n int, seed uint64) *vae.Batch {
	if n > split.N() || n < 1 {
		return nil
	}
	rows := stream.New(seed, "examples").Perm(split.N())[:n]
	slices.Sort(rows)
	x := split.Pick(rows).Batches(n, vae.Mixed, nil)[0]
	if x.Grey.Data != nil {
		x.Draw(stream.New(seed, "examples pixels"))
	}
	return x
}
