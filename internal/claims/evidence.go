package claims

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// evidence is the runs that a claim selects.
type evidence struct {
	runs       []record.Run // those of the claim's seeds
	confidence float64
	wall       bool // a claim about CPU time uses the wall clock

	// ahead has each trial's quantity as it would be after as many steps more, at its present rate;
	// nil as it is.
	ahead *converge.Settings
}

// lost names the selected trials that failed or are damaged: the seeds that remain would not be a fair
// sample.
func (e evidence) lost(uses []Use) error {
	for _, state := range []record.State{record.Failed, record.Damaged} {
		var names []string
		for _, r := range e.runs {
			if r.State == state && used(uses, r.Trial) {
				names = append(names, r.ID+": "+r.Reason)
			}
		}
		if names != nil {
			return fmt.Errorf("%v: %s", state, strings.Join(names, "; "))
		}
	}
	return nil
}

// unfinished counts the selected trials that have not ended.
func (e evidence) unfinished(uses []Use) (n int) {
	for _, r := range e.runs {
		if r.State == record.Unfinished && used(uses, r.Trial) {
			n++
		}
	}
	return n
}

// used reports whether a trial is selected.
func used(uses []Use, t record.Trial) bool {
	return slices.ContainsFunc(uses, func(u Use) bool { return u.Has(t) })
}

// done returns the finished runs of a selection, or an error if there is none.
func (e evidence) done(s Selection) (runs []record.Run, err error) {
	for _, r := range e.runs {
		if r.State == record.Done && s.Has(r.Trial) {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no finished trial of %s; unfinished: %d", s, e.unfinished([]Use{{Selection: s}}))
	}
	return runs, nil
}

// last returns a quantity for each seed of a selection.
func (e evidence) last(s Selection, q Quantity) (map[int]float64, error) {
	runs, err := e.done(s)
	if err != nil {
		return nil, err
	}
	return record.BySeed(runs, e.number(q), s.String())
}

// number is a quantity of a finished run, moved ahead where that is asked.
func (e evidence) number(q Quantity) record.Number {
	if e.ahead == nil {
		return q.Of
	}
	return func(r record.Run) (float64, error) {
		v, err := q.Of(r)
		if err == nil {
			v += q.move(r, *e.ahead)
		}
		return v, err
	}
}

// selected are the trials of a selection, whatever their state.
func (e evidence) selected(s Selection) (trials []record.Trial) {
	for _, r := range e.runs {
		if s.Has(r.Trial) {
			trials = append(trials, r.Trial)
		}
	}
	return trials
}

// machines returns an error if a cost is judged by trials that ran on processors, or with
// numbers, of different kinds: their times do not compare.
func (e evidence) machines(k Kind) error {
	if !k.Measured().Cost() {
		return nil
	}
	var runs []record.Run
	for _, r := range e.runs {
		if used(k.Uses(), r.Trial) {
			runs = append(runs, r)
		}
	}
	if seen := Machines(runs); len(seen) > 1 {
		return fmt.Errorf("timed on different machines: %s", strings.Join(seen, "; "))
	}
	return nil
}

// Machines are the processors, and the kinds of numbers, that finished trials ran with, each once. Times of several do not
// compare.
func Machines(runs []record.Run) (seen []string) {
	for _, r := range runs {
		m := r.Manifest
		on := fmt.Sprintf("%s %s, %s, kernel %s, %s, GOMAXPROCS %d", m.OS, m.Arch, cmp.Or(m.CPU, "unknown CPU"), m.Kernel, m.Precision, m.Procs)
		if r.State == record.Done && !slices.Contains(seen, on) {
			seen = append(seen, on)
		}
	}
	return seen
}

// rounding says that the selected trials ran with classes of kernels that round differently, which of them, and how many
// with each; it is empty if they did not. Such a difference is small against that between seeds.
func (e evidence) rounding(uses []Use) string {
	n := map[string]int{}
	for _, r := range e.runs {
		if class := r.Manifest.Class(); class != "" && r.State == record.Done && used(uses, r.Trial) {
			n[class]++
		}
	}
	if len(n) < 2 {
		return ""
	}
	var classes []string
	for _, class := range slices.Sorted(maps.Keys(n)) {
		classes = append(classes, fmt.Sprintf("%s (%d)", class, n[class]))
	}
	return "its trials ran with kernels that round differently: " + strings.Join(classes, ", ")
}

// withoutCPU reports whether a claim is about CPU time and none of the finished trials that it selects has one.
func (e evidence) withoutCPU(k Kind) bool {
	if c := k.Measured().cost(); c == nil || c.wall == "" {
		return false
	}
	return !slices.ContainsFunc(e.runs, func(r record.Run) bool {
		return r.State == record.Done && used(k.Uses(), r.Trial) && r.Manifest.CPUSeconds > 0
	})
}

// clocked is the quantity as these trials have it: by the wall clock, if they have no CPU time.
func (e evidence) clocked(q Quantity) Quantity {
	if e.wall {
		q.Metric = q.cost().wall
	}
	return q
}

// ordered are the values in the order of their seeds.
func ordered(bySeed map[int]float64) []float64 {
	var out []float64
	for _, s := range slices.Sorted(maps.Keys(bySeed)) {
		out = append(out, bySeed[s])
	}
	return out
}

// each evaluates a quantity of a selection, seed by seed.
func (e evidence) each(of Selection, q Quantity, wanted region) Verdict {
	q = e.clocked(q)
	values, err := e.last(of, q)
	if err != nil {
		return undecided("%v", err)
	}
	v := decide(ordered(values), wanted, e.confidence)
	v.What = fmt.Sprintf("%s of %s", q, of)
	return v
}

// differences evaluates the differences of a quantity between two selections, seed by seed.
func (e evidence) differences(of, other Selection, q Quantity, wanted region) Verdict {
	q = e.clocked(q)
	p, err := e.pairs(of, other, q)
	if err != nil {
		return undecided("%v", err)
	}
	v := decidePairs(p, wanted, e.confidence)
	v.What = fmt.Sprintf("%s of %s minus %s", q, of, other)
	return v
}

// pairs are a quantity of two selections under the same seeds.
func (e evidence) pairs(of, other Selection, q Quantity) (p stats.Pairs, err error) {
	a, err := e.last(of, q)
	if err != nil {
		return p, err
	}
	b, err := e.last(other, q)
	if err != nil {
		return p, err
	}
	p = stats.PairsOf(a, b)
	if len(p.Seeds) == 0 {
		return p, fmt.Errorf("no seed has a finished trial of both %s and %s", of, other)
	}
	return p, nil
}

// decidePairs evaluates the differences of pairs.
func decidePairs(p stats.Pairs, wanted region, confidence float64) Verdict {
	d := p.Differences()
	v := decide(d, wanted, confidence)
	v.P, v.Test = stats.Paired(d)
	v.Reason += alone(p)
	return v
}

// alone says how many trials are left out, at the end of a reason.
func alone(p stats.Pairs) string {
	if p.Single == 0 {
		return ""
	}
	return fmt.Sprintf("; finished trials without a partner with the same seed: %d", p.Single)
}
