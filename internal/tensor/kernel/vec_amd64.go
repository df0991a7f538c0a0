//go:build !f64

package kernel

// ExpSum replaces every number x by e^(x-shift) and returns their sum, added up in eight
// lanes. The exponential is at most 2 ULP from the true value (TestExp), 0 below the range
// of normal numbers, +Inf above it, NaN for NaN.
func ExpSum(x []float32, shift float32) float32 {
	var sums [8]float32
	if n := len(x); n > 0 {
		expSum(&x[0], n, shift, &sums[0])
	}
	return joined(&sums)
}

// Weights replaces every number x by e^(x-m), m the largest, NaNs passed over, and sets sums to the sums of WeightsChunk of
// them each, the last perhaps of fewer, added up in eight lanes. The exponentials are those of ExpSum.
func Weights(x, sums []float32) {
	if n := len(x); n > 0 {
		weights(&x[0], n, &sums[:(n-1)/WeightsChunk+1][0])
	}
}

// Sigmoid replaces every number x by 1/(1+e^-x).
func Sigmoid(x []float32) {
	if n := len(x); n > 0 {
		sigmoid(&x[0], n)
	}
}

// Tanh sets y to the hyperbolic tangents of x; y may be x.
func Tanh(x, y []float32) {
	if n := len(x); n > 0 {
		tanh(&x[0], &y[:n][0], n)
	}
}

// GELU sets y to x sigmoid(2u), u = √(2/π) (x + 0.044715 x³).
func GELU(x, y []float32) {
	if n := len(x); n > 0 {
		gelu(&x[0], &y[:n][0], n)
	}
}

// BackGELU adds dy times GELU's derivative at x to dx.
func BackGELU(x, dy, dx []float32) {
	if n := len(x); n > 0 {
		backGELU(&x[0], &dy[:n][0], &dx[:n][0], n)
	}
}

// ELU sets y to x where it is positive and to e^x - 1 elsewhere.
func ELU(x, y []float32) {
	if n := len(x); n > 0 {
		elu(&x[0], &y[:n][0], n)
	}
}

// BackELU adds dy times ELU's derivative, given its value y, to dx.
func BackELU(y, dy, dx []float32) {
	if n := len(y); n > 0 {
		backELU(&y[0], &dy[:n][0], &dx[:n][0], n)
	}
}

// Dot is the sum of x y, added up in eight lanes.
func Dot(x, y []float32) float32 {
	var sums [8]float32
	if n := len(x); n > 0 {
		dot(&x[0], &y[:n][0], n, &sums[0])
	}
	return joined(&sums)
}

// Sum is the sum of x, added up in eight lanes.
func Sum(x []float32) float32 {
	var sums [8]float32
	if n := len(x); n > 0 {
		sum(&x[0], n, &sums[0])
	}
	return joined(&sums)
}

// SumRows adds the rows of x, stride apart and as long as y, to y, in their order.
func SumRows(x []float32, rows, stride int, y []float32) {
	if n := len(y); rows > 0 && n > 0 {
		_ = x[(rows-1)*stride+n-1]
		sumRows(&x[0], rows, stride, &y[0], n)
	}
}

// SumProducts adds the products of the rows of a and b, stride apart and as long as y, to y, in their order.
func SumProducts(a, b []float32, rows, stride int, y []float32) {
	if n := len(y); rows > 0 && n > 0 {
		_, _ = a[(rows-1)*stride+n-1], b[(rows-1)*stride+n-1]
		sumProducts(&a[0], &b[0], rows, stride, &y[0], n)
	}
}

// Mul multiplies y by x.
func Mul(x, y []float32) {
	if n := len(x); n > 0 {
		mul(&x[0], &y[:n][0], n)
	}
}

// MulAdd sets y to a x + b.
func MulAdd(x, a, b, y []float32) {
	if n := len(x); n > 0 {
		mulAdd(&x[0], &a[:n][0], &b[:n][0], &y[:n][0], n)
	}
}

// BackStandardise adds inv (dy - mean - meanY y) to dx.
func BackStandardise(dy, y, dx []float32, inv, mean, meanY float32) {
	if n := len(dy); n > 0 {
		backStandardise(&dy[0], &y[:n][0], &dx[:n][0], n, inv, mean, meanY)
	}
}

