package metrics

import "vaelab/internal/record"

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedDims,
		Measure: func(s *Split, r Row) {
			r.Vectors["collapse"] = s.CollapseCurve()
		},
		Metrics: []Metric{
			{Name: "collapse", Doc: "share of dimensions whose KL is below eps for 99 % of x, for each eps", Vector: true, Size: len(record.CollapseEps)},
		},
	})
}

// collapseDelta is the share of examples that may be exceptions.
const collapseDelta = 0.01

// CollapseCurve is the share of dimensions, or of the KL's parts if it has others, that are (eps, delta)-collapsed, for each
// eps of record.CollapseEps and delta = 0.01: those with
//
//	P_x( KL(q(z_j|x) || p(z_j)) < eps ) >= 1 - delta
//
// It never falls with eps.
//
// Source: Lucas et al. 2019, "Don't blame the ELBO! A linear VAE perspective on posterior
// collapse" (arXiv 1911.02469).
func (e *Encoded) CollapseCurve() []float64 {
	share := make([]float64, len(record.CollapseEps))
	J := e.klParts()
	for j := range J {
		var below [len(record.CollapseEps)]int
		for i := range e.N {
			kl := e.klAt(i*J + j)
			for s, eps := range record.CollapseEps {
				if kl < eps {
					below[s]++
				}
			}
		}
		for s, n := range below {
			if float64(n) >= (1-collapseDelta)*float64(e.N) {
				share[s] += 1 / float64(J)
			}
		}
	}
	return share
}
