package frontier

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// grid are finished trials of seeds 1 to n with each value of a dial. The rate of a seed is the dial plus seed/10.
func grid(n int, dials ...float64) (d Dialled) {
	for _, dial := range dials {
		var runs []record.Run
		for seed := 1; seed <= n; seed++ {
			kl := dial + float64(seed)/10
			runs = append(runs, record.Run{Trial: record.Trial{ID: fmt.Sprintf("%v/seed-%d", dial, seed), Seed: seed}, State: record.Done,
				Rows: record.Entries(record.Row{Split: "test", Values: map[string]float64{"kl": kl, "square": kl * kl}})})
		}
		d = append(d, runs)
	}
	return d
}

func last(metric string) record.Number {
	return func(r record.Run) (float64, error) {
		v, ok := record.Last(r, "test", metric)
		if !ok {
			return 0, errors.New(r.ID + " lacks " + metric)
		}
		return v, nil
	}
}

func square(t *testing.T, d Dialled) Span {
	t.Helper()
	s, err := SpanOf("bn", d, last("kl"), last("square"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSpan: each seed is read off on its own line. One that lacks a finished trial at some value does not count.
func TestSpan(t *testing.T) {
	d := grid(3, 1, 2, 4)
	d[1][1].State = record.Unfinished // seed 2 at 2
	s := square(t, d)
	if !slices.Equal(s.Seeds, []int{1, 3}) {
		t.Fatalf("seeds %v, want 1 and 3", s.Seeds)
	}
	values, err := s.At(3)
	want := map[int]float64{1: 6.2*3 - 2.1*4.1, 3: 6.6*3 - 2.3*4.3} // x² between a and b is (a+b) x - ab
	if err != nil || !maps.EqualFunc(values, want, func(a, b float64) bool { return a-b < 1e-12 && b-a < 1e-12 }) {
		t.Errorf("%v, %v; want %v", values, err, want)
	}
	_, err = s.At(4.2)
	if want := "4.2 nats not reached by bn in 1 of 2 seeds: it spans 1.1 to 4.1 (seed 1)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var ids []string
	for _, r := range d.ReadOff(last("kl"), 3) {
		ids = append(ids, r.ID)
	}
	if want := []string{"2/seed-1", "2/seed-3", "4/seed-1", "4/seed-3"}; !slices.Equal(ids, want) {
		t.Errorf("at 3 nats it rests on %v, want %v", ids, want)
	}
}

// TestNoSpan: the error says what the trials lack.
func TestNoSpan(t *testing.T) {
	twice := grid(2, 1, 2)
	twice[1] = append(twice[1], twice[1][0])
	apart := grid(2, 1, 2)
	apart[0][0].State, apart[1][1].State = record.Failed, record.Unfinished
	for want, d := range map[string]Dialled{
		"two trials of bn have seed 1; judge one results folder at a time": twice,
		"no seed has a finished trial of bn at every value":                apart,
	} {
		if _, err := SpanOf("bn", d, last("kl"), last("square")); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := SpanOf("bn", grid(2, 1, 2), last("kl"), last("mi")); err == nil || err.Error() != "1/seed-1 lacks mi" {
		t.Errorf("%v", err)
	}
}

// TestPairsAt: two methods are paired by seed at the rate, and the error names each that does not reach it.
func TestPairsAt(t *testing.T) {
	a, b := square(t, grid(3, 1, 2, 4)), square(t, grid(2, 1, 4))
	p, err := PairsAt(a, b, 3)
	if err != nil || !slices.Equal(p.Seeds, []int{1, 2}) || p.Single != 1 {
		t.Fatalf("%v, %+v", err, p)
	}
	for i, seed := range p.Seeds { // (2+4) x - 2*4 instead of (1+4) x - 1*4, with x less the seed's share
		x := 3 - float64(seed)/10
		if want := (6*x - 8) - (5*x - 4); p.Differences()[i]-want > 1e-12 || want-p.Differences()[i] > 1e-12 {
			t.Errorf("seed %d: %v, want %v", seed, p.Differences()[i], want)
		}
	}
	b.Name = "ln"
	for rate, want := range map[float64]string{4.25: "4.25 nats not reached by bn in 2 of 3 seeds", 9: "(seed 3); 9 nats not reached by ln in 2 of 2 seeds", 4.15: "4.15 nats not reached by bn in 1 of 3 seeds"} {
		if _, err := PairsAt(a, b, rate); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("at %v: %v, want %s", rate, err, want)
		}
	}
}

// TestApart: methods differ in their own settings and their dials by nature, and in what a claim names which compares them.
func TestApart(t *testing.T) {
	run := func(variant string, settings ...string) record.Run {
		r := record.Run{Trial: record.Trial{Variant: variant, Seed: 1, Data: "d", Config: map[string]string{"variant": variant, "seed": "1"}}}
		for _, s := range settings {
			k, v, _ := strings.Cut(s, "=")
			r.Config[k] = v
		}
		return r
	}
	set := &record.Set{Runs: []record.Run{
		run("vanilla", "kl.beta=0.1", "train.lr=1", "train.epochs=5"), run("vanilla", "kl.beta=0.2", "train.lr=1", "train.epochs=5"),
		run("bn", "kl.beta=1", "train.lr=2", "train.epochs=9", "variant.bn.gamma=1"), run("bn", "kl.beta=1", "train.lr=2", "train.epochs=9", "variant.bn.gamma=2")}}
	groups := set.Groups()
	vanilla, bn := groups[:2], groups[2:]
	if got := Apart(set, bn, vanilla); !slices.Equal(got, []string{"train.epochs", "train.lr"}) {
		t.Errorf("they differ in %v, too", got)
	}
	if got := Apart(set, bn[:1], vanilla[:1]); !slices.Equal(got, []string{"kl.beta", "train.epochs", "train.lr"}) {
		t.Errorf("without dials they differ in %v, too", got)
	}
	is := func(variant string) func(record.Trial) bool {
		return func(t record.Trial) bool { return t.Variant == variant }
	}
	set.Compared = map[string][]record.Comparison{"e": {{Of: is("bn"), Than: is("vanilla"), Free: []string{"train.lr"}}, {Of: is("vanilla"), Than: is("bn"), Free: []string{"train.epochs"}}}}
	if got := Apart(set, bn, vanilla); !slices.Equal(got, []string{"train.epochs"}) {
		t.Errorf("a claim names the learning rate; they differ in %v, too", got)
	}
}
