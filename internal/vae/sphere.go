package vae

import (
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
)

// A Spherical is a posterior q(z|x) on the unit sphere of R^D that depends on z through mu·z alone, by one law for all
// examples. Mu has length 1, (B, D).
type Spherical struct {
	Mu  *grad.Value
	Law sphere.Law
}

// Sample draws z around mu, (B, D): a draw around e1, turned by the reflection that takes e1 to mu. Without noise in the
// pass it is mu.
//
// Source: Davidson et al. 2018, "Hyperspherical variational auto-encoders", algorithm 1 (arXiv 1804.00891).
func (q Spherical) Sample(p *nn.Pass) *grad.Value {
	if p.Noise == nil {
		return q.Mu
	}
	x := p.Tape.Zeros(q.Mu.Rows, q.Mu.Cols)
	for i := range x.Rows {
		sphere.Draw(q.Law, p.Noise, x.Row(i))
	}
	return q.Mu.Reflect(x)
}

// LogProb is the law's ln q at mu·z, (B, 1).
func (q Spherical) LogProb(_ *nn.Pass, z *grad.Value) *grad.Value {
	return z.Mul(q.Mu).RowSums().Map(q.Law.LogProb, q.Law.Slope)
}

// Mean is E[z] = E[mu·z] mu, which lies within the sphere.
func (q Spherical) Mean() *grad.Value { return q.Mu.Scale(Float(q.Law.Mean())) }

// Parts are mu.
func (q Spherical) Parts() []*grad.Value { return []*grad.Value{q.Mu} }

// With is the posterior of another mu.
func (q Spherical) With(parts []*grad.Value) Posterior { return Spherical{parts[0], q.Law} }

// Density is that of example i.
func (q Spherical) Density(i int) Density {
	mu := make([]float64, q.Mu.Cols)
	for j, v := range q.Mu.Row(i) {
		mu[j] = float64(v)
	}
	return spherical{mu, q.Law}
}

type spherical struct {
	mu  []float64
	law sphere.Law
}

func (q spherical) LogProb(z []float64) float64 {
	var t float64
	for j, v := range z {
		t += v * q.mu[j]
	}
	return q.law.LogProb(t)
}

func (q spherical) Draw(noise *rand.Rand, z []float64) {
	x := make([]float64, len(z))
	sphere.Draw(q.law, noise, x)
	sphere.Reflect(q.mu, x, z)
}

// UniformSphere is the uniform prior on the unit sphere of R^D, that of Spherical posteriors.
type UniformSphere struct{ D int }

// KL is the law's closed form, one number for all examples, (B, 1). It has no gradient.
func (u UniformSphere) KL(p *nn.Pass, q Posterior, _ *grad.Value, _ *Batch) *grad.Value {
	s := q.(Spherical)
	return filled(p, s.Mu.Rows, 1, s.Law.KL())
}

// LogProb is minus ln of the sphere's area, (B, 1).
func (u UniformSphere) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	return filled(p, z.Rows, 1, -sphere.LogArea(u.D))
}

// Density is the uniform distribution for every example.
func (u UniformSphere) Density(*nn.Pass, *Batch) func(int) Density {
	return func(int) Density { return uniform(-sphere.LogArea(u.D)) }
}

// String is "the uniform distribution on the sphere".
func (UniformSphere) String() string { return "the uniform distribution on the sphere" }

// A uniform distribution on the sphere is ln of its density.
type uniform float64

func (u uniform) LogProb([]float64) float64 { return float64(u) }

func (u uniform) Draw(noise *rand.Rand, z []float64) { sphere.Uniform(noise, z) }
