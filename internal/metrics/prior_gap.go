package metrics

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Tests,
		Measure: func(s *Split, r Row) {
			r.Values["prior_gap"] = s.PriorGap(s.Model, s.Batches, s.Seed)
		},
		Metrics: []Metric{
			{Name: "prior_gap", Unit: "nats", Doc: "increase of -ln p(x|z) when z is drawn from the prior"},
		},
	})
}

// PriorGap is how much worse the decoder explains x from a z of the prior than from one of its
// posterior, in nats per example:
//
//	E[ -ln p(x|z), z ~ p(z) ] - E[ -ln p(x|z), z ~ q(z|x) ]
//
// It is 0 for a decoder that ignores z. It exceeds the shuffled-z gap by what the holes of the
// aggregate posterior cost. It decodes the split once more. The number is ours.
func (e *Encoded) PriorGap(m *vae.Model, batches []*vae.Batch, seed uint64) float64 {
	tape := &grad.Tape{NoGrad: true}
	var sum float64
	for b, x := range batches {
		noise, drawn := stream.New(seed, "prior", b), make([]float64, m.D)
		prior := m.Prior().Density(&nn.Pass{Tape: tape}, x)
		z := tape.Zeros(x.B(), m.D)
		for i := range z.Rows {
			prior(i).Draw(noise, drawn)
			for j, v := range drawn {
				z.Row(i)[j] = Float(v)
			}
		}
		for _, l := range m.Decoder.LogProb(&nn.Pass{Tape: tape}, z, x).Data {
			sum -= float64(l)
		}
		tape.Reset()
	}
	return sum/float64(e.N) - e.MeanRec()
}
