package tensor

import "fmt"

// A Mask selects a prefix of each row of a matrix: of row i the first First + i Grow elements, or all if it has no
// more. The others are masked. First is at least 1. Grow is 0, or 1 for a causal mask.
//
// Its operations may be called in a Part: they use one processor. They are meant for products too small for packing.
// They skip masked elements, except those that share a tile with an unmasked one. Those are multiplied by 0, so a NaN
// in row i of b reaches some rows of the result in which it is masked.
type Mask struct{ First, Grow int }

// counts is the number of unmasked elements of row i, of cols.
func (m Mask) counts(i, cols int) int { return min(cols, m.First+i*m.Grow) }

// from is the first row in which column j is unmasked, or the last row.
func (m Mask) from(j, rows int) int {
	if j < m.First {
		return 0
	}
	if m.Grow == 0 {
		return rows - 1
	}
	return min(rows-1, j+1-m.First)
}

// Product sets the unmasked elements of c to a·b. The others are undefined.
func (m Mask) Product(a, b, c Matrix) {
	wantProduct("Product", a.Rows, a.Cols, b, c)
	direct(N, a, b, false, c, func(_, end int) (cols, from, to int) {
		return (m.counts(end-1, c.Cols) + 7) &^ 7, 0, a.Cols
	})
}

// Mul sets c to p·b, or adds it. Masked elements of p must be 0.
func (m Mask) Mul(p, b Matrix, add bool, c Matrix) {
	wantProduct("Mul", p.Rows, p.Cols, b, c)
	direct(N, p, b, add, c, func(_, end int) (cols, from, to int) {
		return c.Cols, 0, m.counts(end-1, p.Cols)
	})
}

// MulT sets c to pᵀ·b, or adds it. Masked elements of p must be 0.
func (m Mask) MulT(p, b Matrix, add bool, c Matrix) {
	wantProduct("MulT", p.Cols, p.Rows, b, c)
	direct(T, p, b, add, c, func(first, _ int) (cols, from, to int) {
		return c.Cols, m.from(first, p.Rows), p.Rows
	})
}

// Softmax replaces the unmasked elements x of each row by softmax(scale x), scale positive, and the others by 0.
func (m Mask) Softmax(scale Float, x Matrix) {
	if x.Rows > 0 {
		maskedSoftmax(m, x, scale)
	}
}

// BackSoftmax is the backward pass of Softmax. It replaces the gradients d of the softmax weights p by scale p (d -
// Σ p d), and masked ones by 0. Masked elements of p must be 0, as Softmax leaves them.
func (m Mask) BackSoftmax(scale Float, p, d Matrix) {
	if p.Rows != d.Rows || p.Cols != d.Cols {
		panic(fmt.Sprintf("tensor: Mask.BackSoftmax: weights %v, gradients %v", p, d))
	}
	if d.Rows > 0 {
		maskedBackSoftmax(m, p, d, scale)
	}
}

// within reports whether no row has more than cols unmasked elements.
func (m Mask) within(rows, cols int) bool { return m.First+(rows-1)*m.Grow <= cols }

// Transpose sets y to xᵀ.
func Transpose(x, y Matrix) {
	if x.Rows != y.Cols || x.Cols != y.Rows {
		panic(fmt.Sprintf("tensor: Transpose: %v into %v", x, y))
	}
	transpose(x, y)
}

func wantProduct(op string, m, k int, b, c Matrix) {
	if b.Rows != k || k == 0 || c.Rows != m || c.Cols != b.Cols {
		panic(fmt.Sprintf("tensor: Mask.%s: (%d, %d) times %v into %v", op, m, k, b, c))
	}
}
