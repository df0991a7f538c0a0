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

// wide selects AVX-512: tiles are 8x32 or smaller and not 6x16 or smaller, and elementwise kernels, which read it
// themselves, take sixteen numbers at a time and not eight. Sums keep their order, so results are equal to the bit.
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

	near     = 64  // largest distance between columns of a that the tile reads in place, in floats: four cache lines
	nearRows = 512 // largest distance between rows of b that it reads in place
)

// tileSize is the number of rows and columns of the largest tile. The rows divide mc and the columns nc. Half the
// columns are one vector.
func tileSize() (mr, nr int) {
	if wide {
		return 8, 32
	}
	return 6, 16
}

// buffers are the packed panels of one running GEMM.
type buffers struct {
	a  [mc * kc]float32
	b  [deep * nc]float32
	do Products
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
	lies := Lies(m, n, bRow, bCol)
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

// Lies reports whether Gemm reads a right-hand operand in place, so that packing it before gains nothing: if there is
// only one panel, or if few rows of c use it, its own rows are near each other, and vectors end where they do.
func Lies(m, n, bRow, bCol int) bool {
	_, nr := tileSize()
	return bCol == 1 && (n == nr || m <= mc && n%8 == 0 && bRow <= nearRows)
}

// Direct computes c = a·b + onto as Gemm does, but skips masked elements and reads both operands in place, which is
// faster for small ones. For the rows first ... end-1 of c, those of one tile, extent gives the number of columns to compute, a
// multiple of eight, and the range of p to sum over, which is not empty.
func Direct(m int, extent func(first, end int) (cols, from, to int), a []float32, aRow, aCol int, b []float32, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	_, nr := tileSize()
	heights := evenly(m)
	for i, height := 0, 0; i < m; i += height {
		height = heights.tile(i)
		cols, from, to := extent(i, i+height)
		start, lds := tail(onto, i*ldo), ldo
		for end := 0; from < to; from = end {
			end = min(to, from/kc*kc+kc) // as Gemm sums
			left := column{tiles: Float32s.tiles(), height: height, count: 1, a: a[i*aRow+from*aCol:], aRow: aRow, aCol: aCol}
			for j := 0; j < cols; j += nr {
				left.times(min(nr, cols-j), end-from, &b[from*ldb+j], ldb, tail(start, j), lds, c[i*ldc+j:], ldc)
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
	for i, rows := 0, 0; i < m; i += rows {
		rows = blockRows(m, i)
		heights := evenly(rows)
		from, ldf := tail(onto, i*ldo), ldo
		for p := 0; p < k; p += kc {
			depth := min(kc, k-p)
			right, panel, ldb := b.rows(p, depth)
			if p > 0 {
				from, ldf = c[i*ldc:], ldc
			}
			left := a[i*aRow+p*aCol:]
			var columns [2]column
			if aCol == 1 || aRow == 1 && aCol <= near {
				columns = heights.lie(w.do, left, aRow, aCol)
			} else {
				columns = heights.pack(w.do, w.a[:], left, depth, aCol)
			}
			block(columns, cols, depth, right, panel, ldb, from, ldf, c[i*ldc:], ldc)
		}
	}
}

// heights says how rows are divided among tiles: first tall ones of `height` rows, then low ones of one row less.
type heights struct{ height, tall, low int }

// evenly divides rows among as few tiles as possible. Each needs enough rows to keep the multiply-add units busy.
func evenly(rows int) heights {
	mr, _ := tileSize()
	n := max(1, (rows+mr-1)/mr)
	height := (rows + n - 1) / n
	return heights{height, rows - n*(height-1), n*height - rows}
}

// tile is the height of the tile that begins at row i.
func (h heights) tile(i int) int {
	if i < h.tall*h.height {
		return h.height
	}
	return h.height - 1
}

// A column is `count` tiles of equal height, one below the other, and where they read a: element (i, p) of a tile is at
// i*aRow + p*aCol, and its tiles are next apart.
type column struct {
	tiles            *tileTable
	height, count    int
	a                []float32
	aRow, aCol, next int
}

// columns are those of the tall and the low tiles.
func (h heights) columns(do Products) [2]column {
	tiles := do.tiles()
	return [2]column{{tiles: tiles, height: h.height, count: h.tall}, {tiles: tiles, height: h.height - 1, count: h.low}}
}

// lie returns the columns of tiles that read a in place.
func (h heights) lie(do Products, a []float32, aRow, aCol int) [2]column {
	all := h.columns(do)
	for i := range all {
		t := &all[i]
		t.a, t.aRow, t.aCol, t.next = a, aRow, aCol, t.height*aRow
		a = a[min(t.count*t.next, len(a)):] // the last row may end before the next would begin
	}
	return all
}

// pack packs a, whose columns are aCol apart and contiguous, in panels as high as the tiles.
func (h heights) pack(do Products, to, a []float32, depth, aCol int) [2]column {
	all := h.columns(do)
	for i := range all {
		t := &all[i]
		t.a, t.aRow, t.aCol, t.next = to, 1, t.height, t.height*depth
		if t.count > 0 {
			copyPanels(to, a, t.count, depth, t.height, aCol)
			to, a = to[t.count*t.next:], a[min(t.count*t.height, len(a)):]
		}
	}
	return all
}

// block multiplies a block of a with one of b, whose panels are cols times `panel` apart.
func block(columns [2]column, cols, depth int, b []float32, panel, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	_, nr := tileSize()
	tall, low := &columns[0], &columns[1]
	split := tall.count * tall.height
	for j := 0; j < cols; j += nr {
		n := min(nr, cols-j)
		tall.times(n, depth, &b[j*panel], ldb, tail(onto, j), ldo, c[j:], ldc)
		if low.count > 0 {
			low.times(n, depth, &b[j*panel], ldb, tail(onto, split*ldo+j), ldo, c[split*ldc+j:], ldc)
		}
	}
}

// times multiplies with n columns of b, at most those of a panel.
func (t *column) times(n, k int, b *float32, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	var start *float32
	if onto != nil {
		start = &onto[0]
	}
	_, nr := tileSize()
	vectors, last := 0, n
	if n > nr/2 {
		vectors, last = 1, n-nr/2
	}
	t.tiles[t.height][vectors](t.count, k, &t.a[0], t.aRow, t.aCol, t.next, b, ldb, start, ldo, &c[0], ldc, last)
}

// blockRows is the number of rows of the block that begins at row i: at most mc, and about equal for all blocks.
func blockRows(m, i int) int {
	mr, _ := tileSize()
	blocks := (m + mc - 1) / mc
	rows := (m + blocks - 1) / blocks
	return min((rows+mr-1)/mr*mr, m-i)
}

// A tileTable has a function for each height of a tile and for one and two vectors. It computes `count` tiles of c.
type tileTable [9][2]func(count, k int, a *float32, aRow, aCol, next int, b *float32, ldb int, onto *float32, ldo int, c *float32, ldc, last int)

var (
	tilesAVX2 = tileTable{
		1: {tile1x8, tile1x16},
		2: {tile2x8, tile2x16},
		3: {tile3x8, tile3x16},
		4: {tile4x8, tile4x16},
		5: {tile5x8, tile5x16},
		6: {tile6x8, tile6x16},
	}
	tilesAVX512 = tileTable{
		1: {wide1x16, wide1x32},
		2: {wide2x16, wide2x32},
		3: {wide3x16, wide3x32},
		4: {wide4x16, wide4x32},
		5: {wide5x16, wide5x32},
		6: {wide6x16, wide6x32},
		7: {wide7x16, wide7x32},
		8: {wide8x16, wide8x32},
	}
	// of BF16Pairs: with VDPBF16PS, or as float32
	pairsNative = tileTable{
		1: {pairs1x16, pairs1x32},
		2: {pairs2x16, pairs2x32},
		3: {pairs3x16, pairs3x32},
		4: {pairs4x16, pairs4x32},
		5: {pairs5x16, pairs5x32},
		6: {pairs6x16, pairs6x32},
		7: {pairs7x16, pairs7x32},
		8: {pairs8x16, pairs8x32},
	}
	pairsAVX2 = tileTable{
		1: {halves1x8, halves1x16},
		2: {halves2x8, halves2x16},
		3: {halves3x8, halves3x16},
		4: {halves4x8, halves4x16},
		5: {halves5x8, halves5x16},
		6: {halves6x8, halves6x16},
	}
	pairsAVX512 = tileTable{
		1: {wideHalves1x16, wideHalves1x32},
		2: {wideHalves2x16, wideHalves2x32},
		3: {wideHalves3x16, wideHalves3x32},
		4: {wideHalves4x16, wideHalves4x32},
		5: {wideHalves5x16, wideHalves5x32},
		6: {wideHalves6x16, wideHalves6x32},
		7: {wideHalves7x16, wideHalves7x32},
		8: {wideHalves8x16, wideHalves8x32},
	}
)

// tiles are those in use.
func (do Products) tiles() *tileTable {
	switch {
	case do == BF16Pairs && native:
		return &pairsNative
	case do == BF16Pairs && wide:
		return &pairsAVX512
	case do == BF16Pairs:
		return &pairsAVX2
	case wide:
		return &tilesAVX512
	}
	return &tilesAVX2
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
	case 1:
		copy1(&dst[0], &src[0], depth, next, panels, width*depth)
	case 2:
		copy2(&dst[0], &src[0], depth, next, panels, width*depth)
	case 3:
		copy3(&dst[0], &src[0], depth, next, panels, width*depth)
	case 4:
		copy4(&dst[0], &src[0], depth, next, panels, width*depth)
	case 5:
		copy5(&dst[0], &src[0], depth, next, panels, width*depth)
	case 6:
		copy6(&dst[0], &src[0], depth, next, panels, width*depth)
	case 7:
		copy7(&dst[0], &src[0], depth, next, panels, width*depth)
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
