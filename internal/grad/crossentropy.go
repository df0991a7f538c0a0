package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// blockRows is the number of rows of logits that are computed and stored at a time if there is no gradient. With more rows
// the weights are read less often; fewer rows stay in the cache for the softmax.
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
	if out.flows {
		p := tensor.Matrix{Rows: N, Cols: V, Data: t.take(N * V)}
		sums := t.arena.Raw(N)
		out.save = [4][]Float{p.Data, sums}
		// Packing all weights once would need as much memory again as they take, and gain nothing.
		w.Products.Gemm(tensor.N, v.Matrix, tensor.T, w.Matrix, 0, p)
		tensor.Run(softmax{p: p, targets: targets, nll: out.Data, sums: sums}, N, max(1, splitFloats/V))
		return out
	}
	rows := min(N, blockRows)
	p := tensor.Matrix{Rows: rows, Cols: V, Data: t.take(rows * V)}
	words := w.Products.Prepare(t.take, tensor.T, w.Matrix)
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
	t.give(words.Memory())
	t.give(p.Data)
	return out
}

// softmax is the pass over the logits p that prepares the gradient: it leaves s (softmax - onehot) in p. It does not divide
// by s, the sum of a row's exponentials: a pass over the logits costs more than one over the rows of x. Rows are independent.
type softmax struct {
	p         tensor.Matrix
	targets   []int32
	nll, sums []Float
}

// Part computes rows first ... last-1.
func (w *softmax) Part(first, last int) {
	for i := first; i < last; i++ {
		row, target := w.p.Row(i), w.targets[i]
		logit := row[target]
		sum, lse := tensor.ExpLSE(row)
		w.nll[i], w.sums[i] = lse-logit, sum
		row[target] -= sum
	}
}

// With k = upstream / s and P = s (softmax - onehot):  dW = Pᵀ·(k x),  dx = k P·W
//
// dW is first, because its copy of x is free again before dx is needed.
func backCrossEntropy(v *Value) {
	x, w, sums := v.in[0], v.in[1], v.save[1]
	p := tensor.Matrix{Rows: v.Rows, Cols: w.Rows, Data: v.save[0]}
	scale := func(i int) Float { return v.Grad[i] / sums[i] }
	scratch := func() tensor.Matrix {
		return tensor.Matrix{Rows: x.Rows, Cols: x.Cols, Data: v.tape.take(x.Rows * x.Cols)}
	}
	if w.flows {
		scaled := scratch()
		for i := range x.Rows {
			row := scaled.Row(i)
			copy(row, x.Row(i))
			tensor.Scale(scale(i), row)
		}
		w.Products.Gemm(tensor.T, p, tensor.N, scaled, w.beta(), w.gradient())
		v.tape.give(scaled.Data)
	}
	switch {
	case !x.flows:
	case x.beta() == 0:
		dx := x.gradient()
		w.Products.Gemm(tensor.N, p, tensor.N, w.Matrix, 0, dx)
		for i := range dx.Rows {
			tensor.Scale(scale(i), dx.Row(i))
		}
	default:
		rows := scratch()
		w.Products.Gemm(tensor.N, p, tensor.N, w.Matrix, 0, rows)
		for i := range rows.Rows {
			tensor.Axpy(scale(i), rows.Row(i), x.gradient().Row(i))
		}
		v.tape.give(rows.Data)
	}
	v.tape.give(p.Data)
	v.save[0] = nil
}
