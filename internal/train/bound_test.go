package train

import (
	"context"
	"math"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestBoundRows: rows of a trial that trains on a bound of K samples. The objective is that bound at the final KL weight, and
// iw_bound the same at weight 1, between the NELBO and -ln p(x); report: best goes by the objective; no row has a penalty.
// The KL and the NELBO stay those of q(z|x).
func TestBoundRows(t *testing.T) {
	source := data.Gaussian{Train: 600, Valid: 400, Dims: 5, Spectrum: "6 3 2", Noise: 0.5, Seed: 3}
	set, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	set.Test = set.Valid
	settings := Defaults
	settings.Epochs, settings.LR, settings.Report, settings.IWSamples = 8, 0.02, "best", 500
	for _, beta := range []float64{1, 0.5} {
		trial := Trial{Data: source, Model: models.Linear{LatentDim: 3, Noise: 0.5}, KL: optim.DefaultKL, Train: settings, Methods: []vae.Method{variants.IWAE{K: 8, Gradient: "dreg"}}}
		trial.Format, trial.KL.Beta = record.Format, beta
		rows := rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) })
		best := math.Inf(1)
		for _, r := range rows {
			v := r.Values
			if _, ok := v["penalty"]; ok {
				t.Errorf("beta %v: a row of split %s has a penalty", beta, r.Split)
			}
			if got := v["rec"] + v["kl"]; math.Abs(got-v["nelbo"]) > 1e-9 || v["kl"] < 0 {
				t.Errorf("beta %v, %s: nelbo %v, rec + kl %v", beta, r.Split, v["nelbo"], got)
			}
			if r.Split == "train" {
				continue
			}
			if same := v["objective"] == v["iw_bound"]; same != (beta == 1) {
				t.Errorf("beta %v, %s: objective %v, iw_bound %v", beta, r.Split, v["objective"], v["iw_bound"])
			}
			if r.Split == "valid" {
				best = min(best, v["objective"])
			}
		}
		last := rows[len(rows)-1]
		v, slack := last.Values, 4*last.Values["iw_nll_se"]/math.Sqrt(500) // of the draws; examples are the same
		if last.Split != "test" || v["objective"] != best {
			t.Errorf("beta %v: the %s row's objective is %v, the lowest of validation %v", beta, last.Split, v["objective"], best)
		}
		if !(v["iw_nll"] < v["iw_bound"]+slack && v["iw_bound"] < v["nelbo"]-0.02) {
			t.Errorf("beta %v: -ln p(x) is about %v, the bound of 8 samples %v, the NELBO %v", beta, v["iw_nll"], v["iw_bound"], v["nelbo"])
		}
	}
	if _, err := (Trial{Data: source, Model: models.Linear{LatentDim: 3, Noise: 1}, Train: Defaults, Methods: []vae.Method{variants.IWAE{K: 2, Gradient: "stl"}}}).Length("valid", "penalty"); err == nil {
		t.Error("a claim may name the penalty of a bound")
	}
}
