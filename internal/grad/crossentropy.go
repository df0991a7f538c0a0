package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// blockRows is the number of rows of logits that are computed at a time, and stored if there is no
// gradient. With more rows the weights are read less often; fewer rows stay in the cache for the softmax.
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
	out.ids, out.first = targets, true
	rows := N // of logits at a time
	if !out.flows {
		rows = min(N, blockRows)
	}
	p := tensor.Matrix{Rows: rows, Cols: V, Data: t.take(rows * V)}
	words := w.Products.Prepare(t.take, tensor.T, w.Matrix)
	defer func() { t.give(words.Memory()) }()
	if out.flows {
		sums := t.arena.Raw(N)
		out.save = [4][]Float{p.Data, sums}
		w := tensor.Borrow[softmax]()
		*w = softmax{x: v.Matrix, p: p, words: words, targets: targets, nll: out.Data, sums: sums}
		align := 16
		if 2*N*V*v.Cols < 4<<20 { // too small to split
			align = N
		}
		tensor.SplitEvenly(w, N, align)
		tensor.Return(w)
		return out
	}
	for from := 0; from < N; from += rows {
		to := min(N, from+rows)
		words.Gemm(v.RowRange(from, to), 0, p.RowRange(0, to-from))
		for i := range to - from {
			row := p.Row(i)
			logit := row[targets[from+i]]
			_, lse := tensor.ExpLSE(row)
			out.Data[from+i] = lse - logit
		}
	}
	t.give(p.Data)
	return out
}

// softmax is the forward pass of the output layer. Rows are independent. For the gradient it
// leaves s (softmax - onehot) in p. It does not divide by s, the sum of a row's exponentials:
// a pass over the logits costs more than one over the rows of x.
type softmax struct {
	x, p      tensor.Matrix
	words     tensor.Panel
	targets   []int32
	nll, sums []Float
}

// Part computes rows first ... last-1, a block at a time while it is in the cache.
func (w *softmax) Part(first, last int) {
	for from := first; from < last; from += blockRows {
		to := min(last, from+blockRows)
		w.words.GemmAlone(w.x.RowRange(from, to), 0, w.p.RowRange(from, to))
		for i := from; i < to; i++ {
			row, target := w.p.Row(i), w.targets[i]
			logit := row[target]
			sum, lse := tensor.ExpLSE(row)
			w.nll[i], w.sums[i] = lse-logit, sum
			row[target] -= sum
		}
	}
}

// With k = upstream / s and P = s (softmax - onehot):  dx = k P·W,  dW = Pᵀ·(k x)
func backCrossEntropy(v *Value) {
	x, w, sums := v.in[0], v.in[1], v.save[1]
	p := tensor.Matrix{Rows: v.Rows, Cols: w.Rows, Data: v.save[0]}
	rows := tensor.Matrix{Rows: x.Rows, Cols: x.Cols, Data: v.tape.take(x.Rows * x.Cols)}
	if x.flows {
		w.Products.Gemm(tensor.N, p, tensor.N, w.Matrix, 0, rows)
		x.settle()
		for i, s := range sums {
			tensor.Axpy(v.Grad[i]/s, rows.Row(i), x.gradient().Row(i))
		}
	}
	if w.flows {
		for i, s := range sums {
			row := rows.Row(i)
			copy(row, x.Row(i))
			tensor.Scale(v.Grad[i]/s, row)
		}
		w.Products.Gemm(tensor.T, p, tensor.N, rows, w.beta(), w.gradient())
	}
	v.tape.give(rows.Data)
	v.tape.give(p.Data)
	v.save[0] = nil
}
