package metrics

import (
	"math"

	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// logDensity is ln q(z_i) of the aggregate posterior, and where i is an example too ln q(z_i|x_i), for rows z_i,
// (M, D). Both are without the constant of the posteriors' densities (see constant), which cancels in most metrics.
// Gaussians are a product of two matrices, see mixture, and so are posteriors on a sphere, see ball. For others it asks
// every density for every z.
func (e *Encoded) logDensity(z []float64) (mix, own []float64) {
	if e.gaussian() {
		return e.mixture(z).logDensity(z)
	}
	if q, ok := e.family.(vae.Spherical); ok {
		w := e.ball(q, z)
		tensor.Split(w, len(w.mix), densityRows)
		return w.mix, w.own
	}
	w := &mixed{of: e.densities, z: z, D: e.D, mix: make([]float64, len(z)/e.D), own: make([]float64, len(z)/e.D)}
	tensor.Split(w, len(w.mix), 1)
	return w.mix, w.own
}

// constant is what logDensity leaves out, to be subtracted.
func (e *Encoded) constant() float64 {
	if e.gaussian() {
		return float64(e.D) / 2 * math.Log(2*math.Pi)
	}
	if q, ok := e.family.(vae.Spherical); ok {
		return -q.Law.LogProb(1)
	}
	return 0
}

// A mixed is the evaluation of a mixture of N densities at M rows of z.
type mixed struct {
	of          []vae.Density
	z, mix, own []float64
	D           int
}

// Part evaluates rows first ... last-1.
func (w *mixed) Part(first, last int) {
	logq := make([]float64, len(w.of))
	for i := first; i < last; i++ {
		for k, q := range w.of {
			logq[k] = q.LogProb(w.z[i*w.D : (i+1)*w.D])
		}
		w.mix[i] = logSumExp(logq) - math.Log(float64(len(logq)))
		if w.own[i] = math.Inf(-1); i < len(logq) {
			w.own[i] = logq[i]
		}
	}
}
