//go:build f64

package tensor

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Float is the number of the engine: float32, or float64 under the build tag f64.
type Float = float64

// Kernel names what computes the products.
const Kernel = "gonum blas64"

// Bits is the width of Float.
const Bits = 64

func gemm(tA, tB blas.Transpose, alpha Float, a, b Matrix, beta Float, c Matrix) {
	general := func(m Matrix) blas64.General {
		return blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.stride(), Data: m.Data}
	}
	blas64.Gemm(tA, tB, alpha, general(a), general(b), beta, general(c))
}
