package data

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/memory"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
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

	exact  struct{ zGate, hGate, zCell, hOut, zOut tensor.DoublePanel } // the same for products
	panels func() *panels                                               // the same for LogProbs and words, made when first asked
}

// The bounds of the uniform distributions that parameters come from.
const bound, zOutBound = 1, 5

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
	word := mat.NewDense(V, 4*H, nil)
	prepared(param("lstm.word", bound, E, 4*H)).Times(param("embedding", bound, V, E).RawMatrix().Data, nil, word.RawMatrix().Data)
	bias, bias2 := param("lstm.bias", bound, 1, 4*H), param("lstm.bias2", bound, 1, 4*H)
	for v := range V {
		add(word.RawRowView(v), bias.RawRowView(0))
		add(word.RawRowView(v), bias2.RawRowView(0)) // PyTorch's LSTM has two biases
	}
	g := &generator{
		length: c.Length,
		word:   word,
		zGate:  param("lstm.z", bound, D, 4*H),
		hGate:  param("lstm.h", bound, H, 4*H),
		zCell:  param("cell", bound, D, H),
		hOut:   param("out.h", bound, H, V),
		zOut:   param("out.z", zOutBound, D, V),
	}
	g.exact.zGate, g.exact.hGate, g.exact.zCell = prepared(g.zGate), prepared(g.hGate), prepared(g.zCell)
	g.exact.hOut, g.exact.zOut = prepared(g.hOut), prepared(g.zOut)
	g.panels = sync.OnceValue(g.pack)
	return g
}

func prepared(m *mat.Dense) tensor.DoublePanel {
	raw := m.RawMatrix()
	return tensor.PrepareDouble(raw.Rows, raw.Cols, raw.Data)
}

// A block is B sentences in the making: the state of the LSTM and what of its inputs
// stays the same at every step.
type block struct {
	g     *generator
	z     []float64 // (B, D)
	h, c  []float64 // (B, H) state
	zGate []float64 // (B, 4H) z's part of the gates

	gates        []float64 // (B, 4H) work space
	logits, zOut []float64 // (V) work space
}

func (g *generator) newBlock(B int) *block {
	V, H := g.sizes()
	return &block{
		g: g,
		z: make([]float64, B*latentDim), h: make([]float64, B*H), c: make([]float64, B*H),
		zGate: make([]float64, B*4*H), gates: make([]float64, B*4*H),
		logits: make([]float64, V), zOut: make([]float64, V),
	}
}

// sizes are V and H.
func (g *generator) sizes() (V, H int) { return g.word.RawMatrix().Rows, g.zCell.RawMatrix().Cols }

// start begins the sentences of z.
func (b *block) start() {
	b.g.exact.zCell.Times(b.z, nil, b.c)
	copy(b.h, b.c)
	tensor.DoubleTanhs(b.h)
	b.g.exact.zGate.Times(b.z, nil, b.zGate)
}

// step feeds one word a sentence.
func (b *block) step(words []int) {
	_, H := b.g.sizes()
	b.g.exact.hGate.Times(b.h, b.zGate, b.gates)
	for r, w := range words {
		tensor.DoubleCell(b.gates[r*4*H:(r+1)*4*H], b.g.word.RawRowView(w), b.c[r*H:(r+1)*H], b.h[r*H:(r+1)*H])
	}
}

// next returns the logits of sentence r's next word, good until the next call.
func (b *block) next(r int) []float64 {
	_, H := b.g.sizes()
	b.g.exact.zOut.Times(b.z[r*latentDim:(r+1)*latentDim], nil, b.zOut)
	b.g.exact.hOut.Times(b.h[r*H:(r+1)*H], b.zOut, b.logits)
	return b.logits
}

// blockSize is how many sentences are made at once: a multiple of a tile's rows, and few enough that their states stay in
// the cache beside the weights.
const blockSize = 24

// sentences draws the first n sentences. Sentence i has a stream of its own, so that it
// depends neither on n nor on the sentences before it.
func (g *generator) sentences(seed uint64, n int) Split {
	s := Split{Seqs: make([][]int32, n), Labels: make([]int, n), Latents: make([][]float64, n)}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+blockSize-1)/blockSize) {
		workers.Go(func() {
			w := g.newWriter(seed)
			for to := int(next.Add(blockSize)); to-blockSize < n; to = int(next.Add(blockSize)) {
				w.write(s, to-blockSize, min(to, n))
			}
		})
	}
	workers.Wait()
	return s
}

// A writer draws sentences, a block at a time.
type writer struct {
	g       *generator
	streams *stream.Stepper
	block   *block
	words   []int
	draws   []float64     // (B, length-1) from U[0, 1), one for each word but the first
	state   tensor.Matrix // (B, H+D) [h; z]
	logits  tensor.Matrix // (B, V) the logits of the next words in the engine's precision
	doubted int           // words for which these were not precise enough
}

func (g *generator) newWriter(seed uint64) *writer {
	return &writer{g: g, streams: stream.NewStepper(seed, "sentence")}
}

