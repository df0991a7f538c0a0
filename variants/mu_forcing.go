package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// MuForcing charges a batch whose means vary too little:
//
//	extra = weight relu(D v - sum_j var_B mu_j)
//
// var_B is the biased variance over the batch, mu is (B, D). The extra is in nats and has no KL weight. Where it is 0,
//
//	E[KL] >= (1/2) sum_j var_B mu_j >= D v/2
//
// with equality where sigma is 1 and the mean of mu is 0. With N(0, I) a nat of KL buys a variance of 2, so the extra
// binds only if weight is more than half the KL weight. It is bn as a charge instead of a constraint: KL and bound
// nearly agree in practice, and with bn it is redundant. The sum is over dimensions, so one of them may carry all of
// it. It combines with every other Gaussian head and with penalties.
//
// The paper has the mean over dimensions. It weighs the extra by 1 and the KL by at most 0.1, both beside the mean
// cross-entropy of a token, which is a sum over tokens here. So its weights cannot be used here.
//
// Source: Liu et al. 2019, "mu-forcing: training variational recurrent autoencoders for text generation" (arXiv
// 1905.10072), v from 1.5 to 3 with 16 dimensions.
type MuForcing struct {
	// V is the variance that mu should have over a batch, as a mean over the dimensions.
	V float64 `yaml:"v" range:"(0,inf)" knob:"rises"`
	// Weight is the charge in nats for each unit of variance that is missing.
	Weight float64 `yaml:"weight" range:"(0,inf)"`
}

func init() { Methods.Add("mu-forcing", MuForcing{V: 0.5, Weight: 1}) }

// RateBound holds where the extra is 0.
func (MuForcing) RateBound() string { return "KL >= D v/2 if it binds" }

// Build needs no parameters.
func (v MuForcing) Build(b vae.Builder) vae.Variant {
	return vae.Variant{
		Needs: vae.GaussianFamily,
		Extras: []vae.Extra{func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			mu := t.Q.Mean()
			variance := mu.AddRow(mu.ColMeans().Neg()).Square().ColMeans().Sum()
			return variance.Neg().Shift(Float(float64(b.D) * v.V)).Max(0).Scale(Float(v.Weight))
		}},
	}
}
