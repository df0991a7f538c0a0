package vae

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// A Bound is a loss made of K samples of z for each example, in place of rec and penalty: such as that of importance
// weights. A nil Bound is one sample and the ELBO.
type Bound struct {
	K    int
	Loss func(p *nn.Pass, s Samples) *grad.Value // (1, 1) nats per example, to be minimised: a mean over examples

	// Of the last batch; the memory is used again.
	x           Batch // K times
	rows, first []int
	parts       []*grad.Value
	gain        []Float
	back        func(z tensor.Matrix, dz, to []Float) // b.multiply
}

// Samples are K z of each of B examples, with all densities of the importance weights, (B, K) each, in nats.
type Samples struct {
	Rec, LogQ, LogP *grad.Value // ln p(x|z), ln q(z|x), ln p(z)
	Q               Posterior   // of B*K examples: example i is i*K ... i*K+K-1
	Z               *grad.Value // (B*K, D)

	// Gain multiplies the gradient that reaches each z through the densities, (B*K). It is 1 unless Loss changes it.
	Gain []Float

	one   Posterior   // of B examples
	drawn *grad.Value // Z, but a gradient that reaches it has no gain
}

// LogW is ln of the importance weights, (B, K), with the KL weight w within:
//
//	ln p(x|z) - w (ln q(z|x) - ln p(z))
func (s Samples) LogW(w Float) *grad.Value { return s.Rec.Sub(s.LogQ.Sub(s.LogP).Scale(w)) }

// HoldQ are the samples with an ln q(z|x) whose parameters are held fixed: its gradient reaches them through z alone.
func (s Samples) HoldQ(p *nn.Pass) Samples {
	var parts []*grad.Value
	for _, v := range s.Q.Parts() {
		parts = append(parts, v.Stop())
	}
	frozen := p.Frozen
	p.Frozen = true // parameters that all examples share, as those of an IAF
	s.LogQ = s.Q.With(parts).LogProb(p, s.Z).Reshape(s.LogQ.Rows, s.LogQ.Cols)
	p.Frozen = frozen
	return s
}

// Samples draws the z of a variant with a Bound and decodes them: K times the decoder's work and memory for a batch. They are
// valid until the next call.
func (m *Model) Samples(p *nn.Pass, x *Batch) Samples {
	b, one := m.Variant.Bound, m.Posterior(p, x)
	B, K := x.B(), m.Variant.Bound.K
	b.x.repeat(x, K)
	b.rows, b.first, b.parts = b.rows[:0], b.first[:0], b.parts[:0]
	for i := range B {
		b.first = append(b.first, i*K)
		for range K {
			b.rows = append(b.rows, i)
		}
	}
	for _, v := range one.Parts() {
		b.parts = append(b.parts, v.Gather(b.rows))
	}
	b.gain = filled(p, B*K, 1, 1).Data
	if b.back == nil {
		b.back = b.multiply
	}
	s := Samples{Q: one.With(b.parts), Gain: b.gain, one: one}
	s.drawn = s.Q.Sample(p)
	s.Z = s.drawn.Through(s.drawn.Matrix, b.back)
	s.Rec = m.Decoder.LogProb(p, s.Z, &b.x).Reshape(B, K)
	s.LogQ, s.LogP = s.Q.LogProb(p, s.Z).Reshape(B, K), m.Prior().LogProb(p, s.Z, &b.x).Reshape(B, K)
	return s
}

// multiply adds to the gradient of z what comes from the densities, times the gain of its row.
func (b *Bound) multiply(z tensor.Matrix, dz, to []Float) {
	for r, k := range b.gain {
		tensor.Axpy(k, dz[r*z.Cols:(r+1)*z.Cols], to[r*z.Cols:(r+1)*z.Cols])
	}
}

// bound is the loss of a variant with a Bound. The terms are those of each example's posterior and its first z, as without
// one, so that extras are the same; rec is the mean over the K samples. The penalty is the KL, which the loss does not have.
func (m *Model) bound(p *nn.Pass, x *Batch) {
	s, prior := m.Samples(p, x), m.Prior()
	z := s.drawn.Gather(m.Variant.Bound.first)
	m.terms = Terms{X: x, First: s.one, Q: s.one, Z: z, Rec: s.Rec.RowSums().Scale(1 / Float(s.Rec.Cols)), Prior: prior, KL: prior.KL(p, s.one, z, x)}
	m.terms.Penalty = m.terms.KL.RowSums().Mean()
	m.terms.Loss = m.Variant.Bound.Loss(p, s)
}