// Softmax replaces the first count numbers of each row of x by the softmax of scale times them, scale positive, and the
// rest by 0. Rows are ld apart and width, a multiple of eight, long; count, at least 1 and nowhere more than width, grows
// by grow from each to the next.
func Softmax(x []float32, rows, ld, width, count, grow int, scale float32) {
	_ = x[(rows-1)*ld+width-1]
	softmaxRows(&x[0], rows, ld, width, count, grow, scale)
}

// BackSoftmax replaces the first count numbers of each row of d by scale p (d - Σ p d), and the rest by 0; p must be 0
// there. Rows are as in Softmax.
func BackSoftmax(p []float32, ldp int, d []float32, ldd, rows, width, count, grow int, scale float32) {
	_, _ = p[(rows-1)*ldp+width-1], d[(rows-1)*ldd+width-1]
	backSoftmaxRows(&p[0], ldp, &d[0], ldd, rows, width, count, grow, scale)
}

// Transpose writes the rows of x, ldx apart, as columns of y, whose rows are ldy apart.
func Transpose(x []float32, rows, cols, ldx int, y []float32, ldy int) {
	if rows > 0 && cols > 0 {
		packLines(y, x, rows, cols, ldy, ldx)
	}
}

// joined is the sum of eight lanes.
func joined(s *[8]float32) float32 {
	return (s[0] + s[4]) + (s[1] + s[5]) + ((s[2] + s[6]) + (s[3] + s[7]))
}

// Max is the largest of x, which must not be empty; NaNs are passed over.
func Max(x []float32) float32 {
	top := [8]float32{x[0], x[0], x[0], x[0], x[0], x[0], x[0], x[0]}
	if n := len(x) / 8; n > 0 {
		max8(&x[0], n, &top[0])
		x = x[8*n:]
	}
	m := top[0]
	for _, v := range top {
		if v > m {
			m = v
		}
	}
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

// Scale multiplies x by k.
func Scale(k float32, x []float32) {
	if n := len(x); n > 0 {
		scale(&x[0], n, k)
	}
}

// Axpy adds k·x to y.
func Axpy(k float32, x, y []float32) {
	if n := len(x); n > 0 {
		axpy(k, &x[0], &y[:n][0], n)
	}
}

// SumSquares is the sum of x² in float64, added up in eight lanes.
func SumSquares(x []float32) float64 {
	var sums [8]float64
	if n := len(x); n > 0 {
		squares(&x[0], n, &sums[0])
	}
	return (sums[0] + sums[4]) + (sums[1] + sums[5]) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}

// Adam makes one step on the weights w with gradients g and running means m and v:
//
//	m = beta1 m + rest1 g,  v = beta2 v + rest2 g²,  w -= rate m / (root √v + eps)
func Adam(w, g, m, v []float32, beta1, rest1, beta2, rest2, rate, root, eps float32) {
	if n := len(w); n > 0 {
		adam(&w[0], &g[:n][0], &m[:n][0], &v[:n][0], n, beta1, rest1, beta2, rest2, rate, root, eps)
	}
}

// Cell takes one example's LSTM cell one step on. All slices have as many elements as h but gates and fixed, which have
// rows i f g o of so many each. It adds fixed to the pre-activations in gates and replaces them by the gates, and sets
// c and h; c may be cPrev.
func Cell(gates, fixed, cPrev, c, h []float32) {
	if n := len(h); n > 0 {
		cell(&gates[:4*n][0], &fixed[:4*n][0], &cPrev[:n][0], &c[:n][0], &h[0], n)
	}
}

// BackCell takes one example's LSTM cell one step back. All slices have as many elements as dOut but gates and dPre,
// which have rows i f g o of so many each.
func BackCell(dOut, dh, dc, gates, cPrev, c, dPre []float32) {
	if n := len(dOut); n > 0 {
		backCell(&dOut[0], &dh[:n][0], &dc[:n][0], &gates[:4*n][0], &cPrev[:n][0], &c[:n][0], &dPre[:4*n][0], n)
	}
}
