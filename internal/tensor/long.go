package tensor

// splitFloats is the least length of a slice for which a second processor is faster.
const splitFloats = 1 << 15

// Clear sets x to zeros.
func Clear(x []Float) {
	if len(x) < 2*splitFloats {
		clear(x)
		return
	}
	Run(clearing{x}, len(x), splitFloats)
}

// clearing is the Work of a long Clear.
type clearing struct{ x []Float }

// Part clears elements from ... to-1.
func (w *clearing) Part(from, to int) { clear(w.x[from:to]) }

// Copy sets y to x.
func Copy(x, y []Float) { Run(copying{x, y}, len(y), splitFloats) }

// copying is the Work of a Copy.
type copying struct{ x, y []Float }

// Part copies elements from ... to-1.
func (w *copying) Part(from, to int) { copy(w.y[from:to], w.x[from:to]) }

// SumSquares is the sum of x_i² in float64. It sums block by block, so the result is the same
// on any number of processors.
func SumSquares(x []Float) float64 {
	if len(x) <= splitFloats {
		return squaresHere(x)
	}
	w := Borrow[squaring]()
	blocks := (len(x) + splitFloats - 1) / splitFloats
	if cap(w.sums) < blocks {
		w.sums = make([]float64, blocks)
	}
	w.x, w.sums = x, w.sums[:blocks]
	Split(w, blocks, 1)
	total := 0.0
	for _, s := range w.sums {
		total += s
	}
	Return(w)
	return total
}

// squaring is the Work of a long SumSquares.
type squaring struct {
	x    []Float
	sums []float64 // of the blocks
}

// Part sums blocks from ... to-1.
func (w *squaring) Part(from, to int) {
	for b := from; b < to; b++ {
		w.sums[b] = squaresHere(w.x[b*splitFloats : min(len(w.x), (b+1)*splitFloats)])
	}
}

// AddRows adds all rows of x to y, in their order.
func AddRows(x Matrix, y []Float) {
	Run(rowSum{x, y}, x.Cols, max(32, splitFloats/max(1, x.Rows)/32*32))
}

// rowSum is the Work of an AddRows.
type rowSum struct {
	x Matrix
	y []Float
}

// Part adds columns from ... to-1.
func (w *rowSum) Part(from, to int) { sumRowsHere(w.x.ColRange(from, to), w.y[from:to]) }

// AddRowProducts adds the products of all rows of a and b, of one shape and stride, to y, in their order.
func AddRowProducts(a, b Matrix, y []Float) {
	Run(rowProduct{a, b, y}, a.Cols, max(32, splitFloats/max(1, a.Rows)/32*32))
}

// rowProduct is the Work of an AddRowProducts.
type rowProduct struct {
	a, b Matrix
	y    []Float
}

// Part adds columns from ... to-1.
func (w *rowProduct) Part(from, to int) {
	sumProductsHere(w.a.ColRange(from, to), w.b.ColRange(from, to), w.y[from:to])
}

// Plus sets y to a + b.
func Plus(a, b, y []Float) { Run(addition{a, b, y}, len(y), splitFloats) }

// addition is the Work of a Plus.
type addition struct{ a, b, y []Float }

// Part adds elements from ... to-1.
func (w *addition) Part(from, to int) {
	a, b, y := w.a[from:to], w.b[from:to], w.y[from:to]
	for i, v := range a {
		y[i] = v + b[i]
	}
}

// Axpy adds k times x to y.
func Axpy(k Float, x, y []Float) {
	if len(x) < 2*splitFloats {
		axpyHere(k, x, y)
		return
	}
	Run(axpy{k, x, y}, len(x), splitFloats)
}

// axpy is the Work of a long Axpy.
type axpy struct {
	k    Float
	x, y []Float
}

// Part adds elements from ... to-1.
func (w *axpy) Part(from, to int) { axpyHere(w.k, w.x[from:to], w.y[from:to]) }
