package metrics

import (
	"math"

	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Tests, Need: needDensity,
		Measure: func(s *Split, r Row) {
			g := s.densityGap()
			r.Values["density_gap"], r.Values["density_gap_se"] = g.Joint, g.SE
		},
		Metrics: []Metric{
			{Name: "density_gap", Unit: "nats", Doc: "KL(p(z) || q(z)), large if q(z) has holes"},
			{Name: "density_gap_se", Unit: "nats", Doc: "standard error of density_gap"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Tests, Need: needMarginals,
		Measure: func(s *Split, r Row) {
			g := s.densityGap()
			r.Vectors["density_gap_dim"], r.Values["density_close"] = g.Dims, g.Close
		},
		Metrics: []Metric{
			{Name: "density_gap_dim", Unit: "nats", Doc: "KL(p(z_j) || q(z_j))", Vector: true},
			{Name: "density_close", Unit: "dims", Doc: "dimensions with a density_gap_dim below 0.03"},
		},
	})
}

const (
	densityDraws = 1000 // draws from the prior
	closeDim     = 0.03 // nats below which a marginal counts as the prior's
)

// A DensityGap tells how much of the prior the aggregate posterior q(z) leaves empty, in nats:
//
//	Joint  = KL(p || q)     = E_{z~p}[ ln p(z) - ln q(z) ]
//	Dims_j = KL(p_j || q_j)  the same of each marginal
//	Close  = number of dimensions with Dims_j < 0.03
//
// A decoder is asked about z of the prior that it has never seen where q has holes. With N
// examples q is a mixture of N Gaussians, which in many dimensions leaves holes even if it is
// right: Joint depends on N, and is to be compared between models of one split only.
//
// Source: Zhang, Bai, Lin, Wang & Rong 2022, "Improving variational autoencoders with density
// gap-based regularization" (arXiv 2211.00321).
type DensityGap struct {
	Joint, SE float64
	Dims      []float64
	Close     float64
}

// DensityGap draws z from the prior, 1,000 of them for the joint and 500 for the marginals.
func (e *Encoded) DensityGap(seed uint64) (g DensityGap) {
	noise := stream.New(seed, "density")
	prior := e.prior()
	z := make([]float64, densityDraws*e.D)
	for i := range densityDraws {
		prior.Draw(noise, z[i*e.D:(i+1)*e.D])
	}
	mix, _ := e.logDensity(z)
	var squares float64
	for i, l := range mix {
		l = e.less(l, z[i*e.D:(i+1)*e.D], prior)
		g.Joint -= l / densityDraws
		squares += l * l / densityDraws
	}
	g.SE = math.Sqrt(max(0, squares-g.Joint*g.Joint) / densityDraws)
	if !e.gaussian() || !e.standard() { // the marginals are not known
		return g
	}
	g.Dims = e.marginals(z[:marginalPoints*e.D], func(r, j int, mix float64, _ []Float) float64 {
		v := z[r*e.D+j]
		return -0.5*v*v - mix
	})
	for _, nats := range g.Dims {
		if nats < closeDim {
			g.Close++
		}
	}
	return g
}

// prior is p(z), that of the first example: it has no condition, so it is the same for all.
func (e *Encoded) prior() vae.Density {
	if e.standard() {
		return vae.Normal{}.Density(nil, nil)(0)
	}
	return e.priors[0]
}

// less is ln q(z) - ln p(z), given ln q(z) as logDensity has it.
func (e *Encoded) less(mix float64, z []float64, prior vae.Density) float64 {
	if !e.gaussian() || !e.standard() {
		return mix - e.constant() - prior.LogProb(z)
	}
	for _, v := range z { // both densities lack -D/2 ln 2 pi
		mix += 0.5 * v * v
	}
	return mix
}

// needDensity: q(z) of codes has no density, and a code that no example has makes KL(p || q) infinite.
var needDensity = &Need{"a posterior with a density, which one over codes has not, and a prior without a condition", func(f Facts) bool {
	return f.Variant.Family() != vae.CodeFamily && NeedMarginal.Met(f)
}}

// needMarginals: the marginals of q(z) are those of Gaussians, and p(z) is N(0, I).
var needMarginals = &Need{"a Gaussian posterior and the prior N(0, I)", func(f Facts) bool { return f.Variant.Gaussian() && f.Variant.Prior == nil }}

// densityGap is DensityGap, once.
func (s *Split) densityGap() DensityGap {
	return once(s.Encoded, "density_gap", func() DensityGap { return s.DensityGap(s.Seed) })
}
