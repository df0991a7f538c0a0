//go:build !f64

package tensor

import (
	"sync"
	"time"

	"gonum.org/v1/gonum/blas/blas32"

	"vaelab/internal/tensor/kernel"
)

// Float is the number of the engine: float32, or float64 under the build tag f64.
type Float = float32

// Bits is the width of Float.
const Bits = 32

// CheckKernel returns an error if the kernels that VAELAB_KERNEL selects (generic, avx2 or avx512) do not exist.
func CheckKernel() error { return kernel.CheckChoice() }

// Kernel names the implementation of GEMM on this processor.
func Kernel() string {
	if kernel.Available {
		return kernel.Name()
	}
	return "gonum blas32"
}

// Ceiling measures the peak rate of the multiply-add units of one core, in operations a
// second of the instruction set that Kernel names. It is 0 without kernels.
func Ceiling(now func() time.Time) float64 {
	if !kernel.Available {
		return 0
	}
	const rounds = 20_000_000
	kernel.Ceiling(rounds / 10)
	start := now()
	flops := kernel.Ceiling(rounds)
	return flops / now().Sub(start).Seconds()
}

// affine computes c = a·b with the row bias added to each of its rows.
func (p Precision) affine(a Matrix, tB Trans, b Matrix, bias []Float, c Matrix) {
	if !kernel.Available {
		p.plainAffine(a, tB, b, bias, c)
		return
	}
	a, left := p.operand(a, true, false)
	b, right := p.operand(b, bool(tB), false)
	w := products.Get().(*product)
	*w = product{precision: p, tB: tB, a: a, b: b, c: c, bias: bias, byRow: c.Rows >= c.Cols}
	w.run()
	products.Put(w)
	left.free()
	right.free()
}

// gemm computes c = a·b + beta·c with the kernels, or without them; on one processor if alone.
func (p Precision) gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix, alone bool) {
	if !kernel.Available {
		p.plain(tA, a, tB, b, beta, c)
		return
	}
	if beta != 0 && beta != 1 {
		for i := range c.Rows {
			row := c.Row(i)
			for j := range row {
				row[j] *= beta
			}
		}
	}
	a, left := p.operand(a, !bool(tA), alone)
	b, right := p.operand(b, bool(tB), alone)
	w := products.Get().(*product)
	*w = product{precision: p, tA: tA, tB: tB, a: a, b: b, c: c, add: beta != 0, byRow: alone || c.Rows >= c.Cols}
	if alone {
		w.Part(0, c.Rows)
	} else {
		w.run()
	}
	products.Put(w)
	left.free()
	right.free()
}

// plain is gemm without kernels.
func (p Precision) plain(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	if p == BF16 {
		plainBF16(tA, a, tB, b, beta, c)
		return
	}
	gonum(tA, a, tB, b, beta, c)
}

// A product is the Work of a GEMM. Its chunks are rows or columns of c, so every element
// keeps the order of its sum.
type product struct {
	precision Precision // in which a and b already are
	tA, tB    Trans
	a, b, c   Matrix
	panel     []float32 // b, if already packed
	bias      []float32 // a row to add to every row, or nil
	add       bool      // to c
	byRow     bool
}

// products has its own pool, because Borrow first looks for that of a type, and products are the smallest and most
// frequent operations.
var products = sync.Pool{New: func() any { return new(product) }}

// splitFlops is the least size of a GEMM for which a second processor is faster: its chunks
// take about 50 µs on two cores, as long as waking a worker.
const splitFlops = 4 << 20

// sharedPanel is the longest right-hand operand that is packed once for all chunks of rows.
// With a longer one packing in each chunk costs little beside the products.
const sharedPanel = 1 << 20

func (w *product) run() {
	n, align := w.c.Cols, 32
	if w.byRow {
		n, align = w.c.Rows, 8
	}
	_, k := w.tA.dims(w.a)
	if procs.Load() < 2 || 2*w.c.Rows*w.c.Cols*k < splitFlops {
		w.Part(0, n)
		return
	}
	bRow, bCol := w.tB.strides(w.b)
	if size := k * w.c.Cols; w.byRow && w.panel == nil && size <= sharedPanel && !kernel.Lies(w.c.Rows, w.c.Cols, bRow, bCol) {
		shared := panels.Get().(*[]float32)
		*shared = grow(*shared, kernel.PanelSize(k, w.c.Cols))
		w.panel = *shared
		packPanel(w.panel, w.tB, w.b)
		SplitEvenly(w, n, align)
		panels.Put(shared)
		return
	}
	SplitEvenly(w, n, align)
}

