//go:build !f64

package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/tensor/kernel"
)

// odd draws a number of a distribution that has what is rare: numbers near the ends of float32's range, halfway between
// two bfloat16, denormals, zeros; infinities and NaNs if wild.
func odd(rng *rand.Rand, wild bool) float32 {
	switch n := rng.IntN(40); {
	case n == 0:
		return 0
	case n == 1:
		return math.Float32frombits(rng.Uint32()&0x807fffff | 1) // denormal
	case n == 2:
		return math.Float32frombits(rng.Uint32()&0xffff0000&^0x40000000 | 0x8000) // halfway, or a NaN
	case n < 6: // its products are near the least of float32
		return float32(math.Ldexp(rng.NormFloat64(), -63-rng.IntN(3)))
	case n == 6 && wild:
		return float32(math.Inf(1 - 2*rng.IntN(2)))
	case n == 7 && wild:
		return math.Float32frombits([]uint32{0x7f800001, 0xffffffff, 0x7fc00000, 0xff808000}[rng.IntN(4)])
	case n == 8 && wild:
		return math.Float32frombits(0x7f7fffff)
	}
	return float32(rng.NormFloat64())
}

func oddMatrix(rng *rand.Rand, rows, cols int, wild bool) Matrix {
	m := New(rows, cols)
	for i := range m.Data {
		m.Data[i] = odd(rng, wild)
	}
	return m
}

// same compares bits, but takes any two NaNs for equal, whose digits depend on the order of operands.
func same(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }

// TestBF16: the kernels give the bits of the oracle, for ragged shapes, all transpositions, columns of a wider matrix,
// rows that overlap, and numbers of all kinds; on one processor and on several; packed before, and with a bias.
func TestBF16(t *testing.T) {
	defer SetProcs(1)
	t.Log(KernelBF16())
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range [][3]int{{1, 1, 1}, {1, 8, 2}, {3, 5, 3}, {6, 16, 4}, {7, 17, 5}, {8, 32, 16}, {9, 33, 31}, {28, 64, 514}, {13, 33, 511}, {97, 40, 300}, {12, 530, 9}, {5, 40, 2100}, {150, 72, 96}, {64, 2, 0}} {
		m, n, k := d[0], d[1], d[2]
		if testing.Short() && m*n*k > 100_000 { // for an emulator
			continue
		}
		for mode := range 16 {
			tA, tB, procs, wild := Trans(mode&1 != 0), Trans(mode&2 != 0), 1+mode&4/2, mode&8 != 0
			SetProcs(procs)
			a, b := oddMatrix(rng, m, k+3, wild).ColRange(1, 1+k), oddMatrix(rng, k, n, wild)
			if tA {
				a = oddMatrix(rng, k, m, wild)
			}
			if tB {
				b = oddMatrix(rng, n, k, wild)
			}
			if rows, cols := tA.dims(Matrix{Rows: m, Cols: k}); mode&12 == 0 && cols > 4 { // rows that overlap
				stride := 4 - mode&2/2
				a = Matrix{Rows: rows, Cols: cols, Stride: stride, Data: oddMatrix(rng, 1, stride*rows+cols, false).Data}
			}
			if mode%3 == 1 { // products are near the least of float32
				for _, x := range []Matrix{a, b} {
					Scale(0x1p-63, x.Data)
				}
			}
			start := oddMatrix(rng, m, n, wild)
			for _, beta := range []Float{0, 1, 0.5} {
				want := Matrix{Rows: m, Cols: n, Data: append([]Float(nil), start.Data...)}
				plainBF16(tA, a, tB, b, beta, want)
				check := func(name string, compute func(c Matrix)) {
					t.Helper()
					got := Matrix{Rows: m, Cols: n, Data: append([]Float(nil), start.Data...)}
					compute(got)
					for i, v := range want.Data {
						if !same(got.Data[i], v) {
							t.Fatalf("%s, %v, mode %d, beta %v: element (%d, %d) is %v (%#x), and %v (%#x) in plain Go", name, d, mode, beta,
								i/n, i%n, got.Data[i], math.Float32bits(got.Data[i]), v, math.Float32bits(v))
						}
					}
				}
				check("Gemm", func(c Matrix) { BF16.Gemm(tA, a, tB, b, beta, c) })
				check("GemmAlone", func(c Matrix) { BF16.GemmAlone(tA, a, tB, b, beta, c) })
				if !tA && k > 0 {
					panel := BF16.Prepare(func(n int) []Float { return make([]Float, n) }, tB, b)
					check("Panel.Gemm", func(c Matrix) { panel.Gemm(a, beta, c) })
					check("Panel.GemmAlone", func(c Matrix) { panel.GemmAlone(a, beta, c) })
				}
				if !tA && beta == 1 {
					bias := start.Row(0)
					for i := range m {
						copy(start.Row(i), bias)
						copy(want.Row(i), bias)
					}
					plainBF16(tA, a, tB, b, beta, want)
					check("Affine", func(c Matrix) { BF16.Affine(a, tB, b, bias, c) })
				}
			}
		}
	}
}

