package claims

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/internal/stream"
)

// runs makes a finished run for each value, with seeds 1, 2, ...: on the test split its kl ends at
// the value v, its gap at -v and its theta at (v+4, v, v+1); it took v seconds, 2v of CPU time, and 20 steps. Settings
// are "key=value".
func runs(variant string, settings []string, values ...float64) []record.Run {
	var out []record.Run
	for i, v := range values {
		r := record.Run{State: record.Done}
		r.Variant, r.Seed, r.Data = variant, i+1, "digest"
		r.ID = fmt.Sprintf("%s-%s/seed-%d", variant, strings.Join(settings, "-"), i+1)
		r.Config = map[string]string{"variant": variant, "train.lr": "0.001", "data": "synthetic"}
		for _, s := range settings {
			k, value, _ := strings.Cut(s, "=")
			r.Config[k] = value
		}
		for step, kl := range []float64{v + 1, v} {
			r.Rows = append(r.Rows, record.Entries(record.Row{Step: 10 * (step + 1), Split: "test",
				Values: map[string]float64{"kl": kl, "gap": -kl}, Vectors: map[string][]float64{"theta": {kl + 4, kl, kl + 1}}})...)
		}
		r.Manifest = record.Manifest{Seconds: v, CPUSeconds: 2 * v, Kernel: "avx2"}
		out = append(out, r)
	}
	return out
}

// change changes an entry.
func change(e *record.Entry, f func(row *record.Row)) {
	row := e.Row()
	f(&row)
	*e = record.Entries(row)[0]
}

func set(groups ...[]record.Run) *record.Set { return &record.Set{Runs: slices.Concat(groups...)} }

var (
	bn      = Selection{"variant": "bn"}
	vanilla = Selection{"variant": "vanilla"}
)

// spread are n values from x-by to x+by.
func spread(x, by float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x - by + 2*by*float64(i)/float64(n-1)
	}
	return out
}

// judge returns the verdict on a claim of a kind, changed as asked.
func judge(t *testing.T, s *record.Set, k Kind, change ...func(*Claim)) Verdict {
	t.Helper()
	if err := k.Check(); err != nil {
		t.Fatal(err)
	}
	c := Claim{Say: "so", Source: "us", Confidence: Default, Kind: k}
	for _, f := range change {
		f(&c)
	}
	return Judge(s, []Claim{c}, converge.Default)[0]
}

// bound, order ... are the registered defaults, with what a claim sets.
func bound(f func(*Bound)) Kind         { return with("bound", f) }
func order(f func(*Order)) Kind         { return with("order", f) }
func equal(f func(*Equal)) Kind         { return with("equal", f) }
func ratio(f func(*Ratio)) Kind         { return with("ratio", f) }
func trend(f func(*Trend)) Kind         { return with("trend", f) }
func published(f func(*Published)) Kind { return with("published", f) }

func with[T Kind](name string, f func(*T)) Kind {
	k, err := Kinds.Get(name)
	if err != nil {
		panic(err)
	}
	kind := k.(T)
	f(&kind)
	return kind
}

