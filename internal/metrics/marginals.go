package metrics

import (
	"math"
	"slices"

	"vaelab/internal/stream"
	"vaelab/internal/tensor"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			r.Vectors["mi_dim_bound"] = s.MIDimBound()
		},
		Metrics: []Metric{
			{Name: "mi_dim_bound", Unit: "nats", Doc: "I(x; z_j) if mu_j were Gaussian over x", Vector: true},
		},
	})
}

func init() {
	Register(Group{
		Splits: Tests, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			r.Vectors["mi_dim"] = s.miDim()
		},
		Metrics: []Metric{
			{Name: "mi_dim", Unit: "nats", Doc: "I(x; z_j) under q", Vector: true},
		},
	})
}

// marginalPoints is how many z the marginals of q(z) are evaluated at: each costs an exponential
// for every example and dimension.
const marginalPoints = 500

// MIDim is the mutual information of x and z_j under q for every dimension j, in nats, as MI is
// for all of z, over at most 500 examples that are drawn from the split without replacement:
//
//	I_j = E_i[ ln q(z_ij|x_i) - ln (1/N) sum_k q(z_ij|x_k) ]
//
// It cannot exceed ln N. The sum over j exceeds I_q by as much as the z_j depend on each other.
func (e *Encoded) MIDim(seed uint64) []float64 {
	rows := stream.New(seed, "dimensions").Perm(e.N)[:min(e.N, marginalPoints)]
	slices.Sort(rows)
	z := make([]float64, 0, len(rows)*e.D)
	for _, i := range rows {
		z = append(z, e.Z[i*e.D:(i+1)*e.D]...)
	}
	return e.marginals(z, func(r, j int, mix float64, logq []Float) float64 { return float64(logq[rows[r]]) - mix })
}

// MIDimBound is what the MI of each dimension would be if mu_j were Gaussian over x and sigma_j
// the same for every x, in nats:
//
//	I_j = ln(1 + Var(mu_j) / E[sigma_j²]) / 2
//
// For any mu_j with a common sigma_j it is an upper bound, because no distribution of a given
// variance has more entropy than the Gaussian.
//
// Source: the capacity of a Gaussian channel, Shannon 1948.
func (e *Encoded) MIDimBound() []float64 {
	nats := make([]float64, e.D)
	for j := range nats {
		nats[j] = 0.5 * math.Log1p(e.varMu(j)/e.meanVar(j))
	}
	return nats
}

// marginals is, for every dimension j, the mean over rows r of z of f(r, j, ln q_j(z_rj), logq),
// where logq holds ln q(z_rj|x_k) of every k; the densities lack their constant -ln(2 pi)/2.
func (e *Encoded) marginals(z []float64, f func(r, j int, mix float64, logq []Float) float64) []float64 {
	w := &marginal{Encoded: e, z: z, f: f, mean: make([]float64, e.D)}
	tensor.Split(w, e.D, 1)
	return w.mean
}

// A marginal is an evaluation of the marginals of q(z), whose dimensions do not depend on each other.
type marginal struct {
	*Encoded
	z    []float64 // (M, D)
	f    func(r, j int, mix float64, logq []Float) float64
	mean []float64 // (D)
}

// Part evaluates dimensions first ... last-1.
func (w *marginal) Part(first, last int) {
	M, N, D := len(w.z)/w.D, w.N, w.D
	mu, inv, norm := make([]float64, N), make([]float64, N), make([]float64, N)
	logq, scratch := make([]Float, N), make([]Float, N)
	for j := first; j < last; j++ {
		for k := range N {
			mu[k], norm[k] = w.Mu[k*D+j], -0.5*w.Logvar[k*D+j]
			inv[k] = -0.5 * math.Exp(-w.Logvar[k*D+j])
		}
		for r := range M {
			v := w.z[r*D+j]
			for k, m := range mu {
				d := v - m
				logq[k] = Float(d*d*inv[k] + norm[k])
			}
			copy(scratch, logq)
			_, lse := tensor.ExpLSE(scratch)
			w.mean[j] += w.f(r, j, float64(lse)-math.Log(float64(N)), logq) / float64(M)
		}
	}
}

// miDim is MIDim, once.
func (s *Split) miDim() []float64 {
	return once(s.Encoded, "mi_dim", func() []float64 { return s.MIDim(s.Seed) })
}
