package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// SAVAE refines each q(z|x) by gradient steps on its parameters: stochastic variational inference (SVI). Encoder and head
// make only their start, lambda_0 = (mu, ln sigma²), (B, 2D). With g the gradient in lambda of the loss in nats, a sum over
// examples divided by 32,
//
//	v_{k+1}      = momentum v_k - clip g(lambda_k, eps_k),   v_0 = 0
//	lambda_{k+1} = lambda_k + lr v_{k+1},                    k = 0 ... steps-1
//
// eps_k is drawn anew for each step. clip keeps the norm over the batch at 5 or less, for mu and ln sigma² apart. The decoder
// reads z of the last q, q_K. The mode says what learns from the steps:
//
//	through:  encoder and decoder, by the gradient of the loss at lambda_K through all steps
//	cheap:    the decoder at lambda_K, the encoder by the auxiliary term KL(q_0 || q_K); both hold q_K fixed
//
// Evaluations refine q as well, at KL weight 1 (docs/design.md); refine_gain says by how much. The rate is that of q_K and has
// no bound: a head's floor is one of q_0. The steps descend what the loss charges, so it combines with any Gaussian head,
// penalty and extra, but not with a bound of several samples.
//
// Public code: g is that of a mean over the batch, so the steps of an example are longer in a smaller batch.
//
// Source: Kim et al. 2018, "Semi-amortized variational autoencoders" (arXiv 1802.02550), section 3. Their code,
// harvardnlp/sa-vae, has these defaults and both modes (cheap is train_n2n 0, train_kl 1).
type SAVAE struct {
	// Steps is K, the number of SVI steps.
	Steps int `yaml:"steps" range:"[1,1000]"`
	// LR is the learning rate of the steps.
	LR float64 `yaml:"lr" range:"(0,inf)"`
	// Momentum is that of the steps.
	Momentum float64 `yaml:"momentum" range:"[0,1)"`
	// Mode says what learns from the steps.
	Mode string `yaml:"mode" choice:"through|cheap"`
}

func init() { Methods.Add("sa-vae", SAVAE{Steps: 20, LR: 1, Momentum: 0.5, Mode: "through"}) }

// RateBound says what bounds the rate.
func (SAVAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v SAVAE) Build(vae.Builder) vae.Variant {
	s := &svi{SAVAE: v, loss: vae.Inner{Examples: 32, Clip: 5}}
	s.derivative = s.back
	variant := vae.Variant{Needs: vae.GaussianFamily, Refine: s.refine}
	if v.Mode == "cheap" {
		variant.Auxiliary = []vae.Extra{func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			return t.First.(vae.Gaussian).KLTo(t.Q.(vae.Gaussian)).RowSums().Mean()
		}}
	}
	return variant
}

// An svi is the descent of one batch. All matrices are (B, 2D) and belong to the tape.
type svi struct {
	SAVAE
	loss       vae.Inner
	lambda     []tensor.Matrix // lambda_0 ... lambda_K
	v          []Float
	derivative func(last tensor.Matrix, dLast, dFirst []Float) // s.back
}

// refine makes the steps.
func (s *svi) refine(p *nn.Pass, m *vae.Model, x *vae.Batch, first vae.Posterior) vae.Posterior {
	q := first.(vae.Gaussian)
	start := q.Mu.Beside(q.Logvar)
	s.loss.Start(p, m, x, s.Steps, q.Mu.Cols)
	s.v, s.lambda = p.Tape.Zeros(start.Rows, start.Cols).Data, append(s.lambda[:0], start.Matrix)
	for k := range s.Steps {
		s.lambda = append(s.lambda, p.Tape.Zeros(start.Rows, start.Cols).Matrix)
		for i, g := range s.loss.Gradient(k, s.lambda[k]) {
			s.v[i] = Float(s.Momentum)*s.v[i] - g
			s.lambda[k+1].Data[i] = s.lambda[k].Data[i] + Float(s.LR)*s.v[i]
		}
	}
	last := s.lambda[s.Steps]
	if s.Mode == "cheap" {
		return s.loss.Posterior(p.Tape.Const(last).Stop())
	}
	return s.loss.Posterior(start.Through(last, s.derivative))
}

// back goes through the steps from the last to the first. dLast, the gradient at lambda_K, becomes that at lambda_k. s.v is
// that at v_k.
func (s *svi) back(last tensor.Matrix, dLast, dFirst []Float) {
	if &last.Data[0] != &s.lambda[s.Steps].Data[0] {
		panic("variants: sa-vae: another batch was refined before the backward pass of this one")
	}
	clear(s.v)
	for k := s.Steps - 1; k >= 0; k-- {
		tensor.Axpy(Float(s.LR), dLast, s.v)
		s.loss.SubtractJacobian(k, s.lambda[k], s.v, dLast)
		tensor.Scale(Float(s.Momentum), s.v)
	}
	tensor.Axpy(1, dLast, dFirst)
}
