package claims

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// control is the selection of a second method with a dial.
var control = Selection{"variant": "control"}

// dialled are finished runs of a method with the values of a dial: with each of n seeds, its test rows have what at makes of both.
func dialled(variant, key string, dials []float64, n int, at func(dial float64, seed int) map[string]float64) (all []record.Run) {
	for _, d := range dials {
		own := runs(variant, []string{fmt.Sprintf("%s=%v", key, d)}, make([]float64, n)...)
		for i := range own {
			for j := range own[i].Rows {
				change(&own[i].Rows[j], func(row *record.Row) { row.Values = at(d, own[i].Seed) })
			}
			own[i].Manifest.Seconds, own[i].Manifest.CPUSeconds = 1, 10*at(d, own[i].Seed)["kl"]
		}
		all = append(all, own...)
	}
	return all
}

// gammas are runs of bn whose rate is gamma + seed/100. Likelihood and gap are straight lines over the rate.
func gammas(n int, dials ...float64) []record.Run {
	return dialled("bn", "variant.bn.gamma", dials, n, func(d float64, seed int) map[string]float64 {
		kl := d + float64(seed)/100
		return map[string]float64{"kl": kl, "iw_nll": 100 + kl + float64(seed), "gap": 2 * kl, "square": kl * kl, "gap_se": 1, "mi": kl, "mi_cap": 5}
	})
}

// targets are runs of control whose rate falls with its dial, exactly.
func targets(n int, dials ...float64) []record.Run {
	return dialled("control", "variant.control.c", dials, n, func(d float64, seed int) map[string]float64 {
		kl := 10 - d
		return map[string]float64{"kl": kl, "iw_nll": 100 + 2*kl + float64(seed) + 0.1*float64(seed), "gap": 3 * kl, "gap_se": 1, "mi": kl, "mi_cap": 5}
	})
}

func matched(f func(*Matched)) Kind { return with("matched", f) }
func atRate(f func(*AtRate)) Kind   { return with("at-rate", f) }
func reaches(f func(*Reaches)) Kind { return with("reaches", f) }

