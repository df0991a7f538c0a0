package stats

import (
	"cmp"
	"math"
	"slices"
)

// SignedRank returns the exact two-sided p-value of Wilcoxon's signed rank test of paired
// differences: with r_i the rank of |d_i| and W the sum of r_i over d_i > 0,
//
//	p = P(|W' - E W'| >= |W - E W|),
//
// where each rank enters W' with probability 1/2. Differences of 0 are left out; equal |d_i|
// share the mean of their ranks, and the distribution is that of the ranks so shared. Without a
// difference that is not 0, p is 1.
//
// Source: Wilcoxon 1945, "Individual comparisons by ranking methods", Biometrics Bulletin 1.
func SignedRank(d []float64) float64 {
	notNaN("SignedRank", d)
	d = slices.DeleteFunc(slices.Clone(d), func(v float64) bool { return v == 0 })
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	// Twice the rank is a whole number: equal values at places i+1 ... j share (i+1+j)/2.
	twice := make([]int, len(d))
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		for k := i; k < j; k++ {
			twice[k] = i + 1 + j
		}
		i = j
	}
	total, w := 0, 0
	for i, r := range twice {
		total += r
		if d[i] > 0 {
			w += r
		}
	}
	prob := make([]float64, total+1) // of each sum, of the ranks so far
	prob[0] = 1
	for _, r := range twice {
		for s := total; s >= 0; s-- {
			prob[s] /= 2
			if s >= r {
				prob[s] += prob[s-r] / 2
			}
		}
	}
	p := 0.0
	for s, q := range prob {
		if math.Abs(float64(2*s-total)) >= math.Abs(float64(2*w-total)) {
			p += q
		}
	}
	return min(1, p)
}