// panels is the pool of packed right-hand operands that chunks share.
var panels = sync.Pool{New: func() any { return new([]float32) }}

// A packing is the Work of packing a right-hand operand.
type packing struct {
	panel      []float32
	b          []float32
	k, n       int
	bRow, bCol int
}

func packPanel(panel []float32, tB Trans, b Matrix) {
	w := packing{panel: panel, b: b.Data}
	w.k, w.n = tB.dims(b)
	w.bRow, w.bCol = tB.strides(b)
	Run(w, w.n, max(32, splitFloats/max(1, w.k)/32*32))
}

// Part packs columns from ... to-1.
func (w *packing) Part(from, to int) { kernel.Pack(w.panel, w.b, from, to, w.k, w.n, w.bRow, w.bCol) }

// Part computes rows, or columns, from ... to-1 of c.
func (w *product) Part(from, to int) {
	_, k := w.tA.dims(w.a)
	aRow, aCol := w.tA.strides(w.a)
	bRow, bCol := w.tB.strides(w.b)
	a, b, c, m, n := w.a.Data, w.b.Data, w.c.Data, w.c.Rows, w.c.Cols
	if w.byRow {
		m = to - from
		a, c = a[from*aRow:], c[from*w.c.stride():]
	} else {
		n = to - from
		c = c[from:]
		if w.panel == nil {
			b = b[from*bCol:]
		}
	}
	ldc := w.c.stride()
	onto, ldo := w.bias, 0
	switch {
	case w.add:
		onto, ldo = c, ldc
	case onto != nil && !w.byRow:
		onto = onto[from:]
	}
	switch {
	case w.panel == nil:
		kernel.Gemm(kernel.Products(w.precision), m, n, k, a, aRow, aCol, b, bRow, bCol, onto, ldo, c, ldc)
	case w.byRow:
		kernel.GemmPanel(kernel.Products(w.precision), m, 0, n, w.c.Cols, k, a, aRow, aCol, w.panel, onto, ldo, c, ldc)
	default:
		kernel.GemmPanel(kernel.Products(w.precision), m, from, to, w.c.Cols, k, a, aRow, aCol, w.panel, onto, ldo, c, ldc)
	}
}

// strides are the distances between rows and between columns of the operand as read.
func (t Trans) strides(m Matrix) (row, col int) {
	if t {
		return 1, m.stride()
	}
	return m.stride(), 1
}

// gonum is the implementation without kernels, and the oracle of the kernels. It skips the
// products of zeros in a, so 0·NaN is 0 there.
func gonum(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	general := func(m Matrix) blas32.General {
		return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.stride(), Data: m.Data}
	}
	copyA, copyB := apart(&a), apart(&b)
	defer copies.Put(copyA)
	defer copies.Put(copyB)
	blas32.Gemm(tA.blas(), tB.blas(), 1, general(a), general(b), beta, general(c))
}

// A Panel is a right-hand operand packed for several GEMMs.
type Panel struct {
	precision  Precision
	rows, cols int // as read
	packed     []Float
	plain      Matrix
	trans      Trans
}

// Prepare packs b, transposed if tB is T, for several GEMMs. Memory from alloc must live as
// long as the Panel.
func (p Precision) Prepare(alloc func(n int) []Float, tB Trans, b Matrix) Panel {
	x := Panel{precision: p, plain: b, trans: tB}
	x.rows, x.cols = tB.dims(b)
	if kernel.Available {
		b, right := p.operand(b, bool(tB), false)
		k, _ := tB.dims(b)
		x.packed = alloc(kernel.PanelSize(k, x.cols))
		packPanel(x.packed, tB, b)
		right.free()
	}
	return x
}

// Memory is what Prepare allocated, or nil.
func (p Panel) Memory() []Float { return p.packed }

