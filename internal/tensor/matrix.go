// Package tensor is the engine's arithmetic: matrices of Float, their products, the
// elementary functions on slices, and an arena for short-lived memory. It is the only
// package that names a BLAS, an instruction set or a precision.
package tensor

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/blas"
)

// A Matrix is a row-major matrix: element (i, j) is Data[i*Cols+j], or, for a view of
// some columns, Data[i*Stride+j]. With a Stride below Cols rows overlap: such a matrix may be
// an operand of a product, not the result.
type Matrix struct {
	Rows, Cols int
	Stride     int // distance between rows; 0 means Cols
	Data       []Float
}

// New returns a zero matrix.
func New(rows, cols int) Matrix {
	return Matrix{Rows: rows, Cols: cols, Data: Make(rows * cols)}
}

func (m Matrix) stride() int {
	if m.Stride == 0 {
		return max(1, m.Cols)
	}
	return m.Stride
}

// Row is row i as a slice of the matrix's own memory.
func (m Matrix) Row(i int) []Float {
	s := m.stride()
	return m.Data[i*s : i*s+m.Cols]
}

// RowRange is the matrix of rows from ... to-1, sharing memory.
func (m Matrix) RowRange(from, to int) Matrix {
	s := m.stride()
	end := to * s
	if end > len(m.Data) { // a column view's last row ends early
		end = len(m.Data)
	}
	return Matrix{Rows: to - from, Cols: m.Cols, Stride: m.Stride, Data: m.Data[from*s : end]}
}

// ColRange is the matrix of columns from ... to-1, sharing memory.
func (m Matrix) ColRange(from, to int) Matrix {
	s := m.stride()
	data := m.Data[from:]
	if m.Rows > 0 {
		data = data[:(m.Rows-1)*s+to-from]
	}
	return Matrix{Rows: m.Rows, Cols: to - from, Stride: s, Data: data}
}

func (m Matrix) String() string { return fmt.Sprintf("(%d, %d)", m.Rows, m.Cols) }

// Trans says whether an operand of Gemm is read transposed.
type Trans bool

// The two values of Trans.
const (
	N Trans = false
	T Trans = true
)

func (t Trans) blas() blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

func (t Trans) dims(m Matrix) (rows, cols int) {
	if t {
		return m.Cols, m.Rows
	}
	return m.Rows, m.Cols
}

// copies is the pool of apart's memory.
var copies = sync.Pool{New: func() any { return new(Matrix) }}

// apart replaces m by a copy if its rows overlap, which gonum refuses. The caller returns the
// result to copies.
func apart(m *Matrix) *Matrix {
	c := copies.Get().(*Matrix)
	if m.stride() >= m.Cols {
		return c
	}
	c.Data = grow(c.Data, m.Rows*m.Cols)
	*c = Matrix{Rows: m.Rows, Cols: m.Cols, Data: c.Data}
	for i := range m.Rows {
		copy(c.Row(i), m.Row(i))
	}
	*m = *c
	return c
}

// Gemm computes c = a·b + beta·c, with a transposed if tA is T and b if tB is T. With beta 0
// the old contents of c do not matter. It panics if the shapes do not fit. The order of every
// sum is independent of the number of processors.
func (p Precision) Gemm(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	p.multiply(tA, a, tB, b, beta, c, false)
}

// GemmAlone is Gemm on one processor, for use in a Part.
func (p Precision) GemmAlone(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix) {
	p.multiply(tA, a, tB, b, beta, c, true)
}

func (p Precision) multiply(tA Trans, a Matrix, tB Trans, b Matrix, beta Float, c Matrix, alone bool) {
	m, k := tA.dims(a)
	k2, n := tB.dims(b)
	if k != k2 || m != c.Rows || n != c.Cols {
		panic(fmt.Sprintf("tensor: Gemm: %v (transposed %t) times %v (transposed %t) into %v", a, tA, b, tB, c))
	}
	if m == 0 || n == 0 {
		return
	}
	p.gemm(tA, a, tB, b, beta, c, alone)
}

// Affine computes c = a·b + bias, with b transposed if tB is T, and the row bias added to every
// row. The result is that of a Gemm with beta 1 onto the bias. It panics if the shapes do not fit.
func (p Precision) Affine(a Matrix, tB Trans, b Matrix, bias []Float, c Matrix) {
	k, n := tB.dims(b)
	if a.Cols != k || a.Rows != c.Rows || n != c.Cols || len(bias) != n {
		panic(fmt.Sprintf("tensor: Affine: %v times %v (transposed %t) plus %d numbers into %v", a, b, tB, len(bias), c))
	}
	if a.Rows > 0 && n > 0 {
		p.affine(a, tB, b, bias, c)
	}
}

// Gemm computes c = a·p + beta·c; the result is that of Gemm in the precision of p.
func (p Panel) Gemm(a Matrix, beta Float, c Matrix) { p.multiply(a, beta, c, false) }

// GemmAlone is Gemm on one processor, for use in a Part.
func (p Panel) GemmAlone(a Matrix, beta Float, c Matrix) { p.multiply(a, beta, c, true) }

func (p Panel) multiply(a Matrix, beta Float, c Matrix, alone bool) {
	if a.Cols != p.rows || a.Rows != c.Rows || p.cols != c.Cols {
		panic(fmt.Sprintf("tensor: Gemm: %v times a panel (%d, %d) into %v", a, p.rows, p.cols, c))
	}
	if a.Rows > 0 {
		p.gemm(a, beta, c, alone)
	}
}
