package plots

import (
	"cmp"
	"math"
	"slices"
)

// Methods at equal rates: their points over the knob, seed by seed, and what is read off between them.

// A frontier is a method's points over its knob: for each seed KL and metric, by KL.
type frontier struct {
	family
	seeds  [][]pair
	lo, hi float64 // the rates that every seed spans
}

// frontiers returns the families that have two points or more for some seed.
func frontiers(fs []family, split, metric string) (fronts []frontier) {
	for _, f := range fs {
		bySeed := map[int][]pair{}
		for _, g := range f.groups {
			for _, v := range pairsOf(g, split, "kl", metric) {
				bySeed[v.seed] = append(bySeed[v.seed], v)
			}
		}
		front := frontier{family: f, lo: math.Inf(-1), hi: math.Inf(1)}
		for _, seed := range sortedSeeds(bySeed) {
			points := byRate(bySeed[seed])
			if len(points) < 2 {
				continue
			}
			front.seeds = append(front.seeds, points)
			front.lo, front.hi = math.Max(front.lo, points[0].x), math.Min(front.hi, points[len(points)-1].x)
		}
		if len(front.seeds) > 0 && front.lo < front.hi {
			fronts = append(fronts, front)
		}
	}
	return fronts
}

// sortedSeeds returns the seeds in order.
func sortedSeeds(bySeed map[int][]pair) (seeds []int) {
	for s := range bySeed {
		seeds = append(seeds, s)
	}
	slices.Sort(seeds)
	return seeds
}

// byRate sorts points by KL and takes the mean of those that have the same.
func byRate(points []pair) (sorted []pair) {
	slices.SortStableFunc(points, func(a, b pair) int { return cmp.Compare(a.x, b.x) })
	for i := 0; i < len(points); {
		n, sum := 0, 0.0
		for j := i; j < len(points) && points[j].x == points[i].x; j++ {
			n, sum = n+1, sum+points[j].y
		}
		sorted = append(sorted, pair{points[i].seed, points[i].x, sum / float64(n)})
		i += n
	}
	return sorted
}

// interpolate returns y at x on the straight lines through the points, which are sorted and
// have x between them.
func interpolate(points []pair, x float64) float64 {
	i := max(1, slices.IndexFunc(points, func(p pair) bool { return p.x >= x }))
	a, b := points[i-1], points[i]
	t := (x - a.x) / (b.x - a.x)
	return (1-t)*a.y + t*b.y
}

// commonRates returns about a dozen round rates that two frontiers or more span.
func commonRates(fronts []frontier) (rates []float64) {
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
