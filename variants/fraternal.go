package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Fraternal decodes each z twice, with two draws of the decoder's dropout, and charges how far the two predictions are apart:
//
//	loss = mean_i [-(ln p_1(x_i|z_i) + ln p_2(x_i|z_i))/2 + kappa sum_t mean_v (l_1tv - l_2tv)²] + ...
//
// l_1 and l_2 are the logits of both passes, t the symbols that are predicted and v those of the vocabulary, in nats. The mean
// of the distance over masks is twice the variance of the logits under dropout. So a prediction costs that depends on elements
// which dropout removes; z itself is not dropped. The rate has no bound. The share that the model's decoder drops must be above
// 0: without dropout both passes are one.
//
// The second pass and the distance are of training only. rec of a training row is of the first pass; loss has both. A step takes
// about twice the time of the decoder, and memory for two more (symbols, vocabulary) matrices. With any posterior, penalty and
// schedule, for lstm and transformer. A bound of several samples is refused.
//
// Source: Zolna et al. 2018, "Fraternal dropout" (arXiv 1711.00066), for language models; Petit & Corro 2021, "Preventing
// posterior collapse in variational autoencoders for text generation via decoder regularization" (arXiv 2110.14945), for VAEs.
type Fraternal struct {
	// Kappa is the weight of the distance.
	Kappa float64 `yaml:"kappa" range:"[0,inf)"`
}

func init() { Methods.Add("fraternal", Fraternal{Kappa: 0.1}) }

// RateBound says that the rate has none.
func (Fraternal) RateBound() string { return "none" }

// Build needs no parameters.
func (v Fraternal) Build(b vae.Builder) vae.Variant {
	read := new(vae.Rows)
	return vae.Variant{
		Kind: vae.Text, Words: true, Dropout: true,
		Rows: read,
		Auxiliary: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			first := *read
			rec := b.Model.Decoder.LogProb(p, t.Z, t.X)
			apart := logitsApart(first, *read).SumSteps(t.X.Predict)
			return t.Rec.Sub(rec).Scale(0.5).Add(apart.Scale(Float(v.Kappa))).Mean() // the loss has all of t.Rec
		}},
	}
}

// logitsApart is the mean over the vocabulary of the squared difference of two passes' logits, (M, 1).
func logitsApart(a, b vae.Rows) *grad.Value {
	return a.H.Sub(b.H).MatMulT(a.W).Square().RowSums().Scale(1 / Float(a.W.Rows))
}
