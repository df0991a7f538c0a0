//go:build f64

package tensor

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// Float is the number of the engine: float32, or float64 under the build tag f64.
type Float = float64

// Bits is the width of Float.
const Bits = 64

// Kernel names what computes the products.
func Kernel() string { return "gonum blas64" }

// gemm computes c = a·b + beta·c.
func gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	general := func(m Matrix) blas64.General {
		return blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.stride(), Data: m.Data}
	}
	blas64.Gemm(tA.blas(), tB.blas(), 1, general(a), general(b), beta, general(c))
}

// Exps replaces every number by its exponential.
func Exps(x []Float) {
	for i, v := range x {
		x[i] = math.Exp(v)
	}
}
