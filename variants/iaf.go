package variants

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// IAF has a posterior whose dimensions depend on each other: a Gaussian that inverse autoregressive layers change.
//
//	z_0     ~ N(m, e^s)
//	z_k+1   = g ⊙ z_k + (1 - g) ⊙ m_k,   m_k = M z_k + context,   g = sigmoid(max(S z_k + context' + 1.5, -3))
//	ln q(z|x) = ln N(z_0; m, e^s) - sum_k sum_j ln g_kj,   z the last z_k
//	penalty = rate = mean_i [ln q(z_i|x_i) - ln p(z_i)],   z_i ~ q(z|x_i)
//
// in nats. m and s are (B, D). M and S, (D, D), are strictly triangular, so that each number of z_k+1 depends on those before
// it; every second layer has the other triangle, which reverses the order. The contexts, (B, D), are affine in [m; s]: without
// them the layers would be the same for all x, and the model that of a Gaussian posterior with another prior and decoder. The
// least g is 0.047, because single precision has no density where z_k is forgotten.
//
// The rate is estimated from the batch's samples, because the KL has no closed form; rows too have it of one z for each
// example. It has no bound, and a richer posterior does not raise it. A draw costs one pass. The density of any other z is
// computed one dimension after the other; MI takes N² of them for N examples. The last z_k of z_0 = m stands for the mean of z.
// It combines with penalties, schedules, regimes and priors, but not with what reads mu and sigma. D must be 2 or more.
//
// Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow" (arXiv 1606.04934). There m_k
// and g come of autoregressive networks of several layers, and the context is a third output of the encoder; here they are
// linear, and an encoder gives m and s only.
type IAF struct {
	// Layers is the number of inverse autoregressive layers.
	Layers int `yaml:"layers" range:"[1,100]"`
}

func init() { Methods.Add("iaf", IAF{Layers: 2}) }

// RateBound says that the rate has none.
func (IAF) RateBound() string { return "none" }

// fits refuses one dimension, in which a layer leaves a Gaussian.
func (IAF) fits(D int) error {
	if D < 2 {
		return fmt.Errorf("iaf needs two latent dimensions or more, because it makes them depend on each other, and the model has %d; raise latent_dim", D)
	}
	return nil
}

// Build makes encoder.iaf.0 and so on, the triangles m and s of each layer, and encoder.iaf.context, of all.
func (v IAF) Build(b vae.Builder) vae.Variant {
	layers := make([]vae.IAFLayer, v.Layers)
	for k := range layers {
		layers[k] = vae.NewIAFLayer(b.Params, fmt.Sprintf("encoder.iaf.%d", k), b.D, k%2 == 1)
	}
	context := nn.NewAffine(b.Params, "encoder.iaf.context", 2*b.D, 2*b.D*v.Layers, nn.FanIn(2*b.D))
	return vae.Variant{
		Gives: vae.FlowFamily, KLParts: 1,
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.NewIAF(p, vae.FromLogvar(m, s), layers, context.Apply(p, m.Beside(s)))
		},
	}
}
