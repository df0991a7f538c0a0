//go:build !f64

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// passes are the elementwise kernels and those that sum. Each is run on n numbers and returns all slices that it was
// given and the sums.
var passes = map[string]func(n int, random func(n int) []float32) [][]float32{
	"ExpSum": func(n int, random func(n int) []float32) [][]float32 {
		x := random(n)
		return [][]float32{{ExpSum(x, 0.5)}, x}
	},
	"Weights": func(n int, random func(n int) []float32) [][]float32 {
		x, sums := random(n), make([]float32, (n+WeightsChunk-1)/WeightsChunk)
		Weights(x, sums)
		return [][]float32{x, sums}
	},
	"Sigmoid": func(n int, random func(n int) []float32) [][]float32 {
		x := random(n)
		Sigmoid(x)
		return [][]float32{x}
	},
	"Tanh": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		Tanh(x, y)
		return [][]float32{x, y}
	},
	"GELU": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		GELU(x, y)
		return [][]float32{x, y}
	},
	"BackGELU": func(n int, random func(n int) []float32) [][]float32 {
		x, dy, dx := random(n), random(n), random(n)
		BackGELU(x, dy, dx)
		return [][]float32{x, dy, dx}
	},
	"ELU": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		ELU(x, y)
		return [][]float32{x, y}
	},
	"BackELU": func(n int, random func(n int) []float32) [][]float32 {
		y, dy, dx := random(n), random(n), random(n)
		BackELU(y, dy, dx)
		return [][]float32{y, dy, dx}
	},
	"PairRows": func(n int, random func(n int) []float32) [][]float32 {
		dst, x, y := random(n), random(n), random(n)
		PairRows(dst, x, y)
		return [][]float32{dst}
	},
	"PairAlong": func(n int, random func(n int) []float32) [][]float32 {
		dst, x := random((n+1)/2), random(n)
		PairAlong(dst, x)
		return [][]float32{dst}
	},
	"Dot": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		return [][]float32{{Dot(x, y)}, x, y}
	},
	"Sum": func(n int, random func(n int) []float32) [][]float32 {
		x := random(n)
		return [][]float32{{Sum(x), float32(SumSquares(x))}, x}
	},
	"SumRows": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(5*n), random(n)
		SumRows(x, 5, n, y)
		return [][]float32{x, y}
	},
	"SumProducts": func(n int, random func(n int) []float32) [][]float32 {
		a, b, y := random(5*n), random(5*n), random(n)
		SumProducts(a, b, 5, n, y)
		return [][]float32{a, b, y}
	},
	"Scale": func(n int, random func(n int) []float32) [][]float32 {
		x := random(n)
		Scale(0.7, x)
		return [][]float32{x}
	},
	"Axpy": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		Axpy(0.7, x, y)
		return [][]float32{x, y}
	},
	"Mul": func(n int, random func(n int) []float32) [][]float32 {
		x, y := random(n), random(n)
		Mul(x, y)
		return [][]float32{x, y}
	},
	"MulAdd": func(n int, random func(n int) []float32) [][]float32 {
		x, a, b, y := random(n), random(n), random(n), random(n)
		MulAdd(x, a, b, y)
		return [][]float32{x, a, b, y}
	},
	"BackStandardise": func(n int, random func(n int) []float32) [][]float32 {
		dy, y, dx := random(n), random(n), random(n)
		BackStandardise(dy, y, dx, 0.7, 0.1, 0.3)
		return [][]float32{dy, y, dx}
	},
	"Softmax": func(n int, random func(n int) []float32) [][]float32 {
		if n == 0 {
			return nil
		}
		width := (n + 9) / 8 * 8 // of three rows, each of which has one number more
		p, d := random(3*width), random(3*width)
		Softmax(p, 3, width, width, n, 1, 0.5)
		BackSoftmax(p, width, d, width, 3, width, n, 1, 0.5)
		return [][]float32{p, d}
	},
	"Adam": func(n int, random func(n int) []float32) [][]float32 {
		w, g, m, v := random(n), random(n), random(n), random(n)
		for i, x := range v {
			v[i] = x * x
		}
		Adam(w, g, m, v, 0.9, 0.1, 0.999, 0.001, 0.01, 2, 1e-8)
		return [][]float32{w, g, m, v}
	},
	"Cell": func(n int, random func(n int) []float32) [][]float32 {
		gates, fixed, cPrev, c, h := random(4*n), random(4*n), random(n), random(n), random(n)
		Cell(gates, fixed, cPrev, c, h)
		return [][]float32{gates, fixed, cPrev, c, h}
	},
	"BackCell": func(n int, random func(n int) []float32) [][]float32 {
		dOut, dh, dc, gates, cPrev, c, dPre := random(n), random(n), random(n), random(4*n), random(n), random(n), random(4*n)
		BackCell(dOut, dh, dc, gates, cPrev, c, dPre)
		return [][]float32{dOut, dh, dc, gates, cPrev, c, dPre}
	},
}

