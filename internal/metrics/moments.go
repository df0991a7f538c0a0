package metrics

// SecondMoments are E[mu²] and E[sigma²], means over examples and dimensions. Their sum
// is 1 for an aggregate posterior with the prior's second moment.
func (e *Encoded) SecondMoments() (mu2, sigma2 float64) {
	for i, mu := range e.Mu {
		mu2 += mu * mu
		sigma2 += e.Var[i]
	}
	n := float64(len(e.Mu))
	return mu2 / n, sigma2 / n
}
