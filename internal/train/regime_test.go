package train

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// An alternating regime first updates the encoder alone, twice a step, the second time on a batch that is drawn; then the
// decoder alone. It asks for mi, and once that has been told twice it draws the decoder anew and trains as vanilla does.
type alternating struct{}

func (alternating) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Regime: alternation{b.Params.Buffer("regime.alternation", nn.Constant(0), 2)}}
}

// The memory is how many inner updates of this step are done, and how often mi was told.
type alternation struct{ memory *nn.Param }

func (a alternation) Next(h vae.Seen) (p vae.Plan) {
	inner, told := &a.memory.Data[0], &a.memory.Data[1]
	if _, ok := h.Valid["mi"]; ok {
		if *told++; *told == 2 {
			p.Reset = vae.DecoderSide
		}
	}
	if *told >= 2 {
		return p
	}
	if *inner == 2 {
		*inner = 0
		p.Only = vae.DecoderSide
		return p
	}
	p.Only, p.Inner, p.Random, p.Fixed, p.Weight = vae.EncoderSide, true, *inner == 1, true, 0.1
	*inner++
	return p
}

func (a alternation) Phase() vae.Phase {
	if a.memory.Data[1] < 2 {
		return vae.Phase{First: true, Void: true, Ask: "mi", Least: 2, Most: 2}
	}
	return vae.Phase{Least: 2, Most: 2}
}

// side is a copy of the numbers of one side.
func side(m *vae.Model, s vae.Sides) (all []nn.Float) {
	for _, p := range m.Params.All() {
		if s.Has(p.Name) {
			all = append(all, p.Data...)
		}
	}
	return all
}

// TestRegime: an inner update changes the encoder only and is no step; after a reset the decoder is that of a new model,
// the encoder stays.
func TestRegime(t *testing.T) {
	for _, optimizer := range []string{"adam", "sgd"} {
		settings := Defaults
		settings.Optimizer = optimizer
		trial, set := small(t, 12, settings, alternating{})
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		fresh := side(tr.Model, vae.DecoderSide)
		tr.load(0)
		regime := tr.Model.Variant.Regime
		for n := range 2 {
			encoder, decoder := side(tr.Model, vae.EncoderSide), side(tr.Model, vae.DecoderSide)
			if err := tr.update(regime.Next(tr.Seen), n); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(decoder, side(tr.Model, vae.DecoderSide)) || slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
				t.Errorf("%s: inner update %d: the decoder changed, or the encoder did not", optimizer, n)
			}
			if tr.Step != 0 || tr.Batch != 0 || tr.Sum.Steps != 0 || tr.pass.KLWeight != 0.1 {
				t.Errorf("%s: an inner update counts: %+v", optimizer, tr.progress)
			}
			tr.Seen.Inner++
		}
		encoder, decoder := side(tr.Model, vae.EncoderSide), side(tr.Model, vae.DecoderSide)
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(decoder, side(tr.Model, vae.DecoderSide)) || !slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
			t.Errorf("%s: the step changed the encoder, or not the decoder", optimizer)
		}
		if tr.Step != 1 || tr.Seen.Rec <= 0 || tr.Seen.Tokens == 0 {
			t.Errorf("%s: after a step %+v", optimizer, tr.progress)
		}
		tr.best, tr.LR = nn.Tensors(tr.Model.Params.All(), ""), 1
		tr.draw(vae.DecoderSide)
		if !slices.Equal(fresh, side(tr.Model, vae.DecoderSide)) || !slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
			t.Errorf("%s: the decoder that is drawn anew is not a new model's, or the encoder changed", optimizer)
		}
		if tr.best != nil || tr.LR != settings.LR {
			t.Errorf("%s: the best weights or the rate of before stay", optimizer)
		}
	}
}

// TestRegimeResumes: rows and weights of a trial that is stopped every few steps are those of an uninterrupted one, through
// the reset, for an evaluation that the regime asks for beside those of the settings.
func TestRegimeResumes(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery, settings.EvalEvery, settings.Report = 5, 3, 2, "best"
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	if err := runTo(t, context.Background(), settings, whole, Hooks{}, alternating{}); err != nil {
		t.Fatal(err)
	}
	stops := interrupted(t, settings, parts, 5, alternating{}, func() {})
	if stops < 5 {
		t.Fatalf("only %d stops", stops)
	}
	for _, name := range []string{"rows.jsonl", ModelFile} {
		if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
			t.Errorf("%s of a trial that was stopped %d times differs", name, stops)
		}
	}
	if inner, first, end := lastValue(t, whole, "train", "inner"), lastValue(t, whole, "test", "first_phase"), lastValue(t, whole, "test", "phase_end"); inner != 0 || first != 0 || end != 20 {
		t.Errorf("the last rows have %v inner updates a step, first_phase %v, phase_end %v", inner, first, end)
	}
}

// TestRegimeThatDoesNothing: with the zero Plan, and so with an optimiser for each side, a trial is the vanilla one.
func TestRegimeThatDoesNothing(t *testing.T) {
	settings := Defaults
	settings.Epochs = 1
	trial, set := small(t, 12, settings, vanillaRegime{})
	plain, _ := small(t, 12, settings)
	a := rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) })
	b := rowsOf(t, plain, func(dir string) error { return Run(context.Background(), plain, set, dir, Hooks{}) })
	if len(a) != len(b) {
		t.Fatalf("%d rows, vanilla has %d", len(a), len(b))
	}
	for i := range a {
		for name, v := range b[i].Values {
			if a[i].Values[name] != v {
				t.Errorf("row %d: %s is %v, of vanilla %v", i, name, a[i].Values[name], v)
			}
		}
	}
}

// A vanillaRegime plans what vanilla does.
type vanillaRegime struct{}

func (vanillaRegime) Build(vae.Builder) vae.Variant { return vae.Variant{Regime: vanillaRegime{}} }

func (vanillaRegime) Next(vae.Seen) (p vae.Plan) { return p }

func (vanillaRegime) Phase() (p vae.Phase) { return p }