// TestMatched: on straight lines what is read off is exact. At 2 nats bn has 100 + 2 + seed and control 100 + 4 + 1.1 seed.
func TestMatched(t *testing.T) {
	both := set(gammas(6, 0.5, 1.5, 4), targets(6, 9.5, 7, 5))
	lower := func(m *Matched) { m.Of, m.Than, m.Metric, m.Is, m.Rate = bn, control, "iw_nll", "less", 2 }
	square := func(a *AtRate) { a.Of, a.Metric, a.Rate = bn, "square", 2 }
	change := func(runs []record.Run, f func(i int, r *record.Run)) []record.Run {
		for i := range runs {
			f(i, &runs[i])
		}
		return runs
	}
	for _, c := range []struct {
		name string
		set  *record.Set
		kind Kind
		want Outcome
		says string
	}{
		{"less", both, matched(lower), Holds, "test iw_nll of bn over variant.bn.gamma minus control over variant.control.c at a KL of 2 nats, claimed less than 0; " +
			"median -2.35 [-2.6, -2.1] at 96.88 %, n=6; levels 105.5 and 107."},
		{"less by a margin", both, matched(func(m *Matched) { lower(m); m.Margin = 2 }), Holds, "claimed less than -2"},
		{"less by more than some", both, matched(func(m *Matched) { lower(m); m.Margin = 2.3 }), Undecided, "inside and outside"},
		{"greater", both, matched(func(m *Matched) { lower(m); m.Is = "greater" }), Refuted, "lies outside"},
		{"five seeds", set(gammas(5, 0.5, 4), targets(5, 9.5, 5)), matched(lower), Undecided, "too few seeds: 5"},
		{"seeds that one lacks", set(gammas(6, 0.5, 4), targets(2, 9.5, 5)), matched(lower), Undecided, "p=0.5 (sign-flip test; Holm 0.5); too few seeds: 2 reach 50 % at most; 95 % needs 6; finished trials without a partner with the same seed: 4"},
		{"no common seed", set(gammas(1, 0.5, 4), change(targets(1, 9.5, 5), func(_ int, r *record.Run) { r.Seed = 9 })), matched(lower), Undecided,
			"no seed has finished trials of both bn over variant.bn.gamma and control over variant.control.c"},
		{"a rate that a trial has", both, matched(func(m *Matched) { m.Of, m.Than, m.Metric, m.Rate = control, bn, "gap", 3 }), Holds, "median 3 [3, 3] at 96.88 %, n=6; levels 9 and 6; p="},
		{"not reached by the one", both, matched(func(m *Matched) { lower(m); m.Rate = 0.505 }), Undecided,
			"0.505 nats not reached by bn over variant.bn.gamma in 6 of 6 seeds: it spans 0.51 to 4.01 (seed 1), 0.52 to 4.02 (seed 2), "},
		{"not reached by some seeds", both, matched(func(m *Matched) { lower(m); m.Rate = 4.045 }), Undecided,
			"4.045 nats not reached by bn over variant.bn.gamma in 4 of 6 seeds: it spans 0.51 to 4.01 (seed 1), 0.52 to 4.02 (seed 2), 0.53 to 4.03 (seed 3), 0.54 to 4.04 (seed 4)"},
		{"not reached by 3e-7 nats", set(gammas(1, 2.0-0.01+3e-7, 4), targets(1, 9.5, 5)), matched(lower), Undecided, "2 nats not reached by bn over variant.bn.gamma in 1 of 1 seed: it spans 2.0000003 to 4.01 (seed 1)"},
		{"not reached by the other", both, matched(func(m *Matched) { lower(m); m.Of, m.Than, m.Rate = control, bn, 4.5 }), Undecided, "4.5 nats not reached by bn over"},
		{"not reached by either", both, matched(func(m *Matched) { lower(m); m.Rate = 8 }), Undecided, "(seed 6); 8 nats not reached by control over variant.control.c in 6 of 6 seeds: it spans 0.5 to 5 (seed 1)"},
		{"cost", both, atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = bn, "cpu_seconds", 2, 20.1 }), Holds, "cpu_seconds of bn over variant.bn.gamma at a KL of 2 nats, claimed at most 20.1; median 20 ["},
		{"cost by the wall clock", set(change(gammas(6, 0.5, 4), func(_ int, r *record.Run) { r.Manifest.CPUSeconds, r.Manifest.Seconds = 0, 3 })),
			atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = bn, "cpu_seconds", 2, 3 }), Holds, "seconds (wall clock) of bn over variant.bn.gamma at a KL of 2 nats, claimed at most 3; median 3 [3, 3]"},
		{"cost on two machines", set(change(gammas(6, 0.5, 4), func(i int, r *record.Run) { r.Manifest.Procs = i % 2 })),
			atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = bn, "cpu_seconds", 2, 3 }), Undecided, "timed on different machines"},
		{"the weight of the KL as a dial", set(dialled("vanilla", "kl.beta", []float64{0.1, 0.5}, 6, func(d float64, _ int) map[string]float64 {
			return map[string]float64{"kl": 1 / d, "gap": d}
		}), targets(6, 9.5, 5)), atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtLeast = vanilla, "gap", 6, 0.3 }), Holds, "test gap of vanilla over kl.beta at a KL of 6 nats, claimed at least 0.3; median 0.3 [0.3, 0.3]"},

		// x² is read off between a and b as (a+b) x - ab, with seed s at a = 1.5 + s/100 and b = 4 + s/100.
		{"between neighbours", both, atRate(func(a *AtRate) { square(a); a.AtMost = 5 }), Holds, "test square of bn over variant.bn.gamma at a KL of 2 nats, claimed at most 5; median 4.946 [4.906, 4.985] at 96.88 %, n=6"},
		{"at least", both, atRate(func(a *AtRate) { square(a); a.AtLeast = 5 }), Refuted, ""},
		{"between", both, atRate(func(a *AtRate) { square(a); a.AtLeast, a.AtMost = 4.95, 5 }), Undecided, ""},
		{"bound that is not reached", both, atRate(func(a *AtRate) { square(a); a.Rate, a.AtMost = 9, 5 }), Undecided, "9 nats not reached by bn"},

		{"reached", both, reaches(func(r *Reaches) { r.Of, r.Rate = bn, 2 }), Holds,
			"distance of a KL of 2 nats from the nearer end of what bn over variant.bn.gamma spans in test kl, claimed at least 0 with every seed; 1.44, n=6; it spans 0.51 to 4.01 (seed 1)"},
		{"reached exactly", both, reaches(func(r *Reaches) { r.Of, r.Rate = control, 5 }), Holds, "; 0, n=6; "},
		{"not reached with every seed", both, reaches(func(r *Reaches) { r.Of, r.Rate = bn, 4.045 }), Refuted, "; -0.035, n=6; not reached in 4 of 6 seeds: it spans 0.51 to 4.01 (seed 1)"},
		{"one seed refutes", set(gammas(1, 0.5, 4)), reaches(func(r *Reaches) { r.Of, r.Rate = bn, 5 }), Refuted, "not reached in 1 of 1 seed: it spans 0.51 to 4.01 (seed 1)"},
		{"five seeds that reach", set(gammas(5, 0.5, 4)), reaches(func(r *Reaches) { r.Of, r.Rate = bn, 2 }), Undecided, "too few seeds: 5; 95 % needs 6"},
		{"reached with no seed", both, reaches(func(r *Reaches) { r.Of, r.Rate, r.With = bn, 5, "none" }), Holds, "claimed less than 0 with every seed; -0.94, n=6; it spans"},
		{"reached with some seed", both, reaches(func(r *Reaches) { r.Of, r.Rate, r.With = bn, 4.045, "none" }), Refuted, "; 0.015, n=6; reached in 2 of 6 seeds: it spans 0.55 to 4.05 (seed 5), 0.56 to 4.06 (seed 6)"},

		{"failed", set(change(gammas(6, 0.5, 4), func(i int, r *record.Run) {
			if i == 3 {
				r.State, r.Reason = record.Failed, "NaN"
			}
		}), targets(6, 9.5, 5)), matched(lower), Undecided, "failed: bn-variant.bn.gamma=0.5/seed-4: NaN"},
		{"unfinished at one value of the dial", set(change(gammas(7, 0.5, 1.5, 4), func(i int, r *record.Run) {
			if i == 6 {
				r.State = record.Unfinished
			}
		}), targets(7, 9.5, 5)), matched(lower), Holds, "; p=0.03125 (sign-flip test; Holm 0.03125); the CI lies inside the claimed range; finished trials without a partner with the same seed: 1; left out as unfinished: 1 of its trials"},
		{"no seed at every value", set(change(gammas(2, 0.5, 4), func(i int, r *record.Run) {
			if i == 0 || i == 3 {
				r.State = record.Unfinished
			}
		})), atRate(func(a *AtRate) { square(a); a.AtMost = 5 }), Undecided, "no seed has a finished trial of bn over variant.bn.gamma at every value"},
		{"two trials of a seed", set(gammas(6, 0.5, 4), gammas(6, 4)), atRate(func(a *AtRate) { square(a); a.AtMost = 5 }), Undecided, "two trials of bn over variant.bn.gamma have seed 1"},
		{"a metric that no row has", both, atRate(func(a *AtRate) { square(a); a.Metric, a.AtMost = "cube", 5 }), Undecided, "no row of split test has cube"},

		{"confounded", set(gammas(6, 0.5, 4), change(targets(6, 9.5, 5), func(_ int, r *record.Run) { r.Config["train.lr"] = "0.1" })), matched(lower), Undecided,
			"confounded: the trials also differ in train.lr (0.001 and 0.1)"},
		{"data of another digest", set(gammas(6, 0.5, 4), change(targets(6, 9.5, 5), func(_ int, r *record.Run) { r.Data = "other" })), matched(lower), Undecided, "data_digest (digest and other)"},
	} {
		v := judge(t, c.set, c.kind)
		if v.Outcome != c.want || !strings.Contains(v.Numbers(), c.says) {
			t.Errorf("%s: %s: %s\nwant %s: ...%s", c.name, v.Outcome, v.Numbers(), c.want, c.says)
		}
	}
	text, err := json.Marshal(judge(t, both, matched(lower)))
	var levels struct{ Levels map[string]float64 }
	if err != nil || json.Unmarshal(text, &levels) != nil || len(levels.Levels) != 2 || math.Abs(levels.Levels["of"]-105.5) > 1e-9 || math.Abs(levels.Levels["than"]-107.85) > 1e-9 {
		t.Errorf("%v, %s: want levels 105.5 and 107.85", err, text)
	}
	if text, err = json.Marshal(judge(t, both, atRate(func(a *AtRate) { square(a); a.AtMost = 5 }))); err != nil || strings.Contains(string(text), "levels") {
		t.Errorf("%v: one method has no two levels: %s", err, text)
	}
	confounded := set(gammas(6, 0.5, 4), change(targets(6, 9.5, 5), func(_ int, r *record.Run) { r.Config["train.lr"] = "0.1" }))
	if v := judge(t, confounded, matched(lower), func(c *Claim) { c.Despite = []string{"train.lr"} }); v.Outcome != Holds {
		t.Errorf("a declared difference: %s", v.Numbers())
	}
}

