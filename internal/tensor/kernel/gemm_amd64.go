//go:build !f64

package kernel

import (
	"os"
	"sync"

	"golang.org/x/sys/cpu"
)

// Available reports whether the kernels are used: if Supported, unless VAELAB_KERNEL is
// generic.
var Available = Supported && os.Getenv("VAELAB_KERNEL") != "generic"

// Supported reports whether this processor has the instructions of the kernels.
var Supported = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// Supported512 reports whether it has those of the AVX-512 kernels.
var Supported512 = Supported && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW

// wide selects AVX-512: the largest tile is 8x32 and not 6x16, and elementwise kernels, which read it themselves, take
// sixteen numbers at a time and not eight. Tiles of eight rows and those 32 columns wide need AVX-512, other tiles AVX2.
// Sums keep their order, so results are equal to the bit.
var wide = Supported512 && os.Getenv("VAELAB_KERNEL") != "avx2"

// Name is the name of the instruction set.
func Name() string {
	if wide {
		return "avx512"
	}
	return "avx2+fma"
}

// Block sizes of the GEMM. A panel of b, kc deep, stays in the first two levels of cache. A
// block of a, mc x kc, and the block of c that it adds to stay in the second. Up to deep rows of
// nc columns of b are packed at a time.
const (
	kc   = Block
	mc   = 96
	nc   = 512
	deep = 4 * kc

	narrow = 8 // columns of the narrowest tile

	near     = 64  // largest distance between columns of a that the tile reads in place, in floats: four cache lines
	nearRows = 512 // largest distance between rows of b that it reads in place
)

// tileSize is the number of rows and columns of the largest tile: both divide mc, or nc.
func tileSize() (mr, nr int) {
	if wide {
		return 8, 32
	}
	return 6, 16
}

