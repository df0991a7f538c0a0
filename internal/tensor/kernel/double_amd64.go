//go:build !f64

package kernel

// doubleWidth is the width of the tiles in float64.
const doubleWidth = 8

// DoublePanelSize is the length of a packed right-hand operand (k, n) in float64.
func DoublePanelSize(k, n int) int { return k * ((n + doubleWidth - 1) / doubleWidth * doubleWidth) }

// DoublePack brings b (k, n) into the order in which DoubleProduct reads it: panels of eight columns, the last perhaps
// not full.
func DoublePack(panel, b []float64, k, n int) {
	for j := 0; j < n; j += doubleWidth {
		for p := range k {
			copy(panel[j*k+p*doubleWidth:][:doubleWidth], b[p*n+j:p*n+min(n, j+doubleWidth)])
		}
	}
}

// DoubleProduct computes c = a·b + onto for a (m, k), a packed b (k, n), and c and onto (m, n), m and n at least 1; onto
// may be nil. Every element of c is summed in order, with each product rounded, as gonum sums it. gonum skips zeros of a.
// The result is the same as long as b is finite, because a sum that begins with 0 is never -0, to which adding 0 would
// matter.
func DoubleProduct(m, n, k int, a, panel, onto, c []float64) {
	_, _, _ = a[m*k-1], panel[DoublePanelSize(k, n)-1], c[m*n-1]
	if onto != nil {
		_ = onto[m*n-1]
	}
	p := doubleProduct{n, k, a, panel, onto, c}
	j := 0
	if count := m / doubleTall; wide && count > 0 {
		for ; n-j >= 2*doubleWidth; j += 2 * doubleWidth {
			double8x16(count, k, &a[0], k, &panel[j*k], p.start(0, j), n, &c[j], n)
			if done := count * doubleTall; done < m {
				p.columns(done, m, j)
				p.columns(done, m, j+doubleWidth)
			}
		}
	}
	for ; j < n; j += doubleWidth {
		p.columns(0, m, j)
	}
}

// doubleTall is the number of rows of the tile of AVX-512, which is two panels wide.
const doubleTall = 8

// A doubleProduct is what DoubleProduct computes.
type doubleProduct struct {
	n, k              int
	a, panel, onto, c []float64
}

// start is where element (i, j) of onto is, or nil.
func (p *doubleProduct) start(i, j int) *float64 {
	if p.onto == nil {
		return nil
	}
	return &p.onto[i*p.n+j]
}

// columns computes rows i ... m-1 of the panel that begins with column j.
func (p *doubleProduct) columns(i, m, j int) {
	var edge [6 * doubleWidth]float64
	n, k, b := p.n, p.k, &p.panel[j*p.k]
	cols := min(doubleWidth, n-j)
	for rows := 0; i < m; i += rows {
		if cols == doubleWidth {
			height, count := doubleRows(m - i)
			rows = height * count
			doubleTiles(height, count, k, &p.a[i*k], k, b, p.start(i, j), n, &p.c[i*n+j], n)
			continue
		}
		rows, _ = doubleRows(m - i)
		doubleTiles(rows, 1, k, &p.a[i*k], k, b, nil, 0, &edge[0], doubleWidth)
		for r := range rows {
			to := p.c[(i+r)*n+j:][:cols]
			copy(to, edge[r*doubleWidth:])
			if p.onto != nil {
				for q, v := range p.onto[(i+r)*n+j:][:cols] {
					to[q] += v
				}
			}
		}
	}
}

// doubleRows is the height of the next tiles, and how many there are, when left rows remain.
func doubleRows(left int) (height, count int) {
	switch {
	case left >= 6:
		return 6, left / 6
	case left >= 4:
		return 4, 1
	case left >= 2:
		return 2, 1
	}
	return 1, 1
}

func doubleTiles(height, count, k int, a *float64, lda int, b, onto *float64, ldo int, c *float64, ldc int) {
	switch height {
	case 6:
		double6x8(count, k, a, lda, b, onto, ldo, c, ldc)
	case 4:
		double4x8(count, k, a, lda, b, onto, ldo, c, ldc)
	case 2:
		double2x8(count, k, a, lda, b, onto, ldo, c, ldc)
	default:
		double1x8(count, k, a, lda, b, onto, ldo, c, ldc)
	}
}

// FromDoubles rounds the first numbers of x, a multiple of eight, to y and returns how many.
func FromDoubles(x []float64, y []float32) (done int) {
	if n := len(x) / 8; n > 0 {
		_ = y[8*n-1]
		fromDoubles(&x[0], &y[0], n)
	}
	return len(x) &^ 7
}

// DoubleTanh replaces every number by its math.Tanh.
func DoubleTanh(x []float64) {
	if len(x) > 0 {
		doubleTanh(&x[0], len(x))
	}
}

// DoubleCell makes a step of an LSTM cell with the bits of math.Exp and math.Tanh. The pre-activations gates + x are in
// rows i f g o as long as c and h, which it sets; it destroys gates.
func DoubleCell(gates, x, c, h []float64) {
	if H := len(c); H > 0 {
		_, _, _ = gates[4*H-1], x[4*H-1], h[H-1]
		doubleCell(&gates[0], &x[0], &c[0], &h[0], H)
	}
}
