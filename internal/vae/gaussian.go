package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Gaussian is a posterior q(z|x) = N(mu, sigma²) with independent dimensions; all three
// are (B, D). Sigma may be negative: its sign changes no density and no distribution of z.
type Gaussian struct {
	Mu, Sigma, Logvar *grad.Value

	// Charge is what the head's own penalty charges in place of the KL, (B, D) in nats, where that is no function of q; else
	// nil. It changes neither density nor KL.
	Charge *grad.Value
}

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
	return q.at(eps)
}

// at is mu + sigma eps.
func (q Gaussian) at(eps *grad.Value) *grad.Value { return q.Mu.Add(q.Sigma.Mul(eps)) }

// KL is KL(q(z_j|x_i) || N(0, 1)) for every example i and dimension j, in nats, (B, D):
//
//	KL_ij = (mu² + sigma² - ln sigma² - 1) / 2
func (q Gaussian) KL() *grad.Value {
	return q.Mu.Square().Add(q.Sigma.Square()).Sub(q.Logvar).Shift(-1).Scale(0.5)
}

// KLTo is KL(q(z_j|x_i) || r(z_j|x_i)) to another Gaussian, for every example i and dimension j, in nats, (B, D):
//
//	KL_ij = (ln sigma_r² - ln sigma_q² + (sigma_q² + (mu_q - mu_r)²)/sigma_r² - 1) / 2
func (q Gaussian) KLTo(r Gaussian) *grad.Value {
	spread := q.Sigma.Square().Add(q.Mu.Sub(r.Mu).Square()).Mul(r.Logvar.Neg().Exp())
	return r.Logvar.Sub(q.Logvar).Add(spread).Shift(-1).Scale(0.5)
}

// NormalKL is the same for one dimension off the tape, in float64. Variance is sigma², logvar its logarithm.
func NormalKL(mu, variance, logvar float64) float64 { return 0.5 * (mu*mu + variance - logvar - 1) }

// LogProb is, (B, 1),
//
//	ln q(z|x) = -(1/2) sum_j [ (z_j - mu_j)²/sigma_j² + ln sigma_j² + ln 2 pi ]
func (q Gaussian) LogProb(_ *nn.Pass, z *grad.Value) *grad.Value {
	scaled := z.Sub(q.Mu).Square().Mul(q.Logvar.Neg().Exp())
	return scaled.Add(q.Logvar).RowSums().Shift(Float(float64(z.Cols) * math.Log(2*math.Pi))).Scale(-0.5)
}

// Mean is mu.
func (q Gaussian) Mean() *grad.Value { return q.Mu }

// Parts are mu, sigma and ln sigma², and the charge if there is one.
func (q Gaussian) Parts() []*grad.Value {
	parts := []*grad.Value{q.Mu, q.Sigma, q.Logvar}
	if q.Charge != nil {
		parts = append(parts, q.Charge)
	}
	return parts
}

// With is the Gaussian of another mu, sigma, ln sigma² and charge.
func (q Gaussian) With(parts []*grad.Value) Posterior {
	q.Mu, q.Sigma, q.Logvar = parts[0], parts[1], parts[2]
	if q.Charge != nil {
		q.Charge = parts[3]
	}
	return q
}

// Charged is a penalty: the mean of the charges that the head made.
func Charged(_ *nn.Pass, t *Terms) *grad.Value {
	return t.Q.(Gaussian).Charge.RowSums().Mean()
}

// Density is N(mu_i, sigma_i²).
func (q Gaussian) Density(i int) Density {
	row := func(v *grad.Value) []Float { return append([]Float(nil), v.Row(i)...) }
	return gaussian{row(q.Mu), row(q.Sigma), row(q.Logvar)}
}

// A gaussian computes in Float what Sample does, so that a z drawn here is one that a decoder could read.
type gaussian struct{ mu, sigma, logvar []Float }

func (q gaussian) LogProb(z []float64) float64 {
	var s float64
	for j, v := range z {
		d := float64(Float(v) - q.mu[j])
		s += d*d*math.Exp(-float64(q.logvar[j])) + float64(q.logvar[j])
	}
	return -0.5 * (s + float64(len(z))*math.Log(2*math.Pi))
}

func (q gaussian) Draw(noise *rand.Rand, z []float64) {
	for j := range z {
		z[j] = float64(q.mu[j] + q.sigma[j]*Float(noise.NormFloat64()))
	}
}
