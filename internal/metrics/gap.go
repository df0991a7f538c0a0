package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Gap is the shuffled-z gap, in nats per example: how much worse the decoder explains x_i
// from the z of another example of its batch than from its own,
//
//	E_i[ ln p(x_i|z_i) - ln p(x_i|z_k) ],   k the next example of the batch.
//
// A decoder that ignores z has a gap of 0, whatever the KL. Batches of one are left out;
// it is NaN if there are no others. The number is ours.
func (e *Encoded) Gap() float64 {
	if e.gapN == 0 {
		return math.NaN()
	}
	return e.gapSum / float64(e.gapN)
}

func (e *Encoded) shuffledGap(m *vae.Model, p *nn.Pass, x *vae.Batch, z, rec *grad.Value) {
	B := x.B()
	if B < 2 {
		return
	}
	next := make([]int, B)
	for i := range next {
		next[i] = (i + 1) % B
	}
	shuffled := m.Decoder.LogProb(p, z.Gather(next), x)
	for i := range B {
		e.gapSum += float64(rec.Data[i] - shuffled.Data[i])
	}
	e.gapN += B
}
