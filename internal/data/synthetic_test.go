package data

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/stream"
)

// synthetic is the registered default with other sizes.
func synthetic(t testing.TB, train, valid, test int) Synthetic {
	t.Helper()
	d, err := Sources.Get("synthetic")
	if err != nil {
		t.Fatal(err)
	}
	c := d.(Synthetic)
	c.Train, c.Valid, c.Test = train, valid, test
	return c
}

func load(t testing.TB, s Source) *Set {
	t.Helper()
	set, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// naive is the generator as its definition reads: one sentence at a time, no product
// done ahead, parameters drawn anew.
type naive struct {
	c                                  Synthetic
	embedding, word, z, h, bias, bias2 []float64
	cell, outH, outZ                   []float64
}

func newNaive(c Synthetic) *naive {
	param := func(name string, bound float64, n int) []float64 {
		draw, x := stream.New(c.Seed, "parameter", name), make([]float64, n)
		for i := range x {
			x[i] = bound * (2*draw.Float64() - 1)
		}
		return x
	}
	V, E, H, D := c.Vocab, c.Embed, c.Hidden, 2
	return &naive{
		c: c, embedding: param("embedding", 1, V*E),
		word: param("lstm.word", 1, E*4*H), z: param("lstm.z", 1, D*4*H), h: param("lstm.h", 1, H*4*H),
		bias: param("lstm.bias", 1, 4*H), bias2: param("lstm.bias2", 1, 4*H),
		cell: param("cell", 1, D*H), outH: param("out.h", 1, H*V), outZ: param("out.z", 5, D*V),
	}
}

// times adds x W to y, with W of shape (len(x), len(y)).
func times(x, W, y []float64) {
	for i, xi := range x {
		for j := range y {
			y[j] += xi * W[i*len(y)+j]
		}
	}
}

// explain returns log p(x|z) and the entropy of the conditional distributions along x,
// both in nats.
func (n *naive) explain(z []float64, seq []int32) (logProb, entropy float64) {
	V, E, H := n.c.Vocab, n.c.Embed, n.c.Hidden
	c, h := make([]float64, H), make([]float64, H)
	times(z, n.cell, c)
	for j := range h {
		h[j] = math.Tanh(c[j])
	}
	logProb, entropy = -math.Log(float64(V)), math.Log(float64(V))
	words := seq[1 : len(seq)-1]
	for t := range words[1:] {
		gates := make([]float64, 4*H)
		x := int(words[t]) - 4
		times(n.embedding[x*E:(x+1)*E], n.word, gates)
		times(z, n.z, gates)
		times(h, n.h, gates)
		for j := range h {
			gate := func(k int) float64 { return gates[k*H+j] + n.bias[k*H+j] + n.bias2[k*H+j] }
			logistic := func(a float64) float64 { return 0.5 * (1 + math.Tanh(a/2)) }
			c[j] = logistic(gate(1))*c[j] + logistic(gate(0))*math.Tanh(gate(2))
			h[j] = logistic(gate(3)) * math.Tanh(c[j])
		}
		logits := make([]float64, V)
		times(h, n.outH, logits)
		times(z, n.outZ, logits)
		top := slices.Max(logits)
		var sum float64
		for _, l := range logits {
			sum += math.Exp(l - top)
		}
		logProb += logits[words[t+1]-4] - top - math.Log(sum)
		for _, l := range logits {
			if p := math.Exp(l-top) / sum; p > 0 {
				entropy -= p * math.Log(p)
			}
		}
	}
	return logProb, entropy
}

// TestSyntheticTruth compares LogProb with the naive generator, and the text with what
// the generator predicts: -log p(x|z) minus the entropy of each step given the words
// before it has mean zero, whatever the parameters.
func TestSyntheticTruth(t *testing.T) {
	c := synthetic(t, 300, 0, 300)
	set := load(t, c)
	n := newNaive(c)
	var nll, entropy, residue, square float64
	for i, seq := range set.Test.Seqs {
		z := set.Test.Latents[i]
		want, H := n.explain(z, seq)
		if got := set.Truth.LogProb(z, seq); math.Abs(got-want) > 1e-9 {
			t.Fatalf("sentence %d: LogProb = %.12g, the naive generator says %.12g", i, got, want)
		}
		nll -= want
		entropy += H
		residue += -want - H
		square += (-want - H) * (-want - H)
	}
	N := float64(len(set.Test.Seqs))
	nll, entropy, residue = nll/N, entropy/N, residue/N
	stderr := math.Sqrt((square/N - residue*residue) / N)
	t.Logf("-log p(x|z) %.2f, entropy of x given z %.2f, standard error %.2f nats per sentence", nll, entropy, stderr)
	near(t, "mean -log p(x|z)", nll, entropy, 4*stderr)

	// The words depend on z and on each other: without that they cost far more.
	if unigram := Unigram(set.Train, set.Test, set.Vocab.Size()); nll > unigram-10 {
		t.Errorf("-log p(x|z) = %.2f nats, the unigram model needs %.2f; want at least 10 less", nll, unigram)
	}
}

// TestSyntheticLogProbSumsToOne enumerates all sentences of a small generator.
func TestSyntheticLogProbSumsToOne(t *testing.T) {
	c := Synthetic{Train: 1, Length: 3, Vocab: 5, Hidden: 4, Embed: 3, Seed: 1}
	set := load(t, c)
	z := []float64{-1.5, 2.5}
	var sum float64
	for i := range 5 * 5 * 5 {
		seq := []int32{Start, symbol(i % 5), symbol(i / 5 % 5), symbol(i / 25), End}
		sum += math.Exp(set.Truth.LogProb(z, seq))
	}
	near(t, "sum of p(x|z) over all x", sum, 1, 1e-12)

	for what, seq := range map[string][]int32{
		"too short":     {Start, 4, 4, End},
		"too long":      {Start, 4, 4, 4, 4, End},
		"no </s>":       {Start, 4, 4, 4, 4},
		"no <s>":        {4, 4, 4, 4, End},
		"<unk> inside":  {Start, 4, Unk, 4, End},
		"<pad> inside":  {Start, 4, Pad, 4, End},
		"</s> inside":   {Start, 4, End, 4, End},
		"beyond vocab":  {Start, 4, 4, 9, End},
		"empty":         {},
		"first unknown": {Start, Unk, 4, 4, End},
	} {
		if got := set.Truth.LogProb(z, seq); !math.IsInf(got, -1) {
			t.Errorf("%s: LogProb(%v) = %g, want -Inf", what, seq, got)
		}
	}
}

func TestSyntheticSet(t *testing.T) {
	set := load(t, synthetic(t, 400, 150, 50)) // more than one block
	if got, want := set.Vocab.Size(), 1004; got != want {
		t.Errorf("vocabulary of %d symbols, want %d", got, want)
	}
	if got := set.Vocab.Word(4 + 999); got != "w999" {
		t.Errorf("last word %q, want w999", got)
	}
	var seen [4]int
	for i, seq := range set.Train.Seqs {
		if len(seq) != 12 || seq[0] != Start || seq[11] != End || slices.Min(seq[1:11]) < 4 || slices.Max(seq) > 1003 {
			t.Fatalf("sentence %d: %v, want <s>, 10 words and </s>", i, seq)
		}
		label := set.Train.Labels[i]
		seen[label]++
		for d, mean := range modes[label] {
			if z := set.Train.Latents[i][d]; math.Abs(z-mean) > 5 {
				t.Errorf("sentence %d of component %d: z = %v, five sigma from %v", i, label, set.Train.Latents[i], modes[label])
			}
		}
	}
	for label, n := range seen {
		if n < 60 || n > 140 { // 100 expected, standard deviation 9
			t.Errorf("component %d has %d of 400 sentences", label, n)
		}
	}

	// The first sentences do not depend on the sizes, and the splits are cut in order.
	small := load(t, synthetic(t, 1, 1, 1))
	for i, got := range []Split{small.Train, small.Valid, small.Test} {
		if !slices.Equal(got.Seqs[0], set.Train.Seqs[i]) || !slices.Equal(got.Latents[0], set.Train.Latents[i]) || got.Labels[0] != set.Train.Labels[i] {
			t.Errorf("sentence %d: got %v of a set of 3, %v of a set of 600", i, got.Seqs[0], set.Train.Seqs[i])
		}
	}
}

func TestSyntheticDigest(t *testing.T) {
	c := synthetic(t, 12, 4, 4)
	first := load(t, c).Digest
	if again := load(t, c).Digest; again != first {
		t.Errorf("the same settings gave %s and %s", first, again)
	}
	// A change here changes every result on synthetic data: say so in the commit.
	if want := "be72e12c44a62c48"; first != want {
		t.Errorf("digest of 20 sentences %s, want %s", first, want)
	}
	c.Seed++
	if other := load(t, c).Digest; other == first {
		t.Errorf("another seed gave the same digest %s", first)
	}
}

// BenchmarkSynthetic makes 7,000 sentences of the default generator; about 2.5 GFLOP a
// thousand.
func BenchmarkSynthetic(b *testing.B) {
	d, _ := Sources.Get("synthetic")
	c := d.(Synthetic)
	c.Train, c.Valid, c.Test = 5000, 1000, 1000
	for b.Loop() {
		if _, err := c.Load(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(7000*b.N)/b.Elapsed().Seconds(), "sentences/s")
}
