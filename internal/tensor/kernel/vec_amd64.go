//go:build !f64

package kernel

import "math"

// ExpSum replaces every number x by e^(x-shift) and returns their sum, added up in eight
// lanes. The exponential is at most 2 ULP from the true value (TestExp), 0 below the range
// of normal numbers, +Inf above it, NaN for NaN.
func ExpSum(x []float32, shift float32) float32 {
	var sums [8]float32
	if n := len(x) / 8; n > 0 {
		exp8(&x[0], n, shift, &sums[0])
		x = x[8*n:]
	}
	if len(x) > 0 {
		none := float32(math.Inf(-1))
		rest := [8]float32{none, none, none, none, none, none, none, none}
		copy(rest[:], x)
		exp8(&rest[0], 1, shift, &sums[0])
		copy(x, rest[:])
	}
	return joined(&sums)
}

// Sigmoid replaces every number x by 1/(1+e^-x).
func Sigmoid(x []float32) {
	if n := len(x) / 8; n > 0 {
		sigmoid8(&x[0], n)
		x = x[8*n:]
	}
	if len(x) > 0 {
		var rest [8]float32
		copy(rest[:], x)
		sigmoid8(&rest[0], 1)
		copy(x, rest[:])
	}
}

// Tanh sets y to the hyperbolic tangents of x; y may be x.
func Tanh(x, y []float32) {
	y = y[:len(x)]
	if n := len(x) / 8; n > 0 {
		tanh8(&x[0], &y[0], n)
		x, y = x[8*n:], y[8*n:]
	}
	if len(x) > 0 {
		var rest [8]float32
		copy(rest[:], x)
		tanh8(&rest[0], &rest[0], 1)
		copy(y, rest[:])
	}
}

// GELU sets y to x sigmoid(2u), u = √(2/π) (x + 0.044715 x³).
func GELU(x, y []float32) {
	whole := len(x) &^ 7
	if whole > 0 {
		gelu8(&x[0], &y[:len(x)][0], whole/8)
	}
	if whole < len(x) {
		rest := eight(x[whole:])
		gelu8(&rest[0], &rest[0], 1)
		copy(y[whole:len(x)], rest[:])
	}
}

// BackGELU adds dy times GELU's derivative at x to dx.
func BackGELU(x, dy, dx []float32) {
	whole := len(x) &^ 7
	if whole > 0 {
		backGELU8(&x[0], &dy[:len(x)][0], &dx[:len(x)][0], whole/8)
	}
	if whole < len(x) {
		x, dy, rest := eight(x[whole:]), eight(dy[whole:]), eight(dx[whole:])
		backGELU8(&x[0], &dy[0], &rest[0], 1)
		copy(dx[whole:], rest[:])
	}
}

// ELU sets y to x where it is positive and to e^x - 1 elsewhere.
func ELU(x, y []float32) {
	whole := len(x) &^ 7
	if whole > 0 {
		elu8(&x[0], &y[:len(x)][0], whole/8)
	}
	if whole < len(x) {
		rest := eight(x[whole:])
		elu8(&rest[0], &rest[0], 1)
		copy(y[whole:len(x)], rest[:])
	}
}

// BackELU adds dy times ELU's derivative, given its value y, to dx.
func BackELU(y, dy, dx []float32) {
	whole := len(y) &^ 7
	if whole > 0 {
		backELU8(&y[0], &dy[:len(y)][0], &dx[:len(y)][0], whole/8)
	}
	if whole < len(y) {
		y, dy, rest := eight(y[whole:]), eight(dy[whole:]), eight(dx[whole:])
		backELU8(&y[0], &dy[0], &rest[0], 1)
		copy(dx[whole:], rest[:])
	}
}

// eight is the first eight numbers of x, or as many as there are and zeros.
func eight(x []float32) (e [8]float32) {
	copy(e[:], x)
	return e
}

// Dot is the sum of x y, added up in eight lanes.
func Dot(x, y []float32) float32 {
	var sums [8]float32
	y = y[:len(x)]
	if n := len(x) / 8; n > 0 {
		dot8(&x[0], &y[0], n, &sums[0])
		x, y = x[8*n:], y[8*n:]
	}
	for i, v := range x {
		sums[i] += float32(v * y[i])
	}
	return joined(&sums)
}

// Sum is the sum of x, added up in eight lanes.
func Sum(x []float32) float32 {
	var sums [8]float32
	if n := len(x) / 8; n > 0 {
		sum8(&x[0], n, &sums[0])
		x = x[8*n:]
	}
	for i, v := range x {
		sums[i] += v
	}
	return joined(&sums)
}

// SumRows adds the rows of x, stride apart and as long as y, to y, in their order.
func SumRows(x []float32, rows, stride int, y []float32) {
	if rows == 0 || len(y) == 0 {
		return
	}
	_ = x[(rows-1)*stride+len(y)-1]
	whole := len(y) &^ 31
	for j := 0; j < whole; j += 32 {
		sumRows32(&x[j], rows, stride, &y[j])
	}
	for i := range rows {
		for j := whole; j < len(y); j++ {
			y[j] += x[i*stride+j]
		}
	}
}

