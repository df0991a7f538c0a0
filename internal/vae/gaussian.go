package vae

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Gaussian is a posterior q(z|x) = N(mu, sigma²) with independent dimensions; all three
// are (B, D). Sigma may be negative: its sign changes no density and no distribution of z.
type Gaussian struct{ Mu, Sigma, Logvar *grad.Value }

// FromLogvar is the posterior with ln sigma² given.
func FromLogvar(mu, logvar *grad.Value) Gaussian {
	return Gaussian{Mu: mu, Sigma: logvar.Scale(0.5).Exp(), Logvar: logvar}
}

// SigmaGuard is added to sigma² before its logarithm is taken, the only guard against a
// signed sigma that crosses zero. It caps one dimension's KL at 13.3 nats above what its
// mu and sigma cost.
const SigmaGuard = 1e-12

// FromSigma is the posterior with sigma given, of either sign:
// ln sigma² = ln(sigma² + SigmaGuard).
func FromSigma(mu, sigma *grad.Value) Gaussian {
	return Gaussian{Mu: mu, Sigma: sigma, Logvar: sigma.Square().Shift(SigmaGuard).Log()}
}

// Sample draws z = mu + sigma eps, eps ~ N(0, I), shape (B, D); without noise in the
// pass it is mu.
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", section 2.4 (arXiv 1312.6114).
func (q Gaussian) Sample(p *nn.Pass) *grad.Value {
	if p.Noise == nil {
		return q.Mu
	}
	eps := p.Tape.Zeros(q.Mu.Rows, q.Mu.Cols)
	for i := range eps.Data {
		eps.Data[i] = Float(p.Noise.NormFloat64())
	}
	return q.Mu.Add(q.Sigma.Mul(eps))
}

// KL is KL(q(z_j|x_i) || N(0, 1)) for every example i and dimension j, in nats, (B, D):
//
//	KL_ij = (mu² + sigma² - ln sigma² - 1) / 2
func (q Gaussian) KL() *grad.Value {
	return q.Mu.Square().Add(q.Sigma.Square()).Sub(q.Logvar).Shift(-1).Scale(0.5)
}

// LogProb is ln q(z|x_i) in nats of one z, shape (D).
func (q Gaussian) LogProb(i int, z []Float) float64 {
	var s float64
	mu, logvar := q.Mu.Row(i), q.Logvar.Row(i)
	for j, v := range z {
		d := float64(v - mu[j])
		s += d*d*math.Exp(-float64(logvar[j])) + float64(logvar[j])
	}
	return -0.5 * (s + float64(len(z))*math.Log(2*math.Pi))
}

// LogPrior is ln N(z; 0, I) in nats, z of shape (D).
func LogPrior(z []Float) float64 {
	var s float64
	for _, v := range z {
		s += float64(v) * float64(v)
	}
	return -0.5 * (s + float64(len(z))*math.Log(2*math.Pi))
}
