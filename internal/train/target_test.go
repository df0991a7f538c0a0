package train

import (
	"context"
	"math"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// atWeight is the optimum of the linear VAE under a KL weight, of the oracle's data: see TestLinearOracle.
func atWeight(beta float64, D int) (kl, rec float64) {
	rec = 0.5 * float64(len(spectrum)) * math.Log(2*math.Pi*noise)
	for j, L := range spectrum {
		if j < D && L > beta*noise {
			kl += 0.5 * math.Log(L/(beta*noise))
			rec += 0.5 * beta
		} else {
			rec += 0.5 * L / noise
		}
	}
	return kl, rec
}

// weightOf is the KL weight that leads to a KL, by bisection.
func weightOf(target float64, D int) float64 {
	low, high := 0.0, 20.0
	for range 100 {
		if kl, _ := atWeight((low+high)/2, D); kl > target {
			low = (low + high) / 2
		} else {
			high = (low + high) / 2
		}
	}
	return (low + high) / 2
}

// recAt is the reconstruction at a KL.
func recAt(kl float64, D int) float64 {
	_, rec := atWeight(weightOf(kl, D), D)
	return rec
}

// TestTargets trains the linear VAE to a given KL, or to a given reconstruction: at the optimum of all models of that KL,
// which is that of the beta-VAE with that KL, and with a controller at its weight.
func TestTargets(t *testing.T) {
	const n, D, tolerance = 1000, 5, 0.02
	set := &data.Set{Name: "oracle", Height: 1, Width: len(spectrum), Real: true, Train: data.Split{Values: withSpectrum(n, spectrum)}}
	for _, c := range []struct {
		name   string
		method vae.Method
		target float64
	}{
		{"capacity above the KL of weight 1", variants.Capacity{C: 4, Gamma: 4, Steps: 300}, 4},
		{"capacity below it", variants.Capacity{C: 1, Gamma: 4, Steps: 300}, 1},
		{"control-vae", variants.ControlVAE{C: 4, Kp: 0.01, Ki: 0.001, Mode: "to-1"}, 4},
		{"geco", variants.GECO{Kappa: recAt(4, D), Alpha: 0.9, Nu: 0.01}, 4},
		{"control-vae above 1", variants.ControlVAE{C: 1, Kp: 0.01, Ki: 0.005, Mode: "above-1"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			beta := weightOf(c.target, D)
			_, rec := atWeight(beta, D)
			tr := trainLinear(t, set, D, c.method, 1, 1000, 0.1, 0.01, 0.003)
			v := tr.trainRow().Values
			check := func(what string, want float64) {
				t.Helper()
				if math.Abs(v[what]-want) > tolerance*max(1, math.Abs(want)) {
					t.Errorf("%s: %.4f, want %.4f", what, v[what], want)
				}
			}
			check("kl", c.target)
			check("rec", rec)
			if _, ok := c.method.(variants.Capacity); !ok {
				check("kl_weight", beta)
			}
			t.Logf("kl %.4f, rec %.4f of %.4f, weight %.4f of %.4f", v["kl"], v["rec"], rec, v["kl_weight"], beta)
		})
	}
}

// TestTargetRows: training rows have the mean of a target that moves, and rows say which evaluations count.
func TestTargetRows(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery = 4, 5
	trial, set := small(t, 12, settings, variants.Capacity{C: 2, Gamma: 1, Steps: 20}) // 10 steps in an epoch
	for _, row := range rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }) {
		counts, says := row.Values["counts"]
		want, mean := 0.0, 0.0
		if row.Step > 20 || row.Step == 20 && row.Split == "valid" {
			want = 1
		}
		for at := row.Step - settings.LogEvery; at < row.Step; at++ {
			mean += min(2, 0.1*float64(at)) / float64(settings.LogEvery)
		}
		target, has := row.Values["kl_target"]
		if says != (row.Split != "test") || says && counts != want {
			t.Errorf("%s, step %d: counts %v, want %v", row.Split, row.Step, counts, want)
		}
		if has != (row.Split == "train") || has && math.Abs(target-mean) > 1e-6 {
			t.Errorf("%s, step %d: target %v, want %v", row.Split, row.Step, target, mean)
		}
	}
}
