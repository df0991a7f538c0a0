package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// CEAE trains an auto-encoder that becomes deterministic: nothing is charged for the KL, sigma falls from epoch to epoch, and a
// contrast keeps the mu of different examples apart, so that q(z) stays near N(0, I):
//
//	mu        = (m - mean_B m)/sqrt(var_B m + eps),   sigma = c_t = max(c0/t, c_min) until epoch t_max, then c_min
//	auxiliary = -lambda_t sum_i [mu_i·mu_i+ - ln sum_k exp(mu_i·mu_k)],   lambda_t = (1 - 1/t) lambda
//
// t counts epochs from 1, mu is (B, D). mu+ is that of a second encoder, whose weights follow: w' <- decay w' + (1 - decay) w.
// k goes over the other examples of the batch, with a gradient, and over the mu+ of the last examples of training (queue). mu+
// has no gradient. At every step that is a multiple of global, mu has the running statistics. Second encoder, queue and epoch
// are buffers. The sum is over the batch, not a mean, in nats; lambda is beside a mean over the batch of rec. It is of training
// only, so the objective is rec.
//
// Under a batch's own statistics its KL is (D/2) (c² - ln c²), and I(x; z) <= (D/2) ln(1 + 1/c²), as of const-sigma, which is
// the control: the same head without schedule and contrast. The KL grows without bound as c falls. With c_min 0, c ends at
// 1e-5, which stands for 0: then there is no IW-NLL, because importance weights would see p(x|z) at mu alone. A c_min above 0
// has one, which tells little where c_min is small. It combines with extras, auxiliary terms and regimes, but not with another
// penalty, prior or KL weight, or with what refines q. Evaluations count once c is at c_min.
//
// Source: Ghose & Poupart 2023, "Contrastive deterministic autoencoders for language modeling" (Findings of EMNLP 2023), with
// lambda 0.006, decay 0.99, a queue of three batches, global 5, SGD with rate 0.1 and clip 5. Which mu the paper queues is not
// known here; these are mu+, as in He et al. 2020, "Momentum contrast" (arXiv 1911.05722).
type CEAE struct {
	// C0 is sigma in the first epoch.
	C0 float64 `yaml:"c0" range:"(0,inf)"`
	// CMin is the last sigma; 0 is a deterministic auto-encoder.
	CMin float64 `yaml:"c_min" range:"[0,1]" knob:"falls"`
	// TMax is the number of epochs with a sigma above the last.
	TMax int `yaml:"t_max" range:"[1,inf)"`
	// Lambda is the weight of the contrast after many epochs.
	Lambda float64 `yaml:"lambda" range:"[0,inf)"`
	// Decay is the weight of the past in the second encoder.
	Decay float64 `yaml:"decay" range:"[0,1)"`
	// Queue is the number of mu+ of earlier batches that are kept.
	Queue int `yaml:"queue" range:"[1,1000000]"`
	// Global is the number of steps of which the last has running statistics; 0 is none.
	Global int `yaml:"global" range:"[0,inf)"`
	// Eps keeps the division finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() {
	Methods.Add("ceae", CEAE{C0: 2, TMax: 5, Lambda: 6e-3, Decay: 0.99, Queue: 96, Global: 5, Eps: 1e-8, Momentum: 0.1})
}

// RateBound holds for batch statistics.
func (CEAE) RateBound() string { return "KL = D (c²-ln c²)/2, but at global steps" }

func (CEAE) hurry(int) string { return "lower t_max, which is in epochs" }

// Build makes encoder.mu_bn, the second encoder encoder.momentum, and the queue and the epoch in encoder.ceae.
func (v CEAE) Build(b vae.Builder) vae.Variant {
	norm := nn.NewBatchNorm(b.Params, "encoder.mu_bn", b.D, v.Eps, v.Momentum)
	follower, follow := b.Follower("momentum")
	keys := newQueue(b, "encoder.ceae.queue", v.Queue)
	c := &cooling{CEAE: v, epoch: b.Params.Counter("encoder.ceae.epoch")}
	var second nn.Pass       // a field of the heap, so that a step allocates nothing
	var latest tensor.Matrix // mu+ of the batch of the last training pass
	return vae.Variant{
		NeedsNormal: true, Raw: vae.MOnly, Deterministic: v.CMin == 0,
		Head: func(p *nn.Pass, m, _ *grad.Value) vae.Posterior {
			if !p.Train || !c.global {
				return evenly(p, norm.Apply(p, m), c.sigma())
			}
			second = nn.Pass{Tape: p.Tape}
			mu := norm.Apply(&second, m)
			norm.Apply(p, m) // moves the statistics, as every step
			return evenly(p, mu, c.sigma())
		},
		Weigher: c,
		Penalty: func(p *nn.Pass, _ *vae.Terms) *grad.Value { return p.Tape.Zeros(1, 1) },
		Auxiliary: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			second = nn.Pass{Tape: p.Tape, Frozen: true} // without dropout, and no gradient to what conditions share
			m, _ := follower.Encode(&second, t.X)
			plus, _, _ := m.BatchNorm(Float(v.Eps))
			latest = plus.Matrix
			return contrast(p, t.First.Mean(), plus, keys.filled()).Scale(Float(c.lambda()))
		}},
		Project: func() {
			follow(v.Decay)
			keys.put(latest)
		},
	}
}

// contrast is -sum_i [mu_i·mu_i+ - ln sum_k exp(mu_i·mu_k)], (1, 1), with k over the other rows of mu and those of keys. mu and
// plus are (B, D).
func contrast(p *nn.Pass, mu, plus *grad.Value, keys tensor.Matrix) *grad.Value {
	near := mu.MatMulT(mu) // (B, B), then (B, B+n)
	if keys.Rows > 0 {
		near = near.Beside(mu.MatMulT(p.Tape.Const(keys)))
	}
	self := p.Tape.Zeros(near.Rows, near.Cols) // ln of the weight of each k
	for i := range self.Rows {
		self.Row(i)[i] = Float(math.Inf(-1))
	}
	return near.LogSumExp(near.Cols, self.Data).Sub(mu.Mul(plus).RowSums()).Sum()
}