// SumProducts adds the products of the rows of a and b, stride apart and as long as y, to y, in their order.
func SumProducts(a, b []float32, rows, stride int, y []float32) {
	whole := len(y) &^ 31
	if rows > 0 {
		_, _ = a[(rows-1)*stride+len(y)-1], b[(rows-1)*stride+len(y)-1]
		for j := 0; j < whole; j += 32 {
			sumProducts32(&a[j], &b[j], rows, stride, &y[j])
		}
	}
	for i := range rows {
		for j := whole; j < len(y); j++ {
			y[j] += float32(a[i*stride+j] * b[i*stride+j])
		}
	}
}

// Mul multiplies y by x.
func Mul(x, y []float32) {
	y = y[:len(x)]
	if n := len(x) / 8; n > 0 {
		mul8(&x[0], &y[0], n)
		x, y = x[8*n:], y[8*n:]
	}
	for i, v := range x {
		y[i] *= v
	}
}

// MulAdd sets y to a x + b.
func MulAdd(x, a, b, y []float32) {
	a, b, y = a[:len(x)], b[:len(x)], y[:len(x)]
	if n := len(x) / 8; n > 0 {
		mulAdd8(&x[0], &a[0], &b[0], &y[0], n)
		x, a, b, y = x[8*n:], a[8*n:], b[8*n:], y[8*n:]
	}
	for i, v := range x {
		y[i] = float32(a[i]*v) + b[i]
	}
}

// BackStandardise adds inv (dy - mean - meanY y) to dx.
func BackStandardise(dy, y, dx []float32, inv, mean, meanY float32) {
	y, dx = y[:len(dy)], dx[:len(dy)]
	if n := len(dy) / 8; n > 0 {
		backStandardise8(&dy[0], &y[0], &dx[0], n, inv, mean, meanY)
		dy, y, dx = dy[8*n:], y[8*n:], dx[8*n:]
	}
	for i, g := range dy {
		dx[i] += float32(inv * (g - mean - float32(meanY*y[i])))
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
	if n := len(x) / 8; n > 0 {
		scale8(&x[0], n, k)
		x = x[8*n:]
	}
	for i := range x {
		x[i] *= k
	}
}

// Axpy adds k·x to y.
func Axpy(k float32, x, y []float32) {
	y = y[:len(x)]
	if n := len(x) / 8; n > 0 {
		axpy8(k, &x[0], &y[0], n)
		x, y = x[8*n:], y[8*n:]
	}
	for i, v := range x {
		y[i] += float32(k * v)
	}
}

// SumSquares is the sum of x² in float64, added up in eight lanes.
func SumSquares(x []float32) float64 {
	var sums [8]float64
	if n := len(x) / 8; n > 0 {
		squares8(&x[0], n, &sums[0])
		x = x[8*n:]
	}
	for i, v := range x {
		sums[i] += float64(v) * float64(v)
	}
	return (sums[0] + sums[4]) + (sums[1] + sums[5]) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}

// Adam makes one step on the weights w with gradients g and running means m and v:
//
//	m = beta1 m + rest1 g,  v = beta2 v + rest2 g²,  w -= rate m / (root √v + eps)
func Adam(w, g, m, v []float32, beta1, rest1, beta2, rest2, rate, root, eps float32) {
	whole := len(w) &^ 7
	if whole > 0 {
		adam8(&w[0], &g[0], &m[0], &v[0], whole/8, beta1, rest1, beta2, rest2, rate, root, eps)
	}
	if whole < len(w) {
		var rest [4][8]float32
		for i, x := range [][]float32{w, g, m, v} {
			copy(rest[i][:], x[whole:])
		}
		adam8(&rest[0][0], &rest[1][0], &rest[2][0], &rest[3][0], 1, beta1, rest1, beta2, rest2, rate, root, eps)
		for i, x := range [][]float32{w, g, m, v} {
			copy(x[whole:], rest[i][:])
		}
	}
}

// BackCell takes one example's LSTM cell one step back, if its number of units is a
// multiple of eight; else it does nothing and returns false. All slices have h elements but gates and dPre, which have rows
// i f g o of h each.
func BackCell(dOut, dh, dc, gates, cPrev, tanhC, dPre []float32) bool {
	h := len(dOut)
	if h == 0 || h%8 != 0 {
		return false
	}
	_, _, _, _ = dh[h-1], dc[h-1], cPrev[h-1], tanhC[h-1]
	_, _ = gates[4*h-1], dPre[4*h-1]
	backCell8(&dOut[0], &dh[0], &dc[0], &gates[0], &cPrev[0], &tanhC[0], &dPre[0], h)
	return true
}