// TestDial: it is found, and where there is not exactly one the error says what to do.
func TestDial(t *testing.T) {
	trials := func(settings ...string) (all []record.Trial) {
		for _, s := range settings {
			all = append(all, runs("bn", strings.Fields(s), 1)[0].Trial)
		}
		return all
	}
	for _, c := range []struct {
		name   string
		of     Selection
		trials []record.Trial
		want   string // the dial, or the error
	}{
		{"the method's", bn, trials("variant.bn.gamma=1", "variant.bn.gamma=2"), "variant.bn.gamma"},
		{"any other setting", bn, trials("train.lr=1 variant.bn.gamma=1", "train.lr=2 variant.bn.gamma=1.0"), "train.lr"},
		{"one of two fixed", Selection{"variant": "bn", "train.lr": "1"}, trials("train.lr=1 variant.bn.gamma=1", "train.lr=2 variant.bn.gamma=1", "train.lr=1 variant.bn.gamma=3"), "variant.bn.gamma"},
		{"none", bn, trials("variant.bn.gamma=1", "variant.bn.gamma=1.0"), "bn has one value of every setting; reading off at a rate takes two or more of its dial"},
		{"two", bn, trials("train.lr=1 variant.bn.gamma=1", "train.lr=2 variant.bn.gamma=3"),
			"bn varies in train.lr (1, 2) and variant.bn.gamma (1, 3); only its dial, the setting that moves the rate, may: fix the others in the selection"},
		{"a word", bn, trials("model=lstm", "model=gru"), "bn varies in model (gru, lstm), which is no number"},
	} {
		key, err := dialOf(c.of, c.trials)
		if err != nil {
			key = err.Error()
		}
		if !strings.HasPrefix(key, c.want) || err == nil && key != c.want {
			t.Errorf("%s: %q, want %q", c.name, key, c.want)
		}
		claim := Claim{Kind: atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = c.of, "kl", 1, 1 })}
		if path, found := claim.Check(c.trials); (found == nil) != (err == nil) || found != nil && (found.Error() != key || !slices.Equal(path, []string{"of"})) {
			t.Errorf("%s: the claim's check says %v: %v", c.name, path, found)
		}
	}
}

