//go:build !amd64 || f64

package kernel

// Available is false where there are no kernels.
const Available = false

// Name is the tier's name.
const Name = "none"

// Gemm must not be called where Available is false.
func Gemm(m, n, k int, a []float32, aRow, aCol int, b []float32, bRow, bCol int, c []float32, ldc int, add bool) {
	panic("kernel: not available")
}

// Ceiling must not be called where Available is false.
func Ceiling(n int) { panic("kernel: not available") }

// Exp must not be called where Available is false.
func Exp(x []float32) { panic("kernel: not available") }
