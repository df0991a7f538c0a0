package variants

import (
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Inputless lets the decoder read no word, in training and in evaluation:
//
//	p(x|z) = prod_t p(x_{t+1} | z, t)
//
// It reads <s> and then <unk>. So it knows z and the number of words that it has written, and all that differs between
// sentences of one length has to come from z. The rate has no lower bound: a decoder that is badly trained ignores z all
// the same. With any posterior, penalty and schedule, but not with word-dropout. For the decoder of lstm or transformer.
//
// This is word dropout with share 1, except that evaluation has no words either: a decoder that never read one could not
// use them, and ln p(x|z) would not be what was trained.
//
// Source: Bowman et al. 2016, "Generating sentences from a continuous space", section 3.1, k = 0 (arXiv 1511.06349).
type Inputless struct{}

func init() { Methods.Add("inputless", Inputless{}) }

// RateBound says that the rate has none.
func (Inputless) RateBound() string { return "none" }

// Build needs no parameters.
func (Inputless) Build(vae.Builder) vae.Variant {
	always := func() bool { return true }
	return vae.Variant{
		Kind: vae.Text, Words: true,
		Inputs: func(p *nn.Pass, x *vae.Batch) []int32 { return unknown(p.Tape, x, always) },
	}
}
