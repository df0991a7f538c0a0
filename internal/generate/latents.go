package generate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Prior draws rows first ... first+n-1 of z ~ p(z), shape (n, D). Row i depends on the seed and i only. A prior with a
// condition panics: there is none here.
func Prior(p vae.Prior, first, n, D int, seed uint64) tensor.Matrix {
	density := p.Density(pass(), nil)(0)
	return rows(n, D, func(i int) (vae.Density, *rand.Rand) { return density, stream.New(seed, "prior", first+i) })
}

// rows draws n rows of D numbers, each from a distribution by a stream.
func rows(n, D int, of func(i int) (vae.Density, *rand.Rand)) tensor.Matrix {
	z, row := tensor.New(n, D), make([]float64, D)
	for i := range n {
		density, noise := of(i)
		density.Draw(noise, row)
		for j, v := range row {
			z.Row(i)[j] = Float(v)
		}
	}
	return z
}

// Posteriors are mu and sigma of q(z|x) for every example of a split, in its order, (N, D) each,
// under running statistics. A sigma whose sign a method leaves open is made positive: the
// distribution is the same. mu of a posterior that is not Gaussian is its mode, such as the direction of one on a sphere,
// which a decoder can read, as it may not its mean. It has no sigma, which then has no rows. A split of grey values has to be
// drawn first.
func Posteriors(m *vae.Model, split data.Split) (mu, sigma tensor.Matrix) {
	mu = tensor.New(split.N(), m.D)
	encode(m, split, func(p *nn.Pass, i int, q vae.Posterior, k int) {
		copy(mu.Row(i), q.Sample(p).Row(k)) // without noise
		g, ok := q.(vae.Gaussian)
		if !ok {
			return
		}
		if sigma.Rows == 0 {
			sigma = tensor.New(mu.Rows, mu.Cols)
		}
		for j, s := range g.Sigma.Row(k) {
			sigma.Row(i)[j] = max(s, -s)
		}
	})
	return mu, sigma
}

// Draws are z ~ q(z|x) for every example of a split, in its order, (N, D).
func Draws(m *vae.Model, split data.Split, noise Noise) tensor.Matrix {
	densities := make([]vae.Density, split.N())
	encode(m, split, func(_ *nn.Pass, i int, q vae.Posterior, k int) { densities[i] = q.Density(k) })
	return rows(len(densities), m.D, func(i int) (vae.Density, *rand.Rand) { return densities[i], noise(i) })
}

// encode calls f with every example i of a split, which is the k-th of a posterior.
func encode(m *vae.Model, split data.Split, f func(p *nn.Pass, i int, q vae.Posterior, k int)) {
	p := pass()
	for _, x := range batches(split) {
		q := m.Posterior(p, x)
		for k, i := range x.Rows {
			f(p, i, q, k)
		}
		p.Tape.Reset()
	}
}

// LogProbs is ln p(x|z) in nats of every example of a split, in its order; row i of z, shape
// (N, D), belongs to example i.
func LogProbs(m *vae.Model, split data.Split, z tensor.Matrix) []float64 {
	out := make([]float64, split.N())
	p := pass()
	for _, x := range batches(split) {
		rec := m.Decoder.LogProb(p, constant(p, z, x.Rows), x)
		for k, i := range x.Rows {
			out[i] = float64(rec.Data[k])
		}
		p.Tape.Reset()
	}
	return out
}

// batches are those of a split, whose examples know their places in it: a batch sorts its sentences by length. It panics if
// the split's values are to be drawn first.
func batches(split data.Split) []*vae.Batch {
	if split.Grey {
		panic("generate: a split of grey values has no pixels yet")
	}
	const size = 32
	return split.Batches(size, vae.Mixed, nil)
}

// Noisy draws z = mu + sigma eps for each row, (N, D), eps ~ N(0, I).
func Noisy(mu, sigma tensor.Matrix, noise Noise) tensor.Matrix {
	z := tensor.New(mu.Rows, mu.Cols)
	for i := range z.Rows {
		rng := noise(i)
		for j := range z.Row(i) {
			z.Row(i)[j] = mu.Row(i)[j] + sigma.Row(i)[j]*Float(rng.NormFloat64())
		}
	}
	return z
}

// Line is a number of steps from a to b, both included, on the straight line between them:
//
//	z_t = (1-t) a + t b,    t = 0 ... 1,    shape (steps, D)
//
// It panics if there are fewer than two steps.
func Line(a, b []Float, steps int) tensor.Matrix {
	return path(a, b, steps, func(t float64) (float64, float64) { return 1 - t, t })
}

// Arc is Line, but on the arc about the origin, on which z keeps the length that a sample of
// N(0, I) has in many dimensions:
//
//	z_t = [sin((1-t) w) a + sin(t w) b] / sin w,    w the angle between a and b
//
// Where there is no arc, because a and b lie in one or in opposite directions or one of them is
// 0, it is Line.
//
// Source: White 2016, "Sampling generative networks", section 2.1 (arXiv 1609.04468).
func Arc(a, b []Float, steps int) tensor.Matrix {
	var aa, bb, ab float64
	for j := range a {
		aa, bb, ab = aa+float64(a[j])*float64(a[j]), bb+float64(b[j])*float64(b[j]), ab+float64(a[j])*float64(b[j])
	}
	w := math.Acos(min(1, max(-1, ab/math.Sqrt(aa*bb))))
	if sin := math.Sin(w); sin > 1e-4 { // not NaN either
		return path(a, b, steps, func(t float64) (float64, float64) {
			return math.Sin((1-t)*w) / sin, math.Sin(t*w) / sin
		})
	}
	return Line(a, b, steps)
}

// path is the sums of a and b under the two weights at t.
func path(a, b []Float, steps int, weights func(t float64) (float64, float64)) tensor.Matrix {
	if steps < 2 {
		panic(fmt.Sprintf("generate: a path of %d steps, want at least both ends", steps))
	}
	z := tensor.New(steps, len(a))
	for s := range steps {
		u, v := weights(float64(s) / float64(steps-1))
		for j := range a {
			z.Row(s)[j] = Float(u*float64(a[j]) + v*float64(b[j]))
		}
	}
	return z
}

// positive panics unless a temperature is.
func positive(what string, temperature float64) {
	if !(temperature > 0) {
		panic(fmt.Sprintf("generate: %s: temperature %v, want more than 0", what, temperature))
	}
}