func TestVerdicts(t *testing.T) {
	ones := []float64{1.01, 1.02, 1.03, 0.99, 0.98, 1.0}
	sixth := []float64{1.5, 1.02, 1.03, 0.99, 0.98, 1.0} // the interval of six is from end to end
	sweep := func(curve func(gamma float64, seed int) float64, n int) *record.Set {
		var all [][]record.Run
		for _, gamma := range []float64{0.1, 0.5, 1, 10} { // 10 after 0.5: by number, not by text
			values := make([]float64, n)
			for s := range values {
				values[s] = curve(gamma, s)
			}
			all = append(all, runs("bn", []string{fmt.Sprintf("variant.bn.gamma=%v", gamma)}, values...))
		}
		return set(all...)
	}
	rising := sweep(func(g float64, s int) float64 { return g + 0.1*float64(s) }, 6)
	bowl := sweep(func(g float64, s int) float64 { return math.Abs(math.Log(g)) + float64(s) }, 6)
	mixed := sweep(func(g float64, s int) float64 { return g * float64(1-2*(s%2)) }, 6)
	two := func(a, b []float64) *record.Set { return set(runs("bn", nil, a...), runs("vanilla", nil, b...)) }

	for _, c := range []struct {
		name string
		set  *record.Set
		kind Kind
		want Outcome
		says string
	}{
		{"at most", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 1.03 }), Holds,
			"test kl of bn, claimed at most 1.03; median 1.005 [0.98, 1.03] at 96.88 %, n=6; the CI lies inside the claimed range"},
		{"at most, one above", set(runs("bn", nil, sixth...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 1.03 }), Undecided, "inside and outside the claimed range"},
		{"at most, all above", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 0.9 }), Refuted, "lies outside"},
		{"at least", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast = bn, "kl", 0.98 }), Holds, "claimed at least 0.98"},
		{"between", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.AtMost = bn, "kl", 0, 2 }), Holds, "claimed between 0 and 2"},
		{"between, below", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.AtMost = bn, "kl", 2, 3 }), Refuted, ""},
		{"five seeds", set(runs("bn", nil, ones[:5]...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 2 }), Undecided,
			"too few seeds: 5 reach 93.75 % at most; 95 % needs 6"},
		{"one seed", set(runs("bn", nil, 1)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 2 }), Undecided, "1 reach 0 % at most"},

		{"every row", set(runs("bn", nil, 1)), bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.Rows = bn, "kl", 1, "every" }), Holds,
			"1, n=1; holds in all 2 rows of 1 trials; closest: bn-/seed-1 at step 20"},
		{"every row of several settings", rising, bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.Rows = bn, "kl", 0, "every" }), Holds, "48 rows of 24 trials"},
		{"one row broken", set(runs("bn", nil, 1, 2, 3)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Rows = bn, "kl", 3.5, "every" }), Refuted,
			"4, n=3; violated in 1 of 6 rows; worst: bn-/seed-3 at step 10"},

		{"greater", two(spread(3, 0.5, 6), spread(1, 0.2, 6)), order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" }), Holds,
			"test kl of bn minus vanilla, claimed greater than 0; median 2 [1.7, 2.3] at 96.88 %, n=6; p=0.03125 (sign-flip test; Holm 0.03125); the CI"},
		{"greater by a margin", two(spread(3, 0.5, 6), spread(1, 0.2, 6)), order(func(o *Order) { o.Of, o.Than, o.Metric, o.Margin = bn, vanilla, "kl", 1.8 }), Undecided, "claimed greater than 1.8"},
		{"greater by too large a margin", two(spread(3, 0.5, 6), spread(1, 0.2, 6)), order(func(o *Order) { o.Of, o.Than, o.Metric, o.Margin = bn, vanilla, "kl", 2.5 }), Refuted, ""},
		{"less", two(spread(1, 0.5, 6), spread(3, 0.2, 6)), order(func(o *Order) { o.Of, o.Than, o.Metric, o.Is = bn, vanilla, "kl", "less" }), Holds, "claimed less than 0"},
		{"less is not equal", two(ones, ones), order(func(o *Order) { o.Of, o.Than, o.Metric, o.Is = bn, vanilla, "kl", "less" }), Refuted, "p=1"},
		// Paired, the differences are all 0.1; unpaired they would drown in the spread over seeds.
		{"greater in each pair", two(spread(1.1, 5, 6), spread(1, 5, 6)), order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" }), Holds, "median 0.1 [0.1, 0.1]"},
		{"pairs that are missing", two(ones, ones[:2]), order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" }), Undecided, "2 reach 50 % at most; 95 % needs 6; finished trials without a partner with the same seed: 4"},

		{"equal", two(ones, spread(1, 0.04, 6)), equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = bn, vanilla, "kl", 0.1 }), Holds, "claimed between -0.1 and 0.1"},
		{"no difference found is not equal", two(ones, spread(1, 0.04, 6)), equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = bn, vanilla, "kl", 0.01 }), Undecided, ""},
		{"not equal", two(ones, spread(3, 0.1, 6)), equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = bn, vanilla, "kl", 0.1 }), Refuted, ""},

		{"published", set(runs("bn", nil, ones...)), published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = bn, "kl", 1, 0.05 }), Holds, "claimed between 0.95 and 1.05"},
		{"published, too narrow", set(runs("bn", nil, ones...)), published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = bn, "kl", 1, 0.01 }), Undecided, ""},
		{"published, far off", set(runs("bn", nil, ones...)), published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = bn, "kl", 6.2, 1 }), Refuted, ""},

		{"ratio", two(spread(2.1, 0.1, 6), ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtLeast, r.AtMost = bn, vanilla, "kl", 1.9, 2.4 }), Holds,
			"test kl of bn over that of vanilla, claimed between 1.9 and 2.4; median 2.08 [1.98, 2.204] at 96.88 %, n=6; p=0.03125 (sign-flip test; Holm 0.03125); the CI"},
		{"ratio, all above", two(spread(2.1, 0.1, 6), ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "kl", 1.1 }), Refuted, ""},
		{"ratio, some above", two(sixth, ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "kl", 1.1 }), Undecided, "inside and outside"},
		{"ratio of pairs that are missing", two(ones, ones[:2]), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "kl", 2 }), Undecided, "without a partner with the same seed: 4"},
		{"ratio of what is below 0", two(ones, ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "gap", 2 }), Undecided, "no ratio: with seed 1 test gap is -1.01 and -1.01"},

		{"mean of a vector", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "theta.mean", 3 }), Holds, "test theta.mean of bn, claimed at most 3; median 2.672 [2.647, 2.697]"},
		{"median of a vector in every row", set(runs("bn", nil, 1)), bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.Rows = bn, "theta.median", 2, "every" }), Holds, "2, n=1; holds in all 2 rows"},
		{"smallest of a vector", two(spread(3, 0.5, 6), ones), order(func(o *Order) { o.Of, o.Than, o.Metric, o.Margin = bn, vanilla, "theta.min", 1 }), Holds, "test theta.min of bn minus vanilla"},
		{"largest of a vector", two(ones, ones), equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = bn, vanilla, "theta.max", 0.1 }), Holds, "median 0"},
		{"a vector as published", set(runs("bn", nil, ones...)), published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = bn, "theta.2", 2, 0.05 }), Holds, "test theta.2 of bn, claimed between 1.95 and 2.05"},
		{"ratio of an element", two(ones, ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "theta.0", 1.1 }), Holds, "median 1"},
		{"a vector over a setting", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "theta.mean", "variant.bn.gamma" }), Holds, "Kendall's tau of test theta.mean of bn"},

		{"cost of a step", two(spread(2.1, 0.1, 6), ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "cpu_ms_per_step", 3 }), Holds,
			"cpu_ms_per_step of bn over that of vanilla, claimed at most 3; median 2.08 [1.98, 2.204] at 96.88 %, n=6; p=0.03125 (sign-flip test; Holm 0.03125); the CI lies inside the claimed range"},
		{"cost of a trial", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "cpu_seconds", 2.06 }), Holds, "cpu_seconds of bn, claimed at most 2.06; median 2.01"},
		{"cost of a step in ms", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "cpu_ms_per_step", 100 }), Undecided, "median 100.5 [98, 103]"},
		{"cost over a setting", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "cpu_seconds", "variant.bn.gamma" }), Holds, "Kendall's tau of cpu_seconds of bn over"},
		{"cost by the wall clock", set(runs("bn", nil, ones...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "seconds", 1.03 }), Holds,
			"seconds (wall clock) of bn, claimed at most 1.03; median 1.005 [0.98, 1.03] at 96.88 %, n=6; the CI lies inside the claimed range"},
		{"cost of a step by the wall clock", two(spread(2.1, 0.1, 6), ones), ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "ms_per_step", 3 }), Holds,
			"ms_per_step (wall clock) of bn over that of vanilla, claimed at most 3; median 2.08 [1.98, 2.204]"},

		{"rises", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "variant.bn.gamma" }), Holds, "Kendall's tau of test kl of bn over variant.bn.gamma, claimed greater than 0; median 1 [1, 1]"},
		{"rises, but falls", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "gap", "variant.bn.gamma" }), Refuted, ""},
		{"falls", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "gap", "variant.bn.gamma", "falls" }), Holds, ""},
		{"rises in half of the seeds", mixed, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "variant.bn.gamma" }), Undecided, ""},
		{"rises in two seeds", sweep(func(g float64, _ int) float64 { return g }, 2), trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "variant.bn.gamma" }), Undecided, "too few seeds"},
		{"minimum", bowl, trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "kl", "variant.bn.gamma", "minimum" }), Holds, "median 2.303"},
		{"minimum at an end", rising, trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "kl", "variant.bn.gamma", "minimum" }), Refuted, ""},
		{"minimum in half of the seeds", mixed, trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "kl", "variant.bn.gamma", "minimum" }), Refuted, ""},
	} {
		v := judge(t, c.set, c.kind)
		if v.Outcome != c.want || !strings.Contains(v.Numbers(), c.says) {
			t.Errorf("%s: %s: %s\nwant %s: ...%s", c.name, v.Outcome, v.Numbers(), c.want, c.says)
		}
	}
}

