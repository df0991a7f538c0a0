//go:build !f64

package tensor

import (
	"math"
	"sync"

	"vaelab/internal/tensor/kernel"
)

// KernelBF16 is Kernel for products of BF16.
func KernelBF16() string {
	if nativeBF16() {
		return "avx512_bf16"
	}
	return Kernel()
}

// nativeBF16 tells whether this processor multiplies bfloat16 by itself. Without that the bits are the same.
func nativeBF16() bool { return kernel.Available && kernel.NativeBF16() }

// SlowBF16 says why products of BF16 are not faster than those of float32 on this processor, or "" if they are. An Intel
// with AMX was slower with them, though it has VDPBF16PS (docs/performance.md).
func SlowBF16() string {
	switch {
	case !nativeBF16():
		return "lacks AVX512_BF16"
	case kernel.HasAMX:
		return "multiplies bfloat16 fast in AMX alone (vaelab does not)"
	}
	return ""
}

// pairings is the pool of operands in pairs.
var pairings = sync.Pool{New: func() any { return new(pairing) }}

// A pairing is the Work of rounding an operand and pairing its neighbours in the sum.
type pairing struct {
	from, to Matrix
	along    bool // neighbours are so in a row, not in a column
	flat     bool // rows touch or overlap, as those of a convolution: what they share is paired once
}

// operand is m as products read it. Along says that a row of m is summed over. The result is valid until it is given to
// pairings, unless that is nil.
func (p Precision) operand(m Matrix, along, alone bool) (Matrix, *pairing) {
	if p == Full {
		return m, nil
	}
	w := pairings.Get().(*pairing)
	data := w.to.Data
	*w = pairing{from: m, along: along}
	w.lay()
	n, items, align := 0, w.to.Rows, max(1, splitFloats/max(1, w.to.Cols))
	if w.to.Rows*w.to.Cols > 0 {
		n = (w.to.Rows-1)*w.to.stride() + w.to.Cols
	}
	if w.flat {
		items, align = n, splitFloats
	}
	w.to.Data = grow(data, n)
	switch {
	case n == 0:
	case alone:
		w.Part(0, items)
	default:
		Split(w, items, align)
	}
	return w.to, w
}

// lay chooses the shape of the result.
func (w *pairing) lay() {
	m, stride := w.from, w.from.stride()
	if w.along {
		w.to = Matrix{Rows: m.Rows, Cols: (m.Cols + 1) / 2}
		if w.flat = m.Cols%2 == 0 && stride%2 == 0 && stride <= m.Cols; w.flat {
			w.to.Stride = stride / 2
		}
		return
	}
	w.to = Matrix{Rows: (m.Rows + 1) / 2, Cols: m.Cols}
	if w.flat = m.Rows%2 == 0 && 2*stride <= m.Cols; w.flat {
		w.to.Stride = 2 * stride
	}
}

// free gives a result of operand back.
func (w *pairing) free() {
	if w != nil {
		w.from = Matrix{}
		pairings.Put(w)
	}
}

// Part makes rows from ... to-1, or numbers if flat.
func (w *pairing) Part(from, to int) {
	switch {
	case w.flat && w.along:
		kernel.PairAlong(w.to.Data[from:to], w.from.Data[2*from:2*to])
		return
	case w.flat:
		kernel.PairRows(w.to.Data[from:to], w.from.Data[from:], w.from.Data[from+w.from.stride():])
		return
	}
	for i := from; i < to; i++ {
		switch {
		case w.along:
			kernel.PairAlong(w.to.Row(i), w.from.Row(i))
		case 2*i+1 < w.from.Rows:
			kernel.PairRows(w.to.Row(i), w.from.Row(2*i), w.from.Row(2*i+1))
		default:
			kernel.PairRows(w.to.Row(i), w.from.Row(2*i), nil)
		}
	}
}

// plainBF16 computes c = a·b + beta·c without kernels. It is the oracle of the kernels.
func plainBF16(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	_, k := tA.dims(a)
	left, right := rounded(tA, a), rounded(tB, b)
	sums := make([]float32, c.Cols)
	for i := range c.Rows {
		row := c.Row(i)
		for j := range row {
			if beta == 0 {
				row[j] = 0
			} else {
				row[j] *= beta
			}
		}
		for from := 0; from < k; from += 2 * kernel.Block {
			clear(sums)
			for p := from; p < min(k, from+2*kernel.Block); p += 2 {
				for _, p := range []int{p + 1, p} {
					if p == k { // the last has a 0 for a neighbour
						for j := range sums {
							sums[j] = fusedAdd(0, 0, sums[j])
						}
						continue
					}
					x := left.Row(i)[p]
					for j, y := range right.Row(p) {
						sums[j] = fusedAdd(x, y, sums[j])
					}
				}
			}
			for j, s := range sums {
				if from == 0 && beta == 0 {
					row[j] = s // -0 stays, as it would not in 0 + s
				} else {
					row[j] += s
				}
			}
		}
	}
}

// fusedAdd is x y + sum with one rounding, for x and y of bfloat16; a denormal becomes 0. In float64 the product is
// exact. The sum is rounded twice, which for two numbers of at most 24 digits is the same as once: Figueroa 1995, "When
// is double rounding innocuous?".
func fusedAdd(x, y, sum float32) float32 {
	s := float64(x)*float64(y) + float64(sum)
	if math.Abs(s) < 0x1p-126*(1-0x1p-25) { // what is rounded to a denormal of 24 digits
		return float32(math.Copysign(0, s))
	}
	return float32(s)
}

// rounded is an operand as it is read, rounded to bfloat16.
func rounded(t Trans, m Matrix) Matrix {
	to := New(t.dims(m))
	if len(to.Data) == 0 {
		return to
	}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			x := math.Float32frombits(uint32(kernel.BF16(v)) << 16)
			if t {
				to.Row(j)[i] = x
			} else {
				to.Row(i)[j] = x
			}
		}
	}
	return to
}
