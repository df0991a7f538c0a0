package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// brief are methods whose defaults are for longer trials, with settings under which all that they do is done within the few
// steps of a test.
var brief = map[string]vae.Method{
	"aggressive":  variants.Aggressive{Every: 2, Most: 6, Patience: 1},
	"capacity":    variants.Capacity{C: 1, Gamma: 2, Steps: 8},
	"ceae":        variants.CEAE{C0: 2, TMax: 1, Lambda: 0.05, Decay: 0.9, Queue: 20, Global: 3, Eps: 1e-8, Momentum: 0.1},
	"control-vae": variants.ControlVAE{C: 0.1, Kp: 0.3, Ki: 0.02, Mode: "to-1"},
	"fbp":         variants.FBP{AEEpochs: 1},
	"geco":        variants.GECO{Kappa: 45, Alpha: 0.9, Nu: 0.01, Most: 100},
	"sa-vae":      variants.SAVAE{Steps: 3, LR: 1, Momentum: 0.5, Mode: "through"},
}

// briefly is the method of that name.
func briefly(t *testing.T, name string) vae.Method {
	t.Helper()
	if m, ok := brief[name]; ok {
		return m
	}
	m, err := variants.Methods.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tinyText is a trial of a few steps on few sentences, or on few vectors for methods that act on these.
func tinyText(t *testing.T, methods ...vae.Method) (Trial, *data.Set) {
	t.Helper()
	settings := Defaults
	settings.Epochs, settings.LogEvery, settings.LR, settings.Report, settings.IWSamples = 3, 3, 0.03, "best", 2
	trial, set := small(t, 8, settings, methods...)
	if set.Real {
		return trial, set
	}
	trial.Model = models.LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 8, DecHidden: 8, DropoutIn: 0.2, DropoutOut: 0.2, Init: "pytorch"}
	for _, s := range []*data.Split{&set.Train, &set.Valid, &set.Test} {
		s.Seqs = s.Seqs[:min(len(s.Seqs), 160)]
		s.Labels, s.Latents = nil, nil
		if s.Given != nil {
			s.Given = s.Given[:len(s.Seqs)]
		}
	}
	set.Truth = nil // it takes longer than the trial
	return trial, set
}

// through trains a trial in a folder, stopped after every so many steps if these are not 0, and returns the number of stops.
func through(t *testing.T, trial Trial, set *data.Set, dir string, every int) (stops int) {
	t.Helper()
	if err := trial.Save(dir); err != nil {
		t.Fatal(err)
	}
	for ; ; stops++ {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		err := Run(ctx, trial, set, dir, Hooks{Progress: func(Progress) {
			if steps++; steps == every {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			return stops
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// resumes trains a trial in one go and another with a stop after every few steps. Rows and weights must be the same bytes. It
// returns the rows.
func resumes(t *testing.T, trial Trial, set *data.Set) []record.Row {
	t.Helper()
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	through(t, trial, set, whole, 0)
	stops := through(t, trial, set, parts, 3)
	if stops < 4 {
		t.Errorf("only %d stops", stops)
	}
	for _, name := range []string{record.RowsFile, ModelFile} {
		if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
			t.Errorf("%s of a trial that was stopped %d times differs", name, stops)
		}
	}
	all, err := record.Load(whole)
	if err != nil {
		t.Fatal(err)
	}
	return written(all.Runs[0].Rows)
}

// TestMethodsResume: every registered method alone trains and resumes to the byte, and so does every registered head beside
// each regime, a controller and free bits, unless the two are refused.
func TestMethodsResume(t *testing.T) {
	var pairs [][]string
	var heads, others []string
	for _, name := range variants.Methods.Names() {
		pairs = append(pairs, []string{name})
		switch v, err := variants.Check(briefly(t, name)); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case v.MakesPosterior():
			heads = append(heads, name)
		case v.Regime != nil || name == "control-vae" || name == "free-bits":
			others = append(others, name)
		}
	}
	for _, head := range heads {
		for _, other := range others {
			pairs = append(pairs, []string{head, other})
		}
	}
	for _, names := range pairs {
		var methods []vae.Method
		for _, name := range names {
			methods = append(methods, briefly(t, name))
		}
		v, err := variants.Check(methods...)
		if err != nil {
			t.Logf("%v: %v", names, err)
			continue
		}
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			t.Parallel()
			trial, set := tinyText(t, methods...)
			phases := map[float64]bool{}
			for _, row := range resumes(t, trial, set) {
				if kl := row.Values["kl"]; math.IsNaN(kl) || math.IsInf(kl, 0) {
					t.Errorf("%s, step %d: KL %v", row.Split, row.Step, kl)
				}
				phases[row.Values["first_phase"]] = true
			}
			if v.Regime != nil && v.Regime.Phase().Most > 0 && len(phases) < 2 {
				t.Errorf("the rows are of the phases %v", phases)
			}
		})
	}
}