// buffers are the packed panels of one running GEMM.
type buffers struct {
	a    [mc * kc]float32
	b    [deep * nc]float32
	tile [8 * narrow]float32
	do   Products
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// Gemm computes c = a·b + onto: a is (m, k), b is (k, n), c and onto are (m, n) with rows ldc and
// ldo apart. onto may be nil, c itself, or, with ldo 0, a single row. Element (i, p) of a is
// at i*aRow + p*aCol, and likewise for b. A transposed operand has its two strides exchanged.
// Every element of c is summed over p in order, in blocks of 256, for all m and n; onto is added
// to the first block.
//
// The scheme is that of Goto & van de Geijn 2008, "Anatomy of high-performance matrix
// multiplication".
func Gemm(do Products, m, n, k int, a []float32, aRow, aCol int, b []float32, bRow, bCol int, onto []float32, ldo int, c []float32, ldc int) {
	w := pool.Get().(*buffers)
	defer pool.Put(w)
	w.do = do
	lies := Lies(n, bRow, bCol)
	for j := 0; j < n; j += nc {
		cols := min(nc, n-j)
		for p := 0; p < k; p += deep {
			depth := min(deep, k-p)
			right := operand{data: w.b[:], width: roundUp(cols)}
			if lies {
				right = operand{data: b[p*bRow+j:], row: bRow}
			} else {
				packBlock(right.data, b[p*bRow+j*bCol:], 0, cols, depth, right.width, bRow, bCol)
			}
			if p > 0 {
				onto, ldo = c, ldc
			}
			w.rows(m, a[p*aCol:], aRow, aCol, right, cols, depth, tail(onto, j), ldo, c[j:], ldc)
		}
	}
	if k == 0 {
		for i := range m {
			row := c[i*ldc : i*ldc+n]
			if onto == nil {
				clear(row)
			} else {
				copy(row, onto[i*ldo:])
			}
		}
	}
}

// Lies reports whether Gemm reads a right-hand operand of n columns in place, so that packing it before gains nothing:
// if its rows are near each other and end with a tile, or if there is only one panel.
func Lies(n, bRow, bCol int) bool {
	_, nr := tileSize()
	return bCol == 1 && (n == nr || n%narrow == 0 && bRow <= nearRows)
}

// Direct computes c = a·b + onto as Gemm does, but skips masked elements and reads both operands in place, which is
// faster for small ones. For the rows first ... end-1 of c, those of one tile, extent gives the number of columns to compute, a
// multiple of eight, and the range of p to sum over, which is not empty.
func Direct(m int, extent func(first, end int) (cols, from, to int), a []float32, aRow, aCol int, b []float32, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	for i, height := 0, 0; i < m; i += height {
		height = tallest(m - i)
		cols, from, to := extent(i, i+height)
		start, lds := tail(onto, i*ldo), ldo
		for end := 0; from < to; from = end {
			end = min(to, from/kc*kc+kc) // as Gemm sums
			left := &a[i*aRow+from*aCol]
			for j, width := 0, 0; j < cols; j += width {
				width = widest(height, cols-j)
				var s *float32
				if start != nil {
					s = &start[j]
				}
				tile(Float32s, height, width, end-from, left, aRow, aCol, &b[from*ldb+j], ldb, s, lds, &c[i*ldc+j], ldc)
			}
			start, lds = c[i*ldc:], ldc
		}
	}
}

// An operand is a right-hand operand, or a block of it, as the tiles read it: packed in panels, or in place.
type operand struct {
	data        []float32
	width, skip int // if packed: of the block, and columns to skip
	row         int // if in place: distance between rows, else 0
}

// rows returns rows p ... p+n-1, the distance of their panels per column, and that of their rows. Packed rows are
// packed together.
func (b operand) rows(p, n int) (data []float32, panel, ldb int) {
	if b.row > 0 {
		return b.data[p*b.row:], 1, b.row
	}
	_, nr := tileSize()
	return b.data[p*b.width+b.skip*n:], n, nr
}

// tail is x from column j on, or nil.
func tail(x []float32, j int) []float32 {
	if x == nil {
		return nil
	}
	return x[j:]
}

// PanelSize is the length of a packed right-hand operand (k, n).
func PanelSize(k, n int) int { return k * roundUp(n) }

// roundUp is the number of columns in whole panels.
func roundUp(n int) int {
	_, nr := tileSize()
	return (n + nr - 1) / nr * nr
}

// Pack brings columns from ... to-1 of a right-hand operand (k, n) into the order in which
// GemmPanel reads it. This is worth it for more than one left-hand side. from must be a multiple of
// 32, and so must to unless it is n. Chunks of a panel may be packed concurrently.
func Pack(panel, b []float32, from, to, k, n, bRow, bCol int) {
	for j := 0; j < n; j += nc {
		first, last := max(from, j), min(to, j+nc)
		if first < last {
			packBlock(panel[j*k:], b[first*bCol:], first-j, last-first, k, roundUp(min(nc, n-j)), bRow, bCol)
		}
	}
}

// packBlock packs the columns skip ... skip+cols-1 of a block that is width wide, kc rows at a time.
func packBlock(to, b []float32, skip, cols, k, width, bRow, bCol int) {
	_, nr := tileSize()
	for p := 0; p < k; p += kc {
		depth := min(kc, k-p)
		pack(to[p*width+skip*depth:], b[p*bRow:], cols, depth, nr, bCol, bRow)
	}
}

// GemmPanel computes columns from ... to-1 of c = a·b + onto with a packed right-hand operand of
// n columns; c and onto begin at column from, which is a multiple of 32. The result is that of
// Gemm to the bit.
func GemmPanel(do Products, m, from, to, n, k int, a []float32, aRow, aCol int, panel, onto []float32, ldo int, c []float32, ldc int) {
	w := pool.Get().(*buffers)
	defer pool.Put(w)
	w.do = do
	for j := 0; j < n; j += nc {
		first, last := max(from, j), min(to, j+nc)
		if first < last {
			b := operand{data: panel[j*k:], width: roundUp(min(nc, n-j)), skip: first - j}
			w.rows(m, a, aRow, aCol, b, last-first, k, tail(onto, first-from), ldo, c[first-from:], ldc)
		}
	}
}

// rows multiplies all of a, block by block, with a block of b that is k deep. A block of c is finished before the
// next begins. The tile reads a in place if its columns are near, and a packed block of it otherwise.
func (w *buffers) rows(m int, a []float32, aRow, aCol int, b operand, cols, k int, onto []float32, ldo int, c []float32, ldc int) {
	mr, _ := tileSize()
	for i := 0; i < m; i += mc {
		rows := min(mc, m-i)
		from, ldf := tail(onto, i*ldo), ldo
		for p := 0; p < k; p += kc {
			depth := min(kc, k-p)
			right, panel, ldb := b.rows(p, depth)
			left := a[i*aRow+p*aCol:]
			if p > 0 {
				from, ldf = c[i*ldc:], ldc
			}
			if aCol == 1 || aRow == 1 && aCol <= near {
				w.block(rows, cols, depth, left, mr*aRow, aRow, aCol, right, panel, ldb, from, ldf, c[i*ldc:], ldc)
				continue
			}
			pack(w.a[:], left, rows, depth, mr, aRow, aCol)
			w.block(rows, cols, depth, w.a[:], mr*depth, 1, mr, right, panel, ldb, from, ldf, c[i*ldc:], ldc)
		}
	}
}

// block multiplies a block of a, whose tiles are `next` apart, with one of b, whose panels are cols times `panel`
// apart. Columns that do not fill the narrowest tile are computed in a separate tile, from which those that exist are copied.
func (w *buffers) block(rows, cols, depth int, a []float32, next, aRow, aCol int, b []float32, panel, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	mr, nr := tileSize()
	for j := 0; j < cols; j += nr {
		end := min(cols, j+nr)
		for i, height := 0, 0; i < rows; i += height {
			height = tallest(rows - i)
			left := &a[i/mr*next+i%mr*aRow]
			for s, width := j, 0; s < end; s += width {
				width = widest(height, end-s)
				right := &b[j*panel+s-j]
				if s+width <= end {
					var start *float32
					if onto != nil {
						start = &onto[i*ldo+s]
					}
					tile(w.do, height, width, depth, left, aRow, aCol, right, ldb, start, ldo, &c[i*ldc+s], ldc)
					continue
				}
				tile(w.do, height, width, depth, left, aRow, aCol, right, ldb, nil, 0, &w.tile[0], narrow)
				for r := range height {
					from := w.tile[r*narrow:][:end-s]
					to := c[(i+r)*ldc+s:][:len(from)]
					if onto == nil {
						copy(to, from)
						continue
					}
					for q, v := range onto[(i+r)*ldo+s:][:len(from)] {
						to[q] = v + from[q]
					}
				}
			}
		}
	}
}

// tallest is the number of rows of the next tile when left rows remain.
func tallest(left int) int {
	mr, _ := tileSize()
	switch {
	case left >= mr:
		return mr
	case left >= 4:
		return 4
	case left >= 2:
		return 2
	}
	return 1
}

// widest is the number of columns of the next tile when left columns remain. With fewer than four rows the multiply-add units
// are not saturated, so 16 columns are as fast as 32.
func widest(height, left int) int {
	switch {
	case wide && height >= 4 && left >= 32:
		return 32
	case left >= 16:
		return 16
	}
	return narrow
}

// tile computes height x width elements of c.
func tile(do Products, height, width, k int, a *float32, aRow, aCol int, b *float32, ldb int, onto *float32, ldo int, c *float32, ldc int) {
	if do == BF16Pairs {
		pairTile(height, width, k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
		return
	}
	switch height<<8 | width {
	case 8<<8 | 32:
		tile8x32(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 8<<8 | 16:
		tile8x16(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 8<<8 | 8:
		tile8x8(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 6<<8 | 16:
		tile6x16(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 6<<8 | 8:
		tile6x8(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 4<<8 | 32:
		tile4x32(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 4<<8 | 16:
		tile4x16(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 4<<8 | 8:
		tile4x8(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 2<<8 | 16:
		tile2x16(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 2<<8 | 8:
		tile2x8(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 1<<8 | 16:
		tile1x16(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	case 1<<8 | 8:
		tile1x8(k, a, aRow, aCol, b, ldb, onto, ldo, c, ldc)
	default:
		panic("kernel: no such tile")
	}
}

// pack copies `count` lines of `depth` elements into panels of `width` lines. The lines of a
// panel are interleaved; the last panel is padded with zeros. Lines are `line` apart, the
// elements of a line `next` apart. One of the two must be 1.
func pack(dst, src []float32, count, depth, width, line, next int) {
	whole := count / width * width
	if whole > 0 && line == 1 {
		copyPanels(dst, src, whole/width, depth, width, next)
	} else {
		for from := 0; from < whole; from += width {
			packLines(dst[from*depth:], src[from*line:], width, depth, width, line)
		}
	}
	if whole < count {
		packEdge(dst[whole*depth:][:width*depth], src[whole*line:], count-whole, depth, width, line, next)
	}
}

// packEdge packs fewer lines than a panel has.
func packEdge(panel, src []float32, lines, depth, width, line, next int) {
	clear(panel)
	if line == 1 {
		for p := range depth {
			copy(panel[p*width:], src[p*next:][:lines])
		}
		return
	}
	packLines(panel, src, lines, depth, width, line)
}

// packLines interleaves lines, eight at a time; the last eight may overlap those before.
func packLines(panel, src []float32, lines, depth, width, line int) {
	whole := depth &^ 7
	if lines < 8 {
		whole = 0
	}
	for l := 0; l < lines && whole > 0; l += 8 {
		l := min(l, lines-8)
		_, _ = src[(l+7)*line+whole-1], panel[(whole-1)*width+l+7]
		cross8(&panel[l], &src[l*line], whole/8, line, width)
	}
	for l := range lines {
		for p, v := range src[l*line+whole:][:depth-whole] {
			panel[(whole+p)*width+l] = v
		}
	}
}

// copyPanels packs lines that are interleaved already.
func copyPanels(dst, src []float32, panels, depth, width, next int) {
	_, _ = src[(depth-1)*next+panels*width-1], dst[panels*width*depth-1]
	switch width {
	case 6:
		copy6(&dst[0], &src[0], depth, next, panels, width*depth)
	case 8:
		copy8(&dst[0], &src[0], depth, next, panels, width*depth)
	case 16:
		copy16(&dst[0], &src[0], depth, next, panels, width*depth)
	case 32:
		copy32(&dst[0], &src[0], depth, next, panels, width*depth)
	}
}

// Ceiling executes n rounds of floating-point operations that only the processor's multiply-add units limit, in the
// instruction set that Name names, and returns their number. Their rate is the upper limit of GEMM.
func Ceiling(n int) (flops float64) {
	const chains = 12
	if wide {
		var sums [16]float32
		fmaLoop16(n, &sums)
		return 2 * chains * float64(len(sums)) * float64(n)
	}
	var sums [8]float32
	fmaLoop8(n, &sums)
	return 2 * chains * float64(len(sums)) * float64(n)
}
