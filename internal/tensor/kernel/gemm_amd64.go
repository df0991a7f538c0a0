//go:build !f64

package kernel

import (
	"os"
	"sync"

	"golang.org/x/sys/cpu"
)

// Available tells whether the kernels are used: if this processor has what they need, unless
// VAELAB_KERNEL=generic forbids it.
var Available = Supported && os.Getenv("VAELAB_KERNEL") != "generic"

// Supported tells whether this processor has what the kernels need.
var Supported = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// Name is the tier's name.
const Name = "avx2+fma"

// Blocks of the product: a panel of b, kc x 16, stays in the first-level cache while the
// block of a, mc x kc, streams from the second level past it.
const (
	mr, nr = 6, 16 // the tile
	kc     = 256
	mc     = 16 * mr
	nc     = 64 * nr
)

// buffers are the packed panels of one running product.
type buffers struct {
	a    [mc * kc]float32
	b    [kc * nc]float32
	tile [mr * nr]float32
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// Gemm computes c = a·b, or adds it to c: a is (m, k), b is (k, n), c is (m, n) with rows
// ldc apart. Element (i, p) of a stands at i*aRow + p*aCol, and likewise for b, so that a
// transposed operand is one with its two strides exchanged. Every element of c is summed
// over p in order, in blocks of 256, whatever m and n.
//
// The scheme is that of Goto & van de Geijn 2008, "Anatomy of high-performance matrix
// multiplication".
func Gemm(m, n, k int, a []float32, aRow, aCol int, b []float32, bRow, bCol int, c []float32, ldc int, add bool) {
	w := pool.Get().(*buffers)
	defer pool.Put(w)
	blocks(n, k, func(j, cols, p, depth, _ int) {
		pack(w.b[:], b[p*bRow+j*bCol:], cols, depth, nr, bCol, bRow)
		w.rows(m, a[p*aCol:], aRow, aCol, w.b[:], cols, depth, c[j:], ldc, add || p > 0)
	})
	if k == 0 && !add {
		for i := range m {
			clear(c[i*ldc : i*ldc+n])
		}
	}
}

// PanelSize is the length of a packed right-hand operand (k, n).
func PanelSize(k, n int) int { return k * ((n + nr - 1) / nr * nr) }

// Pack brings a right-hand operand into the order in which GemmPanel reads it: worth it if
// the operand meets more than one left-hand side.
func Pack(panel, b []float32, k, n, bRow, bCol int) {
	blocks(n, k, func(j, cols, p, depth, at int) {
		pack(panel[at:], b[p*bRow+j*bCol:], cols, depth, nr, bCol, bRow)
	})
}

// GemmPanel computes columns from ... to-1 of c = a·b, or adds them, with a packed
// right-hand operand of n columns; c begins at column from, which is a multiple of 16. The
// result is that of Gemm to the bit.
func GemmPanel(m, from, to, n, k int, a []float32, aRow, aCol int, panel, c []float32, ldc int, add bool) {
	w := pool.Get().(*buffers)
	defer pool.Put(w)
	blocks(n, k, func(j, cols, p, depth, at int) {
		first, last := max(from, j), min(to, j+cols)
		if first < last {
			w.rows(m, a[p*aCol:], aRow, aCol, panel[at+(first-j)*depth:], last-first, depth, c[first-from:], ldc, add || p > 0)
		}
	})
}

// blocks visits the blocks of a right-hand operand in the order of their sums; at is the
// block's place in a panel.
func blocks(n, k int, f func(j, cols, p, depth, at int)) {
	at := 0
	for j := 0; j < n; j += nc {
		cols := min(nc, n-j)
		for p := 0; p < k; p += kc {
			depth := min(kc, k-p)
			f(j, cols, p, depth, at)
			at += depth * ((cols + nr - 1) / nr * nr)
		}
	}
}

// rows multiplies all of a, block by block, with one packed block of b.
func (w *buffers) rows(m int, a []float32, aRow, aCol int, b []float32, cols, depth int, c []float32, ldc int, add bool) {
	for i := 0; i < m; i += mc {
		rows := min(mc, m-i)
		pack(w.a[:], a[i*aRow:], rows, depth, mr, aRow, aCol)
		w.block(rows, cols, depth, b, c[i*ldc:], ldc, add)
	}
}

// block multiplies the packed blocks tile by tile.
func (w *buffers) block(rows, cols, depth int, b, c []float32, ldc int, add bool) {
	for j := 0; j < cols; j += nr {
		panel := &b[j*depth]
		for i := 0; i < rows; i += mr {
			if i+mr <= rows && j+nr <= cols {
				tile6x16(depth, &w.a[i*depth], panel, &c[i*ldc+j], ldc, add)
				continue
			}
			// At the edge the tile is computed apart and what exists of it is kept.
			tile6x16(depth, &w.a[i*depth], panel, &w.tile[0], nr, false)
			for r := range min(mr, rows-i) {
				from := w.tile[r*nr:][:min(nr, cols-j)]
				to := c[(i+r)*ldc+j:][:len(from)]
				if !add {
					copy(to, from)
					continue
				}
				for s, v := range from {
					to[s] += v
				}
			}
		}
	}
}

// pack copies `count` lines of `depth` numbers into panels of `width` lines, the lines of a
// panel interleaved and the last panel filled up with zeros. Lines are `line` apart, the
// numbers of a line `next` apart; one of the two is 1.
func pack(dst, src []float32, count, depth, width, line, next int) {
	for from := 0; from < count; from += width {
		panel := dst[from*depth : (from+width)*depth]
		lines := min(width, count-from)
		switch {
		case lines < width:
			packEdge(panel, src[from*line:], lines, depth, width, line, next)
		case line == 1 && width == nr:
			_ = src[(depth-1)*next+from : (depth-1)*next+from+nr]
			copy16(&panel[0], &src[from], depth, next)
		case line == 1:
			_ = src[(depth-1)*next+from : (depth-1)*next+from+mr]
			copy6(&panel[0], &src[from], depth, next)
		case width == nr:
			packLines8(panel, src[from*line:], depth, nr, line)
			packLines8(panel[8:], src[(from+8)*line:], depth, nr, line)
		default:
			packLines6(panel, src[from*line:], depth, line)
		}
	}
}

// packEdge packs fewer lines than a panel has.
func packEdge(panel, src []float32, lines, depth, width, line, next int) {
	clear(panel)
	for l := range lines {
		for p := range depth {
			panel[p*width+l] = src[l*line+p*next]
		}
	}
}

// packLines8 interleaves eight lines, reading all and writing one stream.
func packLines8(panel, src []float32, depth, width, line int) {
	l0, l1, l2, l3 := src[:depth], src[line:][:depth], src[2*line:][:depth], src[3*line:][:depth]
	l4, l5, l6, l7 := src[4*line:][:depth], src[5*line:][:depth], src[6*line:][:depth], src[7*line:][:depth]
	for p := range l0 {
		d := (*[8]float32)(panel[p*width:])
		d[0], d[1], d[2], d[3] = l0[p], l1[p], l2[p], l3[p]
		d[4], d[5], d[6], d[7] = l4[p], l5[p], l6[p], l7[p]
	}
}

// packLines6 is packLines8 for the panels of a.
func packLines6(panel, src []float32, depth, line int) {
	l0, l1, l2 := src[:depth], src[line:][:depth], src[2*line:][:depth]
	l3, l4, l5 := src[3*line:][:depth], src[4*line:][:depth], src[5*line:][:depth]
	for p := range l0 {
		d := (*[mr]float32)(panel[p*mr:])
		d[0], d[1], d[2], d[3], d[4], d[5] = l0[p], l1[p], l2[p], l3[p], l4[p], l5[p]
	}
}

// CeilingFlops is the number of operations in a round of Ceiling.
const CeilingFlops = 192

// Ceiling executes n rounds of floating-point operations that only the processor's
// multiply-add units limit: its rate is what products can at most reach.
func Ceiling(n int) { fmaLoop(n) }
