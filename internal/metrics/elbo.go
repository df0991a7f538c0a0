package metrics

import "math"

func init() {
	Register(Group{
		Splits: Everywhere,
		Measure: func(s *Split, r Row) {
			r.Values["rec"], r.Values["nelbo"] = s.MeanRec(), s.NELBO()
		},
		Metrics: []Metric{
			{Name: "rec", Unit: "nats", Doc: "-ln p(x|z), z of the posterior"},
			{Name: "nelbo", Unit: "nats", Doc: "rec + kl, an upper bound of -ln p(x)"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Tests,
		Measure: func(s *Split, r Row) {
			r.Values["nelbo_se"] = s.NELBOSE()
		},
		Metrics: []Metric{
			{Name: "nelbo_se", Unit: "nats", Doc: "standard error of nelbo, over examples"},
		},
	})
}

// MeanRec is the mean over the split of -ln p(x|z), one z ~ q(z|x) an example, in nats.
func (e *Encoded) MeanRec() float64 {
	var s float64
	for _, r := range e.Rec {
		s += r
	}
	return s / float64(e.N)
}

// NELBO is the negative evidence lower bound at KL weight 1, whatever the training used,
// in nats per example: reconstruction + KL, an upper bound of -ln p(x) in expectation.
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114).
func (e *Encoded) NELBO() float64 {
	kl, _ := e.KL()
	return e.MeanRec() + kl
}

// NELBOSE is the standard error of NELBO as an estimate for all x, in nats: the unbiased standard
// deviation over examples of rec_i + KL_i, over the root of N. It is NaN for one example.
func (e *Encoded) NELBOSE() float64 {
	nats := e.klExamples()
	for i, rec := range e.Rec {
		nats[i] += rec
	}
	return standardError(nats)
}

// standardError is that of the mean of independent numbers; NaN for one.
func standardError(x []float64) float64 {
	_, variance := meanVariance(x)
	return math.Sqrt(variance / float64(len(x)))
}