// TestFlatCurve: of curves that are noise, few may be found to rise, to fall, or to have their
// minimum inside: at most 5 in 100 of each, as often as a 95 % interval misses.
func TestFlatCurve(t *testing.T) {
	const samples = 400
	for _, shape := range []string{"rises", "falls", "minimum"} {
		found := 0
		for i := range samples {
			r := stream.New(5, "flat", shape, i)
			var all [][]record.Run
			for _, gamma := range []float64{0.1, 0.3, 0.5, 0.7, 1, 1.5} {
				values := make([]float64, 8)
				for s := range values {
					values[s] = r.NormFloat64()
				}
				all = append(all, runs("bn", []string{fmt.Sprintf("variant.bn.gamma=%v", gamma)}, values...))
			}
			v := judge(t, set(all...), trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "kl", "variant.bn.gamma", shape }))
			if v.Outcome == Holds {
				found++
			}
		}
		if share := float64(found) / samples; share > 0.05 {
			t.Errorf("%s is found in %.3f of flat curves", shape, share)
		}
	}
}

// TestTrivialOrder: where two variants do not differ, an order is found in at most 5 % of the
// samples, and where they do it is found.
func TestTrivialOrder(t *testing.T) {
	const samples = 400
	for _, c := range []struct {
		shift    float64
		min, max float64
	}{{0, 0, 0.05}, {4, 0.95, 1}} {
		found := 0
		for i := range samples {
			r := stream.New(9, "order", c.shift, i)
			a, b := make([]float64, 7), make([]float64, 7)
			for s := range a {
				a[s], b[s] = c.shift+r.NormFloat64(), r.NormFloat64()
			}
			v := judge(t, set(runs("bn", nil, a...), runs("vanilla", nil, b...)), order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" }))
			if v.Outcome == Holds {
				found++
			}
		}
		if share := float64(found) / samples; share < c.min || share > c.max {
			t.Errorf("shifted by %v: an order is found in %.3f of the samples", c.shift, share)
		}
	}
}

// TestNotJudged: what cannot be judged says precisely why, and is undecided.
func TestNotJudged(t *testing.T) {
	six := spread(1, 0.1, 6)
	kl := func(s Selection) Kind { return bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = s, "kl", 9 }) }
	whole := set(runs("bn", []string{"variant.bn.gamma=0.5"}, six...), runs("bn", []string{"variant.bn.gamma=0.7"}, six...), runs("vanilla", nil, six...))
	broken := set(runs("bn", nil, six...), runs("vanilla", nil, six...))
	broken.Runs[2].State, broken.Runs[2].Reason = record.Failed, "training diverged"
	damaged := set(runs("bn", nil, six...), runs("vanilla", nil, six...))
	damaged.Runs[1].State, damaged.Runs[1].Reason, damaged.Runs[1].Rows = record.Damaged, "rows.jsonl: it is missing", nil
	unfinished := set(runs("bn", nil, six...), runs("vanilla", nil, six...))
	for i := range 6 {
		unfinished.Runs[i].State = record.Unfinished
	}
	nan := set(runs("bn", nil, six...))
	change(&nan.Runs[3].Rows[1], func(row *record.Row) { row.Values["kl"] = math.NaN() })
	twice := set(runs("bn", nil, six...), runs("bn", nil, six...))
	change(&nan.Runs[3].Rows[1], func(row *record.Row) { row.Vectors["theta"][0] = math.NaN() })
	models, some := set(runs("bn", nil, six...), runs("vanilla", nil, six...)), set(runs("bn", nil, six...), runs("vanilla", nil, six...))
	models.Runs[0].Manifest.CPU, some.Runs[7].Manifest.CPUSeconds = "A", 0
	elsewhere, resumed, untimed := set(runs("bn", nil, six...), runs("vanilla", nil, six...)), set(runs("bn", nil, six...)), set(runs("bn", nil, six...))
	elsewhere.Runs[7].Manifest.Kernel, resumed.Runs[4].Manifest.Resumed, untimed.Runs[5].Manifest = "avx512", true, record.Manifest{Kernel: "avx2"}
	cost := bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "seconds", 9 })
	for _, c := range []struct {
		name string
		set  *record.Set
		kind Kind
		says string
	}{
		{"unknown variant", whole, kl(Selection{"variant": "bnn"}), `unknown variant "bnn"; did you mean "bn"? known: bn, vanilla`},
		{"unknown setting", whole, kl(Selection{"variant": "bn", "variant.bn.gama": "0.5"}), `unknown setting "variant.bn.gama"; did you mean "variant.bn.gamma"? known: variant, variant.bn.gamma`},
		{"setting outside the variant", whole, kl(Selection{"variant": "bn", "train.lt": "0.5"}), `unknown setting "train.lt"; did you mean "train.lr"?`},
		{"setting of another variant", whole, kl(Selection{"variant": "vanilla", "variant.bn.gamma": "0.5"}), `(other trials of the experiment have variant.bn.gamma)`},
		{"value that no trial has", whole, kl(Selection{"variant": "bn", "variant.bn.gamma": "0.6"}), "no trial of the selection has variant.bn.gamma 0.6; there are 0.5, 0.7"},
		{"open", whole, kl(bn), "bn has several values of variant.bn.gamma (0.5, 0.7); name one"},
		{"nothing selected", whole, kl(nil), "selects nothing"},
		{"unknown metric", whole, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = vanilla, "kll", 9 }), "vanilla-/seed-1: no row of split test has kll; they have gap, kl, theta"},
		{"unknown metric in every row", whole, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Rows = bn, "slack", 9, "every" }), "bn-variant.bn.gamma=0.5/seed-1: no row of split test has slack; they have gap, kl, theta"},
		{"a split that was not measured", whole, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Split = vanilla, "kl", 9, "valid" }), "vanilla-/seed-1 has no rows of split valid"},
		{"failed", broken, kl(bn), "failed: bn-/seed-3: training diverged"},
		{"failed among the compared", broken, order(func(o *Order) { o.Of, o.Than, o.Metric = vanilla, bn, "kl" }), "failed: bn-/seed-3: training diverged"},
		{"damaged", damaged, kl(bn), "damaged: bn-/seed-2: rows.jsonl: it is missing"},
		{"unfinished", unfinished, kl(bn), "no finished trial of bn; unfinished: 6"},
		{"NaN", nan, kl(bn), "bn-/seed-4: the last test kl is not a number"},
		{"NaN in a vector", nan, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "theta.median", 9 }), "bn-/seed-4: the last test theta.median is not a number"},
		{"a vector as it is", whole, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = vanilla, "theta", 9 }), "vanilla-/seed-1: split test: theta is a vector; name one number of it: theta.max, theta.mean, theta.median, theta.min, or an element, theta.0 to theta.2"},
		{"an element too far", whole, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Rows = vanilla, "theta.3", 9, "every" }), "theta has no element 3; there are 0 to 2"},
		{"costs of two CPU models", models, ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "cpu_seconds", 9 }),
			"timed on different machines:  , A, kernel avx2, , GOMAXPROCS 0;  , unknown CPU, kernel avx2, , GOMAXPROCS 0"},
		{"costs of which some have no CPU time", some, ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "cpu_ms_per_step", 9 }),
			"vanilla-/seed-2: no cpu_ms_per_step: its manifest.json has no CPU time; ms_per_step is wall-clock time"},
		{"costs of two machines", elsewhere, ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "seconds", 9 }), "timed on different machines: "},
		{"cost of an interrupted trial", resumed, cost, "bn-/seed-5: no seconds: the trial was interrupted, so that its time is not known"},
		{"cost without a manifest", untimed, cost, "bn-/seed-6: no seconds: its manifest.json does not say how long it took"},
		{"NaN in a row", nan, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Rows = bn, "kl", 9, "every" }), "bn-/seed-4: test kl is not a number at step 20"},
		{"a trial in two places", twice, kl(bn), "two trials of bn have seed 1"},
		{"trend over a word", whole, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "data" }), `data is "synthetic" in some trial; a trend is over numbers`},
		{"trend over nothing", whole, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "variant.bn.tau" }), `unknown setting "variant.bn.tau"`},
		{"trend over one value", whole, trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "train.lr" }), "train.lr has too few values (0.001); such a trend needs 2"},
		{"minimum of two", whole, trend(func(r *Trend) { r.Of, r.Metric, r.Over, r.Shape = bn, "kl", "variant.bn.gamma", "minimum" }), "(0.5, 0.7); such a trend needs 3"},
		{"no trials at all", set(), kl(bn), `unknown variant "bn"; known: `},
	} {
		// Another claim about the same trials, if there are any, is judged all the same.
		sound := Claim{Confidence: 0.5, Kind: bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = vanilla, "kl", 9 })}
		list := Judge(c.set, []Claim{{Confidence: Default, Kind: c.kind}, sound}, converge.Default)
		v := list[0]
		if slices.ContainsFunc(c.set.Runs, func(r record.Run) bool { return vanilla.Has(r.Trial) }) && list[1].Outcome != Holds {
			t.Errorf("%s: the other claim: %s: %s", c.name, list[1].Outcome, list[1].Numbers())
		}
		if v.Outcome != Undecided || !strings.Contains(v.Reason, c.says) {
			t.Errorf("%s: %s: %s\nwant undecided: ...%s", c.name, v.Outcome, v.Reason, c.says)
		}
		if strings.Contains(v.Reason, "\n") {
			t.Errorf("%s: more than a line: %s", c.name, v.Reason)
		}
	}
	unfinished.Runs[0].State = record.Done
	if v := judge(t, unfinished, kl(bn)); v.N != 1 || !strings.HasSuffix(v.Reason, "; left out as unfinished: 5 of its trials") {
		t.Errorf("five unfinished: %s", v.Numbers())
	}
}

