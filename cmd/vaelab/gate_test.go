package main

import (
	"math"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/record"
)

// TestGate: who is worse than the best of the simple models is named with how many trials, by how much and by which
// metric; where none is, that is said; trials on other data and untested ones do not count.
func TestGate(t *testing.T) {
	floors := []data.Floor{{Model: "unigram model", NLL: 40}, {Model: "bigram model", NLL: 35}}
	trial := func(variant string, seed int, digest string, values map[string]float64) record.Run {
		return record.Run{
			Trial: record.Trial{Variant: variant, Seed: seed, Data: digest, Config: map[string]string{"variant": variant}},
			Rows:  record.Entries(record.Row{Step: 1, Split: "test", Values: values}),
		}
	}
	nelbo := func(v float64) map[string]float64 { return map[string]float64{"nelbo": v} }
	good := []record.Run{trial("bn", 1, "d", nelbo(30)), trial("bn", 2, "d", nelbo(34.9)), trial("ln", 1, "d", nelbo(20))}
	for _, c := range []struct {
		name string
		runs []record.Run
		want string
	}{
		{"none is worse", good, "Below these: all 3 tested trials."},
		{"one group", append(good[:2:2], trial("ln", 1, "d", nelbo(38.25)), trial("ln", 2, "d", nelbo(30))), "Worse than the bigram model: ln, 1 of 2 trials by 3.2 nats of nelbo."},
		{"two groups", append(good[:1:1], trial("bn", 2, "d", nelbo(36)), trial("ln", 1, "d", nelbo(37)), trial("ln", 2, "d", nelbo(39))),
			"Worse than the bigram model: bn, 1 of 2 trials by 1.0 nats of nelbo; ln, 2 of 2 trials by 2.0 to 4.0 nats of nelbo."},
		{"as bad", []record.Run{trial("bn", 1, "d", nelbo(35))}, "bn, 1 of 1 trial by 0.0 nats"},
		{"diverged", []record.Run{trial("bn", 1, "d", nelbo(math.NaN()))}, "Worse than the bigram model: bn, nelbo of 1 of 1 trial is NaN."},
		{"one diverged", []record.Run{trial("bn", 1, "d", nelbo(math.NaN())), trial("bn", 2, "d", nelbo(37))}, "bn, nelbo of 1 of 2 trials is NaN; bn, 1 of 2 trials by 2.0 nats of nelbo."},
		{"by iw_nll", []record.Run{trial("bn", 1, "d", map[string]float64{"nelbo": 37, "iw_nll": 34})}, "Below these: all 1 tested trial."},
		{"worse by iw_nll", []record.Run{trial("bn", 1, "d", map[string]float64{"nelbo": 39, "iw_nll": 36})}, "by 1.0 nats of iw_nll."},
		{"other data", []record.Run{trial("bn", 1, "d", nelbo(30)), trial("ln", 1, "e", nelbo(50))}, "Below these: all 1 tested trial."},
		{"untested", nil, "NLL of a test example: unigram model 40.0 nats, bigram model 35.0 nats."},
	} {
		set := &record.Set{Runs: c.runs}
		got := gate(floors, set.Groups(), "d")
		if !strings.HasPrefix(got, "NLL of a test example: unigram model 40.0 nats, bigram model 35.0 nats.") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.name == "untested" && strings.Contains(got, "all 0") {
			t.Errorf("untested: %q", got)
		}
	}
	if got := gate(nil, nil, "d"); got != "" {
		t.Errorf("data without simple models: %q", got)
	}
}
