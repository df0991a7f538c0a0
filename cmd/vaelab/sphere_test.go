package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/tensor"
)

// TestSpheres: what works on trials works on those of spheres. z of the prior, of latents and of steps between two examples
// have length 1; there is no sigma and nothing measured of it.
func TestSpheres(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vmf}, {variant: power-spherical}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	unit := func(what string, z []float64) {
		t.Helper()
		var squares float64
		for _, v := range z {
			squares += v * v
		}
		if math.Abs(squares-1) > 1e-5 {
			t.Errorf("%s: |z|² is %v", what, squares)
		}
	}
	for _, trial := range trials(t, "results") {
		out := succeeds(t, "sample", trial, "-n", "3").out
		has(t, "sample", out, "z from the uniform distribution on the sphere, decode greedy\n")
		dec := json.NewDecoder(strings.NewReader(succeeds(t, "sample", trial, "--json").out))
		for dec.More() {
			var s struct{ Z []float64 }
			if err := dec.Decode(&s); err != nil {
				t.Fatal(err)
			}
			unit("sample", s.Z)
		}
		dir := filepath.Join(trial, "latents")
		succeeds(t, "latents", trial, "--out", dir)
		_, mu := npy(t, filepath.Join(dir, "mu.npy"))
		for i := 0; i < len(mu); i += 4 {
			unit("latents", mu[i:i+4])
		}
		if _, err := os.Stat(filepath.Join(dir, "sigma.npy")); err == nil {
			t.Error("a sphere has a sigma")
		}
		has(t, "interpolate", succeeds(t, "interpolate", trial, "--from", "1", "--to", "2").out, "from example 1 to 2 on an arc, decode greedy\n")
		if one, other := succeeds(t, "reconstruct", trial, "--sample-z").out, succeeds(t, "reconstruct", trial, "--sample-z", "--seed", "2").out; one == other {
			t.Errorf("reconstruct --sample-z does not depend on the seed:\n%s", one)
		}
		has(t, "reconstruct", succeeds(t, "reconstruct", trial).out, "nats from their own z")
		row := evalJSON(t, trial)
		if kl, floor := row.Values["kl"], row.Values["floor"]; math.Abs(kl-floor) > 1e-6*floor || kl <= 0 {
			t.Errorf("KL %v, floor %v", kl, floor)
		}
		for _, name := range []string{"au", "mu2", "sigma2", "moment", "sigma_small"} {
			if v, ok := row.Values[name]; ok {
				t.Errorf("eval has %s %v of a sphere", name, v)
			}
		}
	}
	succeeds(t, "report", "results")
	has(t, "report", read(t, filepath.Join("results", "report.md")), "vmf", "power-spherical")
}

// TestOpposite: directions that have no shortest arc.
func TestOpposite(t *testing.T) {
	for _, c := range []struct {
		b    []tensor.Float
		want bool
	}{{[]tensor.Float{-0.6, 0, -0.8}, true}, {[]tensor.Float{-0.6, 1e-5, -0.8}, true}, {[]tensor.Float{0.6, 0, 0.8}, false}, {[]tensor.Float{-0.6, 0.01, -0.79995}, false}} {
		if got := opposite([]tensor.Float{0.6, 0, 0.8}, c.b); got != c.want {
			t.Errorf("%v: %t", c.b, got)
		}
	}
}
