package metrics

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
// the means. What a decoder adds to the training loss, such as a bag of words, is no part of it.
func (e *Encoded) Objective(beta float64) float64 {
	penalty, _ := e.KL()
	if e.variant.Penalty != nil {
		penalty = e.penaltySum / float64(e.N)
	}
	return e.MeanRec() + beta*penalty
}
