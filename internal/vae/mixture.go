package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Mixture is a prior of K Gaussians with equal weights:
//
//	p(z) = (1/K) sum_k N(z; mu_k, sigma_k²)
type Mixture struct {
	components func(p *nn.Pass) Gaussian
	pass       nn.Pass
}

// NewMixture is the prior of components, (K, D), that are computed in each pass. They are asked for as an evaluation would
// have them, without noise and batch statistics, but with their gradients.
func NewMixture(components func(p *nn.Pass) Gaussian) *Mixture {
	return &Mixture{components: components}
}

func (m *Mixture) of(p *nn.Pass) Gaussian {
	m.pass = *p
	m.pass.Train, m.pass.BatchStats, m.pass.Noise, m.pass.Drop = false, false, nil, nil
	return m.components(&m.pass)
}

// String is "a mixture of Gaussians".
func (*Mixture) String() string { return "a mixture of Gaussians" }

// KL is that of a sample, because there is no closed form.
func (m *Mixture) KL(p *nn.Pass, q Posterior, z *grad.Value, x *Batch) *grad.Value {
	return SampledKL(p, q, z, m, x)
}

// LogProb is ln p(z_i), (B, 1).
func (m *Mixture) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	c := m.of(p)
	return z.LogNormals(c.Mu, c.Logvar).LogSumExp(c.Mu.Rows, nil)
}

// Density is p(z), whatever the example.
func (m *Mixture) Density(p *nn.Pass, _ *Batch) func(int) Density {
	c := m.of(p)
	all := make(anyOf, c.Mu.Rows)
	for k := range all {
		all[k] = c.Density(k)
	}
	return func(int) Density { return all }
}

// anyOf is one of several densities, each with the same probability.
type anyOf []Density

func (all anyOf) LogProb(z []float64) float64 {
	logp, most := make([]float64, len(all)), math.Inf(-1)
	for k, c := range all {
		logp[k] = c.LogProb(z)
		most = max(most, logp[k])
	}
	var sum float64
	for _, l := range logp {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum/float64(len(all)))
}

func (all anyOf) Draw(noise *rand.Rand, z []float64) { all[noise.IntN(len(all))].Draw(noise, z) }
