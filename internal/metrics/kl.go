package metrics

// KL is the mean over the split of KL(q(z|x) || N(0, I)), summed over dimensions, and the
// same for every dimension, in nats, never weighted:
//
//	KL_ij = (mu² + sigma² - ln sigma² - 1) / 2
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", appendix B (arXiv 1312.6114).
func (e *Encoded) KL() (sum float64, perDim []float64) {
	perDim = make([]float64, e.D)
	for i, mu := range e.Mu {
		perDim[i%e.D] += 0.5 * (mu*mu + e.Var[i] - e.Logvar[i] - 1) / float64(e.N)
	}
	for _, v := range perDim {
		sum += v
	}
	return sum, perDim
}
