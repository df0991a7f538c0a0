package train

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// rising is du-vae with a KL weight that rises to 1 in 20 steps.
type rising struct{ variants.DUVAE }

func (v rising) Build(b vae.Builder) vae.Variant {
	variant := v.DUVAE.Build(b)
	variant.Weigher = optim.KLSchedule{Schedule: "linear", Beta: 1, WarmUp: 20, Unit: "steps"}
	return variant
}

// TestProject: after every step the scales have the root mean square of the setting, though each is learnt; the KL of
// no batch is below the floor; and a trial that is stopped every few steps, before and after the weight is 1, has the
// bytes of an uninterrupted one.
func TestProject(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery, settings.LR = 4, 1, 0.03
	method := rising{variants.DUVAE{Gamma: 0.7, Alpha: 1, Dropout: 0.2, Eps: 1e-8, Momentum: 0.1}}
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	if err := runTo(t, context.Background(), settings, whole, Hooks{}, method); err != nil {
		t.Fatal(err)
	}
	stops := interrupted(t, settings, parts, 7, method, func() {})
	if stops < 4 {
		t.Errorf("only %d stops", stops)
	}
	for _, file := range []string{record.RowsFile, ModelFile} {
		if !bytes.Equal(read(t, filepath.Join(whole, file)), read(t, filepath.Join(parts, file))) {
			t.Errorf("%s of a trial that was stopped %d times differs", file, stops)
		}
	}
	set, err := record.Load(whole)
	if err != nil {
		t.Fatal(err)
	}
	spread := 0.0
	for _, row := range written(set.Runs[0].Rows) {
		if row.Split != "train" {
			continue
		}
		squares, gamma := 0.0, row.Vectors["gamma"]
		for _, g := range gamma {
			squares += g * g / float64(len(gamma))
		}
		if math.Abs(math.Sqrt(squares)-0.7) > 1e-6 {
			t.Errorf("step %d: the scales have root mean square %v", row.Step, math.Sqrt(squares))
		}
		if row.Values["slack_min"] < -1e-5 {
			t.Errorf("step %d: the KL is %v below its floor", row.Step, -row.Values["slack_min"])
		}
		spread = slices.Max(gamma) - slices.Min(gamma)
	}
	if spread < 0.01 {
		t.Errorf("the scales are not learnt: they end within %v of each other", spread)
	}
}
