package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// stopped trains a small trial and returns its rows and the number of steps that it could have had.
func stopped(t *testing.T, trial Trial, set *data.Set) (rows []record.Row, most int) {
	t.Helper()
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	return rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }), tr.Steps()
}

// onSplit are the rows of a split.
func onSplit(rows []record.Row, split string) (out []record.Row) {
	for _, r := range rows {
		if r.Split == split {
			out = append(out, r)
		}
	}
	return out
}

// TestBestIsOfTheObjective: report: best tests the weights with the lowest validation objective, the
// method's own, among those after the KL schedule's end. The test split is the validation split here, and
// the noise of an evaluation depends on the seed only, so that the test's objective is that lowest one.
func TestBestIsOfTheObjective(t *testing.T) {
	notNELBO, notBefore := 0, 0 // trials that would have reported others by the lowest NELBO, or over all evaluations
	for _, c := range []struct {
		lr, lambda float64
		schedule   string
	}{{0.1, 6, "constant"}, {0.1, 8, "linear"}, {0.3, 5, "linear"}, {0.3, 9, "linear"}} {
		settings := Defaults
		settings.Epochs, settings.LR, settings.Report = 10, c.lr, "best"
		trial, set := small(t, 12, settings, variants.FreeBits{Lambda: c.lambda, Mode: "dim"})
		trial.KL.Schedule, trial.KL.WarmUp, trial.KL.Beta = c.schedule, 6, 1.5
		set.Test = set.Valid
		rows, _ := stopped(t, trial, set)
		final := trial.KL.Final(10) // 320 sentences, 32 in a step
		best, nelbo, ever := math.Inf(1), math.Inf(1), math.Inf(1)
		var atNELBO float64
		for _, r := range onSplit(rows, "valid") {
			o := r.Values["objective"]
			ever = min(ever, o)
			if r.Step < final {
				continue
			}
			best = min(best, o)
			if r.Values["nelbo"] < nelbo {
				nelbo, atNELBO = r.Values["nelbo"], o
			}
		}
		if got := rows[len(rows)-1].Values["objective"]; got != best {
			t.Errorf("%+v: the test's objective is %v, the lowest of validation %v", c, got, best)
		}
		if atNELBO != best {
			notNELBO++
		}
		if ever != best {
			notBefore++
		}
	}
	if notNELBO == 0 || notBefore == 0 {
		t.Errorf("%d and %d of the trials tell the criteria apart; the test does not test that", notNELBO, notBefore)
	}
}

// TestObjective: with weight 1 and no penalty of its own a method's objective is the NELBO to the bit; free
// bits pay lambda where they are below it.
func TestObjective(t *testing.T) {
	settings := Defaults
	settings.Epochs = 1
	for _, c := range []struct {
		methods []vae.Method
		beta    float64
		want    func(v map[string]float64) float64
	}{
		{nil, 1, func(v map[string]float64) float64 { return v["nelbo"] }},
		{[]vae.Method{variants.BN{Gamma: 0.5, Eps: 1e-8, Momentum: 0.1}}, 1, func(v map[string]float64) float64 { return v["nelbo"] }},
		{nil, 0.25, func(v map[string]float64) float64 { return v["rec"] + 0.25*v["kl"] }},
		{[]vae.Method{variants.FreeBits{Lambda: 64, Mode: "dim"}}, 0.5, func(v map[string]float64) float64 { return v["rec"] + 32 }},
		{[]vae.Method{variants.FreeBits{Lambda: 64, Mode: "total"}}, 2, func(v map[string]float64) float64 { return v["rec"] + 128 }},
	} {
		trial, set := small(t, 12, settings, c.methods...)
		trial.KL.Beta = c.beta
		rows, _ := stopped(t, trial, set)
		for _, split := range metrics.Evaluations {
			v := onSplit(rows, split)[0].Values
			if got, want := v["objective"], c.want(v); got != want {
				t.Errorf("%v, beta %v: the objective of %s is %v, want %v", c.methods, c.beta, split, got, want)
			}
		}
	}
}

