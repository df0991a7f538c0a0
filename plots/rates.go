package plots

import (
	"maps"
	"math"
	"slices"

	"vaelab/internal/frontier"
)

// Methods at equal rates: their points over the knob, seed by seed, and what is read off between them.

// A front is a method's points over its knob: for each seed KL and metric.
type front struct {
	family
	frontier.Span
	lo, hi float64 // the rates that every seed spans
}

// frontOf is a family with its points.
func frontOf(f family, s frontier.Span) front {
	lo, hi := frontier.Shared(s.Lines)
	return front{f, s, lo, hi}
}

// frontsOf returns the families that have two points or more for some seed, with those seeds.
func frontsOf(fs []family, split, metric string) (fronts []front) {
	for _, f := range fs {
		bySeed := map[int][]frontier.Point{}
		for _, g := range f.groups {
			for _, v := range pairsOf(g, split, "kl", metric) {
				bySeed[v.seed] = append(bySeed[v.seed], frontier.Point{Rate: v.x, Value: v.y})
			}
		}
		s := frontier.Span{Name: f.label}
		for _, seed := range slices.Sorted(maps.Keys(bySeed)) {
			if line := frontier.New(bySeed[seed]); len(line) >= 2 {
				s.Seeds, s.Lines = append(s.Seeds, seed), append(s.Lines, line)
			}
		}
		if at := frontOf(f, s); len(s.Lines) > 0 && at.lo < at.hi {
			fronts = append(fronts, at)
		}
	}
	return fronts
}

// commonRates returns about a dozen round rates that two frontiers or more span.
func commonRates(fronts []front) (rates []float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, f := range fronts {
		for _, g := range fronts[i+1:] {
			if from, to := math.Max(f.lo, g.lo), math.Min(f.hi, g.hi); from < to {
				lo, hi = math.Min(lo, from), math.Max(hi, to)
			}
		}
	}
	if lo >= hi {
		return nil
	}
	step := niceStep((hi - lo) / 12)
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		n := 0
		for _, f := range fronts {
			if f.lo <= i*step && i*step <= f.hi {
				n++
			}
		}
		if n >= 2 {
			rates = append(rates, i*step)
		}
	}
	return rates
}

// mostReached is the rate that most frontiers span, of several the middle one, and the number of these frontiers; 0 if none spans one.
func mostReached(fronts []front, rates []float64) (rate float64, n int) {
	var best []float64
	for _, r := range rates {
		reach := 0
		for _, f := range fronts {
			reach += btoi(f.lo <= r && r <= f.hi)
		}
		if reach > n {
			n, best = reach, nil
		}
		if reach == n {
			best = append(best, r)
		}
	}
	if n == 0 {
		return 0, 0
	}
	return best[len(best)/2], n
}