// TestRounding: a verdict says so if its trials ran with kernels that round differently.
func TestRounding(t *testing.T) {
	mixed := set(runs("bn", nil, spread(1, 0.1, 6)...))
	for i := range mixed.Runs {
		mixed.Runs[i].Manifest = record.Manifest{Arch: "amd64", Precision: "float32", Kernel: []string{"avx512", "avx2+fma"}[i%2]}
	}
	kl := bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 9 })
	if v := judge(t, mixed, kl); strings.Contains(v.Reason, "round differently") {
		t.Errorf("AVX2 and AVX-512 give the same bytes: %s", v.Reason)
	}
	mixed.Runs[0].Manifest.Kernel = "gonum blas32"
	const want = "; its trials ran with kernels that round differently: amd64 float32 avx2 or avx512 (5), amd64 float32 gonum blas32 (1)"
	if v := judge(t, mixed, kl); v.Outcome != Holds || !strings.HasSuffix(v.Reason, want) {
		t.Errorf("%s: %q", v.Outcome, v.Reason)
	}
}

// TestCostWithoutCPUTime: trials of earlier versions know the wall clock only. A claim about CPU time is judged by
// it, in each kind, and the verdict says so twice: in what it is about, and in the reason.
func TestCostWithoutCPUTime(t *testing.T) {
	six := spread(1, 0.1, 6)
	s := set(runs("bn", []string{"variant.bn.gamma=1"}, six...), runs("bn", []string{"variant.bn.gamma=2"}, spread(3, 0.1, 6)...), runs("vanilla", nil, six...))
	for i := range s.Runs {
		s.Runs[i].Manifest.CPUSeconds = 0
	}
	one := Selection{"variant": "bn", "variant.bn.gamma": "1"}
	const note = "; by wall-clock time, because no trial has CPU time"
	for _, c := range []struct {
		kind Kind
		says string
	}{
		{bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = one, "cpu_seconds", 1.1 }), "seconds (wall clock) of bn variant.bn.gamma=1, claimed at most 1.1; median 1 [0.9, 1.1]"},
		{order(func(o *Order) { o.Of, o.Than, o.Metric, o.Is, o.Margin = one, vanilla, "cpu_seconds", "less", 0.1 }), "seconds (wall clock) of bn variant.bn.gamma=1 minus vanilla"},
		{equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = one, vanilla, "cpu_ms_per_step", 1 }), "ms_per_step (wall clock) of bn variant.bn.gamma=1 minus vanilla"},
		{ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = one, vanilla, "cpu_ms_per_step", 1.1 }), "ms_per_step (wall clock) of bn variant.bn.gamma=1 over that of vanilla, claimed at most 1.1; median 1 [1, 1]"},
		{trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "cpu_seconds", "variant.bn.gamma" }), "Kendall's tau of seconds (wall clock) of bn over"},
		{published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = one, "cpu_seconds", 1, 0.1 }), "seconds (wall clock) of bn variant.bn.gamma=1, claimed between 0.9 and 1.1"},
	} {
		v := judge(t, s, c.kind)
		if v.N != 6 || !strings.Contains(v.Numbers(), c.says) || !strings.HasSuffix(v.Reason, note) {
			t.Errorf("%s: %s\nwant %s...%s", v.Outcome, v.Numbers(), c.says, note)
		}
	}
	if v := judge(t, s, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = one, "seconds", 2 })); strings.Contains(v.Reason, note) {
		t.Errorf("a claim by the wall clock is excused: %s", v.Numbers())
	}
}

