package tensor

import "vaelab/internal/tensor/kernel"

// A Precision is that of the operands of products. Sums are of Floats.
type Precision kernel.Products

// The two precisions. BF16 rounds both operands to bfloat16, to nearest even, denormals to 0. Only float32 has it. For
// two neighbours in a sum, p even and p+1, first the product of the second ones is added and then that of the first
// ones, each with one rounding to nearest even, where denormals become 0 again. Blocks of 512 terms are summed by
// themselves.
const (
	Full = Precision(kernel.Float32s)
	BF16 = Precision(kernel.BF16Pairs)
)

// Gemm is Full.Gemm.
func Gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	Full.Gemm(tA, a, tB, b, beta, c)
}

// Prepare is Full.Prepare.
func Prepare(alloc func(n int) []Float, tB Trans, b Matrix) Panel { return Full.Prepare(alloc, tB, b) }
