package vae

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Bound is a loss made of K samples of z for each example, in place of rec and penalty: such as that of importance
// weights. A nil Bound is one sample and the ELBO.
type Bound struct {
	K    int
	Loss func(p *nn.Pass, s Samples) *grad.Value // (1, 1) nats per example, to be minimised
}

// Samples are K z of each of B examples, with all densities of the importance weights, (B, K) each, in nats.
type Samples struct {
	Rec, LogQ, LogP *grad.Value // ln p(x|z), ln q(z|x), ln p(z)
	Q               Posterior   // of B*K examples: example i is i*K ... i*K+K-1
	Z               *grad.Value // (B*K, D)
}

// LogW is ln of the importance weights, (B, K), with the KL weight w within:
//
//	ln p(x|z) - w (ln q(z|x) - ln p(z))
func (s Samples) LogW(w Float) *grad.Value { return s.Rec.Sub(s.LogQ.Sub(s.LogP).Scale(w)) }

// bound is Loss for a variant with a Bound.
func (m *Model) bound(p *nn.Pass, x *Batch) {
	K := m.Variant.Bound.K
	one := m.Posterior(p, x)
	rows := make([]int, 0, K*x.B())
	for i := range x.B() {
		for range K {
			rows = append(rows, i)
		}
	}
	var parts []*grad.Value
	for _, v := range one.Parts() {
		parts = append(parts, v.Gather(rows))
	}
	q := one.With(parts)
	x = x.Repeat(K)
	z := q.Sample(p)
	rec := m.Decoder.LogProb(p, z, x)
	wide := func(v *grad.Value) *grad.Value { return v.Reshape(len(rows)/K, K) }
	s := Samples{Rec: wide(rec), LogQ: wide(q.LogProb(p, z)), LogP: wide(m.Prior().LogProb(p, z, x)), Q: q, Z: z}
	m.terms = Terms{X: x, First: q, Q: q, Z: z, Rec: rec, Prior: m.Prior(), KL: m.Prior().KL(p, q, z, x)}
	m.terms.Penalty = s.LogQ.Sub(s.LogP).Mean()
	m.terms.Loss = m.Variant.Bound.Loss(p, s)
}
