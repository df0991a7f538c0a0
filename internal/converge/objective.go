package converge

import (
	"math"
	"strconv"

	"vaelab/internal/record"
)

// objective is the validation objective at the final KL weight, evaluation by evaluation.
func objective(run record.Run) []point {
	beta := number(run, "kl.beta", 1)
	return points(run, "valid", func(row record.Row) (float64, bool) {
		if v, ok := row.Values["objective"]; ok {
			return v, true
		}
		rec, ok := row.Values["rec"]
		return rec + beta*penalty(run, row), ok
	})
}

// penalty is what the trial's method charges for a row without an objective: the KL, or what free bits
// make of the split's KL. Training takes their maximum over each batch, which gives a little more.
func penalty(run record.Run, row record.Row) float64 {
	const section = "variant.free-bits."
	kl := row.Values["kl"]
	lambda := number(run, section+"lambda", 0)
	if lambda == 0 {
		return kl
	}
	dims := row.Vectors["kl_dim"]
	if run.Config[section+"mode"] == "total" || len(dims) == 0 {
		return max(lambda, kl)
	}
	sum := 0.0
	for _, v := range dims {
		sum += max(lambda/float64(len(dims)), v)
	}
	return sum
}

// finalWeight is a step by which the KL weight has come to its end, kl.beta, to stay: that of the last
// training row with another one. ok is false if it never has. Rows have the weight in float32. A controller's weight has no
// end; it is judged from the start.
func finalWeight(run record.Run) (step int, ok bool) {
	if _, controlled := run.Config["variant.control-vae.c"]; controlled {
		return 0, true
	}
	const float32Digits = 1e-5
	beta := number(run, "kl.beta", 1)
	ok = true
	for _, row := range run.Rows {
		if row.Split != "train" {
			continue
		}
		if w, has := row.Values["kl_weight"]; has {
			if ok = math.Abs(w-beta) <= float32Digits*beta; !ok {
				step = row.Step
			}
		}
	}
	return step, ok
}

// Weight returns the KL weight of a run's last training row and the final one, kl.beta. Short tells that the first
// is not the second: the training was shorter than the schedule of the weight.
func Weight(run record.Run) (last, beta float64, short bool) {
	last, known := record.Last(run, "train", "kl_weight")
	_, ok := finalWeight(run)
	return last, number(run, "kl.beta", 1), known && !ok
}

// number is a setting of the trial's, or what it is by default.
func number(run record.Run, key string, byDefault float64) float64 {
	if v, err := strconv.ParseFloat(run.Config[key], 64); err == nil {
		return v
	}
	return byDefault
}

// points are a number of a run's rows, step by step; the last of those at one step counts.
func points(run record.Run, split string, value func(record.Row) (float64, bool)) (all []point) {
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
