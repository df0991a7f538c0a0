package metrics

import "math"

// MeanRec is the mean over the split of -ln p(x|z), one z ~ q(z|x) an example, in nats.
func (e *Encoded) MeanRec() float64 {
	var s float64
	for _, r := range e.Rec {
		s += r
	}
	return s / float64(e.N)
}

// NELBO is the negative evidence lower bound at KL weight 1, whatever the training used,
// in nats per example: reconstruction + KL, an upper bound of -ln p(x).
func (e *Encoded) NELBO() float64 {
	kl, _ := e.KL()
	return e.MeanRec() + kl
}

// PPL is the perplexity that belongs to a mean loss in nats per example:
// exp(sum of losses / predicted symbols). Symbols count </s> but not <s>, as in
// jxhe/vae-lagging-encoder. From the NELBO it is an upper bound.
func (e *Encoded) PPL(nats float64) float64 {
	return math.Exp(nats * float64(e.N) / float64(e.Tokens))
}
