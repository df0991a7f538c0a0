package record

import (
	"maps"
	"math"
	"slices"
)

// Series returns a metric against the step: at each step at which some run has it, its mean
// over those runs (the seeds of a group) and the band from the smallest to the largest of
// them, which is the range over seeds and no confidence interval. Where a run's value is
// NaN, all three are NaN. If a run has two rows at one step, the later one counts. n is the
// number of runs that have the metric at all.
func Series(runs []Run, split, metric string) (steps []int, mean, lo, hi []float64, n int) {
	at := map[int][]float64{} // step -> one value per run
	for _, run := range runs {
		values := map[int]float64{}
		for _, row := range run.Rows {
			if v, ok := row.Values[metric]; ok && row.Split == split {
				values[row.Step] = v
			}
		}
		if len(values) > 0 {
			n++
		}
		for step, v := range values {
			at[step] = append(at[step], v)
		}
	}
	steps = slices.Sorted(maps.Keys(at))
	for _, step := range steps {
		m, l, h := Range(at[step])
		mean, lo, hi = append(mean, m), append(lo, l), append(hi, h)
	}
	return steps, mean, lo, hi, n
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
		if v, ok := row.Values[metric]; ok && row.Split == split {
			return v, true
		}
	}
	return 0, false
}

// LastVector is Last for one number per latent dimension.
func LastVector(run Run, split, name string) (values []float64, ok bool) {
	for _, row := range slices.Backward(run.Rows) {
		if v, ok := row.Vectors[name]; ok && row.Split == split {
			return v, true
		}
	}
	return nil, false
}

// VectorSeries returns one run's vectors against the step, in the order written.
func VectorSeries(run Run, split, name string) (steps []int, values [][]float64) {
	for _, row := range run.Rows {
		if v, ok := row.Vectors[name]; ok && row.Split == split {
			steps, values = append(steps, row.Step), append(values, v)
		}
	}
	return steps, values
}
