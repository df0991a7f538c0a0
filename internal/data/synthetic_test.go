package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/stream"
	"vaelab/internal/tensor"
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

// drawn is a sentence of g by the definition of its bits: gonum's products, math.Exp and math.Tanh.
func drawn(g *generator, seed uint64, i int) (seq []int32, label int, z []float64) {
	V, H := g.sizes()
	draw := stream.New(seed, "sentence", i)
	label = draw.IntN(len(modes))
	for _, mean := range modes[label] {
		z = append(z, mean+draw.NormFloat64())
	}
	row := mat.NewDense(1, latentDim, z)
	product := func(a, b *mat.Dense) *mat.Dense {
		var c mat.Dense
		c.Mul(a, b)
		return &c
	}
	c, zGate, zOut := product(row, g.zCell), product(row, g.zGate), product(row, g.zOut)
	h := mat.NewDense(1, H, nil)
	h.Apply(func(_, j int, _ float64) float64 { return math.Tanh(c.At(0, j)) }, h)
	word := draw.IntN(V)
	seq = []int32{Start, symbol(word)}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for range g.length - 1 {
		gates := product(h, g.hGate).RawRowView(0)
		add(gates, zGate.RawRowView(0))
		add(gates, g.word.RawRowView(word))
		for j := range H {
			kept, cell := sigmoid(gates[H+j])*c.At(0, j), math.Tanh(gates[2*H+j])
			c.Set(0, j, kept+sigmoid(gates[j])*cell)
			h.Set(0, j, sigmoid(gates[3*H+j])*math.Tanh(c.At(0, j)))
		}
		logits := product(h, g.hOut).RawRowView(0)
		add(logits, zOut.RawRowView(0))
		word = sample(logits, draw.Float64())
		seq = append(seq, symbol(word))
	}
	return append(seq, End), label, z
}

// TestSyntheticSentences compares with the definition in all corners of the settings.
func TestSyntheticSentences(t *testing.T) {
	for _, c := range []Synthetic{
		{Train: 300, Length: 10, Vocab: 1000, Hidden: 100, Embed: 100},
		{Train: 700, Length: 9, Vocab: 300, Hidden: 101, Embed: 3},
		{Train: 50, Length: 20, Vocab: 1, Hidden: 10, Embed: 10},
		{Train: 50, Length: 20, Vocab: 2, Hidden: 1, Embed: 1},
		{Train: 50, Length: 1, Vocab: 30, Hidden: 10, Embed: 10},
		{Train: 71, Length: 2, Vocab: 65, Hidden: 3, Embed: 7},
		{Train: 23, Length: 33, Vocab: 1025, Hidden: 37, Embed: 1},
		{Train: 25, Length: 6, Vocab: 63, Hidden: 257, Embed: 9},
		{Train: 1, Length: 300, Vocab: 64, Hidden: 8, Embed: 300},
	} {
		c.Seed = uint64(c.Train)
		g := newGenerator(c)
		s := g.sentences(c.Seed, c.Train)
		for i := range s.Seqs {
			seq, label, z := drawn(g, c.Seed, i)
			if !slices.Equal(s.Seqs[i], seq) || s.Labels[i] != label || !slices.Equal(s.Latents[i], z) {
				t.Fatalf("%+v: sentence %d is %v, %d, %v; by the definition %v, %d, %v", c, i, s.Seqs[i], s.Labels[i], s.Latents[i], seq, label, z)
			}
		}
	}
}

