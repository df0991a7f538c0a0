package claims

import (
	"maps"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// withValues are finished runs whose test rows have these values; mi comes with its cap ln 20.
func withValues(variant string, values ...map[string]float64) []record.Run {
	out := runs(variant, nil, make([]float64, len(values))...)
	for i := range out {
		for j := range out[i].Rows {
			change(&out[i].Rows[j], func(row *record.Row) {
				row.Values = maps.Clone(values[i])
				row.Values["mi_cap"] = 3
			})
		}
	}
	return out
}

// mis are six runs' values with mi around x.
func mis(x float64) (all []map[string]float64) {
	for _, v := range spread(x, 0.01, 6) {
		all = append(all, map[string]float64{"mi": v, "marginal_kl": 5 - v, "mi_batch": v, "mi_batch_cap": 3, "kl": 5})
	}
	return all
}

// TestCapDecidesNothing: a claim about mi, or what is made of it, by a trial within a tenth of ln N is undecided
// whatever its kind, and says so; the same numbers below the cap decide, and other metrics do.
func TestCapDecidesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		of     float64 // mi of bn; vanilla's is 1
		kind   Kind
		capped bool
	}{
		{"order at the cap", 2.95, order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "mi" }), true},
		{"order below", 2.5, order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "mi" }), false},
		{"order the other way", 2.95, order(func(o *Order) { o.Of, o.Than, o.Metric, o.Is = vanilla, bn, "mi", "less" }), true},
		{"bound", 2.95, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "mi", 3 }), true},
		{"bound in every row", 2.95, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost, b.Rows = bn, "mi", 3, "every" }), true},
		{"bound on the other", 2.95, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = vanilla, "mi", 3 }), false},
		{"equal", 2.95, equal(func(q *Equal) { q.Of, q.To, q.Metric, q.Tolerance = bn, vanilla, "mi", 4 }), true},
		{"ratio", 2.95, ratio(func(r *Ratio) { r.Of, r.To, r.Metric, r.AtMost = bn, vanilla, "mi", 9 }), true},
		{"published", 2.95, published(func(p *Published) { p.Of, p.Metric, p.Value, p.Tolerance = bn, "mi", 3, 1 }), true},
		{"in batches", 2.95, order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "mi_batch" }), true},
		{"what is made of mi", 2.95, order(func(o *Order) { o.Of, o.Than, o.Metric, o.Is = bn, vanilla, "marginal_kl", "less" }), true},
		{"another metric", 2.95, bound(func(b *Bound) { b.Of, b.Metric, b.AtMost = bn, "kl", 6 }), false},
	} {
		s := set(withValues("bn", mis(c.of)...), withValues("vanilla", mis(1)...))
		v := judge(t, s, c.kind)
		said := strings.Contains(v.Reason, "of its cap in 6 of ") && strings.Contains(v.Reason, "(3, the logarithm")
		if c.capped != said || c.capped != (v.Outcome == Undecided) {
			t.Errorf("%s: %s, %s", c.name, v.Outcome, v.Numbers())
		}
		if c.capped && v.Unconverged != nil && v.Unconverged.Later != "" {
			t.Errorf("%s: what decides nothing %v later", c.name, v.Unconverged.Later)
		}
	}
	one := mis(2.5)
	one[3]["mi"] = 2.8
	v := judge(t, set(withValues("bn", one...), withValues("vanilla", mis(1)...)), order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "mi" }))
	if v.Outcome != Undecided || !strings.Contains(v.Reason, "in 1 of 12 trials") || v.N != 6 {
		t.Errorf("one trial at its cap: %s, %s", v.Outcome, v.Numbers())
	}
	if _, err := Compare(withValues("bn", one...), withValues("vanilla", mis(1)...), Quantity{Metric: "mi", Split: "test"}, Default); err == nil {
		t.Error("a table's mark is given at the cap")
	}
}

// TestGapsOfTwoDefinitions do not compare; those of the old one alone do, and the verdict says so.
func TestGapsOfTwoDefinitions(t *testing.T) {
	gaps := func(variant string, x float64, se bool) []record.Run {
		var all []map[string]float64
		for _, v := range spread(x, 0.1, 6) {
			row := map[string]float64{"gap": v}
			if se {
				row["gap_se"] = 0.1
			}
			all = append(all, row)
		}
		return withValues(variant, all...)
	}
	greater := order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "gap" })
	for _, c := range []struct {
		name     string
		ofSE, se bool
		want     Outcome
		says     string
	}{
		{"both new", true, true, Holds, "the CI lies inside the claimed range"},
		{"both old", false, false, Holds, "; the gap has the old definition"},
		{"mixed", true, false, Undecided, "old definition in 6 of 12 trials"},
	} {
		of, than := gaps("bn", 3, c.ofSE), gaps("vanilla", 0, c.se)
		v := judge(t, set(of, than), greater)
		if v.Outcome != c.want || !strings.Contains(v.Reason, c.says) || c.ofSE && c.se && strings.Contains(v.Reason, "old") {
			t.Errorf("%s: %s, %s", c.name, v.Outcome, v.Numbers())
		}
		if _, err := Compare(of, than, Quantity{Metric: "gap", Split: "test"}, Default); (err != nil) != (c.want == Undecided) {
			t.Errorf("%s: a table's mark: %v", c.name, err)
		}
	}
}
