package claims

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/stats"
)

// evidence is the runs that a claim is judged by.
type evidence struct {
	runs       []record.Run // those of the claim's seeds
	confidence float64
}

// failed names the selected trials that failed: the seeds that remain would not be a fair
// sample.
func (e evidence) failed(uses []Use) error {
	var names []string
	for _, r := range e.runs {
		if r.State == record.Failed && used(uses, r) {
			names = append(names, r.ID+": "+r.Reason)
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("failed: %s", strings.Join(names, "; "))
}

// unfinished counts the selected trials that have not ended.
func (e evidence) unfinished(uses []Use) (n int) {
	for _, r := range e.runs {
		if r.State == record.Unfinished && used(uses, r) {
			n++
		}
	}
	return n
}

// used tells whether a run is among the selected.
func used(uses []Use, r record.Run) bool {
	return slices.ContainsFunc(uses, func(u Use) bool { return u.has(r.Trial) })
}

// done returns the finished runs of a selection, or an error if there is none.
func (e evidence) done(s Selection) (runs []record.Run, err error) {
	for _, r := range e.runs {
		if r.State == record.Done && s.has(r.Trial) {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no finished trial of %s; unfinished: %d", s, e.unfinished([]Use{{Selection: s}}))
	}
	return runs, nil
}

// last returns the last value of a metric for each seed of a selection.
func (e evidence) last(s Selection, split, metric string) (map[int]float64, error) {
	runs, err := e.done(s)
	if err != nil {
		return nil, err
	}
	out := map[int]float64{}
	for _, r := range runs {
		v, ok := record.Last(r, split, metric)
		if !ok {
			return nil, unmeasured(r, split, metric)
		}
		if math.IsNaN(v) {
			return nil, fmt.Errorf("%s: the last %s %s is not a number", r.ID, split, metric)
		}
		if _, twice := out[r.Seed]; twice {
			return nil, fmt.Errorf("two trials of %s have seed %d; judge one results folder at a time", s, r.Seed)
		}
		out[r.Seed] = v
	}
	return out, nil
}

// unmeasured says that a run does not have a metric, and which it has.
func unmeasured(r record.Run, split, metric string) error {
	known := map[string]bool{}
	for _, row := range r.Rows {
		if row.Split == split {
			for m := range row.Values {
				known[m] = true
			}
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("%s has no rows of split %s", r.ID, split)
	}
	return fmt.Errorf("%s: split %s: %w", r.ID, split, registry.Unknown("metric", metric, slices.Sorted(maps.Keys(known))))
}

// ordered are the values in the order of their seeds.
func ordered(bySeed map[int]float64) []float64 {
	var out []float64
	for _, s := range slices.Sorted(maps.Keys(bySeed)) {
		out = append(out, bySeed[s])
	}
	return out
}

// paired judges the differences of a metric between two selections, seed by seed.
func (e evidence) paired(of, other Selection, split, metric string, wanted region) Verdict {
	a, err := e.last(of, split, metric)
	if err != nil {
		return undecided("%v", err)
	}
	b, err := e.last(other, split, metric)
	if err != nil {
		return undecided("%v", err)
	}
	d := map[int]float64{}
	for s, v := range a {
		if w, ok := b[s]; ok {
			d[s] = v - w
		}
	}
	if len(d) == 0 {
		return undecided("no seed has a finished trial of both %s and %s", of, other)
	}
	v := decide(ordered(d), wanted, e.confidence)
	v.What = fmt.Sprintf("%s %s of %s minus %s", split, metric, of, other)
	v.P, v.Test = stats.Paired(ordered(d))
	if alone := len(a) + len(b) - 2*len(d); alone > 0 {
		v.Reason += fmt.Sprintf("; finished trials without a partner of the same seed: %d", alone)
	}
	return v
}
