package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// lineSet is trials of some variants whose objective falls along a line, by so many nats a step; change may change rows.
func lineSet(slopes map[string][]float64, change func(row *record.Row, run *record.Run)) *record.Set {
	set := &record.Set{}
	for _, variant := range slices.Sorted(maps.Keys(slopes)) {
		for i, slope := range slopes[variant] {
			run := record.Run{State: record.Done, Trial: record.Trial{Variant: variant, Seed: i + 1, ID: fmt.Sprint(variant, i), Experiment: "lines", Config: map[string]string{"kl.beta": "1"}}}
			var rows []record.Row
			for step := 250; step <= 4000; step += 250 {
				v := 100 - slope*float64(step)
				for _, row := range []record.Row{
					{Step: step, Epoch: float64(step) / 500, Split: "train", Values: map[string]float64{"kl_weight": 1}},
					{Step: step, Epoch: float64(step) / 500, Split: "valid", Values: map[string]float64{"objective": v, "nelbo": v}},
				} {
					if change != nil {
						change(&row, &run)
					}
					rows = append(rows, row)
				}
			}
			run.Rows = record.Entries(rows...)
			set.Runs = append(set.Runs, run)
		}
	}
	return set
}

// TestConvergenceOnLines: of objectives that fall along lines the figure has exactly what they fall, in the last steps and in an
// epoch, and the finding and the verdicts follow.
func TestConvergenceOnLines(t *testing.T) {
	slopes := map[string][]float64{"bn": {0.001, 0.002, 0.003}, "vanilla": {0.0001, 0.0001, 0.0003}}
	set := lineSet(slopes, nil)
	const want = "2 of 6 finished trials have converged; bn falls most, by 2.0 nats over the last 1,000 steps, 1.0 nats an epoch (medians over trials)."
	set.Flat = map[string]record.Flat{"lines": {Steps: 1000, Tolerance: 0.2}}
	if got := found(t, "convergence", set); got != want {
		t.Errorf("got %s", got)
	}
	d, _, _ := drawn(t, "convergence", set)
	n := 0
	for _, row := range d.Table[1:] {
		seed, err := strconv.Atoi(row[2])
		if err != nil {
			continue
		}
		slope := slopes[row[0]][seed-1]
		want := map[string]float64{"fall over 1000 steps": 1000 * slope, "fall per epoch": 500 * slope, "converged": float64(btoi(slope <= 0.0002))}
		v, _ := strconv.ParseFloat(row[4], 64)
		if w, ok := want[row[1]]; !ok || math.Abs(v-w) > 1e-5 {
			t.Errorf("%v: want %v", row, w)
		}
		n++
	}
	if n != 18 {
		t.Errorf("%d rows of trials, want 18", n)
	}
	for _, part := range []string{"here the NELBO", "at most 0.2 nats over the last 1,000 steps"} {
		if !strings.Contains(d.Caption, part) {
			t.Errorf("the caption does not say %q: %s", part, d.Caption)
		}
	}
	for want, c := range map[string]*record.Set{
		"1 of 2 finished trials have converged; short falls most, by 2.0 nats an epoch (median over trials).": lineSet(map[string][]float64{"bn": {0.0001}, "short": {0.004}}, func(row *record.Row, run *record.Run) {
			if run.Variant == "short" && row.Step > 1500 { // too short to judge
				clear(row.Values)
			}
		}),
		"All 2 finished trials have converged; in the median over trials no group falls.":                                                         lineSet(map[string][]float64{"bn": {-0.0001, 0}}, nil),
		"None of 1 finished trials has converged; bn falls most, by 4.0 nats over the last 2,000 steps, 1.0 nats an epoch (medians over trials).": lineSet(map[string][]float64{"bn": {0.002}}, nil),
		"No trial is finished; bn falls most, by 4.0 nats over the last 2,000 steps, 1.0 nats an epoch (medians over trials).": lineSet(map[string][]float64{"bn": {0.002}}, func(_ *record.Row, run *record.Run) {
			run.State = record.Unfinished
		}),
	} {
		if got := found(t, "convergence", c); got != want || unsound(got) != "" {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if caption := captionOf(t, "convergence", lineSet(map[string][]float64{"bn": {-0.002}}, nil)); !strings.Contains(caption, "(overfitting) in 1 of 1 trials: bn 1.") {
		t.Errorf("a rise is not said: %s", caption)
	}
}

// TestConvergenceBest: the weights that are tested are marked at the lowest objective that counts, where the trial tests them.
func TestConvergenceBest(t *testing.T) {
	for _, report := range []string{"last", "best"} {
		set := lineSet(map[string][]float64{"bn": {0.001}}, func(row *record.Row, run *record.Run) {
			run.Config["train.report"] = report
			if row.Split == "train" && row.Step <= 1000 {
				row.Values["kl_weight"] = 0.5
			}
			if _, ok := row.Values["objective"]; ok && (row.Step == 750 || row.Step == 3000) {
				row.Values["objective"] = 3000 / float64(row.Step) // the lowest of all does not count
			}
		})
		d, _, _ := drawn(t, "convergence", set)
		marked := ""
		for _, row := range d.Table {
			if row[1] == "lowest objective" {
				marked += row[3]
			}
		}
		if want := map[string]string{"last": "", "best": "3000"}[report]; marked != want {
			t.Errorf("%s: marked at step %q, want %q", report, marked, want)
		}
		if len(d.page.legend) == 0 || strings.Contains(fmt.Sprint(d.page.legend), "weights that are tested") != (report == "best") {
			t.Errorf("%s: the legend is %v", report, d.page.legend)
		}
	}
}
