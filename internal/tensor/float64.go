//go:build f64

package tensor

import (
	"time"

	"gonum.org/v1/gonum/blas/blas64"

	"vaelab/internal/tensor/kernel"
)

// Float is the number of the engine: float32, or float64 under the build tag f64.
type Float = float64

// Bits is the width of Float.
const Bits = 64

// CheckKernel returns an error if the kernels that VAELAB_KERNEL selects (generic, avx2 or avx512) do not exist.
func CheckKernel() error { return kernel.CheckChoice() }

// Kernel names the implementation of GEMM.
func Kernel() string { return "gonum blas64" }

// Ceiling is 0: there are no kernels in float64.
func Ceiling(func() time.Time) float64 { return 0 }

// KernelBF16 is Kernel.
func KernelBF16() string { return Kernel() }

// SlowBF16 is "": BF16 needs float32.
func SlowBF16() string { return "" }

// gemm computes c = a·b + beta·c.
func (p Precision) gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix, _ bool) {
	if p == BF16 {
		panic("tensor: bfloat16 in a build for float64")
	}
	general := func(m Matrix) blas64.General {
		return blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.stride(), Data: m.Data}
	}
	copyA, copyB := apart(&a), apart(&b)
	defer copies.Put(copyA)
	defer copies.Put(copyB)
	blas64.Gemm(tA.blas(), tB.blas(), 1, general(a), general(b), beta, general(c))
}

func (p Precision) affine(a Matrix, tB Trans, b Matrix, bias []Float, c Matrix) {
	p.plainAffine(a, tB, b, bias, c)
}

// A Panel is a right-hand operand for several GEMMs, not packed in float64.
type Panel struct {
	precision  Precision
	rows, cols int // as read
	plain      Matrix
	trans      Trans
}

// Prepare stores b, transposed if tB is T.
func (p Precision) Prepare(_ func(n int) []Float, tB Trans, b Matrix) Panel {
	x := Panel{precision: p, plain: b, trans: tB}
	x.rows, x.cols = tB.dims(b)
	return x
}

// Memory is nil: nothing is packed in float64.
func (p Panel) Memory() []Float { return nil }

func (p Panel) gemm(a Matrix, beta Float, c Matrix, alone bool) {
	p.precision.gemm(N, a, p.trans, p.plain, beta, c, alone)
}

// Sigmoids replaces every number by its sigmoid.
func Sigmoids(x []Float) { plainSigmoids(x) }

// Tanhs sets y to the hyperbolic tangents of x; y may be x.
func Tanhs(x, y []Float) { plainTanhs(x, y) }

// GELU sets y to x Φ(x) in its tanh form, x sigmoid(2u) with u = √(2/π) (x + 0.044715 x³).
func GELU(x, y []Float) { plainGELU(x, y) }

// BackGELU adds dy times GELU's derivative at x to dx.
func BackGELU(x, dy, dx []Float) { plainBackGELU(x, dy, dx) }

// ELU sets y to x where it is positive and to e^x - 1 elsewhere.
func ELU(x, y []Float) { plainELU(x, y) }

// BackELU adds dy times ELU's derivative, given its value y, to dx.
func BackELU(y, dy, dx []Float) { plainBackELU(y, dy, dx) }

// Dot is the sum of x y.
func Dot(x, y []Float) Float { return plainDot(x, y) }

// Total is the sum of x.
func Total(x []Float) Float { return plainSum(x) }

func expSum(x []Float, shift Float) Float { return plainExpSum(x, shift) }
func weights(x, sums []Float)             { plainWeights(x, sums) }
func fromDoubles([]float64, []Float) int  { return 0 }
func largest(x []Float) Float             { return plainMax(x) }

func sumRowsHere(x Matrix, y []Float) { plainSumRows(x, y) }

func sumProductsHere(a, b Matrix, y []Float) { plainSumProducts(a, b, y) }

func axpyHere(k Float, x, y []Float) { plainAxpy(k, x, y) }

// Scale multiplies x by k.
func Scale(k Float, x []Float) { plainScale(k, x) }

// Mul multiplies y by x, elementwise.
func Mul(x, y []Float) { plainMul(x, y) }

// MulAdd sets y to a x + b, elementwise.
func MulAdd(x, a, b, y []Float) { plainMulAdd(x, a, b, y) }

// BackStandardise adds inv (dy - mean - meanY y) to dx: the backward pass of y = inv (x - E[x]), where
// mean and meanY are those of dy and dy y.
func BackStandardise(dy, y, dx []Float, inv, mean, meanY Float) {
	plainBackStandardise(dy, y, dx, inv, mean, meanY)
}

func direct(tA Trans, a, b Matrix, add bool, c Matrix, _ func(first, end int) (cols, from, to int)) {
	plainDirect(tA, a, b, add, c)
}

func maskedSoftmax(m Mask, x Matrix, scale Float)        { plainMaskedSoftmax(m, x, scale) }
func maskedBackSoftmax(m Mask, p, d Matrix, scale Float) { plainMaskedBackSoftmax(m, p, d, scale) }

func transpose(x, y Matrix) { plainTranspose(x, y) }

func squaresHere(x []Float) float64 { return plainSumSquares(x) }

// Adam makes one step of Adam on the weights w with gradients g and running means m, v:
//
//	m = beta1 m + rest1 g,  v = beta2 v + rest2 g²,  w -= rate m / (root √v + eps)
func Adam(w, g, m, v []Float, beta1, rest1, beta2, rest2, rate, root, eps Float) {
	plainAdam(w, g, m, v, beta1, rest1, beta2, rest2, rate, root, eps)
}

// Cell is one step of one example's LSTM cell. It adds fixed to the pre-activations in gates, rows i f g o, and replaces
// them by the gates. It sets c and h; c may be cPrev.
func Cell(gates, fixed, cPrev, c, h []Float) { plainCell(gates, fixed, cPrev, c, h) }

// BackCell is the backward pass of one step of one example's LSTM cell. dOut is the gradient
// of h_t from above, dh and dc those from step t+1. It sets dPre, the gradients of the
// pre-activations (rows i f g o), and updates dc for step t-1. It computes tanh c again: to keep that would take as much
// memory as c.
func BackCell(dOut, dh, dc, gates, cPrev, c, dPre []Float) {
	plainBackCell(dOut, dh, dc, gates, cPrev, c, dPre)
}
