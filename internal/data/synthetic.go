package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/memory"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("synthetic", Synthetic{
		Train: 16000, Valid: 2000, Test: 2000,
		Length: 10, Vocab: 1000, Hidden: 100, Embed: 100,
		Given: givenNothing,
		Seed:  19950927, // the seed of He et al.; it cannot give their sentences here
	})
}

// Synthetic is text from a random LSTM whose latent vector is two-dimensional, so that
// the true p(x|z) is known.
//
//	z        equal mixture of N((-2,-2), I), N((2,2), I), N((-2,2), I), N((2,-2), I)
//	c_0      W z,   h_0 = tanh(c_0)
//	input    [embedding(x_t); z]
//	logits   W1 h_t + W2 z
//
// Every parameter is drawn from U(-1, 1), W2 from U(-5, 5). The first word is uniform
// over the vocabulary, the others are sampled; a sentence has a fixed number of words,
// after which </s> is certain. Labels are the component of the mixture, 0 to 3, and
// Latents the true z. All arithmetic is in float64.
//
// Source: He et al. 2019, "Lagging Inference Networks and Posterior Collapse in
// Variational Autoencoders" (arXiv 1901.05534), the experiment on synthetic data; details
// as in synthetic-data/ of the authors' code. Theirs has no </s>; the validation and the
// test set of their published configuration are the same file, here they are disjoint.
type Synthetic struct {
	// Train is the number of sentences to train on.
	Train int `yaml:"train" range:"[0,10000000]"`
	// Valid is the number of sentences after those, for model selection.
	Valid int `yaml:"valid" range:"[0,10000000]"`
	// Test is the number of sentences after those, to test on.
	Test int `yaml:"test" range:"[0,10000000]"`
	// Length is the number of words of every sentence.
	Length int `yaml:"length" range:"[1,10000]"`
	// Vocab is the number of words, w0, w1, and so on.
	Vocab int `yaml:"vocab" range:"[1,1000000]" alias:"vocab_size"`
	// Hidden is the size of the generator's LSTM.
	Hidden int `yaml:"hidden" range:"[1,10000]"`
	// Embed is the size of the generator's word embedding.
	Embed int `yaml:"embed" range:"[1,10000]"`
	// Seed is the random seed of the generator and its sentences; it is independent of the trial's seed.
	Seed uint64 `yaml:"seed"`
	// Given is what a model is given with each sentence, as a condition: nothing; half: the first half of the words, so that
	// the second is the text; label: the component of the mixture. With a condition nothing is compared with the generator.
	Given string `yaml:"given" choice:"nothing|half|label" neutral:"nothing"`
}

// Kind is text.
func (c Synthetic) Kind() vae.Kind { return vae.Text }

// Gives is text, label or nothing.
func (c Synthetic) Gives() vae.Kind { return kindGiven(c.Given) }

// About says what the examples are; their licence is none: the sentences are random.
func (c Synthetic) About() (what, licence string) {
	return "sentences of a random LSTM, whose z is known", "none, random"
}

// Load draws the generator and then the sentences, in the order train, valid, test.
func (c Synthetic) Load() (*Set, error) {
	if err := memory.Fits(c.bytes(), memory.Total()); err != nil {
		return nil, fmt.Errorf("synthetic: train, valid and test of this length, vocab, hidden and embed are too large: %w; lower them", err)
	}
	words := make([]string, c.Vocab)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i)
	}
	g := newGenerator(c)
	all := g.sentences(c.Seed, c.Train+c.Valid+c.Test)
	cut := func(from, n int) Split {
		return Split{Seqs: all.Seqs[from : from+n], Labels: all.Labels[from : from+n], Latents: all.Latents[from : from+n]}
	}
	s := &Set{
		Name: "synthetic", Vocab: NewVocab(words), Truth: g,
		Train: cut(0, c.Train), Valid: cut(c.Train, c.Valid), Test: cut(c.Train+c.Valid, c.Test),
	}
	if err := s.give(c.Given, ""); err != nil {
		return nil, fmt.Errorf("synthetic: %w", err)
	}
	s.Digest = s.digest()
	return s, nil
}

// bytes is about the memory that the sentences and the generator's parameters take.
func (c Synthetic) bytes() float64 {
	const header, label = 24, 8 // of a slice; of a sentence
	n, V, E, H := float64(c.Train+c.Valid+c.Test), float64(c.Vocab), float64(c.Embed), float64(c.Hidden)
	sentence := 4*float64(c.Length+2) + 8*latentDim + 2*header + label
	return n*sentence + 8*(V*E+E*4*H+V*4*H+H*4*H+H*V)
}

