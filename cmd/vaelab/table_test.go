package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"vaelab/internal/record"
	"vaelab/internal/report"
)

// TestTableNotesDoubts: a KL far below its floor is spoken of, one just above it is not; likewise one far from
// that by batch statistics.
func TestTableNotesDoubts(t *testing.T) {
	trial := func(variant string, seed int, kl, gap float64) record.Run {
		row := func(split string) record.Row {
			return record.Row{Step: 10, Split: split, Values: map[string]float64{"kl": kl, "floor": 1, "bn_gap": gap}}
		}
		return record.Run{
			Trial: record.Trial{Experiment: "x", Variant: variant, Seed: seed, Config: map[string]string{"variant": variant, "variant." + variant + ".eps": "1e-05"}},
			Rows:  record.Entries(row("train"), row("test")),
		}
	}
	short := trial("rms-scaler", 1, 0.22, 0.8) // less than a nat, but below the floor by running statistics only
	short.Rows[0] = trial("rms-scaler", 1, 1.01, 0.8).Rows[0]
	var w strings.Builder
	if err := printTable(&w, &record.Set{Runs: []record.Run{short, trial("bn", 1, 0.02, 0), trial("bn", 2, 1.01, 0),
		trial("ln", 1, 1.01, 0.9), trial("ln", 2, 9, -2.9), trial("bn-scaler", 1, 1564, -1559), trial("bn-scaler", 2, 2, 3)}}); err != nil {
		t.Fatal(err)
	}
	got := w.String()
	for _, want := range []string{"note: bn: in 1 of 2 trials the training KL ends far below its floor: eps violates the floor; try a smaller variant.bn.eps, now 1e-05.\n",
		"note: bn-scaler: in 2 of 2 trials the test KL differs from the KL under batch statistics", "note: rms-scaler: in 1 of 1 trials the test KL differs"} {
		if !strings.Contains(strings.ReplaceAll(got, "\n  ", " "), want) { // however it is folded
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if strings.Count(got, "note:") != 3 {
		t.Errorf("there are other notes:\n%s", got)
	}
}

// TestTableShowsTheTruth: once for each data set whose generator is known.
func TestTableShowsTheTruth(t *testing.T) {
	trial := func(variant, data string, seed int, nll float64) record.Run {
		values := map[string]float64{"kl": 1, "true_nll": nll, "true_mi": 4.126}
		if data == "synthetic" {
			values["true_nll_se"] = 0.148
		}
		if data == "godoc" {
			values = map[string]float64{"kl": 1}
		}
		return record.Run{
			Trial: record.Trial{Experiment: "x", Variant: variant, Seed: seed, Data: "digest of " + data, Config: map[string]string{"variant": variant, "data": data}},
			Rows:  record.Entries(record.Row{Step: 10, Split: "test", Values: values}),
		}
	}
	var w strings.Builder
	set := &record.Set{Runs: []record.Run{trial("bn", "synthetic", 1, 30.54), trial("bn", "synthetic", 2, 30.54), trial("ln", "synthetic", 1, 30.54),
		trial("bn", "gaussian", 1, 12.3), trial("bn", "godoc", 1, 0)}}
	if err := printTable(&w, set); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Generator of the synthetic data: NLL 30.54 (standard error 0.15), MI 4.13. A model's NELBO is below that NLL by chance only.",
		"Generator of the gaussian data: NLL 12.30, MI 4.13.",
	} {
		if strings.Count(strings.ReplaceAll(w.String(), "\n  ", " "), want) != 1 { // however it is folded
			t.Errorf("%q is not there once:\n%s", want, w.String())
		}
	}
	if strings.Contains(w.String(), "the godoc data") {
		t.Errorf("nobody knows the generator of godoc:\n%s", w.String())
	}
}

// TestTableFits: no line is wider than a screen, whatever the labels, and no column is lost.
func TestTableFits(t *testing.T) {
	for _, setting := range []string{"a", strings.Repeat("long", 15)} {
		set := &record.Set{}
		for _, variant := range []string{"vanilla", "bn"} {
			for seed := 1; seed <= 6; seed++ {
				values := map[string]float64{"kl": float64(seed)}
				if variant == "bn" {
					values["kl"] += 1000
				}
				for _, m := range []string{"floor", "mi", "gap", "au", "rec", "nelbo", "iw_nll", "ppl"} {
					values[m] = 100 + float64(seed)
				}
				set.Runs = append(set.Runs, record.Run{
					Trial: record.Trial{Experiment: "x", Variant: variant, Seed: seed, Config: map[string]string{"variant": variant, "train." + setting: variant}},
					Rows:  record.Entries(record.Row{Step: 10, Split: "test", Values: values}),
				})
			}
		}
		for _, runs := range [][]record.Run{set.Runs, set.Runs[1:]} { // medians; means with deviations
			text := aligned(report.Summary(&record.Set{Runs: runs}))
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > screen {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			for _, title := range []string{"KL", "floor", "MI", "gap", "AU", "rec", "NELBO", "IW-NLL", "PPL"} {
				if n := strings.Count(text, " "+title); n != 1 {
					t.Errorf("%s stands %d times:\n%s", title, n, text)
				}
			}
		}
	}
	if got, want := item("a "+strings.Repeat("b", 116)+" c"), "- a "+strings.Repeat("b", 116)+"\n  c"; got != want {
		t.Errorf("an item of %q, want %q", got, want)
	}
	if got, want := fold("a "+strings.Repeat("b", 118)+" c"), "a "+strings.Repeat("b", 118)+"\nc"; got != want {
		t.Errorf("folded to %q, want %q", got, want)
	}
}
