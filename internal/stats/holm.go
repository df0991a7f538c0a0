package stats

import (
	"cmp"
	"slices"
)

// Holm returns p-values corrected for their number: rejecting those at most alpha makes one
// false rejection or more with probability at most alpha, however the tests depend on each
// other. With p_(1) <= ... <= p_(m),
//
//	q_(i) = min(1, max_{j <= i} (m - j + 1) p_(j)),
//
// in the order given. It panics on NaN.
//
// Source: Holm 1979, "A simple sequentially rejective multiple test procedure",
// Scandinavian Journal of Statistics 6.
func Holm(p []float64) []float64 {
	notNaN("Holm", p)
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	q := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, float64(len(p)-rank)*p[i])
		q[i] = min(1, largest)
	}
	return q
}
