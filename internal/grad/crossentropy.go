package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// blockRows is how many rows of logits are held at a time where no gradient is wanted: with a
// vocabulary of 10,000 they are 2.5 MB of float32.
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
	rows := N // of logits at a time
	if out.Grad == nil {
		rows = min(N, blockRows)
	}
	p := tensor.Matrix{Rows: rows, Cols: V, Data: t.arena.Raw(rows * V)}
	out.save[0] = p.Data // softmax probabilities, for the gradient
	words := tensor.Prepare(t.arena.Raw, tensor.T, w.Matrix)
	for from := 0; from < N; from += rows {
		to := min(N, from+rows)
		words.Gemm(v.RowRange(from, to), 0, p.RowRange(0, to-from))
		for i := range to - from {
			row := p.Row(i)
			logit := row[targets[from+i]]
			out.Data[from+i] = tensor.SoftmaxLSE(row) - logit
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
		tensor.Scale(g, row)
		row[v.ids[i]] -= g
	}
	if a.Grad != nil {
		tensor.Gemm(tensor.N, p, tensor.N, w.Matrix, 1, a.gradient())
	}
	if w.Grad != nil {
		tensor.Gemm(tensor.T, p, tensor.N, a.Matrix, 1, w.gradient())
	}
}
