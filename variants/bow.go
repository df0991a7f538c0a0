package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// BagOfWords adds a loss to training in which z alone predicts every word, whatever the order:
//
//	auxiliary = -weight mean_i sum_t ln softmax(W tanh(H z_i))_{x_it}
//
// The words are those of the sentence and </s>. H is (hidden, D), W is (V, hidden), both learnt and without biases; the
// loss is in nats per example. It rewards z that tell of the words, so the rate rises with the weight; it has no lower
// bound. The loss is no part of a bound of ln p(x): rec, KL, MI, NELBO and the objective are without it. With any
// posterior, penalty, schedule and decoder.
//
// Public code: that of two follow-ups divides the sum by T, the length of the sentence, which makes it T times weaker.
//
// Source: Zhao et al. 2017, "Learning discourse-level diversity for neural dialog models using conditional variational
// autoencoders", section 3.3 (arXiv 1703.10960), with weight 1 and 400 hidden units.
type BagOfWords struct {
	// Weight multiplies the loss.
	Weight float64 `yaml:"weight" range:"(0,inf)" knob:"rises"`
	// Hidden is the size of the hidden layer.
	Hidden int `yaml:"hidden" range:"[1,100000]"`
	// Init chooses the first H and W: pytorch draws them from U(-1/√n, 1/√n), n the inputs, he19 from U(-0.01, 0.01).
	Init string `yaml:"init" choice:"pytorch|he19"`
}

func init() { Methods.Add("bow", BagOfWords{Weight: 1, Hidden: 400, Init: "pytorch"}) }

// RateBound says that the rate has none.
func (BagOfWords) RateBound() string { return "none" }

// Build makes decoder.bag_hidden, (hidden, D), and decoder.bag_linear, (V, hidden).
func (v BagOfWords) Build(b vae.Builder) vae.Variant {
	hidden := nn.NewLinear(b.Params, "decoder.bag_hidden", b.D, v.Hidden, layer(v.Init)(b.D))
	words := nn.NewLinear(b.Params, "decoder.bag_linear", v.Hidden, b.Space.V, layer(v.Init)(v.Hidden))
	return vae.Variant{
		Kind: vae.Text,
		Auxiliary: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			h := hidden.Apply(p, t.Z).Tanh()                          // (B, hidden)
			nll := words.Apply(p, h).BagOfWords(t.X.Predict, t.X.Out) // (B, 1)
			return nll.Mean().Scale(Float(v.Weight))
		}},
	}
}
