package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/tensor/kernel"
)

// sameBits reports whether two slices have the same bits.
func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// TestDoubleTimes: the products have gonum's bits, in every size of a tile, with zeros of both signs on the left, and with
// products below the range of normal numbers.
func TestDoubleTimes(t *testing.T) {
	if !kernel.Available {
		t.Skip("this processor or build has no kernels")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range [][3]int{{1, 1, 1}, {2, 3, 8}, {3, 100, 7}, {5, 2, 9}, {6, 64, 16}, {13, 65, 400}, {29, 129, 31}, {500, 100, 300}} {
		m, k, n := d[0], d[1], d[2]
		a, b := make([]float64, m*k), make([]float64, k*n)
		for i := range a {
			switch a[i] = rng.NormFloat64(); rng.IntN(8) {
			case 0:
				a[i] = 0
			case 1:
				a[i] = math.Copysign(0, -1)
			case 2:
				a[i] *= 1e-300
			}
		}
		for i := range b {
			switch b[i] = 2*rng.Float64() - 1; rng.IntN(8) {
			case 0:
				b[i] = math.Copysign(0, b[i])
			case 1:
				b[i] *= 1e-20
			}
		}
		for i := range n { // a sum of negative zeros only
			b[i] = -1
			if m > 1 {
				clear(a[k : 2*k])
				b[i] = math.Copysign(0, -1)
			}
		}
		p := PrepareDouble(k, n, b)
		for _, onto := range [][]float64{nil, make([]float64, m*n)} {
			for i := range onto {
				onto[i] = rng.NormFloat64()
			}
			got, want := make([]float64, m*n), make([]float64, m*n)
			for i := range got {
				got[i], want[i] = math.NaN(), math.NaN()
			}
			p.Times(a, onto, got)
			p.plainTimes(m, a, onto, want)
			if !sameBits(got, want) {
				t.Errorf("(%d, %d) times (%d, %d) plus %d: not the bits of gonum", m, k, k, n, len(onto))
			}
		}
	}
}

// TestFromDoubles: every number is rounded as Go rounds it, and no other is written.
func TestFromDoubles(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 40 {
		x, y := make([]float64, n), make([]Float, n+1)
		for i := range x {
			x[i] = rng.NormFloat64() * math.Exp(40*rng.NormFloat64())
		}
		y[n] = 7
		FromDoubles(x, y)
		for i, v := range x {
			if y[i] != Float(v) {
				t.Errorf("number %d of %d: %v becomes %v", i, n, v, y[i])
			}
		}
		if y[n] != 7 {
			t.Errorf("%d numbers: the next one is written", n)
		}
	}
}
