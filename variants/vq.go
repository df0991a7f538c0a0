package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// VQ makes z the nearest of k codes, with a uniform prior over the codes, so that no training changes the KL:
//
//	z     = c_a,   a = argmin_a |m - c_a|²
//	KL    = ln k
//	extra = beta mean_i |m_i - sg z_i|²
//	n_a  <- decay n_a + (1 - decay) (number of examples of the batch with code a)
//	s_a  <- decay s_a + (1 - decay) (sum of their m),   c_a = s_a/n_a
//
// m is (B, D), codes are (k, D), the KL is in nats. sg stops the gradient. The gradient of z is copied to m, straight through.
// The codes are buffers, means of the m that they have stood for; each training step moves them after its update, evaluations
// do not. They begin as examples of the first batch, and one with n_a below restart becomes an example of the batch, because a
// code far from all m would never be used again. The decoder gets I(x; z), the entropy of the code over x, which is at most
// ln k: a codebook of which few codes are used is the collapse of this method. Both are exact (code_perplexity, mi). What
// charges or weighs the KL has no effect and is refused; so is another prior. q(z|x) is one code, so there is no
// importance-weighted likelihood.
//
// Public code: some of it smooths n_a; here nothing is smoothed.
//
// Source: van den Oord, Vinyals & Kavukcuoglu 2017, "Neural discrete representation learning" (arXiv 1711.00937), appendix
// A.1, beta 0.25, decay 0.99. Restarts: Dhariwal et al. 2020, "Jukebox" (arXiv 2005.00341), section 3.
type VQ struct {
	// K is the number of codes; the KL is ln k.
	K int `yaml:"k" range:"[2,65536]" alias:"codebook_size|num_embeddings" knob:"rises"`
	// Beta is the weight of the squared distance of m from its code.
	Beta float64 `yaml:"beta" range:"[0,inf)" alias:"commitment_cost"`
	// Decay is the weight of the past in the means.
	Decay float64 `yaml:"decay" range:"[0,1)"`
	// Restart is the mean number of examples of a batch below which a code begins anew; 0 is never.
	Restart float64 `yaml:"restart" range:"[0,inf)"`
}

func init() { Methods.Add("vq", VQ{K: 64, Beta: 0.25, Decay: 0.99, Restart: 0.01}) }

// RateBound says what the KL is.
func (VQ) RateBound() string { return "KL = ln k" }

// Build makes encoder.vq.codes and encoder.vq.n.
func (v VQ) Build(b vae.Builder) vae.Variant {
	book := codebook{VQ: v, codes: b.Params.Buffer("encoder.vq.codes", nn.Normal(1), v.K, b.D), n: b.Params.Buffer("encoder.vq.n", nn.Constant(0), v.K)}
	book.number, book.sum = make([]float64, v.K), make([]float64, v.K*b.D)
	return vae.Variant{
		Gives: vae.CodeFamily,
		Raw:   vae.MOnly,
		Head: func(p *nn.Pass, m, _ *grad.Value) vae.Posterior {
			z := p.Tape.Zeros(m.Rows, m.Cols)
			book.round(p, m, z)
			return vae.Code{Z: m.Straight(z.Matrix), Raw: m, J: 1}
		},
		Prior: vae.UniformCode{J: 1, K: v.K, Put: func(a int, z []float64) {
			for j, c := range book.codes.Row(a) {
				z[j] = float64(c)
			}
		}},
		Extras: []vae.Extra{func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			q := t.Q.(vae.Code)
			return q.Raw.Sub(q.Z.Stop()).Square().RowSums().Mean().Scale(Float(v.Beta))
		}},
		Project: book.move,
		KLParts: 1, ConstantRate: true,
		Floor: func() float64 { return math.Log(float64(v.K)) },
	}
}
