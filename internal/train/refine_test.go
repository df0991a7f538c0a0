package train

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/metrics"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// svi is sa-vae with few steps.
func svi(mode string) variants.SAVAE {
	return variants.SAVAE{Steps: 3, LR: 1, Momentum: 0.5, Mode: mode}
}

// TestRefinementResumes: rows and weights of a trial that is stopped every few steps are those of an uninterrupted one.
func TestRefinementResumes(t *testing.T) {
	for _, mode := range []string{"cheap", "through"} {
		settings := Defaults
		settings.Epochs, settings.LogEvery, settings.Report = 2, 3, "best"
		whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
		if err := runTo(t, context.Background(), settings, whole, Hooks{}, svi(mode)); err != nil {
			t.Fatal(err)
		}
		if stops := interrupted(t, settings, parts, 5, svi(mode), func() {}); stops < 3 {
			t.Fatalf("only %d stops", stops)
		}
		for _, name := range []string{"rows.jsonl", ModelFile} {
			if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
				t.Errorf("%s: %s of a trial that was stopped differs", mode, name)
			}
		}
	}
}

// TestCheapStepAllocates: a warm step in the cheap mode allocates no more than another variant's; TestStepAllocates has the
// other mode.
func TestCheapStepAllocates(t *testing.T) {
	if strings.HasPrefix(tensor.Kernel(), "gonum") {
		t.Skip("gonum's products allocate")
	}
	trial, set := small(t, 12, Defaults, svi("cheap"))
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, warm(t, tr)); n > 1 {
		t.Errorf("a warm training step allocates %v times", n)
	}
}

// TestMetricsSeeTheRefined: an evaluation is of the refined posteriors, and changes nothing. refine_gain is what they gain.
// The objective has no auxiliary term.
func TestMetricsSeeTheRefined(t *testing.T) {
	settings := Defaults
	settings.IWSamples = 4
	trial, set := small(t, 12, settings, svi("cheap"))
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if tr.Batch == len(tr.batches) {
			tr.Batch = 0
			tr.Epoch++
		}
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
	}
	weights := func() (all []nn.Float) {
		for _, p := range tr.Model.Params.All() {
			all = append(all, p.Data...)
		}
		return all
	}
	before := weights()
	values, _ := measurement(t, tr.Model, trial, set, set.Test, Final)
	again, _ := measurement(t, tr.Model, trial, set, set.Test, Final)
	if !slices.Equal(before, weights()) {
		t.Error("evaluation changed the model")
	}
	for name, v := range values {
		if again[name] != v && !(math.IsNaN(v) && math.IsNaN(again[name])) {
			t.Errorf("%s is %v, the second time %v", name, v, again[name])
		}
	}
	batches := set.Test.Batches(settings.BatchSize, settings.Batching, nil)
	plain := *tr.Model
	plain.Variant = vae.Variant{}
	first := metrics.Encode(&plain, batches, uint64(trial.Seed)).NELBO()
	if got, want := values["refine_gain"], first-values["nelbo"]; math.Abs(got-want) > 1e-6 || got <= 0 {
		t.Errorf("refine_gain %v, NELBO before %v less NELBO %v is %v, and should be more than 0", got, first, values["nelbo"], want)
	}
	if got, want := values["objective"], values["nelbo"]; got != want {
		t.Errorf("objective %v, NELBO %v", got, want)
	}
	if math.Abs(values["bn_gap"]) > 1e-6 {
		t.Errorf("bn_gap is %v without batch statistics", values["bn_gap"])
	}
}