// TestStopsAfterTheSchedule: no schedule of the KL weight is stopped before its end, however little
// patience there is. An improvement of a million nats never comes, so that the first evaluation that counts is
// the best one, and patience 1 runs out at the next.
func TestStopsAfterTheSchedule(t *testing.T) {
	for _, c := range []struct {
		schedule string
		warmUp   float64 // epochs of 10 steps; with 4.5 the plateau of the last cycle begins at step 34 or 40
		end      int     // metrics.Evaluations, one an epoch, before the first that counts
	}{{"constant", 5, 0}, {"linear", 5, 4}, {"sigmoid", 5, 4}, {"cyclical", 4.5, 3}, {"cyclical-zero", 4.5, 3}} {
		settings := Defaults
		settings.Epochs, settings.LogEvery = 12, 7
		settings.Stop = optim.Stop{Metric: "objective", Patience: 1, MinDelta: 1e6}
		trial, set := small(t, 8, settings)
		trial.KL.Schedule, trial.KL.WarmUp, trial.KL.Cycles = c.schedule, c.warmUp, 2
		rows, most := stopped(t, trial, set)
		test := rows[len(rows)-1]
		if want := 10 * (c.end + 2); test.Step != want || test.Values["stopped"] != byStop {
			t.Errorf("%s: ended at step %d with stopped %v, want step %d of %d and %d", c.schedule, test.Step, test.Values["stopped"], want, most, byStop)
		}
		if last := onSplit(rows, "train"); last[len(last)-1].Step != test.Step {
			t.Errorf("%s: the last row of split train is of step %d, training ended at %d", c.schedule, last[len(last)-1].Step, test.Step)
		}
	}
}

// TestStopsAfterTheMinimum: no trial stops before its decoder has had so many updates since it was drawn, whatever else the
// method updates, and the test row counts them. Patience 1 runs out at the second evaluation, after 20 steps. A trial that is
// stopped every few steps has the same bytes.
func TestStopsAfterTheMinimum(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  vae.Method
		minimum int
		step    int // the last
		updates float64
	}{
		{"without a minimum", variants.Vanilla{}, 0, 20, math.NaN()},
		{"a minimum that patience reaches", variants.Vanilla{}, 20, 20, 20},
		{"vanilla", variants.Vanilla{}, 41, 50, 50},
		{"inner updates of the encoder do not count", variants.Aggressive{Every: 3, Most: 10, Patience: 3}, 41, 50, 50},
		{"the decoder is drawn anew after 20 steps", variants.FBP{AEEpochs: 2}, 41, 70, 50},
		{"more than there are", variants.Vanilla{}, 1000, 90, 90},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := Defaults
			settings.Epochs, settings.LogEvery = 9, 7
			settings.Stop = optim.Stop{Metric: "objective", Patience: 1, MinDelta: 1e6, MinUpdates: c.minimum}
			trial, set := small(t, 8, settings, c.method)
			set.Truth = nil // it takes longer than the trial
			rows := resumes(t, trial, set)
			test := rows[len(rows)-1]
			updates, counted := test.Values["decoder_updates"]
			if test.Step != c.step || counted == math.IsNaN(c.updates) || counted && updates != c.updates {
				t.Errorf("ended at step %d after %v updates, want step %d and %v", test.Step, updates, c.step, c.updates)
			}
		})
	}
}

// TestStopped: the test row says what ended training, where something could have.
func TestStopped(t *testing.T) {
	for _, c := range []struct {
		name string
		stop optim.Stop
		want float64 // NaN if the row does not say
	}{
		{"no patience", optim.Stop{Metric: "objective"}, math.NaN()},
		{"patience that is not needed", optim.Stop{Metric: "rec", Patience: 3}, byItself},
		{"patience that runs out with the last epoch", optim.Stop{Metric: "rec", Patience: 2, MinDelta: 1e6}, byItself},
		{"patience that runs out", optim.Stop{Metric: "mi", Patience: 1, MinDelta: 1e6}, byStop},
	} {
		settings := Defaults
		settings.Epochs, settings.Stop = 3, c.stop
		trial, set := small(t, 8, settings)
		rows, _ := stopped(t, trial, set)
		got, ok := rows[len(rows)-1].Values["stopped"]
		if ok != !math.IsNaN(c.want) || ok && got != c.want {
			t.Errorf("%s: stopped is %v, %v; want %v", c.name, got, ok, c.want)
		}
	}
	settings := Defaults
	settings.Stop.Patience = 1
	trial, set := small(t, 8, settings)
	set.Valid = data.Split{}
	if _, err := New(trial, set); err == nil || !strings.Contains(err.Error(), "train.stop needs a validation split") {
		t.Errorf("without a validation split: %v", err)
	}
}