// TestDoubtAtRate: at a rate those trials count for the cap of mi and the definition of the gap that it is read off from, and no others.
func TestDoubtAtRate(t *testing.T) {
	mi := func(rate float64) Kind {
		return matched(func(m *Matched) { m.Of, m.Than, m.Metric, m.Rate = bn, control, "mi", rate })
	}
	gap := func(rate float64) Kind {
		return atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtLeast = bn, "gap", rate, 0 })
	}
	bns := gammas(6, 0.5, 2, 3, 4.8) // mi is at its cap of 5 with the last dial
	for i := range bns[:6] {         // the first dial has the old gap
		for j := range bns[i].Rows {
			change(&bns[i].Rows[j], func(row *record.Row) { delete(row.Values, "gap_se") })
		}
	}
	s := set(bns, targets(6, 9.5, 7, 4.9)) // 5.1 of the last dial is at the cap
	for _, c := range []struct {
		name string
		kind Kind
		says string
	}{
		{"below the trials at the cap", mi(2.5), "the CI "},
		{"next to one", mi(3.5), "mi is within 10 % of its cap in 12 of 24 trials (5, the logarithm"},
		{"above the old gaps", gap(2.5), "the CI lies inside the claimed range"},
		{"next to one", gap(1.5), "the gap has the old definition in 6 of 12 trials"},
	} {
		v := judge(t, s, c.kind)
		if !strings.HasPrefix(v.Reason, c.says) || (v.Outcome == Undecided) != strings.Contains(v.Reason, " of ") || v.N != 6 {
			t.Errorf("%s: %s, %s", c.name, v.Outcome, v.Reason)
		}
	}
}

