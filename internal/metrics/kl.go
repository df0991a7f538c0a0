package metrics

import "vaelab/internal/vae"

func init() {
	Register(Group{
		Splits: Everywhere,
		Measure: func(s *Split, r Row) {
			r.Values["kl"], _ = s.KL()
		},
		Metrics: []Metric{
			{Name: "kl", Unit: "nats", Doc: "KL(q(z|x) || p(z)), not weighted"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedDims,
		Measure: func(s *Split, r Row) {
			_, r.Vectors["kl_dim"] = s.KL()
		},
		Metrics: []Metric{
			{Name: "kl_dim", Unit: "nats", Doc: "the KL of each dimension", Vector: true},
		},
	})
}

// KL is the rate: the mean over the split of KL(q(z|x) || p(z)), summed over its parts, and the same for every part, in
// nats, never weighted. For a product of Gaussians and the prior N(0, I) the parts are the dimensions (vae.NormalKL). For
// other posteriors and priors they are those of vae.Prior.
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", appendix B (arXiv 1312.6114).
func (e *Encoded) KL() (sum float64, perDim []float64) {
	J := e.klParts()
	perDim = make([]float64, J)
	for i := range e.N * J {
		perDim[i%J] += e.klAt(i) / float64(e.N)
	}
	for _, v := range perDim {
		sum += v
	}
	return sum, perDim
}

// klParts is the number of parts of an example's KL.
func (e *Encoded) klParts() int {
	if e.KLs != nil {
		return e.Parts
	}
	return e.D
}

// klAt is part i%J of the KL of example i/J, J the number of parts.
func (e *Encoded) klAt(i int) float64 {
	if e.KLs != nil {
		return e.KLs[i]
	}
	return vae.NormalKL(e.Mu[i], e.Var[i], e.Logvar[i])
}