// draws returns a function that draws slices of random numbers, among them zeros, infinities, NaNs, and those at the
// limits of the exponential. It draws the same for the same seed.
func draws(seed uint64) func(n int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 2))
	inf := float32(math.Inf(1))
	special := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, inf - inf, 88.7, 88.8, -87.3, -87.4, 0.625, -0.62, 1e-40, 3e38}
	return func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			if x[i] = float32(3 * rng.NormFloat64()); seed%2 == 1 && rng.IntN(9) == 0 {
				x[i] = special[rng.IntN(len(special))]
			}
		}
		return x
	}
}

// agree compares slices bit by bit. All NaNs are one.
func agree(t *testing.T, what string, got, want [][]float32) {
	t.Helper()
	for s, x := range want {
		for i, v := range x {
			if g := got[s][i]; math.Float32bits(g) != math.Float32bits(v) && (g == g || v == v) {
				t.Fatalf("%s: number %d of slice %d is %v (%#x), want %v (%#x)", what, i, s, g, math.Float32bits(g), v, math.Float32bits(v))
			}
		}
	}
}

// TestWidthsAgree: sixteen numbers at a time give the bits of eight.
func TestWidthsAgree(t *testing.T) {
	if !Supported512 {
		t.Skip("this processor or build has no AVX-512")
	}
	defer func(was bool) { wide = was }(wide)
	for name, pass := range passes {
		for n := range 71 {
			for seed := range uint64(4) {
				wide = false
				want := pass(n, draws(seed))
				wide = true
				agree(t, fmt.Sprintf("%s of %d numbers", name, n), pass(n, draws(seed)), want)
			}
		}
	}
}

// TestCell: the cell in one pass gives the bits of its functions one after the other.
func TestCell(t *testing.T) {
	if !Available {
		t.Skip("this processor has no kernels")
	}
	for n := range 70 {
		for seed := range uint64(4) {
			draw := draws(seed)
			gates, fixed, cPrev := draw(4*n), draw(4*n), draw(n)
			c, h := make([]float32, n), make([]float32, n)
			all := append([]float32(nil), gates...)
			Axpy(1, fixed, all)
			i, f, g, o := all[:n], all[n:2*n], all[2*n:3*n], all[3*n:]
			Sigmoid(i)
			Sigmoid(f)
			Tanh(g, g)
			Sigmoid(o)
			for j := range c {
				c[j] = float32(f[j]*cPrev[j]) + float32(i[j]*g[j])
			}
			Tanh(c, h)
			for j := range h {
				h[j] *= o[j]
			}
			inPlace := append([]float32(nil), cPrev...)
			got := [][]float32{append([]float32(nil), gates...), inPlace, make([]float32, n)}
			Cell(got[0], fixed, inPlace, inPlace, got[2])
			agree(t, fmt.Sprintf("%d units", n), got, [][]float32{all, c, h})
		}
	}
}

// TestBackCell: the gradients of a unit do not depend on how many units there are, and the tanh in it has the bits of Tanh.
func TestBackCell(t *testing.T) {
	if !Available {
		t.Skip("this processor has no kernels")
	}
	const h = 48
	draw := draws(1)
	dOut, dh, dc, gates, cPrev, c, dPre := draw(h), draw(h), draw(h), draw(4*h), draw(h), draw(h), make([]float32, 4*h)
	whole := append([]float32(nil), dc...)
	BackCell(dOut, dh, whole, gates, cPrev, c, dPre)
	for n := range h {
		// rows are the first n numbers of each of the four rows.
		rows := func(x []float32) (first []float32) {
			for i := range 4 {
				first = append(first, x[i*h:][:n]...)
			}
			return first
		}
		got := [][]float32{append([]float32(nil), dc[:n]...), make([]float32, 4*n)}
		BackCell(dOut[:n], dh[:n], got[0], rows(gates), cPrev[:n], c[:n], got[1])
		agree(t, fmt.Sprintf("BackCell of %d units", n), got, [][]float32{whole[:n], rows(dPre)})
	}
	want := make([]float32, h)
	Tanh(c, want)
	for j := range h { // do = dh tanh c o (1-o), exact under these
		dOut[j], dh[j], gates[3*h+j] = 4, 0, 0.5
	}
	BackCell(dOut, dh, dc, gates, cPrev, c, dPre)
	agree(t, "tanh of BackCell", [][]float32{dPre[3*h:]}, [][]float32{want})
}