// TestFits: what may stand behind the dot of a metric.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		metric string
		length int
		says   string
	}{
		{"kl", 0, ""},
		{"theta.mean", 8, ""},
		{"theta.median", 8, ""},
		{"theta.min", 8, ""},
		{"theta.max", 8, ""},
		{"theta.0", 8, ""},
		{"theta.7", 8, ""},
		{"theta.8", 8, "theta has no element 8; there are 0 to 7"},
		{"theta.-1", 8, "theta has no element -1; there are 0 to 7"},
		{"theta.maen", 8, `unknown reduction of theta "maen"; did you mean "mean"? known: max, mean, median, min, or an element, 0 to 7`},
		{"theta.", 8, `unknown reduction of theta ""; known: max,`},
		{"theta.mean.0", 8, `unknown reduction of theta "mean.0"; did you mean "mean"?`},
		{"theta", 8, "theta is a vector; name one number of it: theta.max, theta.mean, theta.median, theta.min, or an element, theta.0 to theta.7"},
		{"kl.mean", 0, "kl is one number; leave out .mean"},
	} {
		err := Quantity{Metric: c.metric}.fits(c.length)
		if (err == nil) != (c.says == "") || err != nil && !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s of length %d: got %v, want %q", c.metric, c.length, err, c.says)
		}
	}
}

