package train

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestConditionalResumes: trials with conditions that are texts or labels resume to the byte, with bn and the charged sum.
func TestConditionalResumes(t *testing.T) {
	bn, cvae := variants.BN{Gamma: 0.7, Eps: 1e-8, Momentum: 0.1}, variants.CVAE{Charge: "sum", Hidden: 6}
	t.Run("halves", func(t *testing.T) {
		t.Parallel()
		trial, set := tinyText(t, bn, cvae)
		rows := resumes(t, trial, set)
		last := rows[len(rows)-1].Values
		for _, name := range []string{"bleu", "ppl", "iw_nll", "kl", "penalty"} {
			if v, ok := last[name]; !ok || math.IsNaN(v) || v < 0 {
				t.Errorf("%s of the test split is %v, %v", name, v, ok)
			}
		}
		if last["penalty"] < last["penalty_floor"] || last["penalty"] < last["kl"] || last["penalty_floor"] <= 0 {
			t.Errorf("penalty %v, its bound %v, rate %v", last["penalty"], last["penalty_floor"], last["kl"])
		}
		for _, name := range []string{"marginal_kl", "density_gap", "floor"} {
			if v, ok := last[name]; ok {
				t.Errorf("%s is %v; there is no prior without a condition, and no floor of the rate", name, v)
			}
		}
	})
	t.Run("labels", func(t *testing.T) {
		t.Parallel()
		trial, _ := tinyText(t, cvae)
		source := data.Glyphs{Train: 200, Valid: 20, Test: 20, Alphabets: "digits", Jitter: 1, Binarise: "dynamic", Seed: 1, Given: "label"}
		set, err := source.Load()
		if err != nil {
			t.Fatal(err)
		}
		trial.Data, trial.Model = source, models.MLP{LatentDim: 3, Hidden: 8, Layers: 1, Activation: "relu"}
		resumes(t, trial, set)
	})
}

// TestMethodsTakeConditions: every registered method trains on data with conditions, and is measured there, unless Check
// refuses it.
func TestMethodsTakeConditions(t *testing.T) {
	set, err := halvesSet()
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, name := range variants.Methods.Names() {
		method := briefly(t, name)
		trial, _ := small(t, 8, Defaults, method)
		trial.Data = halvesData
		if _, err := Check(trial.Model, set.Space(), trial.Methods); err != nil {
			t.Logf("%s: %v", name, err)
			refused++
			continue
		}
		tr, err := New(trial, set)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 3 {
			if err := tr.TrainStep(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		row := tr.Evaluate("test", set.Test.Pick([]int{0, 5, 9, 2}))
		for _, metric := range []string{"kl", "rec", "gap"} {
			if v := row.Values[metric]; math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: %s is %v", name, metric, v)
			}
		}
	}
	if refused > 3 {
		t.Errorf("%d methods are refused", refused)
	}
}

// TestModelsReadConditions: where a sentence repeats its condition, a model learns to write it from the prior, whose z tells
// nothing of it, and the same model without conditions cannot.
func TestModelsReadConditions(t *testing.T) {
	var split data.Split
	words := make([]string, 8)
	for i := range words {
		words[i] = fmt.Sprint("w", i)
		seq := []int32{data.Start, int32(4 + i), int32(4 + (i*3)%8), data.End}
		for range 4 {
			split.Seqs, split.Given = append(split.Seqs, seq), append(split.Given, seq)
		}
	}
	measured := func(given vae.Kind, methods ...vae.Method) map[string]float64 {
		part := split
		if given == "" {
			part.Given = nil
		}
		set := &data.Set{Name: "pairs", Vocab: data.NewVocab(words), Given: given, Train: part, Valid: part, Test: part}
		settings := Defaults
		settings.Epochs, settings.LR, settings.BatchSize, settings.LogEvery = 60, 0.03, 8, 100
		trial, _ := small(t, 12, settings, methods...)
		if given == "" {
			trial.Data = data.Godoc{}
		}
		rows := rowsOf(t, trial, func(dir string) error { return Run(t.Context(), trial, set, dir, Hooks{}) })
		return rows[len(rows)-1].Values
	}
	with, without := measured(vae.Text, variants.CVAE{Charge: "rate", Hidden: 8}), measured("", variants.Vanilla{})
	if with["nelbo"] > 0.7 || with["bleu"] < 90 {
		t.Errorf("NELBO %v and BLEU %v, though the condition is the sentence", with["nelbo"], with["bleu"])
	}
	if without["nelbo"] < math.Log(8)-0.3 {
		t.Errorf("without a condition the NELBO is %v, below ln 8", without["nelbo"])
	}
}

// TestCheckConditions: a variant that reads conditions needs data that give some, and one that encodes examples of its own
// needs data that give none.
func TestCheckConditions(t *testing.T) {
	text := vae.Space{Kind: vae.Text}
	pairs := text
	pairs.Given.Kind = vae.Text
	exemplars := variants.MixturePrior{K: 2, Components: "data"}
	for _, c := range []struct {
		space  vae.Space
		method vae.Method
		says   string
	}{
		{pairs, variants.CVAE{Charge: "sum", Hidden: 2}, "<nil>"},
		{pairs, variants.BN{Gamma: 1, Eps: 1, Momentum: 1}, "<nil>"},
		{pairs, variants.MixturePrior{K: 2, Components: "mog"}, "<nil>"},
		{text, exemplars, "<nil>"},
		{text, variants.CVAE{Charge: "sum", Hidden: 2}, "with these data nothing is; set given in the section data"},
		{pairs, exemplars, "encodes examples of its own, which have no conditions, and the data give some; set given: nothing"},
	} {
		if _, err := Check(models.LSTM{}, c.space, []vae.Method{c.method}); !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%T given %q: %v, want %s", c.method, c.space.Given.Kind, err, c.says)
		}
	}
}
