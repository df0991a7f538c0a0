package metrics

import "math"

func init() {
	Register(Group{
		Splits: Evaluations,
		Measure: func(s *Split, r Row) {
			r.Values["mi"], r.Values["mi_se"] = s.mi()
			r.Values["mi_cap"] = math.Log(float64(s.N))
		},
		Metrics: []Metric{
			{Name: "mi", Unit: "nats", Doc: "I(x; z) under q, over the whole split; x is the example with its condition, if it has one"},
			{Name: "mi_se", Unit: "nats", Doc: "standard error of mi"},
			{Name: "mi_cap", Unit: "nats", Doc: "ln N, which mi cannot exceed"},
		},
	})
}

// MI estimates the mutual information of x and z under q, in nats, over the whole split,
// with its standard error:
//
//	I_q = E_i[ ln q(z_i|x_i) - ln (1/N) sum_k q(z_i|x_k) ],   z_i ~ q(z|x_i)
//
// one z for each of the N examples. For these N it is unbiased; as an estimate for all x it
// cannot exceed ln N and falls short where it comes near. Both terms use the same sample, so that their noise cancels where posteriors
// agree; a collapsed model has an MI of 0 to six digits instead of 0 ± √(d/2N).
//
// For posteriors over codes the expectation over z is exact, see information.
//
// Where q(z|x, c) has a condition c, x stands for both. Then mi may exceed the KL to p(z|c), which need not pay for what z
// tells of c.
//
// Source: Hoffman & Johnson 2016, "ELBO surgery"; over the whole split as bohanli/
// vae-pretraining-encoder and valdersoul/bn-vae do. (The per-batch estimate of He et al.
// 2019 is capped by the logarithm of the batch size and is not comparable.)
func (e *Encoded) MI() (mi, se float64) {
	each := e.information()
	if each == nil {
		mix, own := e.logDensity(e.Z)
		for i, l := range own {
			each = append(each, l-mix[i])
		}
	}
	var sum, squares float64
	for _, v := range each {
		sum += v
		squares += v * v
	}
	n := float64(e.N)
	mi = sum / n
	return mi, math.Sqrt(max(0, squares/n-mi*mi) / n)
}

// mi is MI, once.
func (e *Encoded) mi() (mi, se float64) {
	both := once(e, "mi", func() (v [2]float64) {
		v[0], v[1] = e.MI()
		return v
	})
	return both[0], both[1]
}
