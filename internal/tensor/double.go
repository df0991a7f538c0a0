package tensor

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"vaelab/internal/tensor/kernel"
)

// A DoublePanel is a right-hand operand in float64 for several products. Unlike other products these have the same bits
// with and without kernels, those of gonum on amd64.
type DoublePanel struct {
	rows, cols int
	data       []float64
	packed     []float64 // nil without kernels
}

// PrepareDouble packs b, which is (rows, cols) and finite.
func PrepareDouble(rows, cols int, b []float64) DoublePanel {
	p := DoublePanel{rows: rows, cols: cols, data: b}
	if kernel.Available {
		p.packed = make([]float64, kernel.DoublePanelSize(rows, cols))
		kernel.DoublePack(p.packed, b, rows, cols)
	}
	return p
}

// Times computes c = a·p + onto for dense matrices a (m, rows), c and onto (m, cols), m at least 1, on one processor; onto
// may be nil. It panics if the shapes do not fit.
func (p DoublePanel) Times(a, onto, c []float64) {
	m := len(a) / p.rows
	if m == 0 || len(a) != m*p.rows || len(c) != m*p.cols || onto != nil && len(onto) != len(c) {
		panic(fmt.Sprintf("tensor: %d numbers times (%d, %d) plus %d into %d", len(a), p.rows, p.cols, len(onto), len(c)))
	}
	if p.packed != nil {
		kernel.DoubleProduct(m, p.cols, p.rows, a, p.packed, onto, c)
		return
	}
	p.plainTimes(m, a, onto, c)
}

func (p DoublePanel) plainTimes(m int, a, onto, c []float64) {
	dense := func(rows, cols int, x []float64) blas64.General {
		return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: x}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dense(m, p.rows, a), dense(p.rows, p.cols, p.data), 0, dense(m, p.cols, c))
	for i, v := range onto {
		c[i] += v
	}
}

// FromDoubles sets y to x, rounded.
func FromDoubles(x []float64, y []Float) {
	for i := fromDoubles(x, y[:len(x)]); i < len(x); i++ {
		y[i] = Float(x[i])
	}
}

// DoubleTanhs replaces every number by its math.Tanh.
func DoubleTanhs(x []float64) {
	if kernel.Available {
		kernel.DoubleTanh(x)
		return
	}
	plainDoubleTanhs(x)
}

func plainDoubleTanhs(x []float64) {
	for i, v := range x {
		x[i] = math.Tanh(v)
	}
}

// DoubleCell makes one step of an LSTM's cell in float64, with the values of math.Exp and math.Tanh. The pre-activations
// gates + x are in rows i f g o as long as c and h. It sets c to f c + i g and h to o tanh c, and destroys gates.
func DoubleCell(gates, x, c, h []float64) {
	if kernel.Available {
		kernel.DoubleCell(gates, x, c, h)
		return
	}
	plainDoubleCell(gates, x, c, h)
}

func plainDoubleCell(gates, x, c, h []float64) {
	H := len(c)
	gate := func(row, j int) float64 { return gates[row*H+j] + x[row*H+j] }
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for j := range H {
		in, forget := sigmoid(gate(0, j)), sigmoid(gate(1, j))
		cell, out := math.Tanh(gate(2, j)), sigmoid(gate(3, j))
		c[j] = forget*c[j] + in*cell
		h[j] = out * math.Tanh(c[j])
	}
}
