package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestGemm compares with float64 sums on sizes around every block's edge, all four
// transpositions, stored, added, and added to a row or another matrix.
func TestGemm(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	for _, d := range [][3]int{{1, 1, 1}, {5, 15, 3}, {6, 16, 4}, {7, 17, 5}, {4, 32, 9}, {28, 64, 257}, {10, 32, 3}, {13, 33, 257}, {97, 40, 300}, {20, 1030, 9}, {40, 70, 1100}, {25, 24, 64}, {3, 56, 300}, {11, 31, 20}, {100, 9, 70}, {3, 2, 0}} {
		m, n, k := d[0], d[1], d[2]
		for mode := range 16 {
			tA, tB, to := mode&1 != 0, mode&2 != 0, mode/4
			a, b, ldc := random(max(1, m*k)), random(max(1, k*n)), n+3
			aRow, aCol, bRow, bCol := k, 1, n, 1
			if tA {
				aRow, aCol = 1, m
			}
			if tB {
				bRow, bCol = 1, k
			}
			c := random(m * ldc)
			old := append([]float32(nil), c...)
			onto := func(c []float32) ([]float32, int) {
				switch to {
				case 0:
					return nil, 0
				case 1:
					return c, ldc
				case 2:
					return random(n), 0
				}
				return random(m * (n + 1)), n + 1
			}
			start, ldo := onto(old)
			from, ld := onto(c)
			Gemm(Float32s, m, n, k, a, aRow, aCol, b, bRow, bCol, from, ld, c, ldc)
			if k > 0 {
				panel, again := make([]float32, PanelSize(k, n)), append([]float32(nil), old...)
				half := n / 2 / 32 * 32 // in two parts
				Pack(panel, b, half, n, k, n, bRow, bCol)
				Pack(panel, b, 0, half, k, n, bRow, bCol)
				from, ld = onto(again)
				GemmPanel(Float32s, m, 0, half, n, k, a, aRow, aCol, panel, from, ld, again, ldc)
				if from != nil {
					from = from[half:]
				}
				GemmPanel(Float32s, m, half, n, n, k, a, aRow, aCol, panel, from, ld, again[half:], ldc)
				for i := range c {
					if c[i] != again[i] {
						t.Fatalf("%v: the packed product differs", d)
					}
				}
			}
			if !tB && n%8 == 0 && k > 0 {
				again := append([]float32(nil), old...)
				from, ld := onto(again)
				all := func(int, int) (cols, from, to int) { return n, 0, k }
				Direct(m, all, a, aRow, aCol, b, bRow, from, ld, again, ldc)
				for i := range c {
					if c[i] != again[i] {
						t.Fatalf("%v: the product with b as it lies differs", d)
					}
				}
			}
			for i := range m {
				for j := range ldc {
					want := float64(old[i*ldc+j])
					if j < n {
						want = 0
						if start != nil {
							want = float64(start[i*ldo+j])
						}
						for p := range k {
							want += float64(a[i*aRow+p*aCol]) * float64(b[p*bRow+j*bCol])
						}
					}
					if got := float64(c[i*ldc+j]); math.Abs(got-want) > 1e-4 {
						t.Fatalf("%v tA %t tB %t onto %d: element (%d, %d) is %v, want %v", d, tA, tB, to, i, j, got, want)
					}
				}
			}
		}
	}
}

// TestEveryShapeAddsInOrder: an element of a product has the same bits whatever tile computes it. So the first rows and
// columns of operands have the product that is the first part of the whole one, for all heights and widths of tiles.
func TestEveryShapeAddsInOrder(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	const rows, columns, depth = 19, 67, 259
	const far = 100 // columns of a that lie so far apart are not read in place
	a, b, bias := random(depth*far), random(depth*columns), random(columns)
	for _, do := range []Products{Float32s, BF16Pairs} {
		if do == BF16Pairs {
			for _, x := range [][]float32{a, b} {
				for i, v := range x {
					x[i] = pair(v, v/3)
				}
			}
		}
		for _, tA := range []bool{false, true} {
			aRow, aCol := depth, 1
			if tA {
				aRow, aCol = 1, far
			}
			whole := make([]float32, rows*columns)
			Gemm(do, rows, columns, depth, a, aRow, aCol, b, columns, 1, bias, 0, whole, columns)
			for m := 1; m <= rows; m++ {
				for n := 1; n <= columns; n++ {
					c := make([]float32, rows*columns)
					Gemm(do, m, n, depth, a, aRow, aCol, b, columns, 1, bias, 0, c, columns)
					for i, v := range c {
						want := float32(0)
						if i/columns < m && i%columns < n {
							want = whole[i]
						}
						if v != want {
							t.Fatalf("%dx%d of kind %d, transposed %t: element (%d, %d) is %v, want %v", m, n, do, tA, i/columns, i%columns, v, want)
						}
					}
				}
			}
		}
	}
}

