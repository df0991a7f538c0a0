package plots

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
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

// An absent is a method that is not compared.
type absent struct{ why, label string }

// fitting are the methods that can be read off, and why the others cannot.
func fitting(fs []family, split string) (fit []front, out []absent) {
	for _, f := range fs {
		switch at, ok := completeFront(f, split, "kl"); {
		case len(f.groups) == 1:
			out = append(out, absent{"Without a dial", f.label})
		case slices.ContainsFunc(f.groups, lost):
			out = append(out, absent{"With failed or damaged trials", f.label})
		case !ok:
			out = append(out, absent{"No seed has a finished trial at every value of the dial", f.label})
		default:
			fit = append(fit, at)
		}
	}
	return fit, out
}

// lost tells whether a trial of a group failed or is damaged.
func lost(g record.Group) bool {
	return slices.ContainsFunc(g.Runs, func(r record.Run) bool { return r.State == record.Failed || r.State == record.Damaged })
}

// completeFront is a family's points over its dial for each seed that has a finished trial at every value; ok is false if there are
// none.
func completeFront(f family, split, metric string) (at front, ok bool) {
	s, err := frontier.SpanOf(f.label, frontier.Over(f.groups), lastFinite(split, "kl"), lastFinite(split, metric))
	if err != nil {
		return front{}, false
	}
	return frontOf(f, s), true
}

// lastFinite is the last value of a metric in the rows of a split, which can be drawn.
func lastFinite(split, metric string) record.Number {
	return func(r record.Run) (float64, error) {
		v, ok := record.Last(r, split, metric)
		if !ok || !finite(v) {
			return 0, fmt.Errorf("%s: no finite %s in the %s rows", r.ID, metric, split)
		}
		return v, nil
	}
}

// claimed are the baseline and the rate of most claims that compare two of the methods at a rate, the lowest of several; known is
// false if there is no such claim.
func claimed(set *record.Set, fs []family) (base family, rate float64, known bool) {
	type at struct {
		base int
		rate float64
	}
	votes := map[at]int{}
	for _, cs := range set.Compared {
		for _, c := range cs {
			than := slices.IndexFunc(fs, func(f family) bool { return f.has(c.Than) })
			if finite(c.Rate) && than >= 0 && slices.ContainsFunc(fs, func(f family) bool { return f.has(c.Of) }) {
				votes[at{than, c.Rate}]++
			}
		}
	}
	if len(votes) == 0 {
		return family{}, 0, false
	}
	first := slices.SortedFunc(maps.Keys(votes), func(a, b at) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.rate, b.rate), cmp.Compare(a.base, b.base))
	})[0]
	return fs[first.base], first.rate, true
}

// has tells whether all of a family's trials are among some.
func (f family) has(among func(record.Trial) bool) bool {
	return !slices.ContainsFunc(f.groups, func(g record.Group) bool { return !among(g.Runs[0].Trial) })
}

// usual are the baseline and the rate without claims.
func usual(set *record.Set, fit []front) (base front, rate float64, err error) {
	if len(fit) == 0 {
		return base, 0, errors.New("no method has a seed with a finished trial at two values or more of a setting that moves its rate")
	}
	base = fit[max(0, slices.IndexFunc(fit, func(f front) bool { return f.groups[0].Variant == "vanilla" }))]
	fit = slices.DeleteFunc(slices.Clone(fit), func(f front) bool { return len(frontier.Apart(set, f.groups, base.groups)) > 0 })
	rates := slices.DeleteFunc(commonRates(fit), func(r float64) bool { return r < base.lo || r > base.hi })
	if len(rates) == 0 {
		return base, 0, fmt.Errorf("no other method reaches with every seed a KL that the baseline %s reaches", plain(base.label))
	}
	rate, _ = mostReached(fit, rates)
	return base, rate, nil
}
