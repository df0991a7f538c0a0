package claims

import (
	"testing"

	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// learning are trials of a variant, one a seed, with an evaluation every 100 of 4,000 steps. The objective loses
// fall nats in 2,000 steps; the KL, which ends at the seed's value, and theta move by as much as drift.
func learning(variant string, fall, drift float64, values ...float64) []record.Run {
	out := runs(variant, nil, values...)
	for i := range out {
		var rows []record.Row
		for step := 100; step <= 4000; step += 100 {
			left := float64(4000-step) / 2000
			kl := values[i] - drift*left
			row := record.Row{Step: step, Epoch: float64(step) / 100, Split: "valid",
				Values:  map[string]float64{"objective": 40 + fall*left, "kl": kl, "rec": 30},
				Vectors: map[string][]float64{"theta": {kl, kl}}}
			train := row
			train.Split = "train"
			rows = append(rows, train, row)
		}
		last := rows[len(rows)-1]
		last.Split = "test"
		out[i].Rows = record.Entries(append(rows, last)...)
	}
	return out
}

// TestUnconverged: which claims are marked, with how many trials, and that the mark changes no outcome.
func TestUnconverged(t *testing.T) {
	level := spread(1, 0.1, 6)
	done := set(learning("bn", 0.1, 0, level...), learning("vanilla", 0, 0, spread(0, 0.01, 6)...))
	open := set(learning("bn", 3, 0, level...), learning("vanilla", 0, 0, spread(0, 0.01, 6)...))
	open.Runs[1].Rows = open.Runs[0].Rows
	unfinished := set(learning("bn", 3, 0, append(level, 1)...))
	unfinished.Runs[6].State = record.Unfinished
	least := func(metric, split string, v float64) Kind {
		return bound(func(b *Bound) { b.Of, b.Metric, b.Split, b.AtLeast = bn, metric, split, v })
	}
	every := bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast, b.Rows = bn, "kl", 0.5, "every" })
	more := order(func(o *Order) { o.Of, o.Than, o.Metric = bn, vanilla, "kl" })
	for _, c := range []struct {
		name   string
		set    *record.Set
		kind   Kind
		change func(*Claim)
		want   Outcome
		says   string // "" if there is no mark
	}{
		{"converged", done, least("kl", "test", 0.5), nil, Holds, ""},
		{"converged, two selections", done, more, nil, Holds, ""},
		{"still learning", open, least("kl", "test", 0.5), nil, Holds, "not converged: 6 of 6 trials"},
		{"one of two selections", open, more, nil, Holds, "not converged: 6 of 12 trials"},
		{"refuted", open, least("kl", "test", 5), nil, Refuted, "not converged: 6 of 6 trials"},
		{"some seeds", open, least("kl", "test", 5), func(c *Claim) { c.Seeds = []int{1, 2} }, Undecided, "not converged: 2 of 2 trials"},
		{"only finished trials count", unfinished, least("kl", "test", 0.5), nil, Holds, "not converged: 6 of 6 trials"},
		{"any", open, least("kl", "test", 0.5), func(c *Claim) { c.Converged = "any" }, Holds, ""},
		{"every row", open, every, nil, Holds, ""},
		{"a cost", open, bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast = bn, "cpu_seconds", 0 }), nil, Holds, ""},
		{"nothing is judged", open, least("mi", "test", 0), nil, Undecided, ""},

		// The objective is flat, the quantity is not.
		{"falls towards the bound, not so far", set(learning("bn", 0, -0.2, level...)), least("kl", "test", 0.5), nil, Holds, ""},
		{"falls below the bound", set(learning("bn", 0, -0.8, level...)), least("kl", "test", 0.5), nil, Holds, "not converged; does not hold in 2000 steps at the present rate"},
		{"falls to the bound", set(learning("bn", 0, -0.5, level...)), least("theta.mean", "train", 0.5), nil, Holds, "not converged; undecided in 2000 steps at the present rate"},
		{"rises away from it", set(learning("bn", 0, 0.8, level...)), least("theta.mean", "train", 0.5), nil, Holds, ""},
		{"both", set(learning("bn", 3, -0.8, level...)), least("kl", "valid", 0.5), nil, Holds, "not converged: 6 of 6 trials; does not hold in 2000 steps at the present rate"},
	} {
		change := c.change
		if change == nil {
			change = func(*Claim) {}
		}
		v := judge(t, c.set, c.kind, change)
		got := ""
		if v.Unconverged != nil {
			got = v.Unconverged.String()
		}
		if v.Outcome != c.want || got != c.says {
			t.Errorf("%s: %s, %q; want %s, %q (%s)", c.name, v.Outcome, got, c.want, c.says, v.Reason)
		}
	}
}

// TestUnconvergedBySettings: the file says over how many steps.
func TestUnconvergedBySettings(t *testing.T) {
	s := set(learning("bn", 0.8, 0, spread(1, 0.1, 6)...))
	c := Claim{Confidence: Default, Kind: bound(func(b *Bound) { b.Of, b.Metric, b.AtLeast = bn, "kl", 0.5 })}
	if v := Judge(s, []Claim{c}, converge.Settings{Steps: 1000, Tolerance: 0.5})[0]; v.Unconverged != nil {
		t.Errorf("0.4 nats in 1000 steps are marked: %v", v.Unconverged)
	}
	if v := Judge(s, []Claim{c}, converge.Default)[0]; v.Unconverged == nil {
		t.Error("0.8 nats in 2000 steps are not marked")
	}
}