// write draws the sentences first ... to-1 of s.
func (w *writer) write(s Split, first, to int) {
	g, B, T := w.g, to-first, w.g.length
	V, H := g.sizes()
	if len(w.words) != B {
		w.block, w.words, w.draws = g.newBlock(B), make([]int, B), make([]float64, B*(T-1))
		w.state, w.logits = tensor.New(B, H+latentDim), tensor.New(B, V)
	}
	symbols, latents := make([]int32, B*(T+2)), make([]float64, B*latentDim)
	for r := range B {
		draw := w.streams.At(first + r)
		label, z, seq := draw.IntN(len(modes)), latents[r*latentDim:][:latentDim:latentDim], symbols[r*(T+2):][:T+2:T+2]
		for d, mean := range modes[label] {
			z[d] = mean + draw.NormFloat64()
			w.state.Row(r)[H+d] = tensor.Float(z[d])
		}
		w.words[r] = draw.IntN(V)
		seq[0], seq[1], seq[T+1] = Start, symbol(w.words[r]), End
		for t := range T - 1 {
			w.draws[r*(T-1)+t] = draw.Float64()
		}
		s.Labels[first+r], s.Latents[first+r], s.Seqs[first+r] = label, z, seq
	}
	copy(w.block.z, latents)
	w.block.start()
	for t := range T - 1 {
		w.block.step(w.words)
		for r := range B {
			tensor.FromDoubles(w.block.h[r*H:(r+1)*H], w.state.Row(r))
		}
		g.panels().out.GemmAlone(w.state, 0, w.logits)
		for r := range B {
			u := w.draws[r*(T-1)+t]
			word, sure := passed(w.logits.Row(r), u, doubt(logitError(w.state.Row(r), g.panels().norm)))
			if !sure {
				w.doubted++
				word = sample(w.block.next(r), u)
			}
			w.words[r], s.Seqs[first+r][2+t] = word, symbol(word)
		}
	}
}

// half is the largest relative error of rounding to float32.
const half = 1. / (1 << 24)

// logitError bounds how far the engine's logits of a state row [h; z] are from those in float64; norm is the largest norm
// of a word's weights w. A logit is a sum of n = H+2 products. Both operands are rounded, so is the product, and it passes
// at most n+1 additions. The error is then at most γ Σ|s w|, γ = k/(1 - k), k = (n+4) u, u = half, and the sum is at most
// |s| |w|. That the norm of s is of rounded numbers and rounded itself makes it too small by a factor 1+k at most.
//
// Source: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1.
func logitError(state []tensor.Float, norm float64) float64 {
	k := float64(len(state)+4) * half
	return k / (1 - k) * (1 + k) * norm * math.Sqrt(float64(tensor.Dot(state, state)))
}

// doubt bounds how far the cumulative probabilities that passed computes are from those that sample computes from logits
// in float64, which differ by logitError at most. Let u be half.
//
//   - The distance of a logit from the largest is rounded: by 88 u at most, because e^-88 is less than the rest of the
//     error.
//   - An exponential is at most two units in the last place, 4 u, from the true one.
//
// So each weight is the true one times e^±ε, ε the sum of these and logitError, up to a common factor. The odds p/(1-p) of
// a cumulative probability p are then the true ones times e^±2ε. As p has a slope of at most 1/4 in its log odds, it is off
// by ε/2 at most.
//
//   - Sums of 64 weights in float32 are off by 64 u, and p is a quotient of two: 128 u.
//   - The float64 of passed and of sample is off by some V 2^-51, less than u for a million words.
func doubt(logitError float64) float64 { return (logitError+92*half)/2 + 129*half }

// passed returns the index at which the cumulative softmax of logits passes u, a draw from U[0, 1), and whether it does so
// even if the cumulative probabilities are off by doubt. It does what sample does, faster and in the engine's precision.
// It leaves the weights in logits.
func passed(logits []tensor.Float, u, doubt float64) (index int, sure bool) {
	const chunk = tensor.WeightsChunk
	var memory [16]tensor.Float // avoids an allocation for up to 1024 words
	chunks := (len(logits) + chunk - 1) / chunk
	sums := slices.Grow(memory[:0], chunks)[:chunks]
	tensor.Weights(logits, sums)
	total := 0.0
	for _, sum := range sums {
		total += float64(sum)
	}
	before := 0.0 // the weight before index
	for _, sum := range sums {
		after := before + float64(sum)
		if after > u*total {
			break
		}
		before, index = after, index+chunk
	}
	for index < len(logits) {
		after := before + float64(logits[index])
		if after > u*total {
			return index, before <= (u-doubt)*total && after > (u+doubt)*total
		}
		before, index = after, index+1
	}
	return 0, false // rounding left a rest of u
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
	b := g.newBlock(1)
	copy(b.z, z)
	b.start()
	for t := range words[1:] {
		b.step(words[t : t+1])
		logits := b.next(0)
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

// add adds b to a, number by number.
func add(a, b []float64) {
	for i, x := range b {
		a[i] += x
	}
}
