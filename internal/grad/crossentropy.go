package grad

import (
	"fmt"
	"sync"

	"vaelab/internal/tensor"
)

// blockRows is how many rows of logits are in work at a time, and held where no gradient is
// wanted. More rows read the weights less often, fewer stay in the cache for the softmax.
const blockRows = 192

// CrossEntropy is the output layer of a language model with its loss, as one operation:
// for every row h of x, shape (N, H), and its target symbol y,
//
//	-ln softmax(W h)_y,    W of shape (V, H),
//
// in nats, shape (N, 1).
func (v *Value) CrossEntropy(w *Value, targets []int32) *Value {
	if v.Cols != w.Cols || len(targets) != v.Rows {
		panic(fmt.Sprintf("grad: CrossEntropy: %v, %v, %d targets", v.Matrix, w.Matrix, len(targets)))
	}
	t, N, V := v.tape, v.Rows, w.Rows
	out := t.op(N, 1, backCrossEntropy, v, w)
	out.ids = targets
	rows := N // of logits at a time
	if out.Grad == nil {
		rows = min(N, blockRows)
	}
	p := tensor.Matrix{Rows: rows, Cols: V, Data: t.arena.Raw(rows * V)}
	out.save[0] = p.Data // softmax probabilities, for the gradient
	words := tensor.Prepare(t.arena.Raw, tensor.T, w.Matrix)
	if out.Grad != nil {
		w := softmaxes.Get().(*softmax)
		*w = softmax{x: v.Matrix, p: p, words: words, targets: targets, nll: out.Data}
		tensor.Split(w, N, blockRows)
		softmaxes.Put(w)
		return out
	}
	for from := 0; from < N; from += rows {
		to := min(N, from+rows)
		words.Gemm(v.RowRange(from, to), 0, p.RowRange(0, to-from))
		for i := range to - from {
			out.Data[from+i] = negLogSoftmax(p.Row(i), targets[from+i])
		}
	}
	return out
}

// negLogSoftmax turns logits into probabilities and returns -ln of the target's.
func negLogSoftmax(row []Float, target int32) Float {
	logit := row[target]
	return tensor.SoftmaxLSE(row) - logit
}

// softmax is the output layer forward: rows do not depend on each other.
type softmax struct {
	x, p    tensor.Matrix
	words   tensor.Panel
	targets []int32
	nll     []Float
}

var softmaxes = sync.Pool{New: func() any { return new(softmax) }}

// Part computes rows first ... last-1, a block at a time while it is in the cache.
func (w *softmax) Part(first, last int) {
	for from := first; from < last; from += blockRows {
		to := min(last, from+blockRows)
		w.words.GemmAlone(w.x.RowRange(from, to), 0, w.p.RowRange(from, to))
		for i := from; i < to; i++ {
			w.nll[i] = negLogSoftmax(w.p.Row(i), w.targets[i])
		}
	}
}

// softmaxBack makes d logits of probabilities, in place.
type softmaxBack struct {
	upstream []Float
	targets  []int32
	p        tensor.Matrix
}

var softmaxBacks = sync.Pool{New: func() any { return new(softmaxBack) }}

// Part computes rows first ... last-1.
func (w *softmaxBack) Part(first, last int) {
	for i := first; i < last; i++ {
		row := w.p.Row(i)
		tensor.Scale(w.upstream[i], row)
		row[w.targets[i]] -= w.upstream[i]
	}
}

// d logits = upstream (softmax - onehot)
func backCrossEntropy(v *Value) {
	a, w := v.in[0], v.in[1]
	p := tensor.Matrix{Rows: v.Rows, Cols: w.Rows, Data: v.save[0]}
	back := softmaxBacks.Get().(*softmaxBack)
	*back = softmaxBack{upstream: v.Grad, targets: v.ids, p: p}
	tensor.Split(back, v.Rows, blockRows)
	softmaxBacks.Put(back)
	if a.Grad != nil {
		tensor.Gemm(tensor.N, p, tensor.N, w.Matrix, 1, a.gradient())
	}
	if w.Grad != nil {
		tensor.Gemm(tensor.T, p, tensor.N, a.Matrix, 1, w.gradient())
	}
}
