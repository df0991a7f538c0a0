package train

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
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

// TestTargets trains the linear VAE to a given KL: at the optimum of all models of that KL, which is that of the beta-VAE
// with that KL, and with a controller at its weight.
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
		{"control-vae above 1", variants.ControlVAE{C: 1, Kp: 0.01, Ki: 0.005, Mode: "above-1"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			low, high := 0.0, 20.0
			for range 100 {
				if kl, _ := atWeight((low+high)/2, D); kl > c.target {
					low = (low + high) / 2
				} else {
					high = (low + high) / 2
				}
			}
			beta := (low + high) / 2
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
			if _, ok := c.method.(variants.ControlVAE); ok {
				check("kl_weight", beta)
			}
			t.Logf("kl %.4f, rec %.4f of %.4f, weight %.4f of %.4f", v["kl"], v["rec"], rec, v["kl_weight"], beta)
		})
	}
}

// TestTargetsResume: a trial that is stopped every few steps, while the target rises or the weight moves, has the bytes of
// an uninterrupted one.
func TestTargetsResume(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery = 4, 1
	for name, method := range map[string]vae.Method{
		"capacity":    variants.Capacity{C: 1, Gamma: 2, Steps: 30},
		"control-vae": variants.ControlVAE{C: 0.1, Kp: 0.3, Ki: 0.02, Mode: "to-1"},
	} {
		t.Run(name, func(t *testing.T) {
			whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
			if err := runTo(t, context.Background(), settings, whole, Hooks{}, method); err != nil {
				t.Fatal(err)
			}
			stops := interrupted(t, settings, parts, 7, method, func() {})
			if stops < 4 {
				t.Errorf("only %d stops", stops)
			}
			for _, file := range []string{"rows.jsonl", ModelFile} {
				if !bytes.Equal(read(t, filepath.Join(whole, file)), read(t, filepath.Join(parts, file))) {
					t.Errorf("%s of a trial that was stopped %d times differs", file, stops)
				}
			}
		})
	}
}
