//go:build !f64

package kernel

import "testing"

// TestHeights: tiles cover all rows, are as few as possible, differ by one row at most, and a block is no larger than
// what is packed.
func TestHeights(t *testing.T) {
	defer func(was bool) { wide = was }(wide)
	for _, wide = range []bool{false, true} {
		mr, _ := tileSize()
		for m := 1; m <= 4*mc+1; m++ {
			for i, rows := 0, 0; i < m; i += rows {
				rows = blockRows(m, i)
				if rows < 1 || rows > mc || rows > m-i {
					t.Fatalf("%d rows: a block of %d at row %d", m, rows, i)
				}
				h := evenly(rows)
				if h.height > mr || h.tall < 1 || h.low < 0 || h.low > 0 && h.height < 2 ||
					h.tall*h.height+h.low*(h.height-1) != rows || h.tall+h.low != (rows+mr-1)/mr {
					t.Fatalf("%d rows: %+v", rows, h)
				}
			}
		}
	}
}

// TestTilesAgree: the tile of AVX-512 and that of AVX2 give the same bits.
func TestTilesAgree(t *testing.T) {
	if !Supported512 {
		t.Skip("this processor or build has no AVX-512")
	}
	defer func(was bool) { wide = was }(wide)
	for _, d := range [][3]int{{1, 1, 1}, {8, 32, 4}, {9, 33, 5}, {7, 31, 3}, {13, 50, 9}, {28, 32, 288}, {48, 96, 257}, {25, 44, 20}, {103, 530, 300}, {20, 1030, 1100}} {
		m, n, k := d[0], d[1], d[2]
		for mode := range 4 {
			a, b := random(m*k), random(k*n)
			aRow, aCol, bRow, bCol := k, 1, n, 1
			if mode&1 != 0 {
				aRow, aCol = 1, m
			}
			if mode&2 != 0 {
				bRow, bCol = 1, k
			}
			var results [2][]float32
			for i := range results {
				wide = i == 1
				results[i] = random(m * n)
				Gemm(Float32s, m, n, k, a, aRow, aCol, b, bRow, bCol, results[i], n, results[i], n)
				if cols := n &^ 7; bCol == 1 && cols > 0 {
					extent := func(int, int) (_, from, to int) { return cols, k / 3, k }
					Direct(m, extent, a, aRow, aCol, b, bRow, results[i], n, results[i], n)
				}
			}
			for i, v := range results[0] {
				if results[1][i] != v {
					t.Fatalf("%v, transpositions %d: element %d is %v and %v", d, mode, i, v, results[1][i])
				}
			}
		}
	}
}

// TestCeiling: in every lane all multiply-adds are done, and as many as Ceiling says.
func TestCeiling(t *testing.T) {
	if !Supported {
		t.Skip("this processor has no kernels")
	}
	defer func(was bool) { wide = was }(wide)
	const n = 1000
	check := func(name string, sums []float32) {
		flops := 0.0
		for _, s := range sums {
			flops += 2 * float64(s)
		}
		if got := Ceiling(n); got != flops || sums[0] != 12*n {
			t.Errorf("%s: %v operations, counted as %v; in the lanes %v", name, flops, got, sums)
		}
	}
	var half [8]float32
	wide = false
	fmaLoop8(n, &half)
	check("avx2", half[:])
	if Supported512 {
		var whole [16]float32
		wide = true
		fmaLoop16(n, &whole)
		check("avx512", whole[:])
	}
}

// TestDenormals: products take denormals as zero and return none, in all tiles, and code after them has denormals again.
func TestDenormals(t *testing.T) {
	if !Supported {
		t.Skip("this processor or build has no kernels")
	}
	defer func(was bool) { wide = was }(wide)
	const denormal, k = 1e-40, 20
	for _, wide = range []bool{false, Supported512} {
		for _, d := range [][2]int{{1, 1}, {2, 9}, {3, 16}, {4, 17}, {5, 32}, {6, 33}, {7, 31}, {8, 64}, {13, 50}} {
			m, n := d[0], d[1]
			for name, factors := range map[string][2]float32{"a denormal": {denormal, 1e20}, "a denormal on the right": {1e20, denormal}, "a small product": {1e-25, 1e-15}} {
				a, b, onto, c := make([]float32, m*k), make([]float32, k*n), make([]float32, n), make([]float32, m*n)
				for i := range a {
					a[i] = factors[0]
				}
				for i := range b {
					b[i] = factors[1]
				}
				for i := range onto {
					onto[i] = 3
				}
				for _, onto := range [][]float32{nil, onto} {
					Gemm(Float32s, m, n, k, a, k, 1, b, n, 1, onto, 0, c, n)
					want := float32(0)
					if onto != nil {
						want = 3
					}
					for i, v := range c {
						if v != want {
							t.Fatalf("wide %v, %v: with %s element %d is %v, want %v", wide, d, name, i, v, want)
						}
					}
				}
				if half := factors[0] / 2; name == "a denormal" && half == 0 {
					t.Fatalf("wide %v, %v: half of a denormal is zero afterwards", wide, d)
				}
			}
		}
	}
}

// TestMeansDenormals: running means that have faded end as zero.
func TestMeansDenormals(t *testing.T) {
	if !Supported {
		t.Skip("this processor or build has no kernels")
	}
	w, grad, m, v := make([]float32, 21), make([]float32, 21), make([]float32, 21), make([]float32, 21)
	for i := range m {
		w[i], m[i], v[i] = 5, 1e-40, 1e-45
	}
	Adam(w, grad, m, v, 0.9, 0.1, 0.999, 0.001, 0.01, 1, 1e-8)
	for i := range m {
		if m[i] != 0 || v[i] != 0 || w[i] != 5 {
			t.Fatalf("element %d: m %v, v %v, w %v; want 0, 0, 5", i, m[i], v[i], w[i])
		}
	}
	momentum := []float32{1e-45, 1, 1e-40}
	if Scale(0.5, momentum); momentum[0] != 0 || momentum[1] != 0.5 || momentum[2] != 0 {
		t.Errorf("half of a denormal, one and a denormal: %v", momentum)
	}
}
