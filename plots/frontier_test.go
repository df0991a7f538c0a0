package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// frontierRun is a finished trial with a test row and nothing else.
func frontierRun(variant string, seed int, dial, kl, nelbo, gap float64) record.Run {
	return record.Run{State: record.Done,
		Trial: record.Trial{Variant: variant, Seed: seed, ID: fmt.Sprint(variant, dial, seed), Config: map[string]string{"variant." + variant + ".gamma": num(dial)}},
		Rows:  record.Entries(record.Row{Step: 1, Split: "test", Values: map[string]float64{"kl": kl, "nelbo": nelbo, "gap": gap}})}
}

// TestFrontierOnLines: frontiers that are straight lines are compared exactly, at a rate that both reach with every seed, and seed
// by seed: the noise that seeds share cancels.
func TestFrontierOnLines(t *testing.T) {
	lines := func(seeds int, slope, lift float64) *record.Set {
		set := &record.Set{}
		for seed := 1; seed <= seeds; seed++ {
			shift := float64(seed)
			for i, kl := range []float64{0.9, 8.1, 3} { // the KL need not rise with the dial
				set.Runs = append(set.Runs, frontierRun("bn", seed, float64(i), kl, 100+kl+shift, kl))
			}
			for i, kl := range []float64{3.95, 12} {
				set.Runs = append(set.Runs, frontierRun("ln", seed, float64(i), kl, 100+slope*kl+shift+lift*float64(seed%2), 2*kl))
			}
		}
		return set
	}
	for _, c := range []struct {
		set  *record.Set
		want string
	}{
		// At 6 nats, in the middle of 3.95 to 8.1: 100 + 6 + 3.5 and 100 + 12 + 3.5.
		{lines(6, 2, 0), "At a KL of 6.0 nats, which 2 of 2 methods reach with every seed, bn has the lowest NELBO, 110 nats, and ln the highest, 116; the difference of equal seeds is 6.0 [6.0, 6.0] nats. "},
		{lines(1, 2, 0), "the difference of equal seeds is 6.0 nats. "},
		// The difference is 0 or 1.
		{lines(6, 1, 1), "the difference of equal seeds is 0.50 [0.00, 1.0] nats, which may be chance. "},
		{apart(), "No two methods reach the same KL with every seed, so that none is compared at equal rates. "},
		{pilotSet(1), "No method has two values of a setting that moves its rate, so that none is compared at equal rates. "},
	} {
		if finding := found(t, "frontier", c.set); !strings.Contains(finding+" ", c.want) || unsound(finding) != "" {
			t.Errorf("the finding does not say %q, or is unsound: %s", c.want, finding)
		}
	}
	d, _, _ := drawn(t, "frontier", lines(6, 2, 0))
	for _, row := range d.Table[1:] {
		kl, _ := strconv.ParseFloat(row[6], 64)
		got, _ := strconv.ParseFloat(row[9], 64)
		want := map[string]float64{"bn nelbo": 100 + kl + 3.5, "ln nelbo": 100 + 2*kl + 3.5, "bn gap": kl, "ln gap": 2 * kl}[row[0]+" "+row[4]]
		if math.Abs(got-want) > 1e-3 || row[12] != "6" || row[4] == "nelbo" && (row[10] == row[11]) {
			t.Errorf("%v: want a median of %v", row, want)
		}
	}
	if len(d.Table) != 1+2*5 {
		t.Errorf("%d rows", len(d.Table))
	}
}

