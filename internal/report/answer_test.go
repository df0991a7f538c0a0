package report

import (
	"fmt"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/record"
)

// verdict is one with a number: a median of 2 with the interval from 1 to 3.
func verdict(say, outcome string) Verdict {
	v := [3]float64{1, 2, 3}
	return Verdict{Say: say, Outcome: outcome, What: "test kl of bn variant.bn.gamma=0.5 minus vanilla", Wanted: "greater than 0", N: 6, Estimate: &v[1], Lo: &v[0], Hi: &v[2]}
}

// The answer counts each outcome, quotes claims with what was measured, and never says yes or no.
func TestAnswerByVerdicts(t *testing.T) {
	const number = " (test kl of bn gamma=0.5 minus vanilla: 2 [1, 3])"
	bare := Verdict{Say: "None.", Outcome: "undecided", Reason: "too few seeds"}
	bound := verdict("B", "does not hold")
	bound.Wanted = "at most 0.1"
	theorem := verdict("T", "holds")
	theorem.Lo, theorem.Hi = nil, nil
	later := verdict("L", "holds")
	later.Unconverged = &claims.Unconverged{Trials: 1, Of: 2}
	const brackets = " In brackets: CI of the median over seeds."
	for _, c := range []struct {
		name string
		all  []Verdict
		want string
	}{
		{"one holds", []Verdict{verdict("A", "holds")}, "The only claim holds: “A”" + number + "." + brackets},
		{"one does not", []Verdict{bound}, "The only claim does not hold: “B” (test kl of bn gamma=0.5 minus vanilla: 2 [1, 3], claimed at most 0.1)." + brackets},
		{"one undecided, without a number", []Verdict{bare}, "The only claim is undecided: “None” (too few seeds)."},
		{"all hold, one without an interval", []Verdict{theorem, theorem}, "Both claims hold: “T” (test kl of bn gamma=0.5 minus vanilla: 2); “T” (test kl of bn gamma=0.5 minus vanilla: 2)."},
		{"many hold", []Verdict{verdict("A", "holds"), theorem, theorem, theorem}, "All 4 claims hold: “A”" + number + "; “T” (test kl of bn gamma=0.5 minus vanilla: 2); and 2 more." + brackets},
		{"none holds", []Verdict{verdict("A", "does not hold"), verdict("B", "does not hold")}, "None of 2 claims holds: “A”" + number + "; “B”" + number + "." + brackets},
		{"all undecided", []Verdict{bare, bare, bare}, "All 3 claims are undecided: “None” (too few seeds); “None” (too few seeds); and 1 more."},
		{"none holds, one undecided", []Verdict{bare, bare, verdict("A", "does not hold")},
			"None of 3 claims holds. 1 does not hold: “A”" + number + ". 2 are undecided: “None” (too few seeds); “None” (too few seeds)." + brackets},
		{"mixed", []Verdict{bare, verdict("A", "does not hold"), verdict("B", "holds")}, "1 of 3 claims holds: “B”" + number + ". 1 does not hold: “A”" + number + ". 1 is undecided: “None” (too few seeds)." + brackets},
	} {
		set := pairs(1, nil)
		set.Runs[0].State = record.Unfinished // says nothing of convergence
		got := New(Source{Set: set, Verdicts: c.all, Experiments: []Experiment{{Name: "x"}}}).Answers
		if len(got) != 1 || free(got[0]) != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, got, c.want)
		}
	}
	// Trials that have not converged are counted, and named if they are few of all; so are verdicts that may change.
	set := pairs(3, map[string]float64{"bn": 1})
	got := New(Source{Set: set, Verdicts: []Verdict{later}, Experiments: []Experiment{{Name: "x"}}}).Answers[0]
	if want := " Not converged: 6 of 6 finished trials; longer training might change 1 verdict."; !strings.HasSuffix(got, want) {
		t.Errorf("not converged: %q does not end in %q", got, want)
	}
}

