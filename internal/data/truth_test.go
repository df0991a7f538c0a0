package data

import (
	"math"
	"testing"
)

// TestLogPrior: a density, with the moments of the mixture: E[z_d²] = 1 + 4.
func TestLogPrior(t *testing.T) {
	var g generator
	const step = 0.1
	var total, second float64
	for a := -9.0; a < 9; a += step {
		for b := -9.0; b < 9; b += step {
			p := math.Exp(g.LogPrior([]float64{a, b})) * step * step
			total += p
			second += p * a * a
		}
	}
	if math.Abs(total-1) > 1e-6 || math.Abs(second-5) > 1e-4 {
		t.Errorf("integral %v, second moment %v", total, second)
	}
}

// TestLogProbs: the same as LogProb for many at a time, bit for bit the same alone, and -Inf where that is.
func TestLogProbs(t *testing.T) {
	set := load(t, synthetic(t, 100, 0, 100))
	z, seqs := append(set.Test.Latents, set.Train.Latents...), append(set.Test.Seqs, set.Train.Seqs...)
	z[3], seqs[70] = []float64{-3.5, 4}, []int32{Start, Unk, End}
	got := set.Truth.LogProbs(z, seqs)
	for i, l := range got {
		want := set.Truth.LogProb(z[i], seqs[i])
		if i == 70 && l == want && math.IsInf(l, -1) {
			continue
		}
		near(t, "log p(x|z)", l, want, 1e-3)
	}
	for _, i := range []int{0, 3, 69, 70, 199} {
		if alone := set.Truth.LogProbs(z[i:i+1], seqs[i:i+1])[0]; alone != got[i] {
			t.Errorf("sentence %d: %v alone, %v among others", i, alone, got[i])
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("two z for one sequence: no panic")
		}
	}()
	set.Truth.LogProbs(z[:2], seqs[:1])
}

// BenchmarkLogProbs is one z each for 64 sentences; BenchmarkLogProb for one.
func BenchmarkLogProbs(b *testing.B) {
	set := load(b, synthetic(b, 64, 0, 0))
	for b.Loop() {
		set.Truth.LogProbs(set.Train.Latents, set.Train.Seqs)
	}
}

func BenchmarkLogProb(b *testing.B) {
	set := load(b, synthetic(b, 1, 0, 0))
	for b.Loop() {
		set.Truth.LogProb(set.Train.Latents[0], set.Train.Seqs[0])
	}
}
