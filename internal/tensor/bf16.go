//go:build !f64

package tensor

import (
	"math"
	"slices"
	"sync"

	"vaelab/internal/tensor/kernel"
)

// KernelBF16 is Kernel for products of BF16.
func KernelBF16() string {
	if NativeBF16() {
		return "avx512_bf16"
	}
	return Kernel()
}

// NativeBF16 tells whether this processor multiplies bfloat16 by itself. Without that the bits are the same.
func NativeBF16() bool { return kernel.Available && kernel.NativeBF16() }

// pairings is the pool of operands in pairs.
var pairings = sync.Pool{New: func() any { return new(pairing) }}

// A pairing is the Work of rounding an operand and pairing its neighbours in the sum.
type pairing struct {
	from, to Matrix
	along    bool // neighbours are so in a row, not in a column
}

// operand is m as products read it. Along says that a row of m is summed over. The result is valid until it is given to
// pairings, unless that is nil.
func (p Precision) operand(m Matrix, along, alone bool) (Matrix, *pairing) {
	if p == Full {
		return m, nil
	}
	w := pairings.Get().(*pairing)
	rows, cols := (m.Rows+1)/2, m.Cols
	if along {
		rows, cols = m.Rows, (m.Cols+1)/2
	}
	data := slices.Grow(w.to.Data[:0], rows*cols)[:rows*cols]
	*w = pairing{from: m, to: Matrix{Rows: rows, Cols: cols, Data: data}, along: along}
	switch {
	case rows*cols == 0:
	case alone:
		w.Part(0, rows)
	default:
		Split(w, rows, max(1, splitFloats/max(1, cols)))
	}
	return w.to, w
}

// free gives a result of operand back.
func (w *pairing) free() {
	if w != nil {
		w.from = Matrix{}
		pairings.Put(w)
	}
}

// Part makes rows from ... to-1.
func (w *pairing) Part(from, to int) {
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