// TestBF16Sums: the oracle is a sum of products of rounded numbers, with an error that sums in float32 have.
func TestBF16Sums(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const m, n, k = 7, 9, 1301
	a, b, c := New(m, k), New(k, n), New(m, n)
	for _, x := range []Matrix{a, b} {
		for i := range x.Data {
			x.Data[i] = float32(rng.NormFloat64())
		}
	}
	plainBF16(N, a, N, b, 0, c)
	worst := 0.0 // of the operands
	near := func(v float32) float64 {
		r := math.Float32frombits(uint32(kernel.BF16(v)) << 16)
		worst = max(worst, math.Abs(float64(r-v))/math.Abs(float64(v)))
		return float64(r)
	}
	for i := range m {
		for j := range n {
			sum, size := 0.0, 0.0
			for p := range k {
				x := near(a.Row(i)[p]) * near(b.Row(p)[j])
				sum, size = sum+x, size+math.Abs(x)
			}
			if d := math.Abs(float64(c.Row(i)[j]) - sum); d > 1e-6*size {
				t.Errorf("element (%d, %d) is off by %g of %g", i, j, d, size)
			}
		}
	}
	if worst > 1./256 || worst < 1./260 {
		t.Errorf("rounding to bfloat16 is off by up to %g", worst)
	}
}

// TestBF16Order: of a pair the second product is added first. Next to 2^30 a 1 is lost.
func TestBF16Order(t *testing.T) {
	c := New(1, 1)
	for want, x := range map[Float][]Float{1: {1, 1 << 30, 1, -1 << 30}, 0: {1 << 30, 1, -1 << 30, 1}} {
		BF16.Gemm(N, Matrix{Rows: 1, Cols: 4, Data: x}, N, Matrix{Rows: 4, Cols: 1, Data: []Float{1, 1, 1, 1}}, 0, c)
		if c.Data[0] != want {
			t.Errorf("the sum of %v is %v, want %v", x, c.Data[0], want)
		}
	}
}

// TestBF16Least: a sum becomes 0 if it is a denormal after it has been rounded to 24 digits, and not if it was one before.
func TestBF16Least(t *testing.T) {
	c := New(1, 1)
	for less, want := range map[Float]Float{0x1p-75: 0x1p-126, 0x1p-76: 0x1p-126, 0x1p-74: 0} {
		x := []Float{-less, 0x1p-63}
		BF16.Gemm(N, Matrix{Rows: 1, Cols: 2, Data: x}, N, Matrix{Rows: 2, Cols: 1, Data: []Float{0x1p-76, 0x1p-63}}, 0, c)
		if c.Data[0] != want {
			t.Errorf("2^-126 - 2^-76 %v is %v, want %v", less, c.Data[0], want)
		}
	}
}

// TestBF16Rounds compares with the digits of float64.
func TestBF16Rounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		x := odd(rng, true)
		got := float64(math.Float32frombits(uint32(kernel.BF16(x)) << 16))
		want := float64(x)
		if _, e := math.Frexp(want); x == x && !math.IsInf(want, 0) {
			unit := math.Ldexp(1, e-8)
			if want = math.RoundToEven(want/unit) * unit; e < -125 {
				want = 0
			}
			if math.Abs(want) >= 0x1p128 {
				want = math.Inf(int(want / math.Abs(want)))
			}
		}
		if got != want && (got == got || want == want) {
			t.Fatalf("%v (%#x) is rounded to %v, want %v", x, math.Float32bits(x), got, want)
		}
	}
}

// BenchmarkProducts compares the two precisions.
func BenchmarkProducts(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, n, k int
		tA, tB  Trans
	}{
		{"square-256", 256, 256, 256, N, N},
		{"affine-640", 640, 256, 256, N, T},
		{"logits-10k", 704, 10000, 256, N, T},
		{"dW-10k", 10000, 256, 704, T, N},
		{"snli-logits", 384, 9990, 512, N, T}, // the output layer of bench/peer's snli
		{"snli-dW", 9990, 512, 384, T, N},
		{"snli-dH", 384, 512, 9990, N, N},
	} {
		for name, p := range map[string]Precision{"float32": Full, "bf16": BF16} {
			b.Run(fmt.Sprintf("%s/%s", s.name, name), func(b *testing.B) {
				x, y, c := New(s.m, s.k), New(s.k, s.n), New(s.m, s.n)
				if s.tA {
					x = New(s.k, s.m)
				}
				if s.tB {
					y = New(s.n, s.k)
				}
				for b.Loop() {
					p.Gemm(s.tA, x, s.tB, y, 0, c)
				}
				b.ReportMetric(2*float64(s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
