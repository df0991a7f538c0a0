package vae

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"

	"vaelab/internal/grad"
	"vaelab/internal/tensor"
)

// A Batching says which examples may share a batch.
type Batching string

// The ways of batching; see data.Split.Batches.
const (
	ByLength Batching = "length" // of one length
	Mixed    Batching = "mixed"  // any
	Near     Batching = "near"   // of neighbouring lengths
)

// A Batch is what an encoder reads and a decoder is asked to explain: B sequences of
// symbols, each from <s> to </s>, the longest first; or, for images and vectors, B rows of
// numbers, and then only Values, Grey and Labels are set.
//
// Symbols are laid out step by step without padding (see grad.Steps): at step t only the
// examples that are still running have a row. A batch whose sequences have one length is
// simply time-major. No work is ever done on padding, because there is none.
type Batch struct {
	Seqs   [][]int32 // B sequences, lengths never increasing
	Labels []int     // one class per example, or nil if the data have none
	Rows   []int     // which of the examples that the batch was made of each is; of a data.Split's batch, of the split

	// Given are the conditions, or nil. GivenAt is the place in it of each example's condition, (B), because conditions
	// that are sequences are in the order of their own lengths. A conditional prior reads the rows of Given there.
	Given   *Batch
	GivenAt []int

	Steps   grad.Steps // layout of all symbols: what an encoder reads
	Symbols []int32    // (N) all symbols in that layout
	Last    []int      // (B) the row of each sequence's last symbol

	Predict grad.Steps // layout of a decoder's rows: one symbol a sequence fewer
	In, Out []int32    // (M) what a decoder reads (all but the last) and predicts (all but <s>)

	Values tensor.Matrix // (B, P) pixels that are 0 or 1, row by row, or real numbers
	Grey   tensor.Matrix // (B, P) probabilities of pixels, if Values is to be drawn from them; see Draw

	learnt *grad.Value   // see Learn
	told   tensor.Matrix // see Tell
}

// NewBatch packs sequences into a batch; it sorts them by length, longest first, and
// keeps the order of equals. Labels may be nil. It panics if a sequence has fewer than
// two symbols, because then there is nothing to predict.
func NewBatch(seqs [][]int32, labels []int) *Batch {
	order := make([]int, len(seqs))
	for i := range order {
		order[i] = i
		if len(seqs[i]) < 2 {
			panic("vae: NewBatch: a sequence needs at least <s> and one symbol to predict")
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return len(seqs[order[a]]) > len(seqs[order[b]]) })
	x := &Batch{Seqs: make([][]int32, len(seqs)), Rows: order}
	for i, o := range order {
		x.Seqs[i] = seqs[o]
		if labels != nil {
			x.Labels = append(x.Labels, labels[o])
		}
	}
	x.Steps, x.Symbols = pack(x.Seqs, 0, 0)
	x.Predict, x.In = pack(x.Seqs, 0, 1)
	_, x.Out = pack(x.Seqs, 1, 0)
	for b, s := range x.Seqs {
		x.Last = append(x.Last, x.Steps.Offset[len(s)-1]+b)
	}
	return x
}

// Condition makes given the conditions of x: each is that of the example with the same place in Rows. It panics if an
// example has none.
func (x *Batch) Condition(given *Batch) {
	at := make(map[int]int, given.B())
	for i, row := range given.Rows {
		at[row] = i
	}
	x.Given, x.GivenAt = given, make([]int, x.B())
	for i, row := range x.Rows {
		k, ok := at[row]
		if !ok {
			panic(fmt.Sprintf("vae: Condition: example %d of %d has no condition", row, x.B()))
		}
		x.GivenAt[i] = k
	}
}

// pack lays out sequences without their first `skip` and last `drop` symbols.
func pack(seqs [][]int32, skip, drop int) (steps grad.Steps, symbols []int32) {
	steps.Offset = []int{0}
	for t := skip; len(seqs) > 0 && t < len(seqs[0])-drop; t++ {
		n := 0
		for n < len(seqs) && t < len(seqs[n])-drop {
			symbols = append(symbols, seqs[n][t])
			n++
		}
		steps.Active = append(steps.Active, n)
		steps.Offset = append(steps.Offset, len(symbols))
	}
	return steps, symbols
}

// NewGrid makes a batch of images or vectors: B rows of equal length. Labels may be nil.
// Grey rows are probabilities of pixels, of which Draw makes pixels.
func NewGrid(rows [][]float32, labels []int, grey bool) *Batch {
	x := &Batch{Labels: labels, Rows: make([]int, len(rows)), Values: tensor.New(len(rows), len(rows[0]))}
	for i, row := range rows {
		x.Rows[i] = i
		to := x.Values.Row(i)
		for j, v := range row {
			to[j] = Float(v)
		}
	}
	if grey {
		x.Grey, x.Values = x.Values, tensor.New(x.Values.Rows, x.Values.Cols)
	}
	return x
}

