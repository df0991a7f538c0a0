package variants

import (
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Skip leads z past the decoder into the logits of every word:
//
//	ln p(x_{t+1} | x_1 ... x_t, z) = ln softmax(W h_t + S z)_{x_{t+1}}
//
// h_t is the decoder's state, S is (V, D) and learnt. z moves the frequencies of words directly, so its gradient does not
// have to pass the decoder. The rate has no lower bound. With any posterior, penalty and schedule. For the decoder of lstm
// or transformer, in which z stays what it was elsewhere. In the paper z is an input of each layer as well: it is in
// transformer, and in lstm of one layer; for more layers there is the setting skip of that model.
//
// Source: Dieng et al. 2019, "Avoiding latent variable collapse with generative skip models" (arXiv 1807.04863).
type Skip struct {
	// Init chooses the first S: pytorch draws it from U(-1/√D, 1/√D), he19 from U(-0.01, 0.01).
	Init string `yaml:"init" choice:"pytorch|he19"`
}

func init() { Methods.Add("skip", Skip{Init: "pytorch"}) }

// RateBound says that the rate has none.
func (Skip) RateBound() string { return "none" }

// Build makes decoder.skip_linear, (V, D).
func (v Skip) Build(b vae.Builder) vae.Variant {
	S := nn.NewLinear(b.Params, "decoder.skip_linear", b.D, b.Space.V, layer(v.Init)(b.D))
	return vae.Variant{Kind: vae.Text, Words: true, Logits: vae.Skip(S)}
}

// layer is how the weights of a layer begin: as PyTorch's, or as all of the reference code's do.
func layer(init string) func(fanIn int) nn.Init {
	if init == "he19" {
		return func(int) nn.Init { return nn.Uniform(0.01) }
	}
	return nn.FanIn
}
