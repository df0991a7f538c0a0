package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// IWAE trains on a bound of K samples, which is the ELBO for K = 1 and comes closer to ln p(x) with K:
//
//	L_K = E ln (1/K) sum_k w_k,   ln w_k = ln p(x|z_k) - w (ln q(z_k|x) - ln p(z_k)),   z_k ~ q(z|x)
//	ELBO <= L_K <= L_{K+1} <= ln p(x)                                                     at KL weight w = 1
//
// ln w_k is (B, K), L_K is a mean over examples, in nats. The KL weight is within the importance weights (the paper has
// none). With s_k = w_k/sum_l w_l held fixed, and d ln w_k/dz the gradient that holds the parameters of q in ln q fixed, the
// gradient of L_K in decoder and prior is sum_k s_k d ln w_k. In the encoder it is:
//
//	total:  through z, and through the parameters of q in ln q
//	stl:    sum_k s_k (d ln w_k/dz) dz                    sticking the landing: biased for K > 1
//	dreg:   sum_k s_k (1 - w + w s_k) (d ln w_k/dz) dz    doubly reparametrised: the mean of total, with less variance
//
// At w = 1 the factor of dreg is s_k², that of the paper; for another w it follows from the same identity. stl and dreg are
// 0 where q(z|x) is the model's own posterior. With K = 1 they are equal.
//
// The model that L_K trains has another posterior than q, made of K samples, so KL(q || p) says less of it. The rows have both:
// kl is KL(q || p), nelbo is rec + kl, iw_bound is -L_K at KL weight 1, and the objective is -L_K at the final KL weight. There
// is no penalty. The KL has no bound, and K moves it in no fixed direction: it frees q from the model's posterior. A step
// encodes once and decodes K times, and so does an evaluation: time and memory of the decoder grow with K. With any head but
// those of codes, any prior, extra, controller and regime. Penalties are refused, because L_K has no KL term that they could
// replace, and so is a variant that refines q.
//
// Source: Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders" (arXiv 1509.00519), K 5 and 50; Roeder, Wu &
// Duvenaud 2017, "Sticking the landing" (arXiv 1703.09194); Tucker et al. 2019, "Doubly reparameterized gradient estimators
// for Monte Carlo objectives" (arXiv 1810.04152).
type IWAE struct {
	// K is the number of z of each example in a step.
	K int `yaml:"k" range:"[1,1000]"`
	// Gradient is that of the encoder: total, stl or dreg.
	Gradient string `yaml:"gradient" choice:"total|stl|dreg"`
}

func init() { Methods.Add("iwae", IWAE{K: 5, Gradient: "total"}) }

// RateBound says that the rate has none.
func (IWAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v IWAE) Build(vae.Builder) vae.Variant {
	return vae.Variant{
		Needs: vae.DensityFamily,
		Bound: &vae.Bound{K: v.K, Loss: func(p *nn.Pass, s vae.Samples) *grad.Value {
			if v.Gradient != "total" {
				s = s.HoldQ(p)
			}
			logw := s.LogW(p.KLWeight)        // (B, K)
			bound := logw.LogSumExp(v.K, nil) // (B, 1), whose gradient in ln w_k is s_k
			if v.Gradient == "dreg" {
				for i, l := range logw.Data {
					share := tensor.Exp(l-bound.Data[i/v.K]) / Float(v.K)
					s.Gain[i] = 1 - p.KLWeight + p.KLWeight*share
				}
			}
			return bound.Mean().Neg()
		}},
	}
}
