package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/plots"
)

// overDial are finished trials of a method: with each value of its dial and each of n seeds, the test rows that at makes of both.
func overDial(variant, key string, dials []float64, n int, at func(dial float64, seed int) map[string]float64) (runs []record.Run) {
	for _, d := range dials {
		for seed := 1; seed <= n; seed++ {
			runs = append(runs, record.Run{
				Trial: record.Trial{ID: fmt.Sprintf("%s-%v/seed-%d", variant, d, seed), Variant: variant, Seed: seed, Data: "d",
					Config: map[string]string{key: fmt.Sprint(d), "train.lr": "0.1", "data": "synthetic"}},
				State: record.Done, Rows: record.Entries(
					record.Row{Step: 9, Split: "train", Values: map[string]float64{"kl_target": d}},
					record.Row{Step: 9, Split: "test", Values: at(d, seed)}),
				Manifest: record.Manifest{Seconds: 1, CPUSeconds: 10 * d}})
		}
	}
	return runs
}

// steered has a KL of 1.1 times its dial, and straight lines over it.
func steered(d float64, seed int) map[string]float64 {
	kl, s := 1.1*d, float64(seed)
	return map[string]float64{"kl": kl, "iw_nll": 100 + kl + s, "nelbo": 101 + kl + s, "gap": 2*kl + 0.01*s*s, "gap_se": 1, "mi": kl / 2, "mi_cap": 9}
}

// better has likelihoods 1 nat lower and gaps 1 nat larger, but for the noise of a seed.
func better(d float64, seed int) map[string]float64 {
	v := steered(d, seed)
	v["iw_nll"], v["nelbo"], v["gap"] = v["iw_nll"]-1-0.1*float64(seed), v["nelbo"]-1, v["gap"]+1
	return v
}

func without(runs []record.Run, f func(r *record.Run)) []record.Run {
	for i := range runs {
		f(&runs[i])
	}
	return runs
}

// changeTest changes the values of the test row.
func changeTest(r *record.Run, f func(values map[string]float64)) {
	for i := range r.Rows {
		if row := r.Rows[i].Row(); row.Split == "test" {
			f(row.Values)
			r.Rows[i] = record.Entries(row)[0]
		}
	}
}

var rateDials = []float64{1, 2, 4}

