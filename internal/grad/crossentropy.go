package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// blockRows is how many rows of logits are in work at once: with a vocabulary of 10,000
// they are 2.5 MB of float32, and without gradients no more than that is ever held.
const blockRows = 64

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
	keep := N // rows of probabilities kept for the gradient
	if out.Grad == nil {
		keep = min(N, blockRows)
	}
	p := tensor.Matrix{Rows: keep, Cols: V, Data: t.arena.Raw(keep * V)}
	out.save[0] = p.Data
	for from := 0; from < N; from += blockRows {
		to := min(N, from+blockRows)
		block := p.RowRange(0, to-from)
		if out.Grad != nil {
			block = p.RowRange(from, to)
		}
		tensor.Gemm(tensor.N, v.RowRange(from, to), tensor.T, w.Matrix, 0, block)
		for i := range to - from {
			row := block.Row(i)
			logit := row[targets[from+i]]
			lse := tensor.SoftmaxLSE(row)
			out.Data[from+i] = lse - logit
		}
	}
	return out
}

// d logits = upstream (softmax - onehot)
func backCrossEntropy(v *Value) {
	a, w := v.in[0], v.in[1]
	p := tensor.Matrix{Rows: v.Rows, Cols: w.Rows, Data: v.save[0]}
	for i, g := range v.Grad {
		row := p.Row(i)
		for j := range row {
			row[j] *= g
		}
		row[v.ids[i]] -= g
	}
	if a.Grad != nil {
		tensor.Gemm(tensor.N, p, tensor.N, w.Matrix, 1, a.gradient())
	}
	if w.Grad != nil {
		tensor.Gemm(tensor.T, p, tensor.N, a.Matrix, 1, w.gradient())
	}
}
