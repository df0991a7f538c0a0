package sweep

import (
	"fmt"
	"slices"
	"testing"
)

// TestShares: shares partition the trials, depend on nothing but the settings, and have about the same work.
func TestShares(t *testing.T) {
	const text = `
base: {model: {lstm: {latent_dim: 2}}}
grid:
- model: [{lstm: {latent_dim: 2, dec_hidden: 16}}, {lstm: {latent_dim: 2, dec_hidden: 256}}, transformer]
  train: {epochs: [1, 2, 30]}
- variant: [bn, ln, vanilla]
seeds: 7
`
	a, b := parse(t, text, Options{}).Trials, parse(t, text, Options{}).Trials
	total, largest := 0.0, 0.0
	for _, trial := range a {
		total += Work(trial)
		largest = max(largest, Work(trial))
	}
	for _, n := range []int{1, 2, 3, 7, 50, len(a), len(a) + 5} {
		shares := Shares(a, n)
		if again := Shares(b, n); fmt.Sprint(shares) != fmt.Sprint(again) {
			t.Errorf("%d shares differ between two readings", n)
		}
		var all []int
		for i, s := range shares {
			if !slices.IsSorted(s) {
				t.Errorf("share %d/%d is not in order: %v", i, n, s)
			}
			all = append(all, s...)
			work := 0.0
			for _, k := range s {
				work += Work(a[k])
			}
			if work > total/float64(n)+largest {
				t.Errorf("share %d/%d has %.3g of %.3g operations", i, n, work, total)
			}
		}
		slices.Sort(all)
		for i, k := range all {
			if i != k || len(all) != len(a) {
				t.Fatalf("%d shares have %d trials of %d: %v", n, len(all), len(a), all)
			}
		}
	}
	equal := parse(t, "seeds: 6\n", Options{}).Trials
	if got, want := fmt.Sprint(Shares(equal, 4)), "[[0 4] [1 5] [2] [3]]"; got != want {
		t.Errorf("equal trials: %s, want turns, %s", got, want)
	}
}

// TestWork: twice the epochs is twice the work, up to the largest number of steps; more data and larger models are more.
func TestWork(t *testing.T) {
	work := func(base string) float64 { return Work(parse(t, "base: {"+base+"}\n", Options{}).Trials[0]) }
	one := work("train: {epochs: 1}")
	for base, want := range map[string]float64{
		"train: {epochs: 2}": 2, "train: {epochs: 4, max_steps: 1000, batch_size: 32}": 2, "train: {epochs: 1}, data: {synthetic: {train: 32000}}": 2,
		"train: {epochs: 1}, variant: bn": 1,
	} {
		if got := work(base) / one; got != want {
			t.Errorf("%s: %v times the work, want %v", base, got, want)
		}
	}
	if work("train: {epochs: 1}, model: {lstm: {dec_hidden: 512}}") <= one {
		t.Error("a larger decoder is no more work")
	}
	for _, base := range []string{"data: glyphs, model: pixelcnn", "data: gaussian, model: linear", "data: godoc, model: transformer"} {
		if w := work(base); !(w > 0) {
			t.Errorf("%s: %v operations", base, w)
		}
	}
}

// TestPositions: what is written reads back, and what is no list of positions is refused.
func TestPositions(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "0-3": "0-3", "5,0-2,1": "0-2,5", "3,4,6,7,9": "3-4,6-7,9"} {
		got, err := ParsePositions(text, 10)
		if err != nil || FormatPositions(got) != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1-", "3-2", "10", "0-10", "1,,2", "1.5"} {
		if got, err := ParsePositions(text, 10); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
