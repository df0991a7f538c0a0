package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// LayerNormAffine standardises every row of x, shape (B, C), over its columns, with the
// biased variance, and gives each column a scale and a shift, gain and bias, (1, C) each:
//
//	y = gain (x - mean) / sqrt(var + eps) + bias
//
// Source: Ba, Kiros & Hinton 2016, "Layer normalization" (arXiv 1607.06450).
func (v *Value) LayerNormAffine(gain, bias *Value, eps Float) *Value {
	C := v.Cols
	if gain.Rows != 1 || gain.Cols != C || bias.Rows != 1 || bias.Cols != C {
		panic(fmt.Sprintf("grad: LayerNormAffine: %v, gain %v, bias %v", v.Matrix, gain.Matrix, bias.Matrix))
	}
	out := v.tape.op(v.Rows, C, backLayerNormAffine, v, gain, bias)
	out.first = true
	standard, inv := v.tape.arena.Raw(v.Rows*C), v.tape.arena.Raw(v.Rows)
	out.save[0], out.save[1] = standard, inv
	work := layerNorm{x: v.Data, standard: standard, inv: inv, y: out.Data, gain: gain.Data, bias: bias.Data, eps: eps}
	tensor.Run(work, v.Rows, layerNormAlign(C))
	return out
}

// layerNormAlign is the number of rows of a chunk.
func layerNormAlign(C int) int { return max(1, splitFloats/C) }

// layerNorm is the pass over all rows.
type layerNorm struct {
	x, standard, inv, y, gain, bias []Float
	eps                             Float
}

// Part computes rows from ... to-1.
func (w *layerNorm) Part(from, to int) {
	C := len(w.gain)
	for i := from; i < to; i++ {
		standard, y := w.standard[i*C:][:C], w.y[i*C:][:C]
		w.inv[i] = standardiseRow(w.x[i*C:][:C], standard, w.eps)
		tensor.MulAdd(standard, w.gain, w.bias, y)
	}
}

func backLayerNormAffine(v *Value) {
	x, gain, bias, C := v.in[0], v.in[1], v.in[2], v.Cols
	if bias.flows {
		bias.settle()
		tensor.AddRows(v.gradient(), bias.Grad)
	}
	if gain.flows {
		gain.settle()
		standard := tensor.Matrix{Rows: v.Rows, Cols: C, Data: v.save[0]}
		tensor.AddRowProducts(v.gradient(), standard, gain.Grad)
	}
	if x.flows {
		first := x.beta() == 0
		work := layerNormBack{dy: v.Grad, gain: gain.Data, standard: v.save[0], inv: v.save[1], dx: x.Grad, first: first}
		tensor.Run(work, v.Rows, layerNormAlign(C))
	}
}

// layerNormBack is the backward pass over all rows; it overwrites dy.
type layerNormBack struct {
	dy, gain, standard, inv, dx []Float
	first                       bool // dx is not written yet
}

// Part computes rows from ... to-1.
func (w *layerNormBack) Part(from, to int) {
	C := len(w.gain)
	for i := from; i < to; i++ {
		dy, dx := w.dy[i*C:][:C], w.dx[i*C:][:C]
		tensor.Mul(w.gain, dy)
		if w.first {
			clear(dx)
		}
		backStandardiseRow(dy, w.standard[i*C:][:C], dx, w.inv[i])
	}
}
