package kernel

import (
	"math"
	"testing"
)

// TestVectors compares every loop with its plain twin on all lengths up to 40.
func TestVectors(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	near := func(what string, n int, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-5*(1+math.Abs(want))) {
			t.Fatalf("%s of %d numbers: got %v, want %v", what, n, got, want)
		}
	}
	for n := 1; n <= 40; n++ {
		x := random(n)
		top, squares, sum := math.Inf(-1), 0.0, 0.0
		for _, v := range x {
			top = max(top, float64(v))
			squares += float64(v) * float64(v)
			sum += math.Exp(float64(v) - 0.5)
		}
		near("Max", n, float64(Max(x)), top)
		near("SumSquares", n, SumSquares(x), squares)
		y := append([]float32(nil), x...)
		near("ExpSum", n, float64(ExpSum(y, 0.5)), sum)
		y = append([]float32(nil), x...)
		Axpy(2, x, y)
		Scale(0.5, y)
		for i := range y {
			near("Axpy and Scale", n, float64(y[i]), 1.5*float64(x[i]))
		}

		dot, total := 0.0, 0.0
		for i, v := range x {
			dot += float64(v) * float64(y[i])
			total += float64(v)
		}
		near("Dot", n, float64(Dot(x, y)), dot)
		near("Sum", n, float64(Sum(x)), total)

		rows := []float64{}
		for j := range n + 30 { // up to two blocks of 32 and what is left
			rows = append(rows, float64(j))
		}
		sums, wide := make([]float32, len(rows)), random(5*(len(rows)+3))
		for j := range sums {
			sums[j] = float32(j)
			for i := range 5 {
				rows[j] += float64(wide[i*(len(rows)+3)+j])
			}
		}
		SumRows(wide, 5, len(rows)+3, sums)
		for j, v := range rows {
			near("SumRows", n, float64(sums[j]), v)
		}

		for j := range sums {
			sums[j], rows[j] = float32(j), float64(j)
			for i := range 5 {
				rows[j] += float64(wide[i*(len(rows)+3)+j]) * float64(wide[i*(len(rows)+3)+j+1])
			}
		}
		SumProducts(wide, wide[1:], 5, len(rows)+3, sums)
		for j, v := range rows {
			near("SumProducts", n, float64(sums[j]), v)
		}

		z, back := append([]float32(nil), y...), append([]float32(nil), y...)
		Mul(x, z)
		MulAdd(x, y, z, z)
		BackStandardise(x, z, back, 2, 0.5, 3)
		for i, v := range x {
			near("Mul and MulAdd", n, float64(z[i]), 2*float64(v)*float64(y[i]))
			near("BackStandardise", n, float64(back[i]), float64(y[i])+2*(float64(v)-0.5-3*float64(z[i])))
		}

		gelu := func(x float64) float64 {
			return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}
		out, dx := make([]float32, n), append([]float32(nil), x...)
		GELU(x, out)
		BackGELU(x, y, dx)
		for i, v := range x {
			const h = 1e-5
			slope := (gelu(float64(v)+h) - gelu(float64(v)-h)) / (2 * h)
			near("GELU", n, float64(out[i]), gelu(float64(v)))
			near("BackGELU", n, float64(dx[i]), float64(v)+float64(y[i])*slope)
		}

		ELU(x, out)
		copy(dx, x)
		BackELU(out, y, dx)
		for i, v := range x {
			want, slope := float64(v), 1.0
			if v < 0 {
				want, slope = math.Expm1(float64(v)), math.Exp(float64(v))
			}
			near("ELU", n, float64(out[i]), want)
			near("BackELU", n, float64(dx[i]), float64(v)+float64(y[i])*slope)
		}

		w, g, m, v := random(n), random(n), random(n), make([]float32, n)
		for i := range v {
			v[i] = float32(i) / 10
		}
		w0, m0, v0 := append([]float32(nil), w...), append([]float32(nil), m...), append([]float32(nil), v...)
		Adam(w, g, m, v, 0.9, 0.1, 0.999, 0.001, 0.01, 2, 1e-8)
		for i := range w {
			gi := float64(g[i])
			wantM, wantV := 0.9*float64(m0[i])+0.1*gi, 0.999*float64(v0[i])+0.001*gi*gi
			near("Adam's m", n, float64(m[i]), wantM)
			near("Adam's v", n, float64(v[i]), wantV)
			near("Adam's w", n, float64(w[i]), float64(w0[i])-0.01*wantM/(2*math.Sqrt(wantV)+1e-8))
		}
	}
	nan := float32(math.NaN())
	if s := ExpSum([]float32{1, nan, 2}, 2); s == s {
		t.Errorf("the sum with a NaN is %v", s)
	}
	for name, f := range map[string]func(x, y []float32){"GELU": GELU, "ELU": ELU} {
		y := make([]float32, 1)
		if f([]float32{nan}, y); y[0] == y[0] {
			t.Errorf("%s of a NaN is %v", name, y[0])
		}
	}
	if s := SumSquares([]float32{1, nan}); s == s {
		t.Errorf("the squares with a NaN are %v", s)
	}
	if m := Max([]float32{1, nan, 2, 3, 4, 5, 6, 7, 9, nan}); m != 9 {
		t.Errorf("Max passing over NaN: %v", m)
	}
}