// Without verdicts the answer has numbers of the tables, and says whether they are tested.
func TestAnswerByNumbers(t *testing.T) {
	row := func(kl, mi, nelbo float64) map[string]float64 {
		return map[string]float64{"kl": kl, "mi": mi, "nelbo": nelbo, "gap_se": 0.1}
	}
	six := &record.Set{}
	for seed := 1; seed <= 6; seed++ {
		more := 0.01 * float64(seed)
		six.Runs = append(six.Runs, run("vanilla", seed, row(0.1, 0.1+more, 28)), run("bn", seed, row(2, 1+2*more, 29+more)), run("ln", seed, row(1, 0.1+more, 30)))
	}
	other := run("bn", 1, row(3, 2.5, 10))
	other.Data, other.Config["data"] = "d2", "glyphs"
	capped := run("bn", 1, map[string]float64{"kl": 9, "mi": 4.99, "mi_cap": 5})
	modelled := run("ln", 1, row(1, 0.5, 1), "model=mlp")
	for _, c := range []struct {
		name string
		runs []record.Run
		want string
	}{
		{"nothing", []record.Run{{Trial: record.Trial{Experiment: "x", Variant: "bn"}}}, ""},
		{"one group", []record.Run{run("bn", 1, row(2, 1, 29))}, "bn has an MI of 1.00, at a KL of 2.00 (test split, nats, one seed)."},
		{"two seeds", []record.Run{run("bn", 1, row(2, 1, 29)), run("bn", 2, row(4, 2, 29)), run("vanilla", 1, row(0, 0, 28))},
			"bn has the highest MI, 1.50, at a KL of 3.00 (test split, nats, means over 1 to 2 seeds); the baseline vanilla has 0.00, at a KL of 0.00. " +
				"Too few seeds to test a difference: 6 are needed. The lowest NELBO is 28.00, that of vanilla, at a KL of 0.00."},
		{"six seeds", six.Runs, "bn has the highest MI, 1.07, at a KL of 2.00 (test split, nats, means over 6 seeds); the baseline vanilla has 0.14, at a KL of 0.10. " +
			"Against the baseline the MI is higher in 1 of 2 groups, lower in 0, without a detected difference in 1. The lowest NELBO is 28.00, that of vanilla, at a KL of 0.10."},
		{"no MI", []record.Run{run("bn", 1, map[string]float64{"kl": 2}), run("ln", 1, map[string]float64{"kl": 1})}, "bn has the highest KL, 2.00 (test split, nats, one seed). Too few"},
		{"all alike", []record.Run{run("bn", 1, row(2, 0.001, 29)), run("ln", 1, row(1, 0.002, 29))}, "Both groups have an MI of 0.00 (test split, nats, one seed)."},
		{"at the cap", []record.Run{capped, run("vanilla", 1, row(0, 0, 28))}, "vanilla has an MI of 0.00, at a KL of 0.00 (test split, nats, one seed). Not ranked, because their MI is at its cap: bn. Not converged"},
		{"at the cap, and two others", []record.Run{capped, run("vanilla", 1, row(0, 0, 28)), run("ln", 1, row(1, 0.5, 29))},
			"ln has the highest MI, 0.50, at a KL of 1.00 (test split, nats, one seed); the baseline vanilla has 0.00, at a KL of 0.00. Not ranked, because their MI is at its cap: bn. Too few seeds"},
		{"all at the cap", []record.Run{capped}, "bn has an MI of 4.99 (at its cap), at a KL of 9.00 (test split, nats, one seed). Not converged"},
		{"two data sets", []record.Run{run("bn", 1, row(2, 1, 29), "data=synthetic"), other}, "On glyphs: bn data=glyphs has an MI of 2.50, at a KL of 3.00 (test split, nats, one seed). On synthetic: bn data=synthetic has an MI of 1.00"},
		{"two models", []record.Run{run("bn", 1, row(2, 1, 29), "model=lstm"), modelled}, "bn model=lstm has the highest MI, 1.00, at a KL of 2.00 (test split, nats, one seed). Not converged"},
	} {
		got := New(Source{Set: &record.Set{Runs: c.runs}, Experiments: []Experiment{{Name: "x"}}}).Answers
		if c.want == "" {
			if got != nil {
				t.Errorf("%s: %q", c.name, got)
			}
			continue
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "No claim has been judged. "+c.want) {
			t.Errorf("%s: %q\nwant %q", c.name, got, c.want)
		}
	}
	// Two experiments have an answer each, of their own trials and verdicts.
	of := run("ln", 1, row(1, 2, 3))
	of.Experiment = "y"
	v := verdict("A", "holds")
	v.Experiment = "y"
	got := New(Source{Set: &record.Set{Runs: []record.Run{run("bn", 1, row(2, 1, 29)), of}}, Verdicts: []Verdict{v}, Experiments: []Experiment{{Name: "x"}, {Name: "y"}}}).Answers
	if len(got) != 2 || !strings.HasPrefix(got[0], "x: No claim has been judged. bn has an MI") || !strings.HasPrefix(got[1], "y: The only claim holds: “A”") {
		t.Errorf("two experiments: %q", got)
	}
}

// Numbers in sentences have three digits.
func TestRounded(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 28.384: "28.4", 1564.2: "1564", -1564.7: "−1565", 0.00004071: "4.1e-05", -0.12345: "−0.123", 100: "100", 99.96: "100", 1e9: "1e+09"} {
		if got := rounded(v); got != want {
			t.Errorf("%s is %q, want %q", fmt.Sprint(v), got, want)
		}
	}
}
