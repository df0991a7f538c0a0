package report

import (
	"fmt"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// trained is a trial with an evaluation every 100 of so many steps, an epoch each, whose objective loses fall nats in
// 2,000 of them.
func trained(variant string, seed, steps int, fall float64) record.Run {
	r := run(variant, seed, map[string]float64{"kl": 1, "nelbo": 40})
	var rows []record.Row
	for step := 100; step <= steps; step += 100 {
		rows = append(rows, record.Row{Step: step, Epoch: float64(step) / 100, Split: "valid",
			Values: map[string]float64{"objective": 40 - fall*float64(step)/2000, "kl": 1}})
	}
	r.Rows = append(record.Entries(rows...), r.Rows...)
	return r
}

// group is two trials of a variant.
func group(variant string, steps int, fall float64) []record.Run {
	return []record.Run{trained(variant, 1, steps, fall), trained(variant, 2, steps, fall)}
}

// TestConvergence: the table below a run and the report say the same of each group; only finished trials count.
func TestConvergence(t *testing.T) {
	unfinished := trained("ln", 3, 4000, 9)
	unfinished.State = record.Unfinished
	const criteria = "the validation objective (rec + kl.beta times the method's penalty) falls by at most 0.5 nats over the last 2000 steps, standard error included."
	for _, c := range []struct {
		name  string
		runs  [][]record.Run
		notes []string // of the table on the screen, all that are about convergence
		rows  []string // of the report's
		more  string   // in its notes
	}{
		{"all converged", [][]record.Run{group("vanilla", 4000, 0), group("bn", 4000, 0.2)},
			[]string{"Converged, all of 4 finished trials: " + criteria},
			[]string{"vanilla | 4000 | 40.00 | 0.00 ± 0.00 | 0.00 ± 0.00 | 2 of 2", "bn | 4000 | 39.60 | 0.01 ± 0.00 | 0.20 ± 0.00 | 2 of 2"}, criteria},
		{"some learn", [][]record.Run{group("vanilla", 4000, 0), {trained("bn", 1, 4000, 4), trained("bn", 2, 4000, 0)}, group("ln", 1500, 2), {unfinished}},
			[]string{"Not converged: bn 1 of 2, falling by 0.20 ± 0.00 nats per epoch; ln 2 of 2, falling by 0.10 ± 0.00 nats per epoch (evaluated for 1500 of 2000 steps). Criterion: " + criteria},
			[]string{"vanilla | 4000 | 40.00 | 0.00 ± 0.00 | 0.00 ± 0.00 | 2 of 2", "bn | 4000 | 36.00 | 0.10 ± 0.00 | 2.00 ± 0.00 | 1 of 2", "ln | 1500 | 38.50 | 0.10 ± 0.00 | – | 0 of 2"},
			"Too short to judge, counted as not converged: ln (evaluated for 1500 of 2000 steps)."},
		{"some overfit", [][]record.Run{group("vanilla", 4000, 0), group("bn", 4000, -2)},
			[]string{"Converged, all of 4 finished trials: " + criteria, "Overfitting (the validation objective rises): bn 2 of 2."},
			[]string{"vanilla | 4000 | 40.00 | 0.00 ± 0.00 | 0.00 ± 0.00 | 2 of 2", "bn | 4000 | 44.00 | −0.10 ± 0.00 | −2.00 ± 0.00 | 2 of 2"},
			"In 2 trials the objective rises (overfitting)."},
		{"short and overfit", [][]record.Run{group("bn", 1500, -2)},
			[]string{"Not converged: bn 2 of 2, rising by 0.10 ± 0.00 nats per epoch (evaluated for 1500 of 2000 steps). Criterion: " + criteria},
			[]string{"bn | 1500 | 41.50 | −0.10 ± 0.00 | – | 0 of 2"}, "Too short to judge, counted as not converged: bn (evaluated for 1500 of 2000 steps)."},
		{"none finished", [][]record.Run{{unfinished}}, nil, nil, ""},
	} {
		set := &record.Set{}
		for _, g := range c.runs {
			set.Runs = append(set.Runs, g...)
		}
		var notes []string
		for _, note := range Summary(set).Notes {
			if strings.Contains(note, "onverged") || strings.Contains(note, "rises") {
				notes = append(notes, free(note))
			}
		}
		if fmt.Sprintf("%q", notes) != fmt.Sprintf("%q", c.notes) {
			t.Errorf("%s: notes\n%q\nwant\n%q", c.name, notes, c.notes)
		}
		section := convergence(Source{Set: set}, set.Groups())
		var rows []string
		for _, table := range section.Tables {
			for _, row := range table.Rows {
				var cells []string
				for _, cell := range row {
					cells = append(cells, free(cell.Text))
				}
				rows = append(rows, strings.Join(cells, " | "))
			}
			if text := strings.Join(table.Notes, "\n"); !strings.Contains(text, c.more) {
				t.Errorf("%s: the notes lack %q:\n%s", c.name, c.more, text)
			}
		}
		if strings.Join(rows, "\n") != strings.Join(c.rows, "\n") {
			t.Errorf("%s: rows\n%s\nwant\n%s", c.name, strings.Join(rows, "\n"), strings.Join(c.rows, "\n"))
		}
	}
}

// TestConvergedBy: an experiment's own settings decide about its trials, and the notes name them.
func TestConvergedBy(t *testing.T) {
	set := &record.Set{Runs: group("bn", 1500, 0.4)}
	known := Experiment{Name: "x", Converged: converge.Settings{Steps: 1000, Tolerance: 0.25}}
	notes := strings.Join(Summary(set, known).Notes, "\n")
	for _, want := range []string{"Converged, all of 2 finished trials:", "falls by at most 0.25 nats over the last 1000 steps"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing:\n%s", want, notes)
		}
	}
}

// TestMarkedClaims: a verdict by trials that still learn says so beside its outcome, which keeps its colour.
func TestMarkedClaims(t *testing.T) {
	s := Source{Set: &record.Set{Runs: group("bn", 4000, 4)}, Verdicts: []Verdict{
		{Say: "a", Outcome: "holds", Unconverged: &claims.Unconverged{Trials: 3, Of: 12, Steps: 2000}},
		{Say: "b", Outcome: "undecided"},
	}}
	got := section(t, s, "Claims")
	if c := got.Tables[0].Rows[0][0]; c.Text != "holds (not converged: 3 of 12 trials)" || c.Kind != "holds" {
		t.Errorf("got %+v", c)
	}
	if c := got.Tables[0].Rows[1][0]; c.Text != "undecided" {
		t.Errorf("got %+v", c)
	}
	if !strings.HasSuffix(got.Text[0], "undecided: 1. Of these not converged: 1.") || len(got.Tables[0].Notes) != 2 {
		t.Errorf("got %q, notes %q", got.Text, got.Tables[0].Notes)
	}
}
