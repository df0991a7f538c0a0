package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// WordDropout replaces words that the decoder reads by <unk>, at random, anew at each step:
//
//	p(x|z) = prod_t p(x_{t+1} | z, y_1 ... y_t),   y_t = <unk> with probability share, else x_t
//
// <s> always stays, and all words are predicted. A decoder that misses words has to take from z what they would have
// told, so the rate rises with the share; it has no lower bound. Evaluation reads all words. With any posterior, penalty
// and schedule. The decoder reads words: that of lstm or transformer.
//
// Source: Bowman et al. 2016, "Generating sentences from a continuous space", section 3.1, where 1 - k is the share
// (arXiv 1511.06349).
type WordDropout struct {
	// Share is the share of the words that training replaces.
	Share float64 `yaml:"share" range:"(0,1)" knob:"rises"`
}

func init() { Methods.Add("word-dropout", WordDropout{Share: 0.3}) }

// RateBound says that the rate has none.
func (WordDropout) RateBound() string { return "none" }

// Build needs no parameters.
func (v WordDropout) Build(vae.Builder) vae.Variant {
	return vae.Variant{
		Kind: vae.Text, Words: true,
		Inputs: func(p *nn.Pass, x *vae.Batch) []int32 {
			if !p.Train {
				return x.In
			}
			return unknown(p.Tape, x, func() bool { return p.Drop.Float64() < v.Share })
		},
	}
}

// unknown is what a decoder reads if some of the words are not told. The first row of every sentence is <s>, which stays.
func unknown(tape *grad.Tape, x *vae.Batch, untold func() bool) []int32 {
	in := tape.Symbols(len(x.In))
	copy(in, x.In)
	for i := x.B(); i < len(in); i++ {
		if untold() {
			in[i] = vae.Unk
		}
	}
	return in
}
