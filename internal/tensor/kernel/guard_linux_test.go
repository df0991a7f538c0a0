//go:build amd64 && !f64

package kernel

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// guarded is n random numbers that end where memory does: who reads or writes beyond them kills the test.
func guarded(t *testing.T, n int) []float32 {
	page := os.Getpagesize()
	size := (4*n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(m[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	x := unsafe.Slice((*float32)(unsafe.Pointer(&m[size-4*n])), n)
	copy(x, random(n))
	return x
}

// TestNothingBeyondTheEnd: products and passes touch nothing behind their last number.
func TestNothingBeyondTheEnd(t *testing.T) {
	if !Available {
		t.Skip("this processor has no kernels")
	}
	for n := range 40 {
		for _, pass := range passes {
			pass(n, func(n int) []float32 { return guarded(t, n) })
		}
	}
	for _, d := range [][3]int{{1, 1, 1}, {5, 15, 3}, {7, 20, 9}, {13, 33, 257}, {9, 44, 20}, {14, 23, 5}, {25, 24, 64}, {97, 40, 300}, {20, 1030, 9}} {
		m, n, k := d[0], d[1], d[2]
		for mode := range 4 {
			a, b, c := guarded(t, m*k), guarded(t, k*n), guarded(t, m*n)
			aRow, aCol, bRow, bCol := k, 1, n, 1
			if mode&1 != 0 {
				aRow, aCol = 1, m
			}
			if mode&2 != 0 {
				bRow, bCol = 1, k
			}
			Gemm(Float32s, m, n, k, a, aRow, aCol, b, bRow, bCol, c, n, c, n)
			panel := guarded(t, PanelSize(k, n))
			Pack(panel, b, 0, n, k, n, bRow, bCol)
			GemmPanel(Float32s, m, 0, n, n, k, a, aRow, aCol, panel, guarded(t, n), 0, c, n)
			if n%8 == 0 && bCol == 1 {
				Direct(m, func(int, int) (cols, from, to int) { return n, 0, k }, a, aRow, aCol, b, bRow, c, n, c, n)
			}
		}
		doubles := func(n int) []float64 {
			return unsafe.Slice((*float64)(unsafe.Pointer(&guarded(t, 2*n)[0])), n)
		}
		DoubleProduct(m, n, k, doubles(m*k), doubles(DoublePanelSize(k, n)), doubles(m*n), doubles(m*n))
		FromDoubles(doubles(n), guarded(t, n))
		DoubleTanh(doubles(n))
		DoubleCell(doubles(4*n), doubles(4*n), doubles(n), doubles(n))
		Transpose(guarded(t, m*k), m, k, k, guarded(t, m*k), m)
		width := (max(m, n) + 7) / 8 * 8
		p, back := guarded(t, m*width), guarded(t, m*width)
		Softmax(p, m, width, width, width-m+1, 1, 0.5) // the last row counts all
		BackSoftmax(p, width, back, width, m, width, width-m+1, 1, 0.5)
	}
}