// latentDim is the dimension of z.
const latentDim = 2

// modes are the means of the mixture's components, in the order of the labels.
var modes = [4][latentDim]float64{{-2, -2}, {2, 2}, {-2, 2}, {2, -2}}

// A generator is the random LSTM. Words are numbered from 0 here. In the shapes, V is
// the number of words, E the embedding, H the hidden size, D = 2 and B a block.
//
// The gates stand in the order input, forget, cell, output.
type generator struct {
	length int

	word  *mat.Dense // (V, 4H) embedding Wx + b, the part of the gates that a word decides
	zGate *mat.Dense // (D, 4H) the part of the gates that z decides
	hGate *mat.Dense // (H, 4H) recurrent weights
	zCell *mat.Dense // (D, H) W
	hOut  *mat.Dense // (H, V) W1
	zOut  *mat.Dense // (D, V) W2

	panels func() *panels // the same for LogProbs, made when first asked
}

// newGenerator draws the parameters, each from a stream of its own.
func newGenerator(c Synthetic) *generator {
	param := func(name string, bound float64, rows, cols int) *mat.Dense {
		draw := stream.New(c.Seed, "parameter", name)
		x := make([]float64, rows*cols)
		for i := range x {
			x[i] = bound * (2*draw.Float64() - 1)
		}
		return mat.NewDense(rows, cols, x)
	}
	V, E, H, D := c.Vocab, c.Embed, c.Hidden, latentDim
	word := product(param("embedding", 1, V, E), param("lstm.word", 1, E, 4*H)) // (V, 4H)
	bias, bias2 := param("lstm.bias", 1, 1, 4*H), param("lstm.bias2", 1, 1, 4*H)
	for v := range V {
		add(word.RawRowView(v), bias.RawRowView(0))
		add(word.RawRowView(v), bias2.RawRowView(0)) // PyTorch's LSTM has two biases
	}
	g := &generator{
		length: c.Length,
		word:   word,
		zGate:  param("lstm.z", 1, D, 4*H),
		hGate:  param("lstm.h", 1, H, 4*H),
		zCell:  param("cell", 1, D, H),
		hOut:   param("out.h", 1, H, V),
		zOut:   param("out.z", 5, D, V),
	}
	g.panels = sync.OnceValue(g.pack)
	return g
}

// A block is B sentences in the making: the state of the LSTM and what of its inputs
// stays the same at every step.
type block struct {
	g     *generator
	h, c  *mat.Dense // (B, H) state
	zGate *mat.Dense // (B, 4H) z's part of the gates
	zOut  *mat.Dense // (B, V) z's part of the logits

	gates  *mat.Dense // (B, 4H) work space
	logits *mat.Dense // (B, V) work space
}

// newBlock starts sentences with latent vectors z, shape (B, D).
func (g *generator) newBlock(z *mat.Dense) *block {
	c := product(z, g.zCell) // (B, H)
	var h mat.Dense
	h.Apply(func(_, _ int, x float64) float64 { return math.Tanh(x) }, c)
	return &block{
		g: g, h: &h, c: c,
		zGate: product(z, g.zGate), zOut: product(z, g.zOut),
		gates: new(mat.Dense), logits: new(mat.Dense),
	}
}

// step feeds one word a sentence and returns the logits of the next, shape (B, V). The
// result is good until the next call.
func (b *block) step(words []int) *mat.Dense {
	H := b.h.RawMatrix().Cols
	b.gates.Mul(b.h, b.g.hGate) // (B, 4H)
	for r, w := range words {
		gates, h, c := b.gates.RawRowView(r), b.h.RawRowView(r), b.c.RawRowView(r)
		add(gates, b.zGate.RawRowView(r))
		add(gates, b.g.word.RawRowView(w))
		for j := range H {
			in, forget := sigmoid(gates[j]), sigmoid(gates[H+j])
			cell, out := math.Tanh(gates[2*H+j]), sigmoid(gates[3*H+j])
			c[j] = forget*c[j] + in*cell
			h[j] = out * math.Tanh(c[j])
		}
	}
	b.logits.Mul(b.h, b.g.hOut) // (B, V)
	for r := range words {
		add(b.logits.RawRowView(r), b.zOut.RawRowView(r))
	}
	return b.logits
}