// TestDriftAtRate: a rate that still moves is a reason for a mark, of a claim about a cost, too.
func TestDriftAtRate(t *testing.T) {
	grid := func(drift float64) *record.Set {
		var all []record.Run
		for _, gamma := range []float64{1, 3} {
			own := learning("bn", 0, drift, spread(gamma, 0.01, 6)...)
			for i := range own {
				own[i].Config["variant.bn.gamma"] = fmt.Sprint(gamma)
				own[i].Manifest.CPUSeconds = gamma
			}
			all = append(all, own...)
		}
		return set(all)
	}
	for _, c := range []struct {
		name string
		kind Kind
	}{
		{"reaches", reaches(func(r *Reaches) { r.Of, r.Rate = bn, 2.9 })},
		{"metric", atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = bn, "rec", 2.9, 31 })},
		{"cost", atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate, a.AtMost = bn, "cpu_seconds", 2.9, 3 })},
	} {
		if v := judge(t, grid(0), c.kind); v.Outcome != Holds || v.Unconverged != nil {
			t.Errorf("%s at rest: %s, %v", c.name, v.Outcome, v.Unconverged)
		}
		// In 2000 steps the rates fall by half a nat, to 2.5 at most.
		if v := judge(t, grid(-0.5), c.kind); v.Outcome != Holds || v.Unconverged == nil || v.Unconverged.Later == "" {
			t.Errorf("%s with rates that fall: %s, %v", c.name, v.Outcome, v.Unconverged)
		}
	}
}

// TestCheckAtRate: what contradicts itself, or lacks its rate, is refused.
func TestCheckAtRate(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		want string
	}{
		{matched(func(m *Matched) { m.Of, m.Than, m.Metric, m.Rate = bn, bn, "kl", 1 }), "compares bn with itself; of and than must differ"},
		{matched(func(m *Matched) { m.Of, m.Than, m.Metric = bn, control, "kl" }), "has no rate; give the KL in nats"},
		{matched(func(m *Matched) { m.Of, m.Than, m.Rate = bn, control, 1 }), "has no metric"},
		{atRate(func(a *AtRate) { a.Of, a.Metric, a.AtMost = bn, "kl", 1 }), "has no rate"},
		{atRate(func(a *AtRate) { a.Of, a.Metric, a.Rate = bn, "kl", 1 }), "has no bound"},
		{atRate(func(a *AtRate) { a.Of, a.Rate, a.AtMost = bn, 1, 1 }), "has no metric"},
		{reaches(func(r *Reaches) { r.Of = bn }), "has no rate"},
	} {
		if err := c.kind.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.kind, err, c.want)
		}
	}
	if r := reaches(func(r *Reaches) { r.Of = bn }).(Reaches); !math.IsNaN(r.Rate) {
		t.Errorf("the rate is %v before one is given", r.Rate)
	}
}