// TestDirectLeavesOut: what Direct leaves out of a sum might as well be zeros of a, to the bit, wherever a block of the
// sum begins; columns that it leaves out stay.
func TestDirectLeavesOut(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	const m, n, k, first = 13, 40, 300, 9
	a, b, want := random(m*k), random(k*n), make([]float32, m*n)
	for i := range m {
		clear(a[i*k:][:first])
		clear(a[i*k+k-first:][:first])
	}
	Gemm(Float32s, m, n, k, a, k, 1, b, n, 1, nil, 0, want, n)
	for i := range m * n {
		if i%n >= n-8 {
			want[i] = float32(i)
		}
	}
	got := make([]float32, m*n)
	for i := range got {
		got[i] = float32(i)
	}
	extent := func(int, int) (cols, from, to int) { return n - 8, first, k - first }
	Direct(m, extent, a, k, 1, b, n, nil, 0, got, n)
	for i, v := range got {
		if v != want[i] {
			t.Fatalf("element (%d, %d) is %v, want %v", i/n, i%n, v, want[i])
		}
	}
}

// TestNaNSpreads: 0·NaN is NaN, or divergence would go unseen.
func TestNaNSpreads(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	c := make([]float32, 1)
	Gemm(Float32s, 1, 1, 2, []float32{0, 1}, 2, 1, []float32{float32(math.NaN()), 1}, 1, 1, nil, 0, c, 1)
	if c[0] == c[0] {
		t.Errorf("0·NaN + 1 = %v", c[0])
	}
}

// BenchmarkGemm gives GFLOP/s and the share of what pure multiply-adds reach, on the
// shapes of the quickstart and of PTB.
func BenchmarkGemm(b *testing.B) {
	if !Available {
		b.Skip("this processor or build has no kernels")
	}
	const rounds = 20_000_000
	start := time.Now()
	flops := Ceiling(rounds)
	ceiling := flops / time.Since(start).Seconds()
	for _, s := range []struct {
		name    string
		m, n, k int
		tA, tB  bool
	}{
		{"square-256", 256, 256, 256, false, false},
		{"lstm-step-50", 32, 200, 50, false, true},
		{"lstm-step-256", 32, 1024, 256, false, true},
		{"logits-10k", 64, 10000, 256, false, true},
		{"dW-10k", 10000, 256, 704, true, false},
		{"dH-10k", 704, 256, 10000, false, false},
	} {
		b.Run(s.name, func(b *testing.B) {
			x, y, c := random(s.m*s.k), random(s.k*s.n), make([]float32, s.m*s.n)
			aRow, aCol, bRow, bCol := s.k, 1, s.n, 1
			if s.tA {
				aRow, aCol = 1, s.m
			}
			if s.tB {
				bRow, bCol = 1, s.k
			}
			for b.Loop() {
				Gemm(Float32s, s.m, s.n, s.k, x, aRow, aCol, y, bRow, bCol, nil, 0, c, s.n)
			}
			rate := 2 * float64(s.m*s.n*s.k) * float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate/1e9, "GFLOP/s")
			b.ReportMetric(100*rate/ceiling, "%ceiling")
		})
	}
}

// BenchmarkPanel multiplies 32 rows by a packed operand that is larger than the second level of cache, as the logits of
// 32 sentences are computed.
func BenchmarkPanel(b *testing.B) {
	if !Available {
		b.Skip("this processor or build has no kernels")
	}
	const rounds, m, n, k = 20_000_000, 32, 9984, 256
	start := time.Now()
	flops := Ceiling(rounds)
	ceiling := flops / time.Since(start).Seconds()
	x, y, c, panel := random(m*k), random(k*n), make([]float32, m*n), make([]float32, PanelSize(k, n))
	Pack(panel, y, 0, n, k, n, n, 1)
	for b.Loop() {
		GemmPanel(Float32s, m, 0, n, n, k, x, k, 1, panel, nil, 0, c, n)
	}
	rate := 2 * float64(m*n*k) * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate/1e9, "GFLOP/s")
	b.ReportMetric(100*rate/ceiling, "%ceiling")
}