// Draw makes pixels of Grey's probabilities: Values ~ Bernoulli(Grey). It does nothing to
// a batch without them.
//
// Source: Salakhutdinov & Murray 2008, "On the quantitative analysis of deep belief networks",
// section 6; anew at each training step as Burda et al. 2016 (arXiv 1509.00519).
func (x *Batch) Draw(rng *rand.Rand) {
	for i, p := range x.Grey.Data {
		x.Values.Data[i] = 0
		if Float(rng.Float64()) < p {
			x.Values.Data[i] = 1
		}
	}
}

// Learn makes x a batch of rows of numbers that are learnt, (B, P), for a pass on the tape of v.
func (x *Batch) Learn(v *grad.Value) { x.learnt, x.Values = v, v.Matrix }

// Numbers are Values on a tape: what an encoder of images or vectors reads.
func (x *Batch) Numbers(t *grad.Tape) *grad.Value {
	if x.learnt != nil {
		return x.learnt
	}
	return t.Const(x.Values)
}

// B is the number of examples.
func (x *Batch) B() int {
	if x.Seqs == nil {
		return x.Values.Rows
	}
	return len(x.Seqs)
}

// Tokens is the number of symbols that the decoder predicts: all but each <s>; for images
// and vectors the number of their numbers.
func (x *Batch) Tokens() int {
	if x.Seqs == nil {
		return len(x.Values.Data)
	}
	return len(x.Out)
}

// Repeat returns a batch in which every example stands k times: example i of x is
// examples i*k ... i*k+k-1. The importance-weighted likelihood decodes k samples of z
// for each sentence this way.
func (x *Batch) Repeat(k int) *Batch {
	r := new(Batch)
	r.repeat(x, k)
	return r
}

// repeat makes r what x.Repeat(k) is, in the memory that r has from before.
func (r *Batch) repeat(x *Batch, k int) {
	r.Labels, r.Rows = times(r.Labels, x.Labels, k), times(r.Rows, x.Rows, k)
	r.Given, r.GivenAt = x.Given, times(r.GivenAt, x.GivenAt, k) // which are still there once
	if x.Seqs == nil {
		r.Values = tensor.Matrix{Rows: k * x.Values.Rows, Cols: x.Values.Cols, Data: r.Values.Data[:0]}
		for i := range r.Values.Rows {
			r.Values.Data = append(r.Values.Data, x.Values.Row(i/k)...)
		}
		return
	}
	// The examples of a step stand side by side, and so do the k copies of each of its symbols.
	r.Seqs, r.Symbols, r.In, r.Out = times(r.Seqs, x.Seqs, k), times(r.Symbols, x.Symbols, k), times(r.In, x.In, k), times(r.Out, x.Out, k)
	r.Last = places(r.Last, x.Last, k)
	for _, steps := range [2]struct{ to, of *grad.Steps }{{&r.Steps, &x.Steps}, {&r.Predict, &x.Predict}} {
		steps.to.Active, steps.to.Offset = steps.to.Active[:0], steps.to.Offset[:0]
		for _, n := range steps.of.Active {
			steps.to.Active = append(steps.to.Active, n*k)
		}
		for _, n := range steps.of.Offset {
			steps.to.Offset = append(steps.to.Offset, n*k)
		}
	}
}

// times is every element k times in a row, in the memory of to; nil for nil.
func times[T any](to, of []T, k int) []T {
	if of == nil {
		return nil
	}
	to = to[:0]
	for _, v := range of {
		for range k {
			to = append(to, v)
		}
	}
	return to
}

// places are those of the copies of what is at the given places, in the memory of to.
func places(to, at []int, k int) []int {
	to = to[:0]
	for _, r := range at {
		for j := range k {
			to = append(to, r*k+j)
		}
	}
	return to
}

// hash is a number made of what an example is, wherever it stands.
func (x *Batch) hash(i int) (h uint64) {
	const odd = 0x9e3779b97f4a7c15
	if x.Seqs == nil {
		for _, v := range x.Values.Row(i) {
			h = bits.RotateLeft64((h^math.Float64bits(float64(v)))*odd, 31)
		}
		return h
	}
	for _, s := range x.Seqs[i] {
		h = bits.RotateLeft64((h^uint64(s))*odd, 31)
	}
	return h
}
