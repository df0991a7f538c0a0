package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Tests,
		Measure: func(s *Split, r Row) {
			r.Values["bn_gap"] = BNGap(s.Model, s.Drawn())
		},
		Metrics: []Metric{
			{Name: "bn_gap", Unit: "nats", Doc: "KL under the statistics of random batches minus KL under running statistics"},
		},
	})
}

// BNGap is the KL under the statistics of each batch minus that under running statistics, over
// the same batches, in nats per example. It is 0 for a method without statistics; a floor that
// is a theorem about batches holds for the first and not for the second. Dropout is off in both
// and the running statistics stay as they are. Batches of one are left out; it is NaN if there
// are no others. The statistics of a batch depend on what shares it: the batches must be drawn as those
// of training are, because neighbours in a file may be alike. It encodes the split once more. The
// number is ours.
func BNGap(m *vae.Model, batches []*vae.Batch) float64 {
	tape := &grad.Tape{NoGrad: true}
	var gap float64
	n := 0
	for _, x := range batches {
		if x.B() < 2 {
			continue
		}
		raw, scale := m.Raw(&nn.Pass{Tape: tape}, x)
		kl := func(p *nn.Pass) float64 {
			q := m.Refine(p, x, m.Head(p, raw, scale, x))
			kls := m.Prior().KL(p, q, q.Sample(p), x)
			nats, _, _ := Moments(q, m.Prior(), kls, make([]float64, kls.Cols))
			return nats
		}
		gap += (kl(&nn.Pass{Tape: tape, BatchStats: true}) - kl(&nn.Pass{Tape: tape})) * float64(x.B())
		n += x.B()
		tape.Reset()
	}
	if n == 0 {
		return math.NaN()
	}
	return gap / float64(n)
}
