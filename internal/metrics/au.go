package metrics

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedGaussian, // the axes of a sphere or a code have no meaning of their own
		Measure: func(s *Split, r Row) {
			r.Values["au"], r.Values["au_05"] = s.AU(0.01), s.AU(0.05)
			r.Values["au_10"], r.Values["au_50"] = s.AU(0.1), s.AU(0.5)
			r.Values["au_free"] = s.ScaleFreeAU()
		},
		Metrics: []Metric{
			{Name: "au", Unit: "dims", Doc: "active units, the dimensions with Var(mu) of at least 0.01"},
			{Name: "au_05", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.05"},
			{Name: "au_10", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.1"},
			{Name: "au_50", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.5"},
			{Name: "au_free", Unit: "dims", Doc: "dimensions whose Var(mu) is at least 1 % of Var(z)"},
		},
	})
}

// activeShare is the share of the variance of z from which a dimension is active in ScaleFreeAU.
const activeShare = 0.01

// AU is the number of active units: dimensions whose posterior mean varies over the split,
// Var_x(mu_j) >= threshold (unbiased variance). The field's threshold is 0.01. Where a method
// fixes that variance, as batch normalisation does, it holds by construction and says nothing
// of the decoder.
//
// Source: Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders" (arXiv 1509.00519).
func (e *Encoded) AU(threshold float64) float64 {
	n := 0.0
	for j := range e.D {
		if e.varMu(j) >= threshold {
			n++
		}
	}
	return n
}

// ScaleFreeAU is the number of dimensions whose posterior mean carries at least a
// hundredth of the variance of z: Var(mu_j) / (Var(mu_j) + E sigma_j²) >= 0.01. A common
// factor on mu and sigma does not change it. The number is ours.
func (e *Encoded) ScaleFreeAU() float64 {
	n := 0.0
	for j := range e.D {
		v, noise := e.varMu(j), e.meanVar(j)
		if v+noise > 0 && v/(v+noise) >= activeShare {
			n++
		}
	}
	return n
}

// varMu is the unbiased variance of mu_j over the split; 0 for a single example.
func (e *Encoded) varMu(j int) float64 {
	if e.N < 2 {
		return 0
	}
	mean, s := e.meanMu(j), 0.0
	for i := range e.N {
		d := e.Mu[i*e.D+j] - mean
		s += d * d
	}
	return s / float64(e.N-1)
}

// meanMu is the mean of mu_j over the split.
func (e *Encoded) meanMu(j int) (mean float64) {
	for i := range e.N {
		mean += e.Mu[i*e.D+j] / float64(e.N)
	}
	return mean
}

// meanVar is the mean of sigma_j² over the split.
func (e *Encoded) meanVar(j int) (mean float64) {
	for i := range e.N {
		mean += e.Var[i*e.D+j] / float64(e.N)
	}
	return mean
}