// gemm computes c = a·p + beta·c, on one processor if alone.
func (p Panel) gemm(a Matrix, beta Float, c Matrix, alone bool) {
	switch {
	case p.packed == nil:
		p.precision.plain(N, a, p.trans, p.plain, beta, c)
		return
	case beta != 0 && beta != 1:
		p.precision.gemm(N, a, p.trans, p.plain, beta, c, alone)
		return
	}
	a, left := p.precision.operand(a, true, alone)
	defer left.free()
	if alone {
		var onto []Float
		if beta != 0 {
			onto = c.Data
		}
		kernel.GemmPanel(kernel.Products(p.precision), c.Rows, 0, c.Cols, c.Cols, a.Cols, a.Data, a.stride(), 1, p.packed, onto, c.stride(), c.Data, c.stride())
		return
	}
	w := products.Get().(*product)
	*w = product{precision: p.precision, tB: p.trans, a: a, b: p.plain, c: c, panel: p.packed, add: beta != 0, byRow: c.Rows >= c.Cols}
	w.run()
	products.Put(w)
}

// Sigmoids replaces every number by its sigmoid.
func Sigmoids(x []Float) {
	if kernel.Available {
		kernel.Sigmoid(x)
		return
	}
	plainSigmoids(x)
}

// Tanhs sets y to the hyperbolic tangents of x; y may be x.
func Tanhs(x, y []Float) {
	if kernel.Available {
		kernel.Tanh(x, y)
		return
	}
	plainTanhs(x, y)
}

// GELU sets y to x Φ(x) in its tanh form, x sigmoid(2u) with u = √(2/π) (x + 0.044715 x³).
func GELU(x, y []Float) {
	if kernel.Available {
		kernel.GELU(x, y)
		return
	}
	plainGELU(x, y)
}

// BackGELU adds dy times GELU's derivative at x to dx.
func BackGELU(x, dy, dx []Float) {
	if kernel.Available {
		kernel.BackGELU(x, dy, dx)
		return
	}
	plainBackGELU(x, dy, dx)
}

// ELU sets y to x where it is positive and to e^x - 1 elsewhere.
func ELU(x, y []Float) {
	if kernel.Available {
		kernel.ELU(x, y)
		return
	}
	plainELU(x, y)
}

// BackELU adds dy times ELU's derivative, given its value y, to dx.
func BackELU(y, dy, dx []Float) {
	if kernel.Available {
		kernel.BackELU(y, dy, dx)
		return
	}
	plainBackELU(y, dy, dx)
}

// Dot is the sum of x y.
func Dot(x, y []Float) Float {
	if kernel.Available {
		return kernel.Dot(x, y)
	}
	return plainDot(x, y)
}

// Total is the sum of x.
func Total(x []Float) Float {
	if kernel.Available {
		return kernel.Sum(x)
	}
	return plainSum(x)
}

func expSum(x []Float, shift Float) Float {
	if kernel.Available {
		return kernel.ExpSum(x, shift)
	}
	return plainExpSum(x, shift)
}

func weights(x, sums []Float) {
	if kernel.Available {
		kernel.Weights(x, sums)
		return
	}
	plainWeights(x, sums)
}

func fromDoubles(x []float64, y []Float) (done int) {
	if kernel.Available {
		return kernel.FromDoubles(x, y)
	}
	return 0
}

func largest(x []Float) Float {
	if kernel.Available {
		return kernel.Max(x)
	}
	return plainMax(x)
}

// sumRowsHere sums short rows by columns, with 32 sums in registers. In long rows the elements
// of a column are far apart in memory, so it adds them row by row.
func sumRowsHere(x Matrix, y []Float) {
	switch {
	case !kernel.Available:
		plainSumRows(x, y)
	case x.stride() <= 128:
		kernel.SumRows(x.Data, x.Rows, x.stride(), y)
	default:
		for i := range x.Rows {
			kernel.Axpy(1, x.Row(i), y)
		}
	}
}

func sumProductsHere(a, b Matrix, y []Float) {
	if kernel.Available {
		kernel.SumProducts(a.Data, b.Data, a.Rows, a.stride(), y)
		return
	}
	plainSumProducts(a, b, y)
}

func axpyHere(k Float, x, y []Float) {
	if kernel.Available {
		kernel.Axpy(k, x, y)
		return
	}
	plainAxpy(k, x, y)
}

// Scale multiplies x by k.
func Scale(k Float, x []Float) {
	if kernel.Available {
		kernel.Scale(k, x)
		return
	}
	plainScale(k, x)
}

// Mul multiplies y by x, elementwise.
func Mul(x, y []Float) {
	if kernel.Available {
		kernel.Mul(x, y)
		return
	}
	plainMul(x, y)
}

// MulAdd sets y to a x + b, elementwise.
func MulAdd(x, a, b, y []Float) {
	if kernel.Available {
		kernel.MulAdd(x, a, b, y)
		return
	}
	plainMulAdd(x, a, b, y)
}

