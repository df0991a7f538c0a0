package metrics

import "math"

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			mu2, sigma2 := s.SecondMoments()
			r.Values["mu2"], r.Values["sigma2"], r.Values["moment"] = mu2, sigma2, mu2+sigma2
		},
		Metrics: []Metric{
			{Name: "mu2", Doc: "E[mu²] over examples and dimensions"},
			{Name: "sigma2", Doc: "E[sigma²] over examples and dimensions"},
			{Name: "moment", Doc: "mu2 + sigma2, 1 for the prior"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			r.Values["moment_deficit"], r.Vectors["moment_dim"] = s.MomentDeficit()
		},
		Metrics: []Metric{
			{Name: "moment_deficit", Unit: "nats", Doc: "lower bound of KL(q(z) || p(z)) from the first two moments of q(z)"},
			{Name: "moment_dim", Doc: "E[mu_j²] + E[sigma_j²]", Vector: true},
		},
	})
}

// SecondMoments are E[mu²] and E[sigma²], means over examples and dimensions. Their sum
// is 1 for an aggregate posterior with the prior's second moment.
//
// Source: Su 2020 (kexue.fm/archives/7381).
func (e *Encoded) SecondMoments() (mu2, sigma2 float64) {
	for i, mu := range e.Mu {
		mu2 += mu * mu
		sigma2 += e.Var[i]
	}
	n := float64(len(e.Mu))
	return mu2 / n, sigma2 / n
}

// MomentDeficit is the part of KL(q(z) || p) that the first two moments of each z_j already force,
// in nats, summed over dimensions:
//
//	sum_j (m_j - 1 - ln v_j)/2,   m_j = E[mu_j²] + E[sigma_j²],   v_j = Var(mu_j) + E[sigma_j²]
//
// the KL of the Gaussian with the mean and variance of q(z_j); every other distribution with
// them is further from the prior. It is 0 if and only if E[mu_j] = 0 and m_j = 1 throughout. m
// is m_j of every dimension. The variance is over the split, not the unbiased one. The number is ours.
func (e *Encoded) MomentDeficit() (nats float64, m []float64) {
	for j := range e.D {
		var second float64
		for i := range e.N {
			mu := e.Mu[i*e.D+j]
			second += (mu*mu + e.Var[i*e.D+j]) / float64(e.N)
		}
		mean := e.meanMu(j)
		nats += 0.5 * (second - 1 - math.Log(second-mean*mean))
		m = append(m, second)
	}
	return nats, m
}
