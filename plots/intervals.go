package plots

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// Medians over seeds, and what captions say of them.

// confidence is that of the intervals that figures draw.
const confidence = 0.95

// A middle is the median over seeds. From six seeds on lo and hi are its 95 % CI, which supposes no distribution; of fewer seeds
// they are the smallest and the largest. All are NaN if a value cannot be drawn, or if there is none.
type middle struct {
	median, lo, hi float64
	n              int // seeds
}

// middleOf is the median of values and its interval.
func middleOf(values []float64) middle {
	if len(values) == 0 || slices.ContainsFunc(values, func(v float64) bool { return !finite(v) }) {
		return middle{math.NaN(), math.NaN(), math.NaN(), len(values)}
	}
	i := stats.MedianInterval(values, confidence)
	return middle{stats.Median(values), i.Lo, i.Hi, len(values)}
}

// text is the median with its interval; "" if it has none.
func (m middle) text() string {
	if m.n == 1 {
		return figure(m.median, 0)
	}
	return sentence("%s [%s, %s]", figure(m.median, 0), figure(m.lo, 0), figure(m.hi, 0))
}

// mediansNote says how many seeds there are, what shows their median and what its interval. Counts is by group.
func mediansNote(mid, spread string, counts map[string]int) string {
	lo, hi := math.MaxInt, 0
	for _, n := range counts {
		lo, hi = min(lo, n), max(hi, n)
	}
	if hi == 1 {
		return "n = 1 seed."
	}
	n, need := fmt.Sprint(hi), stats.SeedsFor(confidence)
	if lo < hi {
		n = fmt.Sprintf("%d to %d", lo, hi)
	}
	shows := "the 95 % CI"
	switch {
	case hi < need:
		shows = fmt.Sprintf("the range over seeds (smallest to largest; fewer than %d seeds have no 95 %% CI)", need)
	case lo < need:
		shows = fmt.Sprintf("the 95 %% CI, with fewer than %d seeds the range", need)
	case hi == need:
		shows = fmt.Sprintf("the 95 %% CI, which is the range of %d seeds", need)
	}
	return fmt.Sprintf("%s are medians over n = %s seeds, %s %s.", mid, n, spread, shows)
}

// lastOf is the median over a group's seeds of a metric's last value.
func lastOf(g record.Group, split, metric string) middle {
	return middleOf(numbers(finals(g, split, metric)))
}
