package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// ScaleVAE gives each dimension of mu the standard deviation s over the batch, and charges the KL from before that:
//
//	z       = f m + sigma eps,   f_j = s/sqrt(var_B m_j + e),   eps ~ N(0, I)
//	kl      = KL(N(f m, sigma²) || N(0, I)),   the rate: z is what the decoder reads
//	penalty = KL(N(m, sigma²) || N(0, I)),     what is charged
//	E[kl]  >= (D/2) s²,                        for batch statistics, whatever is charged
//
// in nats. m is (B, D), f is (D), ln sigma² is unchanged. With the rate charged this would be bn without its centring. Nothing
// is centred, so f scales the mean of m as well, and the rate may lie far above the bound: on synthetic text with D 8 at about
// 20 nats for any s from 0.5 to 1 (experiments/knobs.yaml), where MI and gap rise with s. The gradient of f flows to m.
// Evaluations have a running variance, under which the bound does not hold. The bound is lower by the factor var_B m_j/(var_B
// m_j + e) where the raw variance is near e (eps leak, see bn). The penalty may fall to 0 beside a constant rate, when m
// shrinks and f grows. So rec + penalty is no bound of -ln p(x); rec + kl is one (nelbo). It combines with schedules,
// controllers, extras and regimes, but not with another penalty or prior, or with what refines q.
//
// Public code: a port charges the KL of the scaled mu, which makes it bn without centring. It also holds f fixed after some
// epochs; here f is always that of the batch, because the bound would end with it.
//
// Source: Song et al. 2024, "Scale-VAE: preventing posterior collapse in variational autoencoder" (LREC-COLING 2024, pages
// 14347-14357), its abstract. The bound is derived here.
type ScaleVAE struct {
	// Scale is s, the standard deviation over the batch of the mu that the decoder reads.
	Scale float64 `yaml:"scale" range:"(0,inf)"`
	// Eps is e, which keeps f finite.
	Eps float64 `yaml:"eps" range:"(0,inf)"`
	// Momentum is the weight of a new batch in the running variance.
	Momentum float64 `yaml:"momentum" range:"(0,1]"`
}

func init() { Methods.Add("scale-vae", ScaleVAE{Scale: 1, Eps: 1e-8, Momentum: 0.1}) }

// Build makes encoder.mu_sd.
func (v ScaleVAE) Build(b vae.Builder) vae.Variant {
	sd := nn.NewBatchSD(b.Params, "encoder.mu_sd", b.D, v.Eps, v.Momentum)
	return vae.Variant{
		NeedsNormal: true,
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			f := sd.Inverse(p, m).Scale(Float(v.Scale))
			told := vae.FromLogvar(m.MulRow(f), s)
			told.Charge = vae.FromLogvar(m, s).KL()
			return told
		},
		Penalty: vae.Charged,
		Floor:   func() float64 { return v.leastKL(b.D).nats },
	}
}

// RateBound is Floor.
func (ScaleVAE) RateBound() string { return "KL >= D scale²/2" }

// leastKL is that bound, of which each dimension keeps its share.
func (v ScaleVAE) leastKL(D int) bound {
	return bound{nats: 0.5 * float64(D) * v.Scale * v.Scale, dims: true}
}
