package vae

import (
	"sort"

	"vaelab/internal/grad"
)

// A Batch is what an encoder reads and a decoder is asked to explain: B sequences of
// symbols, each from <s> to </s>, the longest first.
//
// Symbols are laid out step by step without padding (see grad.Steps): at step t only the
// examples that are still running have a row. A batch whose sequences have one length is
// simply time-major. No work is ever done on padding, because there is none.
type Batch struct {
	Seqs   [][]int32 // B sequences, lengths never increasing
	Labels []int     // one class per example, or nil if the data have none

	Steps   grad.Steps // layout of all symbols: what an encoder reads
	Symbols []int32    // (N) all symbols in that layout
	Last    []int      // (B) the row of each sequence's last symbol

	Predict grad.Steps // layout of a decoder's rows: one symbol a sequence fewer
	In, Out []int32    // (M) what a decoder reads (all but the last) and predicts (all but <s>)
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
	x := &Batch{Seqs: make([][]int32, len(seqs))}
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

// B is the number of examples.
func (x *Batch) B() int { return len(x.Seqs) }

// Tokens is the number of symbols that the decoder predicts: all but each <s>.
func (x *Batch) Tokens() int { return len(x.Out) }

// Repeat returns a batch in which every example stands k times: example i of x is
// examples i*k ... i*k+k-1. The importance-weighted likelihood decodes k samples of z
// for each sentence this way.
func (x *Batch) Repeat(k int) *Batch {
	seqs := make([][]int32, 0, k*len(x.Seqs))
	for _, s := range x.Seqs {
		for range k {
			seqs = append(seqs, s)
		}
	}
	return NewBatch(seqs, nil)
}