// TestFrontierBound: the importance-weighted likelihood stands for the NELBO if most methods on the data have it in all groups. The
// others are left out there, and named.
func TestFrontierBound(t *testing.T) {
	for _, c := range []struct {
		weighted []string // methods
		but      int      // a run of those that lacks it, if not -1
		want     string
		lack     string
	}{
		{[]string{"bn", "ln"}, -1, "nelbo", ""},
		{[]string{"bn", "ln", "bn-scaler"}, -1, "iw_nll", "vanilla"},
		{[]string{"vanilla", "bn", "ln", "bn-scaler"}, 1, "iw_nll", "bn"},
		{[]string{"vanilla", "bn", "ln", "bn-scaler"}, -1, "iw_nll", ""},
	} {
		set := sweepSet(1)
		for i := range set.Runs {
			if slices.Contains(c.weighted, set.Runs[i].Variant) && i != c.but {
				setLast(&set.Runs[i], "iw_nll", 90+float64(i))
			}
		}
		d, _, _ := drawn(t, "frontier", set)
		for _, row := range d.Table[1:] {
			if row[4] != c.want && row[4] != "gap" || row[0] == c.lack && row[4] != "gap" {
				t.Errorf("%v: %v: want %s, without %q", c, row, c.want, c.lack)
			}
		}
		if note := "Without an IW-NLL: " + c.lack + "."; strings.Contains(d.Caption, note) != (c.lack != "") {
			t.Errorf("%v: %s", c, d.Caption)
		}
	}
}

// TestFrontierMethods: with few and with many methods every one is named, no text stands on another, and no text but a dial's
// value is left out.
func TestFrontierMethods(t *testing.T) {
	for _, n := range []int{1, 3, 8, 13, mostMethods + 2} {
		set := &record.Set{Knobs: map[string]string{}}
		for m := range n {
			variant := fmt.Sprintf("method-%d", m)
			set.Knobs["variant."+variant+".gamma"] = "rises"
			for i := range 4 {
				kl := float64(i+1) * (1 + 0.1*float64(m%5))
				for seed := 1; seed <= 2; seed++ {
					set.Runs = append(set.Runs, frontierRun(variant, seed, float64(i), kl*(1+0.02*float64(seed)), 100+0.2*float64(m)+kl*kl/10+0.3*float64(seed), 2*kl))
				}
			}
		}
		figure := Frontier{}
		drawing, err := figure.Draw(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, width := range []vg.Length{3.3 * vg.Inch, 7 * vg.Inch} {
			d := drawing.As(Layout{Width: width})
			r := newReader()
			d.draw(draw.NewCanvas(r, d.Width, d.Height))
			for _, fault := range r.faults(d.Width, d.Height) {
				t.Errorf("%d methods, %.1f in: %s", n, width/vg.Inch, fault)
			}
			named := 0
			for m := range n {
				name := fmt.Sprintf("method-%d", m)
				named += btoi(slices.ContainsFunc(r.texts, func(text readText) bool { return text.text == name }))
			}
			if named != min(n, mostMethods) {
				t.Errorf("%d methods, %.1f in: %d are named", n, width/vg.Inch, named)
			}
			picture, err := d.PNG()
			if err != nil {
				t.Fatal(err)
			}
			show(t, fmt.Sprintf("frontier-methods-%d-%.1f", n, width/vg.Inch), picture)
		}
	}
}

// TestFrontierConverged: points are hollow, and counted, if a trial has not converged.
func TestFrontierConverged(t *testing.T) {
	set := sweepSet(2)
	changeAll(set, func(row *record.Row) {
		if row.Split == "train" {
			row.Values["kl_weight"] = 1
		} else if row.Values != nil {
			row.Values["objective"] = 100
		}
	})
	if caption := captionOf(t, "frontier", set); !strings.Contains(caption, fmt.Sprintf("All %d finished trials have converged.", len(set.Runs))) {
		t.Errorf("flat: %s", caption)
	}
	change(&set.Runs[3], func(row *record.Row) {
		if row.Split == "valid" {
			row.Values["objective"] = 200 - float64(row.Step)/100
		}
	})
	d, _, _ := drawn(t, "frontier", set)
	if want := fmt.Sprintf("Not converged: 1 of %d finished trials (bn γ=0.3 1).", len(set.Runs)); !strings.Contains(d.Caption, want) {
		t.Errorf("the caption does not say %q: %s", want, d.Caption)
	}
	for _, row := range d.Table[1:] {
		want := "2 of 2"
		if row[0] == "bn" && row[2] == "0.3" {
			want = "1 of 2"
		}
		if row[13] != want {
			t.Errorf("%v: want %s", row, want)
		}
	}
}
