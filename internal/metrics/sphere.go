package metrics

import (
	"math"

	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// A ball is the aggregate posterior of N posteriors on the sphere with one law, evaluated at M rows of z, (M, D). mu_k·z_i of
// all of them is a product of two matrices, of which the law makes densities. They are without the density at mu_k, so that
// those that matter are small numbers: rounding of the product costs kappa times 1e-7 nats.
type ball struct {
	vae.Spherical
	N, D        int
	directions  tensor.Panel // (D, N)
	z, mix, own []float64
}

// ball makes it ready.
func (e *Encoded) ball(q vae.Spherical, z []float64) *ball {
	mu := tensor.New(e.N, e.D)
	for i, v := range e.parts[0] {
		mu.Data[i] = Float(v) // exact: it was one
	}
	panel := tensor.Prepare(func(n int) []Float { return make([]Float, n) }, tensor.T, mu)
	M := len(z) / e.D
	return &ball{Spherical: q, N: e.N, D: e.D, directions: panel, z: z, mix: make([]float64, M), own: make([]float64, M)}
}

// Part evaluates rows first ... last-1.
func (w *ball) Part(first, last int) {
	left, product := tensor.New(densityRows, w.D), tensor.New(densityRows, w.N)
	top := w.Law.LogProb(1)
	for from := first; from < last; from += densityRows {
		n := min(densityRows, last-from)
		for i := range n {
			for j, v := range w.z[(from+i)*w.D : (from+i+1)*w.D] {
				left.Row(i)[j] = Float(v)
			}
		}
		w.directions.GemmAlone(left.RowRange(0, n), 0, product.RowRange(0, n))
		for i := range n {
			row := product.Row(i)
			for k, t := range row {
				row[k] = Float(w.Law.LogProb(float64(t)) - top)
			}
			if w.own[from+i] = math.Inf(-1); from+i < w.N {
				w.own[from+i] = float64(row[from+i]) // as in the mixture, so that its error cancels where posteriors agree
			}
			_, lse := tensor.ExpLSE(row)
			w.mix[from+i] = float64(lse) - math.Log(float64(w.N))
		}
	}
}
