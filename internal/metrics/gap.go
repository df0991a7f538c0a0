package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations,
		Measure: func(s *Split, r Row) {
			r.Values["gap"], r.Values["gap_se"] = s.Gap(s.Model, s.Batches, s.Partners, s.Seed)
		},
		Metrics: []Metric{
			{Name: "gap", Unit: "nats", Doc: "increase of -ln p(x|z) when z is taken from another example, by a random permutation of the whole split; in rows without gap_se, from the next example in the file"},
			{Name: "gap_se", Unit: "nats", Doc: "standard error of gap, over examples and partners"},
		},
	})
}

// GapDraws is the number of partners of each example in a test row and in eval; a valid row has one.
const GapDraws = 5

// Gap is the shuffled-z gap, in nats per example: how much worse the decoder explains x_i from the z
// of another example than from its own,
//
//	g_ir = ln p(x_i|z_i) - ln p(x_i|z_k),   k = pi_r(i),   r = 1 ... R
//	gap  = (1/N) sum_i gbar_i,   gbar_i = (1/R) sum_r g_ir
//
// Every pi_r is a random permutation of the whole split without fixed points, from a stream that the
// seed and r name. So a partner is any other example with the same probability, whatever the batches
// and the order of the file. The partner's sentence may have another length. A decoder that ignores z
// has a gap of 0, whatever the KL. It decodes the split R times more; e must have encoded batches.
//
// se is the standard error of gap as an estimate for all x, not for these N only. The N differences
// depend on each other, because each z_k also explains another x. With ubar_k = (1/R) sum_r g_ir over
// those i whose partner is k,
//
//	se² = (1/N) ( Var_i(gbar_i + ubar_i) - (1/R²) sum_r Var_i(g_ir) )
//
// It covers the draw of the examples, of their z and of the partners. Two methods on one split share
// the examples: their difference has a smaller error. Where chance makes the estimate of se² negative,
// in a small split, it is Var_i(gbar_i)/N.
//
// Both are NaN for a single example. The gap is new here. Source of se: the projection of a
// two-sample statistic, Hoeffding 1948, "A class of statistics with asymptotically normal
// distribution".
func (e *Encoded) Gap(m *vae.Model, batches []*vae.Batch, draws int, seed uint64) (gap, se float64) {
	if e.N < 2 {
		return math.NaN(), math.NaN()
	}
	N, R := float64(e.N), float64(draws)
	own, both := make([]float64, e.N), make([]float64, e.N) // gbar_i, gbar_i + ubar_i
	within := 0.                                            // sum_r Var_i(g_ir)
	for r := range draws {
		partner := derangement(e.N, seed, r)
		g := e.losses(m, batches, partner)
		for i, v := range g {
			own[i] += v / R
			both[i] += v / R
			both[partner[i]] += v / R
		}
		_, v := meanVariance(g)
		within += v
	}
	gap, variance := meanVariance(own)
	if _, v := meanVariance(both); v > within/(R*R) {
		variance = v - within/(R*R)
	}
	return gap, math.Sqrt(variance / N)
}

// losses are ln p(x_i|z_i) - ln p(x_i|z_k) for every example i, k its partner.
func (e *Encoded) losses(m *vae.Model, batches []*vae.Batch, partner []int) []float64 {
	out := make([]float64, 0, e.N)
	tape := &grad.Tape{NoGrad: true}
	for _, x := range batches {
		z := tape.Zeros(x.B(), e.D)
		for i := range x.B() {
			k := partner[len(out)+i]
			for j, v := range e.Z[k*e.D : (k+1)*e.D] {
				z.Row(i)[j] = Float(v) // exact: it was one
			}
		}
		for _, l := range m.Decoder.LogProb(&nn.Pass{Tape: tape}, z, x).Data {
			out = append(out, -e.Rec[len(out)]-float64(l))
		}
		tape.Reset()
	}
	return out
}

// derangement is a permutation of n >= 2 without fixed points: a cycle through all, drawn uniformly
// among these, so that every other is equally likely as a partner.
//
// Source: Sattolo 1986, "An algorithm to generate a random cyclic permutation".
func derangement(n int, seed uint64, draw int) []int {
	noise := stream.New(seed, "partners", draw)
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := noise.IntN(i)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// meanVariance are the mean and the unbiased variance of two numbers or more.
func meanVariance(x []float64) (mean, variance float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, variance
}
