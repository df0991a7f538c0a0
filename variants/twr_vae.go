package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TWRVAE makes a posterior of the encoder's state after each symbol, and charges the mean of their KL:
//
//	q_t     = N(m_t, e^s_t),   t = 1 ... T
//	penalty = mean of KL(q_t || N(0, I)) over the charged t
//	z       ~ q_T; or the mean of z_t ~ q_t, drawn independently: N(mean_t m_t, sum_t e^s_t/T²); or their sum: N(sum_t m_t, sum_t e^s_t)
//	kl      = KL(q(z|x) || N(0, I)),   the rate: z is what the decoder reads
//
// in nats. m and s are (N, D), a row for each symbol that the encoder reads, T of a sentence, <s> and </s> included. The rate
// is what is charged if only the last step is, which is the vanilla VAE. Otherwise it has no bound. The early steps know
// little, so the penalty is below the rate where the KL grows along the sentence. Then rec + penalty is no bound of -ln p(x);
// rec + kl is one (nelbo). It combines with schedules, controllers, extras and regimes, but not with another penalty or prior,
// or with what refines q. It needs an encoder that reads a sentence step by step: lstm with pooling last. Each state of a
// transformer has read all symbols, so there it would be another method.
//
// Public code: evaluation decodes the mean of z and adds the penalty, so the published perplexity is no bound. A part of the
// steps that rounds to none is all steps; here it is one.
//
// Source: Li et al. 2020, "Improving variational autoencoder for text modelling with timestep-wise regularisation" (arXiv
// 2011.01136), without a KL schedule.
type TWRVAE struct {
	// Charge says which steps are charged: all, the last 75, 50 or 25 % of them, rounded, ties to even, or the last alone.
	Charge string `yaml:"charge" choice:"all|last75|last50|last25|last1"`
	// Z says what z is: that of the last step, or the mean or the sum of those of all steps.
	Z string `yaml:"z" choice:"last|mean|sum"`
}

func init() { Methods.Add("twr-vae", TWRVAE{Charge: "all", Z: "last"}) }

// RateBound says that the rate has none.
func (TWRVAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v TWRVAE) Build(vae.Builder) vae.Variant {
	return vae.Variant{
		Kind: vae.Text, NeedsNormal: true,
		Steps: func(p *nn.Pass, m, s *grad.Value, x *vae.Batch) vae.Posterior {
			q := v.posterior(p, m, s, x)
			q.Charge = weighted(p, vae.FromLogvar(m, s).KL(), x, func(t, T int) float64 {
				if n := v.charged(T); t > T-n {
					return 1 / float64(n)
				}
				return 0
			})
			return q
		},
		Penalty: vae.Charged,
	}
}

// posterior is q(z|x).
func (v TWRVAE) posterior(p *nn.Pass, m, s *grad.Value, x *vae.Batch) vae.Gaussian {
	each := func(_, T int) float64 { return 1 } // sum
	switch v.Z {
	case "last":
		return vae.FromLogvar(m.Gather(x.Last), s.Gather(x.Last))
	case "mean":
		each = func(_, T int) float64 { return 1 / float64(T) }
	}
	variance := weighted(p, s.Exp(), x, func(t, T int) float64 { return each(t, T) * each(t, T) })
	return vae.FromLogvar(weighted(p, m, x, each), variance.Log())
}

// charges are the shares of the steps that are charged.
var charges = map[string]float64{"all": 1, "last75": 0.75, "last50": 0.5, "last25": 0.25, "last1": 0}

// charged is how many of T steps are charged.
func (v TWRVAE) charged(T int) int {
	return max(1, int(math.RoundToEven(charges[v.Charge]*float64(T))))
}

// weighted is sum_t w(t, T) v_t of each sentence, (B, D), t from 1 to T; v is (N, D).
func weighted(p *nn.Pass, v *grad.Value, x *vae.Batch, w func(t, T int) float64) *grad.Value {
	weights := p.Tape.Zeros(v.Rows, v.Cols)
	for b, seq := range x.Seqs {
		for t := range seq {
			at, T := weights.Row(x.Steps.Offset[t]+b), len(seq)
			for j := range at {
				at[j] = Float(float64(T) * w(t+1, T)) // MeanSteps divides by T
			}
		}
	}
	return v.Mask(weights.Data).MeanSteps(x.Steps)
}
