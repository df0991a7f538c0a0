package variants

import (
	"fmt"
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// LIDVAE makes the decoder's predictions by an injective map, which stretches each distance at least l times:
//
//	prediction = T2(E T1(r)),   T(y) = sqrt(l) y + Wᵀ (a ⊙ sigmoid(W y + b)),   a = softplus(scale) > 0
//	|prediction(r) - prediction(r')| >= l |r - r'|
//
// Predictions are (O): the logits of all pixels or of all words, or the mean of a vector. r is (I): z, for lstm and
// transformer [h_t; z] with h_t the decoder's state, for mlp on text the vector of a position and z. E appends O-I zeros. T1
// and T2 have a W of their own, (hidden, I) and (hidden, O). T is the gradient of a convex function (a Brenier map): its
// Jacobian is symmetric, with no eigenvalue below sqrt(l). T is written out, so that no derivative of second order is needed.
//
// With l 0 (LIDVAE) the map is injective, but where the sigmoids saturate predictions can be equal numbers; with l above 0
// (IL-LIDVAE) a larger l makes predictions depend more on z. Where p(x|z) is the same for all z, the prior is the best
// posterior; for independent pixels and for vectors an injective map excludes it. The bound is one of logits. Softmax forgets
// what all logits of a word have in common, and the logits of words that have no probability matter little, so for text the KL
// can vanish all the same. The rate has no bound. O must be at least I: more words than numbers in [h_t; z]. With l 0 hidden
// must be at least I. It combines with every posterior, penalty and schedule, but not with skip, whose term would undo the
// bound, and not with pixelcnn.
//
// Public code: in that of LIDVAE for text z reaches the output map only, and not the LSTM. Its convex networks are not in the
// state that it saves, so that weights loaded again mix two models, and the matrix between them is never initialised or
// trained. A port adds l/2 |y|² to both maps, whose bound is then l².
//
// Source: Wang, Blei & Cunningham 2021, "Posterior collapse and latent variable non-identifiability" (arXiv 2301.00537);
// Kinoshita et al. 2023, "Controlling posterior collapse by an inverse Lipschitz constraint on the decoder network" (arXiv
// 2304.12770), l 0 to 1. Both have two-layer convex networks, differentiated by the engine; here one layer, as a formula.
type LIDVAE struct {
	// L is the least slope of the predictions in z; 0 for none.
	L float64 `yaml:"l" range:"[0,1000]" knob:"rises"`
	// Hidden is the number of sigmoids of each of T1 and T2.
	Hidden int `yaml:"hidden" range:"[1,100000]"`
}

func init() { Methods.Add("lidvae", LIDVAE{L: 0.5, Hidden: 256}) }

// RateBound says that the rate has none.
func (LIDVAE) RateBound() string { return "none" }

// Build makes decoder.lidvae.inner and decoder.lidvae.outer, when the sizes of the decoder are known.
func (v LIDVAE) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Output: func(in, out int) (vae.Output, error) {
		switch {
		case out < in:
			return nil, fmt.Errorf("lidvae: the decoder makes %d predictions of %d numbers, so they cannot tell all z apart; lower the sizes of the decoder, or use a larger vocabulary or larger examples", out, in)
		case v.L == 0 && v.Hidden < in:
			return nil, fmt.Errorf("lidvae: hidden %d is below the %d numbers of which the decoder makes predictions, so with l 0 the map is not injective; raise hidden to %d, or set l above 0", v.Hidden, in, in)
		}
		least := math.Sqrt(v.L)
		inner := nn.NewBrenier(b.Params, "decoder.lidvae.inner", in, v.Hidden, least)
		outer := nn.NewBrenier(b.Params, "decoder.lidvae.outer", out, v.Hidden, least)
		return func(p *nn.Pass, r *grad.Value) (rows, weights *grad.Value) {
			return outer.Wide(p, inner.Apply(p, r))
		}, nil
	}}
}
