package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Prior is p(z), or p(z|x.Given) for the examples of a batch.
type Prior interface {
	// KL is KL(q(z|x_i) || p(z)) in nats, by part, (B, J): J is the number of latent dimensions if q and p are
	// products over them, and else 1. z is a sample of q, for a prior without a closed form; see SampledKL.
	KL(p *nn.Pass, q Posterior, z *grad.Value, x *Batch) *grad.Value
	// LogProb is ln p(z_i) in nats, (B, 1).
	LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value
	// Density returns p(z) for each example i of x. The densities do not refer to the tape. An unconditional prior
	// reads neither x, which may then be nil, nor i.
	Density(p *nn.Pass, x *Batch) func(i int) Density
}

// SampledKL is the estimate of the KL from one sample of q, (B, 1):
//
//	ln q(z|x) - ln p(z),   z ~ q(z|x)
//
// It is unbiased and may be negative.
func SampledKL(p *nn.Pass, q Posterior, z *grad.Value, prior Prior, x *Batch) *grad.Value {
	return q.LogProb(p, z).Sub(prior.LogProb(p, z, x))
}

// filled has the same number everywhere, without a gradient.
func filled(p *nn.Pass, rows, cols int, x float64) *grad.Value {
	v := p.Tape.Zeros(rows, cols)
	for i := range v.Data {
		v.Data[i] = Float(x)
	}
	return v
}

// Normal is the prior N(0, I), that of a variant without one.
type Normal struct{}

// KL is the closed form for a Gaussian posterior, by dimension; a sample's for any other.
func (n Normal) KL(p *nn.Pass, q Posterior, z *grad.Value, x *Batch) *grad.Value {
	if g, ok := q.(Gaussian); ok {
		return g.KL()
	}
	return SampledKL(p, q, z, n, x)
}

// LogProb is -(|z|² + D ln 2 pi)/2, (B, 1).
func (Normal) LogProb(_ *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	return z.Square().RowSums().Shift(Float(float64(z.Cols) * math.Log(2*math.Pi))).Scale(-0.5)
}

// Density is N(0, I) for every example.
func (Normal) Density(*nn.Pass, *Batch) func(int) Density {
	return func(int) Density { return normal{} }
}

// String is "N(0, I)".
func (Normal) String() string { return "N(0, I)" }

type normal struct{}

func (normal) LogProb(z []float64) float64 {
	var s float64
	for _, v := range z {
		s += v * v
	}
	return -0.5 * (s + float64(len(z))*math.Log(2*math.Pi))
}

func (normal) Draw(noise *rand.Rand, z []float64) {
	for j := range z {
		z[j] = noise.NormFloat64()
	}
}