// TestCheckMetric: what no selected trial may lack, and no claim name that every trial lacks.
func TestCheckMetric(t *testing.T) {
	trials := []record.Trial{runs("bn", nil, 1)[0].Trial, runs("vanilla", nil, 1)[0].Trial}
	length := func(i int, split, name string) (int, error) { // bn has slack and theta
		switch {
		case name == "kl":
			return 0, nil
		case i == 0 && name == "slack":
			return 0, nil
		case i == 0 && name == "theta" && split == "train":
			return 3, nil
		}
		return 0, fmt.Errorf("%s has no %s %s", trials[i].Variant, split, name)
	}
	for _, c := range []struct {
		of            Selection
		split, metric string
		says          string
	}{
		{bn, "test", "kl", ""},
		{bn, "test", "slack", ""},
		{bn, "train", "theta.2", ""},
		{bn, "test", "seconds", ""},
		{vanilla, "test", "slack", "vanilla has no test slack"},
		{bn, "test", "theta.mean", "bn has no test theta"},
		{bn, "train", "theta.3", "theta has no element 3; there are 0 to 2"},
		{Selection{"data": "synthetic"}, "test", "slack", "vanilla has no test slack"},
		{bn, "test", "secnds", `unknown metric "secnds"; did you mean "seconds", which is of a whole trial?`},
		{bn, "test", "seconds.mean", `unknown metric "seconds.mean"; did you mean "seconds", which is of a whole trial?`},
		{Selection{"variant": "bnn"}, "test", "slack", ""}, // the selection is the mistake
		{Selection{"variant": "bnn"}, "test", "klk", "vanilla has no test klk"},
	} {
		claim := Claim{Kind: bound(func(b *Bound) { b.Of, b.Split, b.Metric = c.of, c.split, c.metric })}
		if err := claim.CheckMetric(trials, length); (err == nil) != (c.says == "") || err != nil && err.Error() != c.says {
			t.Errorf("%s %s of %s: got %v, want %q", c.split, c.metric, c.of, err, c.says)
		}
	}
}

func TestSeeds(t *testing.T) {
	s := set(runs("bn", nil, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9))
	at := func(seeds ...int) func(*Claim) { return func(c *Claim) { c.Seeds = seeds } }
	k := bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 2 })
	if v := judge(t, s, k, at(1, 2, 3, 4, 5, 6)); v.Outcome != Holds || v.N != 6 {
		t.Errorf("six seeds: %s", v.Numbers())
	}
	if v := judge(t, s, k, at(7, 8, 9, 10, 11, 12)); v.Outcome != Refuted {
		t.Errorf("the other six: %s", v.Numbers())
	}
	if v := judge(t, s, k, at(1, 70)); v.Outcome != Undecided || v.Reason != "no trial has seed 70; there are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12" {
		t.Errorf("a seed that does not exist: %s", v.Numbers())
	}
	if v := judge(t, s, k, func(c *Claim) { c.Confidence = 0.9999 }); !strings.Contains(v.Reason, "12 reach 99.95 % at most; 99.99 % needs 15") {
		t.Errorf("a high confidence: %s", v.Numbers())
	}
	for rows, want := range map[string]int{"last": 6, "every": 1} {
		c := Claim{Confidence: Default, Kind: bound(func(b *Bound) { b.Rows = rows })}
		if got := c.SeedsNeeded(); got != want {
			t.Errorf("rows %s needs %d seeds, want %d", rows, got, want)
		}
	}
}

