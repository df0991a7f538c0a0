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
		{"geco", variants.GECO{Kappa: recAt(4, D), Alpha: 0.9, Nu: 0.01, Most: 100}, 4},
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

// TestFreeBitsOracle trains the linear VAE with free bits. Let R(K) be the least rec of the models with a KL of K, and K1 the KL
// of weight 1, where R' = -1. R falls and is convex. So the least R(K) + max(lambda, K) is at K1 if lambda is below it, and
// else at K = lambda: below lambda the KL is free, above it a nat saves less than it costs. A mask of the batch mean has the
// same gradient. Mode dim charges at least as much as total, and at most as much where each dimension keeps to a direction of
// the data: then its k_j is max(lambda/D, ln(L_j/noise)/2).
func TestFreeBitsOracle(t *testing.T) {
	const n, D, tolerance = 250, 3, 0.02
	set := &data.Set{Name: "oracle", Height: 1, Width: len(spectrum), Real: true, Train: data.Split{Values: withSpectrum(n, spectrum)}}
	K1, _ := atWeight(1, D)
	train := func(lambda float64, mode string) map[string]float64 {
		return trainLinear(t, set, D, variants.FreeBits{Lambda: lambda, Mode: mode}, 1, 1000, 0.1, 0.01, 0.003).trainRow().Values
	}
	for _, c := range []struct {
		lambda float64
		mode   string
	}{{4, "total"}, {4, "mask-batch"}, {1, "total"}} {
		v := train(c.lambda, c.mode)
		kl := max(c.lambda, K1)
		for what, want := range map[string]float64{"kl": kl, "rec": recAt(kl, D)} {
			if math.Abs(v[what]-want) > tolerance*max(1, math.Abs(want)) {
				t.Errorf("%s, lambda %v: %s %.4f, want %.4f", c.mode, c.lambda, what, v[what], want)
			}
		}
		t.Logf("%s, lambda %v: kl %.4f of %.4f, rec %.4f of %.4f", c.mode, c.lambda, v["kl"], kl, v["rec"], recAt(kl, D))
	}
	for _, lambda := range []float64{0.6, 3} {
		v := train(lambda, "dim")
		_, most := atWeight(1, D) // the rec of weight 1, which more free nats lower
		for _, L := range spectrum[:D] {
			k := 0.5 * math.Log(L/noise)
			if share := lambda / D; share > k {
				most += 0.5*L/noise*math.Exp(-2*share) - 0.5
				k = share
			}
			most += k
		}
		kl := max(lambda, K1)
		least, got := recAt(kl, D)+kl, v["rec"]+v["penalty"]
		if got < least*(1-tolerance/4) || got > most*(1+tolerance/4) {
			t.Errorf("dim, lambda %v: loss %.4f, want %.4f to %.4f", lambda, got, least, most)
		}
		t.Logf("dim, lambda %v: loss %.4f in %.4f to %.4f", lambda, got, least, most)
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
