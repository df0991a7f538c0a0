package metrics

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedPenalty,
		Measure: func(s *Split, r Row) {
			_, r.Values["penalty"], _ = s.objective()
		},
		Metrics: []Metric{
			{Name: "penalty", Unit: "nats", Doc: "what the loss charges, before kl_weight: the KL unless the method has a penalty of its own"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedExtra,
		Measure: func(s *Split, r Row) {
			_, _, r.Values["extra"] = s.objective()
		},
		Metrics: []Metric{
			{Name: "extra", Unit: "nats", Doc: "the method's terms of the loss that have no weight of their own"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Evaluations,
		Measure: func(s *Split, r Row) {
			r.Values["objective"], _, _ = s.objective()
		},
		Metrics: []Metric{
			{Name: "objective", Unit: "nats", Doc: "what training minimises at the final KL weight: rec + kl.beta times penalty + extra, or the method's bound of K samples + extra"},
		},
	})
}

// Objective is what training minimises once the KL weight has come to its end, in nats per
// example:
//
//	rec + beta penalty + extra
//
// The penalty is the method's own, before the weight. It is the mean over batches of what the
// method charges for each, weighted by the batches' sizes. A method without a penalty of its own
// pays the KL, so that with beta 1 the objective is the NELBO, to the bit. A Bound of several samples takes the place of rec
// and penalty; it is an expectation of all samples, which Encoded does not have, see Bounds.
//
// A penalty that is not linear in the examples depends on how the split is batched: free bits take the
// maximum of lambda and a batch's mean KL, and the mean of such maxima is at least the maximum of
// the means. So the batches are drawn, as those of BatchMI are: neighbours in a file may be
// alike. What a decoder adds to the training loss, such as a bag of words, is no part of it.
//
// Penalty and extra are what of it the method charges.
func (e *Encoded) Objective(beta float64, batching vae.Batching, seed uint64) (objective, penalty, extra float64) {
	own := e.model.Variant.Penalty != nil
	if !own {
		penalty, _ = e.KL()
	}
	if !own && e.model.Variant.Extras == nil {
		return e.MeanRec() + beta*penalty, penalty, 0
	}
	tape := &grad.Tape{NoGrad: true}
	for b, drawn := range e.drawn(batching, seed) {
		p := &nn.Pass{Tape: tape, Noise: stream.New(seed, "penalty", b)}
		share, terms := float64(len(drawn))/float64(e.N), e.terms(tape, drawn)
		if own {
			penalty += share * e.model.Penalty(p, terms).Scalar()
		}
		if sum := e.model.Extra(p, terms); sum != nil {
			extra += share * sum.Scalar()
		}
		tape.Reset()
	}
	return e.MeanRec() + beta*penalty + extra, penalty, extra
}

// objective is Objective with the settings of the split, once.
func (s *Split) objective() (objective, penalty, extra float64) {
	all := once(s.Encoded, "objective", func() (v [3]float64) {
		v[0], v[1], v[2] = s.Objective(s.Beta, s.Batching, s.Seed)
		if s.Model.Variant.Bound != nil {
			bound, _ := s.bound()
			v[0] = bound + v[2]
		}
		return v
	})
	return all[0], all[1], all[2]
}