// BackStandardise adds inv (dy - mean - meanY y) to dx: the backward pass of y = inv (x - E[x]), where
// mean and meanY are those of dy and dy y.
func BackStandardise(dy, y, dx []Float, inv, mean, meanY Float) {
	if kernel.Available {
		kernel.BackStandardise(dy, y, dx, inv, mean, meanY)
		return
	}
	plainBackStandardise(dy, y, dx, inv, mean, meanY)
}

// direct computes the unmasked elements of c = a·b, a transposed if tA is T, or adds them to c: on one processor, operands in
// place. See kernel.Direct for extent.
func direct(tA Trans, a, b Matrix, add bool, c Matrix, extent func(first, end int) (cols, from, to int)) {
	if !kernel.Available || c.Cols%8 != 0 {
		plainDirect(tA, a, b, add, c)
		return
	}
	aRow, aCol := tA.strides(a)
	var onto []Float
	if add {
		onto = c.Data
	}
	kernel.Direct(c.Rows, extent, a.Data, aRow, aCol, b.Data, b.stride(), onto, c.stride(), c.Data, c.stride())
}

func maskedSoftmax(m Mask, x Matrix, scale Float) {
	if kernel.Available && x.Cols%8 == 0 && m.within(x.Rows, x.Cols) {
		kernel.Softmax(x.Data, x.Rows, x.stride(), x.Cols, m.First, m.Grow, scale)
		return
	}
	plainMaskedSoftmax(m, x, scale)
}

func maskedBackSoftmax(m Mask, p, d Matrix, scale Float) {
	if kernel.Available && d.Cols%8 == 0 && m.within(d.Rows, d.Cols) {
		kernel.BackSoftmax(p.Data, p.stride(), d.Data, d.stride(), d.Rows, d.Cols, m.First, m.Grow, scale)
		return
	}
	plainMaskedBackSoftmax(m, p, d, scale)
}

func transpose(x, y Matrix) {
	if kernel.Available {
		kernel.Transpose(x.Data, x.Rows, x.Cols, x.stride(), y.Data, y.stride())
		return
	}
	plainTranspose(x, y)
}

func squaresHere(x []Float) float64 {
	if kernel.Available {
		return kernel.SumSquares(x)
	}
	return plainSumSquares(x)
}

// Adam makes one step of Adam on the weights w with gradients g and running means m, v:
//
//	m = beta1 m + rest1 g,  v = beta2 v + rest2 g²,  w -= rate m / (root √v + eps)
func Adam(w, g, m, v []Float, beta1, rest1, beta2, rest2, rate, root, eps Float) {
	Run(adam{w, g, m, v, beta1, rest1, beta2, rest2, rate, root, eps}, len(w), splitFloats)
}

// adam is the Work of a step.
type adam struct {
	w, g, m, v                                  []Float
	beta1, rest1, beta2, rest2, rate, root, eps Float
}

// Part makes the step on weights from ... to-1.
func (s *adam) Part(from, to int) {
	w, g, m, v := s.w[from:to], s.g[from:to], s.m[from:to], s.v[from:to]
	if kernel.Available {
		kernel.Adam(w, g, m, v, s.beta1, s.rest1, s.beta2, s.rest2, s.rate, s.root, s.eps)
		return
	}
	plainAdam(w, g, m, v, s.beta1, s.rest1, s.beta2, s.rest2, s.rate, s.root, s.eps)
}

// Cell is one step of one example's LSTM cell. It adds fixed to the pre-activations in gates, rows i f g o, and replaces
// them by the gates. It sets c and h; c may be cPrev.
func Cell(gates, fixed, cPrev, c, h []Float) {
	if kernel.Available {
		kernel.Cell(gates, fixed, cPrev, c, h)
		return
	}
	plainCell(gates, fixed, cPrev, c, h)
}

// BackCell is the backward pass of one step of one example's LSTM cell. dOut is the gradient
// of h_t from above, dh and dc those from step t+1. It sets dPre, the gradients of the
// pre-activations (rows i f g o), and updates dc for step t-1. It computes tanh c again: to keep that would take as much
// memory as c.
func BackCell(dOut, dh, dc, gates, cPrev, c, dPre []Float) {
	if kernel.Available {
		kernel.BackCell(dOut, dh, dc, gates, cPrev, c, dPre)
		return
	}
	plainBackCell(dOut, dh, dc, gates, cPrev, c, dPre)
}
