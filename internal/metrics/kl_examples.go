package metrics

import (
	"math"
	"slices"
)

func init() {
	Register(Group{
		Splits: Tests,
		Measure: func(s *Split, r Row) {
			r.Vectors["kl_quantiles"], r.Values["kl_sd"] = s.KLQuantiles()
		},
		Metrics: []Metric{
			{Name: "kl_quantiles", Unit: "nats", Doc: "quantiles over examples of their KL", Vector: true, Size: KLLevels + 1},
			{Name: "kl_sd", Unit: "nats", Doc: "standard deviation over examples of their KL"},
		},
	})
}

// KLLevels is into how many equal parts KLQuantiles cuts the examples: 0, 2.5 % ... 100 %.
const KLLevels = 40

// KLQuantiles are the quantiles over the split of the KL of an example,
//
//	KL_i = sum_j KL_ij   in nats,
//
// at the levels k/40, k = 0 ... 40, the first the smallest and the last the largest KL. Between two
// examples they are interpolated linearly. The order of the examples does not matter. sd is the standard deviation of KL_i, over N. The mean
// KL alone does not tell a posterior that says much about some x from one that pays the
// same for every x: batch normalisation fixes a mean, and a posterior whose shape is fixed fixes
// every KL_i.
//
// Source: the quantiles are definition 7 of Hyndman & Fan 1996, "Sample quantiles in
// statistical packages".
func (e *Encoded) KLQuantiles() (nats []float64, sd float64) {
	kl := e.klExamples()
	mean, _ := e.KL()
	for _, v := range kl {
		sd += (v - mean) * (v - mean) / float64(e.N)
	}
	slices.Sort(kl)
	for k := range KLLevels + 1 {
		at := float64(k) / KLLevels * float64(e.N-1)
		low := int(at)
		high := min(low+1, e.N-1)
		nats = append(nats, kl[low]+(at-float64(low))*(kl[high]-kl[low]))
	}
	return nats, math.Sqrt(sd)
}

// klExamples is the KL of each example, in nats.
func (e *Encoded) klExamples() []float64 {
	kl := make([]float64, e.N)
	J := e.klParts()
	for i := range e.N * J {
		kl[i/J] += e.klAt(i)
	}
	return kl
}