// TestRank: on straight lines the numbers at a rate are exact, and the differences are those of a matched claim.
func TestRank(t *testing.T) {
	set := &record.Set{Runs: slices.Concat(
		overDial("control", "variant.control.c", rateDials, 6, steered),
		without(overDial("bn", "variant.bn.gamma", rateDials, 6, better), func(r *record.Run) { r.Rows = r.Rows[1:] }))}
	all, err := Rank(set, []float64{3, 2}, "control")
	if err != nil || len(all) != 2 || all[0].Rate != 3 || all[1].Rate != 2 || all[0].Data != "synthetic" || all[0].Split != "test" {
		t.Fatalf("%v, %+v", err, all)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	for _, r := range all {
		bn, control := r.Methods[0], r.Methods[1]
		if bn.Method != "bn" || control.Method != "control" || !control.Base || bn.Base {
			t.Fatalf("order %s, %s", bn.Method, control.Method)
		}
		for metric, want := range map[string]float64{"iw_nll": 100 + r.Rate + 3.5, "nelbo": 101 + r.Rate + 3.5, "mi": r.Rate / 2, "cpu_seconds": 10 * r.Rate / 1.1} {
			if got := control.Values[metric]; !near(got, want) {
				t.Errorf("%s at %v: %v, want %v", metric, r.Rate, got, want)
			}
		}
		if !near(control.DialError, 0.1) || !near(control.DialWorst, 0.1) || !math.IsNaN(bn.DialError) || !near(bn.Low, 1.1) || !near(bn.High, 4.4) || bn.Seeds != 6 || bn.Points != 3 || bn.Dial != "variant.bn.gamma" {
			t.Errorf("%+v\n%+v", control, bn)
		}
		for k, metric := range []string{"iw_nll", "gap"} {
			is := []string{"less", "greater"}[k]
			claim := claims.Claim{Confidence: confidence, Kind: claims.Matched{Quantity: claims.Quantity{Metric: metric, Split: "test"}, Rate: r.Rate, Is: is,
				Of: claims.Selection{"variant": "bn"}, Than: claims.Selection{"variant": "control"}}}
			v := claims.Judge(set, []claims.Claim{claim}, converge.Default)[0]
			d := bn.Differences[k]
			if v.Outcome != claims.Holds || d.Median != v.Estimate || d.Interval != v.Interval || d.P != v.P || d.Mark() != "*" || d.Holm != d.P {
				t.Errorf("%s at %v: %+v, but the claim %s", metric, r.Rate, d, v.Numbers())
			}
		}
		if d := bn.Differences[0]; !near(d.Median, -1.35) || bn.Likelihood != "iw_nll" {
			t.Errorf("difference %v in %s, want -1.35", d.Median, bn.Likelihood)
		}
	}
	text := flat(all[1].Table())
	for _, want := range []string{
		"synthetic at a KL of 2 nats. Test split, ", "|method|n|reach|dial error|IW-NLL|Δ NLL|p|Holm|gap|Δ gap|p|Holm|MI|MI/KL|CPU s|",
		"|control (baseline)|6|1.10 to 4.40|10 %|105.50|–|–|–|", "|−1.35 [−1.60, −1.10]*|0.031|0.031|", "|1.00|0.50|18.2|",
		"With 6 seeds no two-sided p can be below 0.031 (1/32).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Holm's correction over") || strings.Contains(text, "NELBO|") {
		t.Errorf("with one comparison nothing is corrected, and no method lacks an IW-NLL:\n%s", text)
	}
}

// flat is a table as text, with | between cells.
func flat(t Table) string {
	lines := []string{t.Caption, "|" + strings.Join(t.Header, "|") + "|"}
	for _, row := range t.Rows {
		line := "|"
		for _, c := range row {
			line += c.Text + c.Mark + "|"
		}
		lines = append(lines, line)
	}
	return strings.ReplaceAll(strings.Join(append(lines, t.Notes...), "\n"), fixed, " ")
}

// inStates are methods beside one called base, and what may keep one from being compared with it.
func inStates() *record.Set {
	method := func(name string, f func(r *record.Run)) []record.Run {
		return without(overDial(name, "variant."+name+".g", rateDials, 6, steered), func(r *record.Run) {
			r.Rows = r.Rows[1:]
			f(r)
		})
	}
	return &record.Set{Runs: slices.Concat(
		method("base", func(*record.Run) {}),
		method("short", func(r *record.Run) { changeTest(r, func(v map[string]float64) { v["kl"] /= 3 }) }),
		method("failing", func(r *record.Run) {
			if r.Seed == 2 && strings.Contains(r.ID, "-4/") {
				r.State, r.Reason, r.Rows = record.Failed, "training diverged", nil
			}
		}),
		method("going", func(r *record.Run) {
			if r.Seed > 4 {
				r.State = record.Unfinished
			}
		}),
		method("codes", func(r *record.Run) {
			changeTest(r, func(v map[string]float64) { delete(v, "iw_nll"); v["nelbo"] += 10 })
		}),
		method("capped", func(r *record.Run) { changeTest(r, func(v map[string]float64) { v["mi_cap"] = 1 }) }),
		method("other-lr", func(r *record.Run) { r.Config["train.lr"] = "0.2" }),
		overDial("flat", "variant.flat.g", []float64{2}, 6, better),
	)}
}

// compared are the comparisons of claims.
func compared(t *testing.T, said ...claims.Claim) map[string][]record.Comparison {
	t.Helper()
	all := map[string][]record.Comparison{}
	for _, c := range said {
		two, ok := c.Comparison()
		if !ok {
			t.Fatalf("%v compares nothing", c)
		}
		all["e"] = append(all["e"], two)
	}
	return all
}

// TestRankStates: what keeps a method from being read off or compared is said, and the others are.
func TestRankStates(t *testing.T) {
	set := inStates()
	all, err := Rank(set, []float64{2}, "base")
	if err != nil {
		t.Fatal(err)
	}
	text := flat(all[0].Table()) + strings.Join(Legend(all), "\n")
	for _, want := range []string{
		"\n|flat|6|–|", "no dial: one rate, KL 2.20", "|2 not reached in 6 of 6 seeds (spans 0.3667 to 1.467)",
		"\n|failing|5|1.10 to 4.40|–|106.00|", "failed: 1 of 18 trials (training diverged)",
		"failing: no difference in iw_nll from base: failed: failing-4/seed-2: training diverged.",
		"\n|going|4|1.10 to 4.40|–|104.50|", "unfinished: 6 of 18 trials", "no iw_nll: not all of its trials have it", "NELBO 10.00 [10.00, 10.00]*",
		"1.00^|0.50^", "^: the MI is within 10 % of its cap ln N",
		"other-lr lr=0.2: not compared with base, because they also differ in train.lr (0.2 and 0.1).",
		"Holm's correction over 3 methods makes it 0.094 or more, so no corrected p can reach 0.05.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	matched := claims.Matched{Quantity: claims.Quantity{Metric: "gap", Split: "test"}, Rate: 3, Is: "less",
		Of: claims.Selection{"variant": "other-lr"}, Than: claims.Selection{"variant": "base"}}
	for lets, c := range map[bool]claims.Claim{true: {Kind: matched, Despite: []string{"train.lr"}}, false: {Kind: matched}} {
		set.Compared = compared(t, c)
		again, err := Rank(set, []float64{2}, "base")
		if err != nil {
			t.Fatal(err)
		}
		if is := !strings.Contains(flat(again[0].Table()), "not compared"); is != lets {
			t.Errorf("a claim that lets the learning rate differ: %t, compared: %t", lets, is)
		}
	}
	var order []string
	for _, m := range all[0].Methods {
		order = append(order, strings.Fields(m.Method)[0])
	}
	if got := strings.Join(order, " "); got != "going base capped other-lr failing codes flat short" { // going lacks seeds 5 and 6, failing seed 2
		t.Errorf("order %s", got)
	}
}

// TestRankData: each data set has tables of its own, and methods of one are not compared with those of another.
func TestRankData(t *testing.T) {
	other := without(overDial("bn", "variant.bn.gamma", rateDials, 2, better), func(r *record.Run) { r.Data = "another"; r.Config["train.lr"] = "9" })
	set := &record.Set{Runs: append(overDial("control", "variant.control.c", rateDials, 2, steered), other...)}
	all, err := Rank(set, []float64{2}, "control")
	if err != nil || len(all) != 2 || all[0].Data != "synthetic d" || all[1].Data != "synthetic another" || len(all[0].Methods) != 1 || all[1].Methods[0].Method != "bn" {
		t.Fatalf("%v, %+v", err, all)
	}
	if text := flat(all[1].Table()); !strings.Contains(text, "The baseline control was not trained on these data.") || strings.Contains(text, "Δ NLL|") {
		t.Error(text)
	}
}

// TestRankBaseline: a name that no method has, or two of the same settings, is refused; none is no error.
func TestRankBaseline(t *testing.T) {
	two := without(overDial("bn", "variant.bn.gamma", rateDials, 2, better), func(r *record.Run) { r.Config["variant.bn.mode"] = "a" })
	two = append(two, without(overDial("bn", "variant.bn.gamma", rateDials, 2, better), func(r *record.Run) { r.Config["variant.bn.mode"], r.ID = "b", "b"+r.ID })...)
	set := &record.Set{Runs: append(two, overDial("control", "variant.control.c", rateDials, 2, steered)...)}
	for name, want := range map[string]string{
		"contrl": `unknown method "contrl"; did you mean "control"? known: bn mode=a, bn mode=b, control`, "bn": `"bn" is several methods: bn mode=a, bn mode=b; name one`, "bn mode=a": "", "": "",
	} {
		_, err := Rank(set, []float64{2}, name)
		if got := fmt.Sprint(err); got != want && !(want == "" && err == nil) || want != "" && !errors.As(err, new(UnknownBaseline)) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	for i := range set.Runs {
		set.Runs[i].Rows = nil
	}
	if _, err := Rank(set, []float64{2}, ""); err == nil || !strings.Contains(err.Error(), "no trial has been evaluated yet") {
		t.Errorf("trials without rows: %v", err)
	}
}

// TestRankFigure: the figure has the rate and the baseline of most claims, and compares the methods that a ranking compares, those with
// the largest gap first.
func TestRankFigure(t *testing.T) {
	set := inStates()
	set.Runs = append(set.Runs, without(overDial("bn", "variant.bn.gamma", rateDials, 6, better), func(r *record.Run) { r.Rows = r.Rows[1:] })...)
	var said []claims.Claim
	for _, of := range []claims.Selection{{"variant": "other-lr", "train.lr": "0.2"}, {"variant": "bn"}} {
		said = append(said, claims.Claim{Confidence: confidence, Kind: claims.Matched{Quantity: claims.Quantity{Metric: "gap", Split: "test"}, Rate: 2, Is: "greater", Of: of, Than: claims.Selection{"variant": "base"}}})
	}
	said = append(said, claims.Claim{Confidence: confidence, Kind: claims.Matched{Quantity: claims.Quantity{Metric: "gap", Split: "test"}, Rate: 1.5, Is: "greater", Of: claims.Selection{"variant": "bn"}, Than: claims.Selection{"variant": "going"}}})
	set.Compared = compared(t, said...)
	figure, err := plots.Figures.Get("rank")
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Draw(set)
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, row := range d.Table[1:] {
		methods = append(methods, strings.Fields(row[0])[0])
	}
	if got := strings.Join(slices.Compact(methods), " "); got != "bn capped codes going other-lr" || len(methods) != 10 {
		t.Errorf("the figure compares %s", got)
	}
	for _, said := range []string{"At a KL of 2.0 nats the gap is larger than that of base with 1 of 5 methods and smaller with 0; the IW-NLL or NELBO is lower with 1 and higher with 1 (95 % CI",
		"has no IW-NLL: codes.", "Not reached: short.", "Without a dial: flat.", "With failed or damaged trials: failing."} {
		if !strings.Contains(d.Caption, said) {
			t.Errorf("no %q in %s", said, d.Caption)
		}
	}
	// Without the claim about it, the method with a setting of its own is left out.
	set.Compared["e"] = set.Compared["e"][1:2]
	if d, err = figure.Draw(set); err != nil || len(d.Table) != 1+8 || !strings.Contains(d.Caption, "With other settings, too (train.lr): other-lr lr=0.2.") {
		t.Errorf("%v, %v", err, d)
	}
}