// TestConfound: what differs beside what is named is named, unless it is declared.
func TestConfound(t *testing.T) {
	six := spread(1, 0.1, 6)
	mine := []string{"variant.bn.gamma=0.5", "variant.bn.eps=1e-8"}
	bnLN := order(func(o *Order) { o.Of, o.Than, o.Metric = bn, Selection{"variant": "ln"}, "kl" })
	overVanilla := order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" })
	overGamma := trend(func(r *Trend) { r.Of, r.Metric, r.Over = bn, "kl", "variant.bn.gamma" })
	other := runs("vanilla", nil, six...)
	for i := range other {
		other[i].Data = "another"
	}
	for _, c := range []struct {
		name    string
		set     *record.Set
		kind    Kind
		despite []string
		says    string // "" if there is no confound
	}{
		{"settings of the variants' own", set(runs("bn", mine, six...), runs("vanilla", nil, six...)), overVanilla, nil, ""},
		{"learning rate", set(runs("bn", append(mine, "train.lr=0.01"), six...), runs("vanilla", nil, six...)), overVanilla, nil,
			"confounded: the trials also differ in train.lr (0.01 and 0.001)"},
		{"declared", set(runs("bn", append(mine, "train.lr=0.01"), six...), runs("vanilla", nil, six...)), overVanilla, []string{"train.lr"}, ""},
		{"one of two declared", set(runs("bn", []string{"train.lr=0.01", "kl.beta=2"}, six...), runs("vanilla", nil, six...)), overVanilla, []string{"train.lr"}, "kl.beta"},
		{"named on one side", set(runs("bn", append(mine, "train.lr=0.01"), six...), runs("vanilla", nil, six...)),
			order(func(o *Order) { o.Of, o.Than, o.Metric = Selection{"variant": "bn", "train.lr": "0.01"}, vanilla, "kl" }), nil, ""},
		{"other bytes of the data", set(runs("bn", nil, six...), other), overVanilla, nil, "data_digest (digest and another)"},
		{"other data", set(runs("bn", nil, six...), runs("vanilla", []string{"data=godoc"}, six...)), overVanilla, nil, "data (synthetic and godoc)"},
		{"twins alike", set(runs("bn", mine, six...), runs("ln", []string{"variant.ln.gamma=0.5", "variant.ln.eps=0.00000001"}, six...)), bnLN, nil, ""},
		{"twins that differ", set(runs("bn", mine, six...), runs("ln", []string{"variant.ln.gamma=0.7", "variant.ln.eps=1e-8"}, six...)), bnLN, nil,
			"variant.bn.gamma (0.5) and variant.ln.gamma (0.7)"},
		{"twins declared", set(runs("bn", mine, six...), runs("ln", []string{"variant.ln.gamma=0.7", "variant.ln.eps=1e-8"}, six...)), bnLN, []string{"variant.ln.gamma"}, ""},
		{"along a trend", set(runs("bn", []string{"variant.bn.gamma=1", "train.lr=1"}, six...), runs("bn", []string{"variant.bn.gamma=2", "train.lr=2"}, six...)), overGamma, nil, "train.lr (1 and 2)"},
		{"along a trend, declared", set(runs("bn", []string{"variant.bn.gamma=1", "train.lr=1"}, six...), runs("bn", []string{"variant.bn.gamma=2", "train.lr=2"}, six...)), overGamma, []string{"train.lr"}, ""},
		{"a bound compares nothing", set(runs("bn", nil, six...)), bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 9 }), nil, ""},
	} {
		v := judge(t, c.set, c.kind, func(said *Claim) { said.Despite = c.despite })
		confounded := strings.HasPrefix(v.Reason, "confounded: ")
		if confounded != (c.says != "") || !strings.Contains(v.Reason, c.says) || confounded && v.Outcome != Undecided {
			t.Errorf("%s: %s: %s", c.name, v.Outcome, v.Numbers())
		}
	}
	s := []record.Trial{runs("bn", mine, 1)[0].Trial}
	if err := CheckDespite("train.lr", s); err != nil {
		t.Error(err)
	}
	if err := CheckDespite("train.rl", s); err == nil || !strings.HasPrefix(err.Error(), `unknown setting "train.rl"; did you mean "train.lr"?`) {
		t.Errorf("got %v", err)
	}
}

