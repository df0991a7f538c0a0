package report

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/internal/sweep"
)

// selected is the place of the only group that has trials of a selection, if all of its trials are; else -1.
func selected(groups []record.Group, s claims.Selection) int {
	place := -1
	for i, g := range groups {
		switch {
		case !s.Has(g.Runs[0].Trial):
		case place >= 0:
			return -1
		default:
			place = i
		}
	}
	return place
}

// TestMarksAreVerdicts: on the published rows the mark of a cell is what verify says of an order claim
// without a margin about the same metric, groups and seeds. Those of the experiments are taken, and besides
// one of each kind for every pair that the tables compare.
func TestMarksAreVerdicts(t *testing.T) {
	var files []string
	for _, in := range []string{"*", "*/*"} {
		some, err := filepath.Glob("../../results/published/" + in + "/" + record.ArchiveFile)
		if err != nil || len(some) == 0 {
			t.Fatalf("%d archives in %s, %v", len(some), in, err)
		}
		files = append(files, some...)
	}
	if len(files) < 20 {
		t.Fatalf("%d archives", len(files))
	}
	stated, made, marked := 0, 0, map[string]int{}
	for _, file := range files {
		runs, err := record.LoadArchive(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(file))
		set := &record.Set{Runs: runs}
		var known []Experiment
		var said []claims.Claim
		if text, err := experiments.Read(name); err == nil { // others were made by a file of their own
			e, err := sweep.Parse(name+".yaml", text, sweep.Options{SoundClaims: true})
			if err != nil {
				t.Fatal(err)
			}
			known, said = []Experiment{{Name: e.Name, Baseline: e.Baseline}}, e.Claims
		}
		groups := set.Groups()
		split, metrics := measured(groups)
		b := baselines(groups, known)
		check := func(order claims.Order, of int) {
			d, ok := differences(groups, split, order.Metric, b)[of]
			if !ok {
				return
			}
			marked[d.mark()]++
			v := claims.Judge(set, []claims.Claim{{Confidence: confidence, Kind: order}}, converge.Default)[0]
			want := map[string]claims.Outcome{"": claims.Undecided}[d.mark()]
			if d.mark() == "*" {
				want = claims.Refuted
				if (order.Is == "greater") == (d.Median > 0) {
					want = claims.Holds
				}
			}
			if want == "" && v.Outcome == claims.Holds || want != "" && v.Outcome != want {
				t.Errorf("%s: %s of %s against %s has the mark %q, the claim that it is %s: %s, %s",
					name, order.Metric, groups[of].Label, groups[b.of[of]].Label, d.mark(), order.Is, v.Outcome, v.Reason)
			}
		}
		for _, c := range said {
			order, ok := c.Kind.(claims.Order)
			if !ok || order.Margin != 0 || order.Split != split || len(c.Seeds) > 0 || strings.Contains(order.Metric, ".") {
				continue
			}
			of, than := selected(groups, order.Of), selected(groups, order.Than)
			if base, ok := b.of[of]; ok && base == than {
				check(order, of)
				stated++
			} else if base, ok := b.of[than]; ok && base == of {
				order.Of, order.Than = order.Than, order.Of
				order.Is = map[string]string{"greater": "less", "less": "greater"}[order.Is]
				check(order, than)
				stated++
			}
		}
		for i, base := range b.of {
			of, than := claims.Selection{"variant": groups[i].Variant}, claims.Selection{"variant": groups[base].Variant}
			if selected(groups, of) != i || selected(groups, than) != base {
				continue
			}
			for _, c := range core {
				if slices.Contains(metrics, c.metric) {
					for _, is := range []string{"greater", "less"} {
						check(claims.Order{Quantity: claims.Quantity{Metric: c.metric, Split: split}, Of: of, Than: than, Is: is}, i)
						made++
					}
				}
			}
		}
	}
	t.Logf("%d claims of the experiments, %d made; marks %v", stated, made, marked)
	if stated < 10 || made < 100 || marked["*"] == 0 || marked["~"] == 0 {
		t.Errorf("too little to compare: %d claims of the experiments, %d made; marks %v", stated, made, marked)
	}
}
