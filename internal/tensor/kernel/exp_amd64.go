//go:build !f64

package kernel

// Exp replaces every number by its exponential; at most 2 ULP from the true value
// (TestExp), 0 below the range of normal numbers, +Inf above it, NaN for NaN. A number's
// result does not depend on its neighbours.
func Exp(x []float32) {
	if n := len(x) / 8; n > 0 {
		exp8(&x[0], n)
		x = x[8*n:]
	}
	if len(x) > 0 {
		var rest [8]float32
		copy(rest[:], x)
		exp8(&rest[0], 1)
		copy(x, rest[:])
	}
}
