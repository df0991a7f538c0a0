package metrics

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: &Need{"a method with a bound of several samples", func(f Facts) bool { return f.Variant.Bound != nil }},
		Measure: func(s *Split, r Row) {
			_, r.Values["iw_bound"] = s.bound()
		},
		Metrics: []Metric{
			{Name: "iw_bound", Unit: "nats", Doc: "the method's bound of K samples at KL weight 1, an upper bound of -ln p(x); with K = 1 the nelbo"},
		},
	})
}

// Bounds are the loss that a variant's Bound makes of K samples of each example, in nats: the mean over the batches at each of
// some KL weights, under running statistics. All weights have the same samples.
func Bounds(m *vae.Model, batches []*vae.Batch, weights []float64, seed uint64) []float64 {
	sums, N := make([]float64, len(weights)), 0
	tape := &grad.Tape{NoGrad: true}
	for b, x := range batches {
		p := &nn.Pass{Tape: tape, Noise: stream.New(seed, "bound", b)}
		samples := m.Samples(p, x)
		for i, w := range weights {
			p.KLWeight = Float(w)
			sums[i] += float64(x.B()) * m.Variant.Bound.Loss(p, samples).Scalar()
		}
		N += x.B()
		tape.Reset()
	}
	for i := range sums {
		sums[i] /= float64(N)
	}
	return sums
}

// bound is the variant's bound at the KL weight of the objective and at 1, once.
func (s *Split) bound() (objective, one float64) {
	all := once(s.Encoded, "bound", func() []float64 { return Bounds(s.Model, s.Batches, []float64{s.Beta, 1}, s.Seed) })
	return all[0], all[1]
}
