package converge

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"vaelab/internal/record"
)

// objective is the validation objective at the final KL weight, evaluation by evaluation.
func objective(run record.Run) []point {
	beta := number(run, "kl.beta", 1)
	return points(run, "valid", func(row record.Entry) (float64, bool) {
		if v, ok := row.Value("objective"); ok {
			return v, true
		}
		rec, ok := row.Value("rec")
		return rec + beta*penalty(run, row), ok
	})
}

// penalty is what the trial's method charges for a row without an objective: the KL, or what free bits
// make of the split's KL. Training takes their maximum over each batch, which gives a little more.
func penalty(run record.Run, row record.Entry) float64 {
	const section = "variant.free-bits."
	kl, _ := row.Value("kl")
	lambda := number(run, section+"lambda", 0)
	if lambda == 0 {
		return kl
	}
	dims, _ := row.Vector("kl_dim")
	if run.Config[section+"mode"] == "total" || len(dims) == 0 {
		return max(lambda, kl)
	}
	sum := 0.0
	for _, v := range dims {
		sum += max(lambda/float64(len(dims)), v)
	}
	return sum
}

// countsFrom is a step from which on evaluations count: that of the last row that does not. ok is false if none counts.
// Rows whose method sets the KL weight, or has phases, have counts, which is below 1 until then. The others count when the
// weight has come to its end, kl.beta, to stay. Rows have the weight in float32.
func countsFrom(run record.Run) (step int, ok bool) {
	const float32Digits = 1e-5
	beta, own := number(run, "kl.beta", 1), hasCounts(run)
	ok = true
	for _, row := range run.Rows {
		counts, has := row.Value("counts")
		final := counts == 1
		if !own {
			var w float64
			w, has = row.Value("kl_weight")
			has, final = has && row.Split == "train", math.Abs(w-beta) <= float32Digits*beta
		}
		if has {
			if ok = final; !ok {
				step = row.Step
			}
		}
	}
	return step, ok
}

// hasCounts tells whether the run's rows say themselves which of them count.
func hasCounts(run record.Run) bool {
	return slices.ContainsFunc(run.Rows, func(row record.Entry) bool { _, ok := row.Value("counts"); return ok })
}

// Short says why no evaluation of a run counts at its end: the training was shorter than the schedule of the KL weight, or
// than what the method needs. It is empty if the last one counts.
func Short(run record.Run) string {
	last, known := record.Last(run, "train", "kl_weight")
	_, ok := countsFrom(run)
	switch {
	case ok || !known:
		return ""
	case hasCounts(run):
		return "the training ends before an evaluation counts: the method's first phase, ramp or controller needs more steps"
	}
	return fmt.Sprintf("the schedule of the KL weight is longer than the training: the last training row has weight %.3g, kl.beta is %.3g",
		last, number(run, "kl.beta", 1))
}

// number is a setting of the trial's, or what it is by default.
func number(run record.Run, key string, byDefault float64) float64 {
	if v, err := strconv.ParseFloat(run.Config[key], 64); err == nil {
		return v
	}
	return byDefault
}

// points are a number of a run's rows, step by step; the last of those at one step counts.
func points(run record.Run, split string, value func(record.Entry) (float64, bool)) (all []point) {
	for _, row := range run.Rows {
		if row.Split != split {
			continue
		}
		v, ok := value(row)
		if !ok {
			continue
		}
		p := point{step: row.Step, value: v}
		if row.Epoch > 0 {
			p.perEpoch = float64(row.Step) / row.Epoch
		}
		if n := len(all); n > 0 && all[n-1].step == row.Step {
			all = all[:n-1]
		}
		all = append(all, p)
	}
	return all
}