// TestLogitError: the engine's logits are as near as logitError says; and that is near enough to be of use.
func TestLogitError(t *testing.T) {
	for _, H := range []int{1, 30, 100, 1000} {
		c := Synthetic{Length: 10, Vocab: 300, Hidden: H, Embed: 10, Seed: 3}
		g := newGenerator(c)
		rng := rand.New(rand.NewPCG(1, uint64(H)))
		for round := range 100 {
			b, state := g.newBlock(1), tensor.New(1, H+latentDim)
			z := []float64{3 * rng.NormFloat64(), 3 * rng.NormFloat64()}
			copy(b.z, z)
			copy(state.Data[H:], []tensor.Float{tensor.Float(z[0]), tensor.Float(z[1])})
			for j := range H {
				b.h[j] = math.Tanh(10 * rng.NormFloat64())
				if round%2 == 0 {
					b.h[j] = math.Copysign(1-1e-9, g.hOut.At(j, 7)) // all products of word 7 positive
				}
				state.Data[j] = tensor.Float(b.h[j])
			}
			got, worst := tensor.New(1, c.Vocab), 0.0
			g.panels().out.Gemm(state, 0, got)
			for i, l := range b.next(0) {
				worst = max(worst, math.Abs(l-float64(got.Data[i])))
			}
			if e := logitError(state.Data, g.panels().norm); !(worst <= e) || e > 1e-6*float64((H+50)*(H+50)) {
				t.Fatalf("H = %d: off by %g, at most %g expected", H, worst, e)
			}
		}
	}
}

// TestPassed: if passed is sure, then sample finds the same word from logits as far away as the error allows, in the
// direction that moves a cumulative probability most, for u at that probability, next to it, and where doubt ends.
func TestPassed(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	sure, all := 0, 0
	for round := range 600 {
		V := []int{1, 2, 63, 64, 65, 300, 2000}[round%7]
		e := []float64{0, 1e-6, 1e-3, 0.1}[round%4]
		spread := []float64{0.1, 3, 40}[round%3]
		exact := make([]float64, V)
		for i := range exact {
			exact[i] = spread * rng.NormFloat64()
		}
		at := rng.IntN(V)
		if round%5 == 0 {
			at = V - 1
		}
		moved := make([]tensor.Float, V) // towards words up to at, or away
		direction := float64(1 - 2*rng.IntN(2))
		for i, l := range exact {
			shift := direction * e
			if i > at {
				shift = -shift
			}
			moved[i] = tensor.Float(l + shift)
			exact[i] = float64(moved[i]) - shift // without the rounding of this test
		}
		weights := slices.Clone(exact)
		sample(weights, 0)
		total, passing := 0.0, 0.0
		for i, w := range weights {
			if total += w; i <= at {
				passing += w
			}
		}
		d := doubt(e)
		for _, off := range []float64{0, 0.1 * d, -0.1 * d, 0.5 * d, -0.5 * d, 0.9 * d, -0.9 * d, d, -d, 1.1 * d, -1.1 * d, 2.5 * d, -2.5 * d} {
			p := passing/total + off
			for _, u := range []float64{p, math.Nextafter(p, 0), math.Nextafter(p, 2), rng.Float64()} {
				if u < 0 || u >= 1 {
					continue
				}
				index, ok := passed(slices.Clone(moved), u, d)
				all++
				if !ok {
					continue
				}
				sure++
				if want := sample(slices.Clone(exact), u); index != want {
					t.Fatalf("%d words, error %g: u = %v: sure of word %d; it is word %d", V, e, u, index, want)
				}
			}
		}
	}
	if sure < all/4 {
		t.Errorf("sure of %d in %d", sure, all)
	}
	if _, ok := passed([]tensor.Float{0, tensor.Float(math.NaN())}, 0.5, 1e-6); ok {
		t.Error("sure of a NaN")
	}
}

// TestFewInDoubt: words of the default generator are nearly always found without the logits in float64.
func TestFewInDoubt(t *testing.T) {
	g := newGenerator(synthetic(t, 0, 0, 0))
	w := g.newWriter(1)
	w.write(Split{Seqs: make([][]int32, 500), Labels: make([]int, 500), Latents: make([][]float64, 500)}, 0, 500)
	if words := 500 * (g.length - 1); w.doubted > words/40 {
		t.Errorf("%d of %d words were in doubt", w.doubted, words)
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
