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
	var edge [6 * doubleWidth]float64
	for j := 0; j < n; j += doubleWidth {
		cols := min(doubleWidth, n-j)
		for i, rows := 0, 0; i < m; i += rows {
			rows = doubleRows(m - i)
			if cols == doubleWidth {
				var start *float64
				if onto != nil {
					start = &onto[i*n+j]
				}
				doubleTile(rows, k, &a[i*k], k, &panel[j*k], start, n, &c[i*n+j], n)
				continue
			}
			doubleTile(rows, k, &a[i*k], k, &panel[j*k], nil, 0, &edge[0], doubleWidth)
			for r := range rows {
				to := c[(i+r)*n+j:][:cols]
				copy(to, edge[r*doubleWidth:])
				if onto != nil {
					for q, v := range onto[(i+r)*n+j:][:cols] {
						to[q] += v
					}
				}
			}
		}
	}
}

// doubleRows is the number of rows of the next tile when left rows remain.
func doubleRows(left int) int {
	switch {
	case left >= 6:
		return 6
	case left >= 4:
		return 4
	case left >= 2:
		return 2
	}
	return 1
}

func doubleTile(rows, k int, a *float64, lda int, b, onto *float64, ldo int, c *float64, ldc int) {
	switch rows {
	case 6:
		double6x8(k, a, lda, b, onto, ldo, c, ldc)
	case 4:
		double4x8(k, a, lda, b, onto, ldo, c, ldc)
	case 2:
		double2x8(k, a, lda, b, onto, ldo, c, ldc)
	default:
		double1x8(k, a, lda, b, onto, ldo, c, ldc)
	}
}

// DoubleTanh replaces the first numbers of x, a multiple of four, by their math.Tanh and returns how many.
func DoubleTanh(x []float64) (done int) {
	if len(x) >= 4 {
		doubleTanh4(&x[0], len(x)/4)
	}
	return len(x) &^ 3
}

// DoubleCell makes a step of the first units of an LSTM cell, a multiple of four, with the bits of math.Exp and math.Tanh,
// and returns how many. The pre-activations gates + x are in rows i f g o as long as c and h, which it sets; it destroys
// gates.
func DoubleCell(gates, x, c, h []float64) (done int) {
	H := len(c)
	if H < 4 {
		return 0
	}
	_, _, _ = gates[4*H-1], x[4*H-1], h[H-1]
	doubleCell4(&gates[0], &x[0], &c[0], &h[0], H, H/4)
	return H &^ 3
}
