package report

import (
	"fmt"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// tested are finished trials of a variant with some settings, a seed for each KL.
func tested(variant string, config map[string]string, kl ...float64) (runs []record.Run) {
	for i, v := range kl {
		runs = append(runs, record.Run{
			Trial: record.Trial{ID: fmt.Sprintf("%s-%v/seed-%d", variant, config, i+1), Variant: variant, Seed: i + 1, Config: config, Data: "d"},
			State: record.Done, Rows: record.Entries(record.Row{Step: 9, Split: "test", Values: map[string]float64{"kl": v, "floor": 0}}),
		})
	}
	return runs
}

func together(groups ...[]record.Run) *record.Set {
	set := &record.Set{}
	for _, g := range groups {
		set.Runs = append(set.Runs, g...)
	}
	return set
}

// TestVersus: groups are paired by variant and the fewest settings that differ; the difference is B - A by seed.
func TestVersus(t *testing.T) {
	with := func(gamma, lr string) map[string]string {
		return map[string]string{"variant.bn.gamma": gamma, "train.lr": lr}
	}
	a := together(
		tested("bn", with("0.5", "1"), 1, 2, 3, 4, 5, 6), tested("bn", with("0.7", "1"), 2, 2, 2, 2, 2, 2),
		tested("ln", map[string]string{"train.lr": "1"}, 1), tested("vanilla", map[string]string{"train.lr": "1"}, 0, 0))
	b := together(
		tested("bn", with("0.7", "2"), 3, 3, 3, 3, 3, 3), tested("bn", with("0.5", "2"), 1.5, 2.5, 3.5, 4.5, 5.5, 6.25),
		tested("vanilla", map[string]string{"train.lr": "2"}, 0, 1), tested("vmf", nil, 1))
	v := NewVersus(a, b)
	if len(v.Pairs) != 3 || fmt.Sprint(v.OnlyA, v.OnlyB) != "[ln] [vmf]" {
		t.Fatalf("%d pairs, only in A %v, only in B %v", len(v.Pairs), v.OnlyA, v.OnlyB)
	}
	table := v.Table()
	var text []string
	for _, row := range table.Rows {
		line := ""
		for _, c := range row {
			line += "|" + c.Text + c.Mark
		}
		text = append(text, line)
	}
	want := "|vanilla|KL|0.00|0.50|0.50|||2 |bn γ=0.5|KL|3.50|4.00|0.50*|[0.25, 0.50]||6 |bn γ=0.7|KL|2.00|3.00|1.00*|[1.00, 1.00]||6"
	var got []string
	for _, line := range text {
		cells := strings.Split(line, "|")
		if cells[7] == "" {
			t.Errorf("%s has no P", line)
		}
		cells[7] = ""
		got = append(got, strings.Join(cells, "|"))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	notes := strings.Join(table.Notes, "\n")
	if !strings.Contains(notes, "Settings that differ: train.lr: 1 in A, 2 in B.") || !strings.Contains(notes, "In A only, or like several in B: ln.") {
		t.Errorf("notes:\n%s", notes)
	}
}

// TestVersusValues: a setting that one set does not have is not one whose value is none, and an empty value is seen.
func TestVersusValues(t *testing.T) {
	a := together(tested("vanilla", map[string]string{"data.text.unicode": "none", "data.text.drop": "", "kl.beta": "1"}, 1))
	b := together(tested("vanilla", map[string]string{"data.text.drop": "x", "kl.zero": ""}, 1))
	want := `Settings that differ: data.text.drop: "" in A, x in B; data.text.unicode: none in A, no such setting in B; ` +
		`kl.beta: 1 in A, no such setting in B; kl.zero: no such setting in A, "" in B.`
	if notes := strings.Join(NewVersus(a, b).Table().Notes, "\n"); !strings.Contains(notes, want) {
		t.Errorf("notes:\n%s\nwant\n%s", notes, want)
	}
}

// TestVersusUnclear: a group that is equally like two is compared with neither, and nothing in common is an empty table.
func TestVersusUnclear(t *testing.T) {
	one := together(tested("bn", map[string]string{"variant.bn.gamma": "0.5"}, 1))
	two := together(tested("bn", map[string]string{"variant.bn.gamma": "0.6"}, 1), tested("bn", map[string]string{"variant.bn.gamma": "0.7"}, 1))
	if v := NewVersus(one, two); len(v.Pairs) != 0 || len(v.OnlyA) != 1 || len(v.OnlyB) != 2 || len(v.Table().Rows) != 0 {
		t.Errorf("%+v", v)
	}
	if v := NewVersus(one, together(tested("ln", nil, 1))); len(v.Pairs) != 0 || len(v.Table().Rows) != 0 {
		t.Errorf("%+v", v)
	}
	same := NewVersus(two, two)
	if len(same.Pairs) != 2 || !strings.Contains(strings.Join(same.Table().Notes, " "), "Same settings and data.") {
		t.Errorf("%+v", same)
	}
}