// blockSize is how many sentences are made at once. From 128 to 1000 the speed is the same
// within noise (BenchmarkSynthetic, 2 cores: 2,400 to 2,650 sentences/s).
const blockSize = 500

// sentences draws the first n sentences. Sentence i has a stream of its own, so that it
// depends neither on n nor on the sentences before it.
func (g *generator) sentences(seed uint64, n int) Split {
	s := Split{Seqs: make([][]int32, 0, n), Labels: make([]int, 0, n), Latents: make([][]float64, 0, n)}
	for len(s.Seqs) < n {
		first := len(s.Seqs)
		B := min(blockSize, n-first)
		draws := make([]*rand.Rand, B)
		z := mat.NewDense(B, latentDim, nil)
		for r := range B {
			draws[r] = stream.New(seed, "sentence", first+r)
			label := draws[r].IntN(len(modes))
			for d, mean := range modes[label] {
				z.Set(r, d, mean+draws[r].NormFloat64())
			}
			s.Labels = append(s.Labels, label)
			s.Latents = append(s.Latents, mat.Row(nil, r, z))
		}
		s.Seqs = append(s.Seqs, g.draw(z, draws)...)
	}
	return s
}

// draw samples one sentence for each row of z, each with its own stream.
func (g *generator) draw(z *mat.Dense, draws []*rand.Rand) [][]int32 {
	V := g.word.RawMatrix().Rows
	seqs, words := make([][]int32, len(draws)), make([]int, len(draws))
	for r, draw := range draws {
		words[r] = draw.IntN(V)
		seqs[r] = append(make([]int32, 0, g.length+2), Start, symbol(words[r]))
	}
	b := g.newBlock(z)
	for range g.length - 1 {
		logits := b.step(words)
		for r, draw := range draws {
			words[r] = sample(logits.RawRowView(r), draw.Float64())
			seqs[r] = append(seqs[r], symbol(words[r]))
		}
	}
	for r := range seqs {
		seqs[r] = append(seqs[r], End)
	}
	return seqs
}

// LogProb returns the exact log p(x|z) in nats of a sequence from <s> to </s>. It is
// -Inf for every sequence that the generator cannot make: one of another length, or with
// <pad>, <s>, </s> or <unk> among its words.
func (g *generator) LogProb(z []float64, seq []int32) float64 {
	words, ok := g.words(seq)
	if !ok {
		return math.Inf(-1)
	}
	logProb := g.logFirst()
	b := g.newBlock(mat.NewDense(1, latentDim, z))
	for t := range words[1:] {
		logits := b.step(words[t : t+1]).RawRowView(0)
		logProb += logits[words[t+1]] - logSumExp(logits)
	}
	return logProb
}

// words are the generator's words of a sequence from <s> to </s>; ok is false if it cannot make it.
func (g *generator) words(seq []int32) (words []int, ok bool) {
	V := g.word.RawMatrix().Rows
	if len(seq) != g.length+2 || seq[0] != Start || seq[len(seq)-1] != End {
		return nil, false
	}
	for _, id := range seq[1 : len(seq)-1] {
		w := int(id) - len(reserved)
		if w < 0 || w >= V {
			return nil, false
		}
		words = append(words, w)
	}
	return words, true
}

// logFirst is the log of the first word's probability, which is uniform.
func (g *generator) logFirst() float64 { return -math.Log(float64(g.word.RawMatrix().Rows)) }

// symbol is the number in the vocabulary of a generator's word.
func symbol(word int) int32 { return int32(word + len(reserved)) }

// sample returns the index at which the cumulative softmax of logits passes u, a draw
// from U[0, 1). It leaves the weights in logits.
func sample(logits []float64, u float64) int {
	top := logits[0]
	for _, x := range logits {
		top = max(top, x)
	}
	var sum float64
	for i, x := range logits {
		logits[i] = math.Exp(x - top)
		sum += logits[i]
	}
	u *= sum
	for i, w := range logits {
		if u -= w; u < 0 {
			return i
		}
	}
	return len(logits) - 1 // rounding left a rest of u
}

// logSumExp is log of the sum of exp(x).
func logSumExp(x []float64) float64 {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// add adds b to a, number by number.
func add(a, b []float64) {
	for i, x := range b {
		a[i] += x
	}
}

// product is the matrix product a b.
func product(a, b *mat.Dense) *mat.Dense {
	var c mat.Dense
	c.Mul(a, b)
	return &c
}
