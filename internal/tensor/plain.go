package tensor

import "math"

// The kernels in plain Go: they run where there are no kernels, and they are the oracles of
// the kernels' tests.

func (p Precision) plainAffine(a Matrix, tB Trans, b Matrix, bias []Float, c Matrix) {
	for i := range c.Rows {
		copy(c.Row(i), bias)
	}
	p.gemm(N, a, tB, b, 1, c, false)
}

func plainExpSum(x []Float, shift Float) (sum Float) {
	for i, v := range x {
		x[i] = Exp(v - shift)
		sum += x[i]
	}
	return sum
}

// The two factors of GELU's 2u = x (geluA + geluB x²).
const (
	geluA = 2 * math.Sqrt2 / math.SqrtPi
	geluB = 0.044715 * geluA
)

func plainGELU(x, y []Float) {
	for i, x := range x {
		y[i] = x * Sigmoid(x*(geluA+geluB*x*x))
	}
}

func plainBackGELU(x, dy, dx []Float) {
	for i, x := range x {
		s := Sigmoid(x * (geluA + geluB*x*x))
		dx[i] += dy[i] * s * (1 + x*(1-s)*(geluA+3*geluB*x*x))
	}
}

// plainELU uses e^x - 1 = 2t/(1-t), t = tanh x/2, which does not cancel near 0.
func plainELU(x, y []Float) {
	for i, v := range x {
		t := Tanh(0.5 * min(v, 0))
		y[i] = max(v, 0) + 2*t/(1-t)
	}
}

func plainBackELU(y, dy, dx []Float) {
	for i, v := range y {
		dx[i] += dy[i] * (min(v, 0) + 1)
	}
}

func plainDot(x, y []Float) (s Float) {
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

func plainSum(x []Float) (s Float) {
	for _, v := range x {
		s += v
	}
	return s
}

func plainWeights(x, sums []Float) {
	m := plainMax(x)
	for i := range sums {
		sums[i] = plainExpSum(x[i*WeightsChunk:min(len(x), (i+1)*WeightsChunk)], m)
	}
}

func plainMax(x []Float) Float {
	m := x[0]
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

func plainAxpy(k Float, x, y []Float) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += k * v
	}
}

func plainSumRows(x Matrix, y []Float) {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			y[j] += v
		}
	}
}

func plainSumProducts(a, b Matrix, y []Float) {
	for i := range a.Rows {
		b := b.Row(i)
		for j, v := range a.Row(i) {
			y[j] += v * b[j]
		}
	}
}

func plainMul(x, y []Float) {
	for i, v := range x {
		y[i] *= v
	}
}

func plainMulAdd(x, a, b, y []Float) {
	for i, v := range x {
		y[i] = a[i]*v + b[i]
	}
}

func plainBackStandardise(dy, y, dx []Float, inv, mean, meanY Float) {
	for i, g := range dy {
		dx[i] += inv * (g - mean - y[i]*meanY)
	}
}

// plainDirect computes masked elements, too.
func plainDirect(tA Trans, a, b Matrix, add bool, c Matrix) {
	beta := Float(0)
	if add {
		beta = 1
	}
	Full.gemm(tA, a, N, b, beta, c, true)
}

func plainMaskedSoftmax(m Mask, x Matrix, scale Float) {
	for i := range x.Rows {
		n := m.counts(i, x.Cols)
		row, rest := x.Row(i)[:n], x.Row(i)[n:]
		plainScale(scale, row)
		plainScale(1/plainExpSum(row, plainMax(row)), row)
		clear(rest)
	}
}

func plainMaskedBackSoftmax(m Mask, p, d Matrix, scale Float) {
	for i := range d.Rows {
		n := m.counts(i, d.Cols)
		row, rest, p := d.Row(i)[:n], d.Row(i)[n:], p.Row(i)
		sum := plainDot(row, p)
		for j, v := range row {
			row[j] = scale * p[j] * (v - sum)
		}
		clear(rest)
	}
}

func plainTranspose(x, y Matrix) {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			y.Row(j)[i] = v
		}
	}
}

func plainScale(k Float, x []Float) {
	for i := range x {
		x[i] *= k
	}
}

func plainSumSquares(x []Float) (s float64) {
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func plainAdam(w, g, m, v []Float, beta1, rest1, beta2, rest2, rate, root, eps Float) {
	for i, d := range g {
		m[i] = beta1*m[i] + rest1*d
		v[i] = beta2*v[i] + rest2*d*d
		w[i] -= rate * m[i] / (root*Sqrt(v[i]) + eps)
	}
}

func plainSigmoids(x []Float) {
	for i, v := range x {
		x[i] = Sigmoid(v)
	}
}

func plainTanhs(x, y []Float) {
	for i, v := range x {
		y[i] = Tanh(v)
	}
}

func plainCell(gates, fixed, cPrev, c, h []Float) {
	H := len(h)
	plainAxpy(1, fixed, gates)
	i, f, g, o := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	plainSigmoids(gates[:2*H])
	plainTanhs(g, g)
	plainSigmoids(o)
	for j := range c {
		c[j] = f[j]*cPrev[j] + i[j]*g[j]
	}
	plainTanhs(c, h)
	for j := range h {
		h[j] *= o[j]
	}
}

func plainBackCell(dOut, dh, dc, gates, cPrev, c, dPre []Float) {
	H := len(dOut)
	i, f, g, o := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	di, df, dg, do := dPre[:H], dPre[H:2*H], dPre[2*H:3*H], dPre[3*H:4*H]
	for j := range dOut {
		dH, t := dOut[j]+dh[j], Tanh(c[j])
		dC := dc[j] + dH*o[j]*(1-t*t)
		di[j] = dC * g[j] * i[j] * (1 - i[j])
		df[j] = dC * cPrev[j] * f[j] * (1 - f[j])
		dg[j] = dC * i[j] * (1 - g[j]*g[j])
		do[j] = dH * t * o[j] * (1 - o[j])
		dc[j] = dC * f[j]
	}
}