// TestSoftmax compares the softmax of rows, and the way back, with sums in float64: all lengths up to 40, of which
// all or one more in each row counts.
func TestSoftmax(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	const rows, scale = 5, 0.5
	for count := 1; count <= 40; count++ {
		for grow := range 2 {
			width := (count + rows + 7) / 8 * 8
			ldx, ldd := width+8, width+3
			x, d := random(rows*ldx), random(rows*ldd)
			p, back := append([]float32(nil), x...), append([]float32(nil), d...)
			Softmax(p, rows, ldx, width, count, grow, scale)
			BackSoftmax(p, ldx, back, ldd, rows, width, count, grow, scale)
			for i := range rows {
				n, sum, dot := count+i*grow, 0.0, 0.0
				for _, v := range x[i*ldx:][:n] {
					sum += math.Exp(scale * float64(v))
				}
				for j, v := range x[i*ldx:][:n] {
					dot += math.Exp(scale*float64(v)) / sum * float64(d[i*ldd+j])
				}
				for j := range ldx {
					want, got := float64(x[i*ldx+j]), float64(p[i*ldx+j])
					switch {
					case j < n:
						want = math.Exp(scale*want) / sum
					case j < width:
						want = 0
					}
					if math.Abs(got-want) > 1e-6 {
						t.Fatalf("%d numbers, growing by %d, row %d: weight %d is %v, want %v", count, grow, i, j, got, want)
					}
					if j >= ldd {
						continue
					}
					got = float64(back[i*ldd+j])
					if want *= scale * (float64(d[i*ldd+j]) - dot); j >= width {
						want = float64(d[i*ldd+j])
					}
					if math.Abs(got-want) > 1e-6 {
						t.Fatalf("%d numbers, growing by %d, row %d: gradient %d is %v, want %v", count, grow, i, j, got, want)
					}
				}
			}
		}
	}
	nan := float32(math.NaN())
	x := []float32{1, nan, 3, 0, 0, 0, 0, 0, 1, 2, nan, 0, 0, 0, 0, 0}
	Softmax(x, 2, 8, 8, 2, 0, 1)
	if x[0] == x[0] || x[1] == x[1] || x[2] != 0 || x[8]+x[9] != 1 {
		t.Errorf("a NaN that counts, or one that does not, is not as it should be: %v", x)
	}
	for n := range 100 { // scores as large as those of a run that diverges are no NaN yet
		x := random(24 + n)[n:]
		for i := range x {
			x[i] *= 1e12
		}
		Softmax(x, 1, 24, 24, 20, 0, 0.35355338)
		sum := float32(0)
		for _, v := range x {
			sum += v
		}
		if !(math.Abs(float64(sum)-1) < 1e-6) {
			t.Fatalf("the weights of large scores have the sum %v", sum)
		}
	}
}

// TestTranspose writes every number where it belongs, and nothing else.
func TestTranspose(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	for rows := range 20 {
		for cols := range 20 {
			ldx, ldy := cols+2, rows+3
			x, y := random(rows*ldx), make([]float32, (cols+1)*ldy)
			Transpose(x, rows, cols, ldx, y, ldy)
			for i := range y {
				want := float32(0)
				if j, r := i/ldy, i%ldy; j < cols && r < rows {
					want = x[r*ldx+j]
				}
				if y[i] != want {
					t.Fatalf("%d rows of %d: number %d is %v, want %v", rows, cols, i, y[i], want)
				}
			}
		}
	}
}
