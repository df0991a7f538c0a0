package stats

import (
	"maps"
	"slices"
)

// Pairs are the numbers of two samples under the same seeds, in the order of these.
type Pairs struct {
	Seeds  []int
	A, B   []float64
	Single int // numbers without a partner
}

// PairsOf pairs two samples by seed.
func PairsOf(a, b map[int]float64) (p Pairs) {
	for _, s := range slices.Sorted(maps.Keys(a)) {
		if w, ok := b[s]; ok {
			p.Seeds, p.A, p.B = append(p.Seeds, s), append(p.A, a[s]), append(p.B, w)
		}
	}
	p.Single = len(a) + len(b) - 2*len(p.Seeds)
	return p
}

// Differences are A minus B, seed by seed.
func (p Pairs) Differences() (d []float64) {
	for i := range p.Seeds {
		d = append(d, p.A[i]-p.B[i])
	}
	return d
}

// A Difference is what is known of a sample minus another, paired by seed.
type Difference struct {
	Values   []float64 // one for each seed that both have, in the order of the seeds
	Median   float64   // of the values
	Interval Interval  // for the median
	P        float64   // two-sided, of the paired test
	Test     string    // the test's name
	Decided  bool      // the interval reaches the confidence
}

// Difference is that of A from B. It panics if there is no pair.
func (p Pairs) Difference(confidence float64) Difference {
	d := Difference{Values: p.Differences()}
	d.Median = Median(d.Values)
	d.Interval = MedianInterval(d.Values, confidence)
	d.P, d.Test = Paired(d.Values)
	d.Decided = len(d.Values) >= SeedsFor(confidence)
	return d
}

// Shown reports whether the interval reaches the confidence and excludes 0.
func (d Difference) Shown() bool { return d.Decided && (d.Interval.Lo > 0 || d.Interval.Hi < 0) }
