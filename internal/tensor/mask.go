package tensor

import "fmt"

// A Mask says which numbers of a matrix count: of row i the first First + i Grow, or all if it has no more. First is
// at least 1, and Grow is 0 or 1, as where each word of a sentence sees those up to itself.
//
// Its operations are for the inside of a Part: they use one processor, and are meant for products too small to make
// an operand ready for. They leave out what does not count, but for what shares a tile with something that does: there it
// is multiplied by 0, so that a NaN in row i of b reaches some rows of the result that do not count it.
type Mask struct{ First, Grow int }

// counts is how many numbers of row i count, of cols.
func (m Mask) counts(i, cols int) int { return min(cols, m.First+i*m.Grow) }

// from is the first row in which column j counts, or the last.
func (m Mask) from(j, rows int) int {
	if j < m.First {
		return 0
	}
	if m.Grow == 0 {
		return rows - 1
	}
	return min(rows-1, j+1-m.First)
}

// Product sets what counts of c to a·b; the rest of c is then anything.
func (m Mask) Product(a, b, c Matrix) {
	wantProduct("Product", a.Rows, a.Cols, b, c)
	direct(N, a, b, false, c, func(_, end int) (cols, from, to int) {
		return (m.counts(end-1, c.Cols) + 7) &^ 7, 0, a.Cols
	})
}

// Mul sets c to p·b, or adds it, where p is 0 wherever it does not count.
func (m Mask) Mul(p, b Matrix, add bool, c Matrix) {
	wantProduct("Mul", p.Rows, p.Cols, b, c)
	direct(N, p, b, add, c, func(_, end int) (cols, from, to int) {
		return c.Cols, 0, m.counts(end-1, p.Cols)
	})
}

// MulT sets c to pᵀ·b, or adds it, where p is 0 wherever it does not count.
func (m Mask) MulT(p, b Matrix, add bool, c Matrix) {
	wantProduct("MulT", p.Cols, p.Rows, b, c)
	direct(T, p, b, add, c, func(first, _ int) (cols, from, to int) {
		return c.Cols, m.from(first, p.Rows), p.Rows
	})
}

// Softmax replaces what counts of each row by the softmax of scale times it, scale positive, and the rest by 0.
func (m Mask) Softmax(scale Float, x Matrix) {
	if x.Rows > 0 {
		maskedSoftmax(m, x, scale)
	}
}

// BackSoftmax turns gradients d of softmax weights p into those of what was scaled and exponentiated, scale p (d -
// Σ p d), and the rest into 0. What does not count of p must be 0, as Softmax leaves it.
func (m Mask) BackSoftmax(scale Float, p, d Matrix) {
	if p.Rows != d.Rows || p.Cols != d.Cols {
		panic(fmt.Sprintf("tensor: Mask.BackSoftmax: weights %v, gradients %v", p, d))
	}
	if d.Rows > 0 {
		maskedBackSoftmax(m, p, d, scale)
	}
}

// within tells whether no row counts more than cols numbers.
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
