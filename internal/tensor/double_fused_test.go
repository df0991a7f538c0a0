//go:build !amd64.v3

package tensor

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/tensor/kernel"
)

// With GOAMD64=v3 the compiler fuses the multiply-adds of math.Tanh and of plainDoubleCell, so their bits are others.

// edges are numbers of either sign around every limit that Exp and Tanh have, and random ones of many sizes.
func edges(n int) []float64 {
	rng := rand.New(rand.NewPCG(3, 4))
	x := []float64{0}
	for _, v := range []float64{5e-324, 1e-310, 1e-20, 0.3125, 0.625, 1, 19, 22, 44.0148, 50, 88.0297, 100, 233, 234, 300, 354, 700, 708, 709.4, 709.8, 745, 746, 1e4, 1e300, math.Inf(1), math.Ln2 / 2} {
		x = append(x, v, math.Nextafter(v, 0), math.Nextafter(v, 1e308))
	}
	for len(x) < n {
		x = append(x, rng.NormFloat64()*math.Exp(4*rng.NormFloat64()))
	}
	x = append(x, math.NaN())
	for _, v := range x {
		x = append(x, -v)
	}
	return x
}

// TestDoubleTanhs: the bits of math.Tanh for all lengths.
func TestDoubleTanhs(t *testing.T) {
	if !kernel.Available {
		t.Skip("this processor or build has no kernels")
	}
	all := edges(200_000)
	for _, x := range [][]float64{all, all[:1], all[:7], all[:44]} {
		got, want := append([]float64(nil), x...), append([]float64(nil), x...)
		DoubleTanhs(got)
		plainDoubleTanhs(want)
		for i := range got {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
				t.Fatalf("tanh %v = %v, math.Tanh says %v", x[i], got[i], want[i])
			}
		}
	}
}

// TestDoubleCell: the bits of the plain cell for all numbers of units and gates of any size.
func TestDoubleCell(t *testing.T) {
	if !kernel.Available {
		t.Skip("this processor or build has no kernels")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	all := edges(1000)
	draw := func(n int, wild float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			if x[i] = 5 * rng.NormFloat64(); rng.Float64() < wild {
				x[i] = all[rng.IntN(len(all))]
			}
		}
		return x
	}
	for round := range 20_000 {
		H := 1 + rng.IntN(40)
		wild := []float64{0, 0.01, 0.5}[round%3]
		gates, x, c := draw(4*H, wild), draw(4*H, 0), draw(H, wild)
		if round%2 == 0 { // sums that are the wild numbers themselves
			clear(x)
		}
		cell, h, h2 := append([]float64(nil), c...), make([]float64, H), make([]float64, H)
		plainDoubleCell(gates, x, cell, h2)
		DoubleCell(gates, x, c, h)
		for j := range h {
			if math.IsNaN(c[j]) && math.IsNaN(cell[j]) {
				continue
			}
			if math.Float64bits(c[j]) != math.Float64bits(cell[j]) || math.Float64bits(h[j]) != math.Float64bits(h2[j]) {
				t.Fatalf("unit %d of %d: c %v, h %v; plain %v, %v", j, H, c[j], h[j], cell[j], h2[j])
			}
		}
	}
}
