package record

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Series returns a metric against the step: at each step at which some run has it, its mean
// over those runs (the seeds of a group) and the band from the smallest to the largest of
// them, which is the range over seeds and no confidence interval. Where a run's value is
// NaN, all three are NaN. If a run has two rows at one step, the later one counts. n is the
// number of runs that have the metric at all.
func Series(runs []Run, split, metric string) (steps []int, mean, lo, hi []float64, n int) {
	return SeriesBy(runs, split, func(e Entry) (v float64, ok bool) { return e.Value(metric) })
}

// SeriesBy is Series for what a function makes of a row, if anything.
func SeriesBy(runs []Run, split string, value func(Entry) (v float64, ok bool)) (steps []int, mean, lo, hi []float64, n int) {
	var all [][]point
	for _, run := range runs {
		if ps := points(run, split, value); len(ps) > 0 {
			all = append(all, ps)
			steps = slices.Grow(steps, len(ps))
			for _, p := range ps {
				steps = append(steps, p.step)
			}
		}
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	mean, lo, hi = make([]float64, 0, len(steps)), make([]float64, 0, len(steps)), make([]float64, 0, len(steps))
	var here []float64 // one value per run that has the step
	for _, step := range steps {
		here = here[:0]
		for i, ps := range all {
			if len(ps) > 0 && ps[0].step == step {
				here, all[i] = append(here, ps[0].value), ps[1:]
			}
		}
		m, l, h := Range(here)
		mean, lo, hi = append(mean, m), append(lo, l), append(hi, h)
	}
	return steps, mean, lo, hi, len(all)
}

// Has tells whether a run has a metric on a split at all.
func Has(run Run, split, metric string) bool {
	return slices.ContainsFunc(run.Rows, func(e Entry) bool {
		if e.Split != split { // cheaper than a look into the map
			return false
		}
		_, ok := e.Value(metric)
		return ok
	})
}

// A point is a value at a step.
type point struct {
	step  int
	value float64
}

// points returns a run's points in the order of the steps, the last of those at one step.
func points(run Run, split string, value func(Entry) (v float64, ok bool)) (ps []point) {
	inOrder := true
	for _, row := range run.Rows {
		if row.Split != split {
			continue
		}
		if v, ok := value(row); ok {
			inOrder = inOrder && (len(ps) == 0 || ps[len(ps)-1].step < row.Step)
			if ps == nil {
				ps = make([]point, 0, len(run.Rows))
			}
			ps = append(ps, point{row.Step, v})
		}
	}
	if inOrder {
		return ps
	}
	slices.Reverse(ps) // the last of equal steps comes first, and stays
	slices.SortStableFunc(ps, func(a, b point) int { return cmp.Compare(a.step, b.step) })
	return slices.CompactFunc(ps, func(a, b point) bool { return a.step == b.step })
}

// Range returns the mean, the smallest and the largest value; all NaN if one of them is,
// or if there is none.
func Range(values []float64) (mean, lo, hi float64) {
	if len(values) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	sum := 0.0
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		sum += v
		lo, hi = min(lo, v), max(hi, v) // min and max keep NaN
	}
	return sum / float64(len(values)), lo, hi
}

// Last returns a metric's last value on a split; ok is false if it never was measured. The
// value may be NaN.
func Last(run Run, split, metric string) (value float64, ok bool) {
	for _, row := range slices.Backward(run.Rows) {
		if row.Split != split {
			continue
		}
		if v, ok := row.Value(metric); ok {
			return v, true
		}
	}
	return 0, false
}

// A Number is what a run has: a metric of its rows, or its cost. The error says why it has none.
type Number func(Run) (float64, error)

// BySeed is a number of each run under the run's seed. It is an error if two have one seed; name says for it what the runs are.
func BySeed(runs []Run, number Number, name string) (map[int]float64, error) {
	out := map[int]float64{}
	for _, r := range runs {
		v, err := number(r)
		if err != nil {
			return nil, err
		}
		if _, twice := out[r.Seed]; twice {
			return nil, fmt.Errorf("two trials of %s have seed %d; judge one results folder at a time", name, r.Seed)
		}
		out[r.Seed] = v
	}
	return out, nil
}

// Finished are those of the runs that are done.
func Finished(runs []Run) []Run {
	return slices.DeleteFunc(slices.Clone(runs), func(r Run) bool { return r.State != Done })
}

// LastVector is Last for a vector.
func LastVector(run Run, split, name string) (values []float64, ok bool) {
	for _, row := range slices.Backward(run.Rows) {
		if row.Split != split {
			continue
		}
		if v, ok := row.Vector(name); ok {
			return v, true
		}
	}
	return nil, false
}

// VectorSeries returns one run's vectors against the step, in the order written.
func VectorSeries(run Run, split, name string) (steps []int, values [][]float64) {
	for _, row := range run.Rows {
		if row.Split != split {
			continue
		}
		if v, ok := row.Vector(name); ok {
			steps, values = append(steps, row.Step), append(values, v)
		}
	}
	return steps, values
}
