package train

import (
	"context"
	"math"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestSlackMinIsOfSingleBatches: a row of several steps has the smallest slack of the rows of one step
// of the same training, which their mean does not show; a method without a floor has none.
func TestSlackMinIsOfSingleBatches(t *testing.T) {
	rows := func(every int, methods ...vae.Method) (train []record.Row) {
		settings := Defaults
		settings.Epochs, settings.LR, settings.LogEvery = 2, 0.03, every
		trial, set := small(t, 12, settings, methods...)
		for _, r := range rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }) {
			if r.Split == "train" {
				train = append(train, r)
			}
		}
		return train
	}
	method := variants.BN{Gamma: 0.6, Eps: 1e-3, Momentum: 0.1}
	single, several := rows(1, method), rows(7, method)
	least, mean, steps, below := math.Inf(1), 0., 0., 0
	for _, r := range single {
		if r.Values["slack_min"] != r.Values["slack"] {
			t.Errorf("step %d, one batch: %v", r.Step, r.Values)
		}
		least, mean, steps = min(least, r.Values["slack"]), mean+r.Values["slack"], steps+1
		if several[0].Step != r.Step {
			continue
		}
		v := several[0].Values
		if v["slack_min"] != least || math.Abs(v["slack"]-mean/steps) > 1e-9 {
			t.Errorf("step %d: slack %v, smallest %v; the single steps have %v and %v", r.Step, v["slack"], v["slack_min"], mean/steps, least)
		}
		if v["slack_min"] < v["slack"]-1e-4 {
			below++
		}
		several = several[1:]
		least, mean, steps = math.Inf(1), 0, 0
	}
	if len(several) != 0 || below < 2 {
		t.Errorf("%d rows left; in %d rows a batch lies below the mean: the test tells nothing", len(several), below)
	}
	for _, r := range rows(7) {
		if _, ok := r.Values["slack_min"]; ok {
			t.Errorf("vanilla has a floor: %v", r.Values)
		}
	}
}
