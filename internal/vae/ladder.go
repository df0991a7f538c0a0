package vae

import (
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Shear is the map z = [z1; z2] -> [z1 + A z2; z2], whose determinant is 1. A is (D1, D2).
type Shear struct{ A *nn.Param }

// levels are z1, (B, D1), and z2, (B, D2).
func (s Shear) levels(z *grad.Value) (z1, z2 *grad.Value) {
	return z.Columns(0, s.A.Rows), z.Columns(s.A.Rows, z.Cols)
}

// apply is [z1 + by A z2; z2], (B, D).
func (s Shear) apply(p *nn.Pass, z *grad.Value, by Float) *grad.Value {
	z1, z2 := s.levels(z)
	return z1.Add(z2.MatMulT(p.Use(s.A)).Scale(by)).Beside(z2)
}

// of is the distribution of the map of z, z from some distribution, off the tape.
func (s Shear) of(d Density) Density {
	return sheared{d, float64s(s.A.Data), s.A.Rows}
}

type sheared struct {
	Density
	a     []float64
	lower int // D1
}

// move adds by A z2 to z1.
func (s sheared) move(z []float64, by float64) {
	top := z[s.lower:]
	for i := range s.lower {
		for k, v := range top {
			z[i] += by * s.a[i*len(top)+k] * v
		}
	}
}

func (s sheared) LogProb(z []float64) float64 {
	z = append([]float64(nil), z...)
	s.move(z, -1)
	return s.Density.LogProb(z)
}

func (s sheared) Draw(noise *rand.Rand, z []float64) {
	s.Density.Draw(noise, z)
	s.move(z, 1)
}

// A Ladder is a posterior of two levels, z = [z1; z2]. Base has the means m1 and mu2 beside each other, and so the sigmas:
//
//	q(z2|x) = N(mu2, sigma2²),   q(z1|x, z2) = N(m1 + A z2, sigma1²)
type Ladder struct {
	Base Gaussian
	Shear

	mean *grad.Value
}

// NewLadder is the posterior of a pass.
func NewLadder(p *nn.Pass, base Gaussian, s Shear) Ladder {
	return Ladder{base, s, s.apply(p, base.Mu, 1)}
}

// Sample draws z2, then z1; without noise in the pass it is E[z].
func (q Ladder) Sample(p *nn.Pass) *grad.Value {
	if p.Noise == nil {
		return q.mean
	}
	return q.apply(p, q.Base.Sample(p), 1)
}

// LogProb is ln q(z2|x) + ln q(z1|x, z2), (B, 1).
func (q Ladder) LogProb(p *nn.Pass, z *grad.Value) *grad.Value {
	return q.Base.LogProb(p, q.apply(p, z, -1))
}

// Mean is [m1 + A mu2; mu2].
func (q Ladder) Mean() *grad.Value { return q.mean }

// Parts are those of Base, and E[z].
func (q Ladder) Parts() []*grad.Value { return append(q.Base.Parts(), q.mean) }

// With is the posterior of other parts with the same A.
func (q Ladder) With(parts []*grad.Value) Posterior {
	return Ladder{q.Base.With(parts[:3]).(Gaussian), q.Shear, parts[3]}
}

// Density is that of example i.
func (q Ladder) Density(i int) Density { return q.of(q.Base.Density(i)) }

// A LadderPrior is p(z2) p(z1|z2) with
//
//	p(z2) = N(0, I),   p(z1|z2) = N(P z2, I)
//
// P is the A of the shear.
type LadderPrior struct{ Shear }

// KL is, by level, (B, 2), that of z1 at the z2 of a sample, and that of z2:
//
//	KL(q(z1|x, z2) || p(z1|z2)),   KL(q(z2|x) || p(z2))
//
// The posterior is a Ladder.
func (r LadderPrior) KL(p *nn.Pass, q Posterior, z *grad.Value, _ *Batch) *grad.Value {
	l := q.(Ladder)
	_, z2 := r.levels(z)
	m1, mu2 := r.levels(l.Base.Mu)
	off := m1.Add(z2.MatMulT(p.Use(l.A))).Sub(z2.MatMulT(p.Use(r.A))) // m1 + A z2 - P z2
	first, second := r.levels(Gaussian{Mu: off.Beside(mu2), Sigma: l.Base.Sigma, Logvar: l.Base.Logvar}.KL())
	return first.RowSums().Beside(second.RowSums())
}

// LogProb is ln p(z2) + ln p(z1|z2), (B, 1).
func (r LadderPrior) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	return Normal{}.LogProb(p, r.apply(p, z, -1), nil)
}

// Density is p(z), whatever the example.
func (r LadderPrior) Density(*nn.Pass, *Batch) func(int) Density {
	d := r.of(normal{})
	return func(int) Density { return d }
}

// String says what it is.
func (LadderPrior) String() string { return "a prior of two levels" }
