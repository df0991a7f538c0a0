package main

import (
	"strings"
	"testing"

	"vaelab/internal/record"
)

// TestTableNotesLeaks: a KL far below its floor is spoken of, one just above it is not.
func TestTableNotesLeaks(t *testing.T) {
	trial := func(variant string, seed int, kl float64) record.Run {
		row := func(split string) record.Row {
			return record.Row{Step: 10, Split: split, Values: map[string]float64{"kl": kl, "floor": 1}}
		}
		return record.Run{
			Trial: record.Trial{Experiment: "x", Variant: variant, Seed: seed, Config: map[string]string{"variant": variant}},
			Rows:  []record.Row{row("train"), row("test")},
		}
	}
	var w strings.Builder
	if err := printTable(&w, &record.Set{Runs: []record.Run{trial("bn", 1, 0.02), trial("bn", 2, 1.01), trial("ln", 1, 1.01)}}); err != nil {
		t.Fatal(err)
	}
	if got := w.String(); !strings.Contains(got, "note: bn: in 1 of 2 trials") || strings.Contains(got, "note: ln") {
		t.Errorf("the table says:\n%s", got)
	}
}