// TestEntangled: a full grid has nothing to say; what varies together only is named.
func TestEntangled(t *testing.T) {
	for _, c := range []struct {
		name string
		set  *record.Set
		want string
	}{
		{"one factor", set(runs("bn", []string{"variant.bn.gamma=1"}, 1), runs("bn", []string{"variant.bn.gamma=2"}, 1), runs("vanilla", nil, 1)), ""},
		{"a grid", set(runs("bn", nil, 1), runs("vanilla", nil, 1), runs("bn", []string{"train.lr=1"}, 1), runs("vanilla", []string{"train.lr=1"}, 1)), ""},
		{"a baseline that was tuned", set(runs("bn", nil, 1), runs("vanilla", nil, 1), runs("vanilla", []string{"train.lr=1"}, 1)), ""},
		{"together", set(runs("bn", []string{"train.lr=1"}, 1, 2), runs("vanilla", nil, 1, 2)),
			"vanilla lr=0.001 and bn lr=1 differ in train.lr (0.001 and 1), too"},
		{"model and data", set(runs("bn", []string{"model=lstm", "data=godoc", "model.lstm.size=2"}, 1), runs("bn", []string{"model=mlp", "data=glyphs"}, 1)),
			"differ in data (glyphs and godoc), too"},
	} {
		got := strings.Join(Entangled(c.set), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCheck: settings that contradict each other, for each kind.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		says string
	}{
		{bound(func(b *Bound) { b.Metric = "kl" }), "has no bound"},
		{bound(func(b *Bound) { b.Metric, b.AtLeast, b.AtMost = "kl", 2, 1 }), "contradictory bounds: nothing is at least 2 and at most 1"},
		{bound(func(b *Bound) { b.AtLeast = 2 }), "has no metric"},
		{order(func(o *Order) { o.Metric, o.Of, o.Than = "kl", bn, maps.Clone(bn) }), "compares bn with itself; of and than must differ"},
		{order(func(o *Order) { o.Of, o.Than = bn, vanilla }), "has no metric"},
		{equal(func(q *Equal) { q.Metric, q.Of, q.To = "kl", bn, bn }), "of and to must differ"},
		{equal(func(q *Equal) { q.Metric, q.Of, q.To = "kl", bn, vanilla }), "has no tolerance"},
		{published(func(p *Published) { p.Metric, p.Of = "kl", bn }), "has no value"},
		{published(func(p *Published) { p.Metric, p.Of, p.Value = "kl", bn, 0 }), "has no tolerance"},
		{bound(func(b *Bound) { b.Metric, b.AtMost, b.Rows = "seconds", 2, "every" }), "seconds is a number of the whole trial, so no row has it; leave out rows: every"},
		{ratio(func(r *Ratio) { r.Metric, r.Of, r.To, r.AtMost = "kl", bn, bn, 1 }), "of and to must differ"},
		{ratio(func(r *Ratio) { r.Metric, r.Of, r.To = "kl", bn, vanilla }), "has no bound"},
		{ratio(func(r *Ratio) { r.Metric, r.Of, r.To, r.AtMost = "kl", bn, vanilla, -1 }), "contradictory bounds: no ratio of numbers above 0 is at most -1"},
		{ratio(func(r *Ratio) { r.Metric, r.Of, r.To, r.AtLeast = "kl", bn, vanilla, 0 }), "every ratio of numbers above 0 is at least 0"},
		{ratio(func(r *Ratio) { r.Of, r.To, r.AtMost = bn, vanilla, 1 }), "has no metric"},
		{trend(func(r *Trend) { r.Metric, r.Of = "kl", bn }), "has no setting"},
		{trend(func(r *Trend) { r.Metric, r.Of, r.Over = "kl", Selection{"train.lr": "1"}, "train.lr" }), "is over train.lr, but of fixes it at 1"},
	} {
		if err := c.kind.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %s", c.kind, err, c.says)
		}
	}
}

// TestHolmOverClaims: the p-values of a list are corrected together; verdicts stay.
func TestHolmOverClaims(t *testing.T) {
	s := set(runs("bn", nil, spread(3, 0.1, 6)...), runs("ln", nil, spread(3, 0.1, 6)...), runs("vanilla", nil, spread(1, 0.2, 6)...))
	against := func(v string) Claim {
		return Claim{Confidence: Default, Kind: order(func(o *Order) { o.Of, o.Than, o.Metric = Selection{"variant": v}, vanilla, "kl" })}
	}
	list := []Claim{against("bn"), {Confidence: Default, Kind: bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 9 })}, against("ln")}
	v := Judge(s, list, converge.Default)
	if v[0].P != 1./32 || v[0].Holm != 2./32 || v[2].Holm != 2./32 || v[0].Outcome != Holds {
		t.Errorf("got %s\n%s", v[0].Numbers(), v[2].Numbers())
	}
	if !math.IsNaN(v[1].P) || !math.IsNaN(v[1].Holm) {
		t.Errorf("a bound is tested: %s", v[1].Numbers())
	}
}

// TestJSON: a verdict with and one without numbers; NaN is null.
func TestJSON(t *testing.T) {
	s := set(runs("bn", nil, spread(1, 0.5, 6)...))
	c := Claim{Say: "so", Source: "us", Confidence: Default, KindName: "bound", Kind: bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 2 })}
	none := c
	none.Kind = bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = vanilla, "kl", 2 })
	anyway := c
	anyway.Converged = "any"
	text, err := json.Marshal(Judge(s, []Claim{c, none, anyway}, converge.Default))
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"say":"so","source":"us","kind":"bound","confidence":0.95,"verdict":"holds","what":"test kl of bn","wanted":"at most 2","n":6,` +
		`"estimate":1,"lo":0.5,"hi":1.5,"level":0.96875,"p":null,"p_holm":null,"reason":"the CI lies inside the claimed range",` +
		`"not_converged":{"trials":6,"of":6,"steps":2000}},` +
		`{"say":"so","source":"us","kind":"bound","confidence":0.95,"verdict":"undecided","n":0,` +
		`"estimate":null,"lo":null,"hi":null,"level":null,"p":null,"p_holm":null,"reason":"unknown variant \"vanilla\"; known: bn"},` +
		`{"say":"so","source":"us","kind":"bound","confidence":0.95,"verdict":"holds","what":"test kl of bn","wanted":"at most 2","n":6,` +
		`"estimate":1,"lo":0.5,"hi":1.5,"level":0.96875,"p":null,"p_holm":null,"reason":"the CI lies inside the claimed range","converged":"any"}]`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
