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

// A Panel is a right-hand operand made ready for many products.
type Panel struct {
	rows, cols int // as read
	packed     []Float
	plain      Matrix
	trans      Trans
}

// Prepare makes b, transposed as asked, ready for many products; alloc lends memory that
// must live as long as the Panel.
func Prepare(alloc func(n int) []Float, tB Trans, b Matrix) Panel {
	p := Panel{plain: b, trans: tB}
	p.rows, p.cols = tB.dims(b)
	if kernel.Available {
		p.packed = alloc(kernel.PanelSize(p.rows, p.cols))
		row, col := tB.strides(b)
		kernel.Pack(p.packed, b.Data, p.rows, p.cols, row, col)
	}
	return p
}

// gemm computes c = a·p + beta·c.
func (p Panel) gemm(a Matrix, beta Float, c Matrix) {
	if p.packed == nil || beta != 0 && beta != 1 {
		gemm(N, a, p.trans, p.plain, beta, c)
		return
	}
	kernel.GemmPanel(c.Rows, c.Cols, a.Cols, a.Data, a.stride(), 1, p.packed, c.Data, c.stride(), beta != 0)
}

// Exps replaces every number by its exponential.
func Exps(x []Float) {
	if kernel.Available {
		kernel.ExpSum(x, 0)
		return
	}
	plainExpSum(x, 0)
}

func expSum(x []Float, shift Float) Float {
	if kernel.Available {
		return kernel.ExpSum(x, shift)
	}
	return plainExpSum(x, shift)
}

func largest(x []Float) Float {
	if kernel.Available {
		return kernel.Max(x)
	}
	return plainMax(x)
}

// Axpy adds k times x to y.
func Axpy(k Float, x, y []Float) {
	if kernel.Available {
		kernel.Axpy(k, x, y)
		return
	}
	plainAxpy(k, x, y)
}

// Scale multiplies x by k.
func Scale(k Float, x []Float) {
	if kernel.Available {
		kernel.Scale(k, x)
		return
	}
	plainScale(k, x)
}

// SumSquares is the sum of x_i² in float64.
func SumSquares(x []Float) float64 {
	if kernel.Available {
		return kernel.SumSquares(x)
	}
	return plainSumSquares(x)
}

// Adam makes one step of Adam on the weights w with gradients g and running means m, v:
//
//	m = beta1 m + (1-beta1) g,  v = beta2 v + (1-beta2) g²,  w -= rate m / (root √v + eps)
func Adam(w, g, m, v []Float, beta1, beta2, rate, root, eps Float) {
	if kernel.Available {
		kernel.Adam(w, g, m, v, beta1, beta2, rate, root, eps)
		return
	}
	plainAdam(w, g, m, v, beta1, beta2, rate, root, eps)
}
