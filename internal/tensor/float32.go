//go:build !f64

package tensor

import (
	"gonum.org/v1/gonum/blas/blas32"

	"vaelab/internal/tensor/kernel"
)

// Float is the number of the engine: float32, or float64 under the build tag f64.
type Float = float32

// Bits is the width of Float.
const Bits = 32

// Kernel names what computes the products on this processor.
func Kernel() string {
	if kernel.Available {
		return kernel.Name
	}
	return "gonum blas32"
}

// gemm computes c = a·b + beta·c with the kernels, or with gonum where there are none.
func gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	if !kernel.Available {
		gonum(tA, a, tB, b, beta, c)
		return
	}
	if beta != 0 && beta != 1 {
		for i := range c.Rows {
			row := c.Row(i)
			for j := range row {
				row[j] *= beta
			}
		}
	}
	_, k := tA.dims(a)
	aRow, aCol := tA.strides(a)
	bRow, bCol := tB.strides(b)
	kernel.Gemm(c.Rows, c.Cols, k, a.Data, aRow, aCol, b.Data, bRow, bCol, c.Data, c.stride(), beta != 0)
}

// strides are the distances between rows and between columns of the operand as read.
func (t Trans) strides(m Matrix) (row, col int) {
	if t {
		return 1, m.stride()
	}
	return m.stride(), 1
}

// gonum is the tier without kernels, and the oracle of the one with them. It skips the
// products of zeros in a, so that there 0·NaN is 0.
func gonum(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	general := func(m Matrix) blas32.General {
		return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.stride(), Data: m.Data}
	}
	blas32.Gemm(tA.blas(), tB.blas(), 1, general(a), general(b), beta, general(c))
}

// Exps replaces every number by its exponential.
func Exps(x []Float) {
	if kernel.Available {
		kernel.Exp(x)
		return
	}
	for i, v := range x {
		x[i] = Exp(v)
	}
}
