package metrics

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// Objective is what training minimises once the KL weight has come to its end, in nats per
// example:
//
//	rec + beta penalty
//
// The penalty is the method's own, before the weight. It is the mean over batches of what the
// method charges for each, weighted by the batches' sizes. A method without a penalty of its own
// pays the KL, so that with beta 1 the objective is the NELBO, to the bit.
//
// A penalty that is not linear in the examples depends on how the split is batched: free bits take the
// maximum of lambda and a batch's mean KL, and the mean of such maxima is at least the maximum of
// the means. So the batches are drawn, as those of BatchMI are: neighbours in a file may be
// alike. What a decoder adds to the training loss, such as a bag of words, is no part of it.
func (e *Encoded) Objective(beta float64, batching vae.Batching, seed uint64) float64 {
	if e.model.Variant.Penalty == nil {
		kl, _ := e.KL()
		return e.MeanRec() + beta*kl
	}
	tape := &grad.Tape{NoGrad: true}
	var penalty float64
	for b, drawn := range e.drawn(batching, seed) {
		p := &nn.Pass{Tape: tape, Noise: stream.New(seed, "penalty", b)}
		penalty += float64(len(drawn)) / float64(e.N) * e.model.Penalty(p, e.terms(tape, drawn)).Scalar()
		tape.Reset()
	}
	return e.MeanRec() + beta*penalty
}
