package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/vae"
)

// A counter is a controller whose weight is 1/n after n steps. It counts in a buffer, as a controller must.
type counter struct{}

func (counter) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Weigher: counting{b.Params.Buffer("encoder.counter.n", nn.Constant(1), 1)}}
}

type counting struct{ n *nn.Param }

func (c counting) Weight(int, int) float64     { return 1 / float64(c.n.Data[0]) }
func (c counting) Saw(kl, rec float64)         { c.n.Data[0]++ }
func (c counting) Final(stepsPerEpoch int) int { return 2 * stepsPerEpoch }
func (c counting) Goal() float64               { return 0.25 }

// TestWeigher: a variant's weigher sets the weight of each step and of the objective, says from which step evaluations
// count, and remembers what it saw when a trial is resumed.
func TestWeigher(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery = 6, 1
	settings.Stop = optim.Stop{Metric: "objective", Patience: 3, MinDelta: 1e6} // only the first evaluation that counts is a best one
	trial, set := small(t, 12, settings, counter{})
	rows, perEpoch := rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }), 10
	last := 0
	for _, r := range rows {
		v := r.Values
		switch r.Split {
		case "train":
			last = r.Step
			if want := 1 / float64(r.Step); math.Abs(v["kl_weight"]-want) > 1e-6 {
				t.Errorf("step %d: weight %v, want %v", r.Step, v["kl_weight"], want)
			}
		case "valid":
			if want := v["rec"] + 0.25*v["kl"]; math.Abs(v["objective"]-want) > 1e-9 {
				t.Errorf("step %d: objective %v, want %v", r.Step, v["objective"], want)
			}
		}
	}
	if want := 5 * perEpoch; last != want { // the evaluation of epoch 2 is the first that counts
		t.Errorf("stopped at step %d, want %d", last, want)
	}

	settings.Stop.Patience = 0
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	if err := runTo(t, context.Background(), settings, whole, Hooks{}, counter{}); err != nil {
		t.Fatal(err)
	}
	for stops := 0; ; stops++ {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		err := runTo(t, ctx, settings, parts, Hooks{Progress: func(Progress) {
			if steps++; steps == 13 {
				cancel()
			}
		}}, counter{})
		cancel()
		if err == nil && stops > 3 {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"rows.jsonl", ModelFile} {
		if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
			t.Errorf("%s of a resumed trial differs", name)
		}
	}
}
