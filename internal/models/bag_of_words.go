package models

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// bagOfWords is a decoder with an auxiliary loss beside it: every word of the sentence is
// also predicted from z alone, whatever the order and without the words before it,
//
//	-sum_t ln softmax(W tanh(H z))_{x_t},    words and </s>, no biases
//
// times a weight, which is 1 in the paper.
//
// Source: Zhao et al. 2017, "Learning discourse-level diversity for neural dialog models
// using conditional variational autoencoders", section 3.3 (arXiv 1703.10960).
type bagOfWords struct {
	*lstmDecoder
	hidden, words nn.Linear
	weight        nn.Float
}

// newBagOfWords makes decoder.bag_hidden (H, D) and decoder.bag_linear (V, H).
func newBagOfWords(ps *nn.Params, dec *lstmDecoder, D, H, V int, weight float64, layer func(fanIn int) nn.Init) *bagOfWords {
	return &bagOfWords{
		lstmDecoder: dec,
		hidden:      nn.NewLinear(ps, "decoder.bag_hidden", D, H, layer(D)),
		words:       nn.NewLinear(ps, "decoder.bag_linear", H, V, layer(H)),
		weight:      nn.Float(weight),
	}
}

// Auxiliary is the weighted mean over the batch, (1, 1) nats per example.
func (b *bagOfWords) Auxiliary(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	h := b.hidden.Apply(p, z).Tanh()                        // (B, H)
	nll := b.words.Apply(p, h).BagOfWords(x.Predict, x.Out) // (B, 1)
	return nll.Mean().Scale(b.weight)
}
