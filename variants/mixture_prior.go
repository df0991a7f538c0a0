package variants

import (
	"math/rand/v2"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// MixturePrior has a prior of K Gaussians, so that q(z), the mean of all posteriors, need not be like N(0, I):
//
//	p(z) = (1/K) sum_k N(z; mu_k, sigma_k²),   penalty = rate = mean_i [ln q(z_i|x_i) - ln p(z_i)],   z_i ~ q(z|x_i)
//
// mu_k and sigma_k are (D), the rate is in nats. It is estimated from the batch's samples, because the KL has no closed form.
// The components are
//
//	mog     learnt numbers; they begin near N(0, I)
//	data    the posteriors of K examples of training, drawn once and kept with the weights (exemplars)
//	pixels  the posteriors of K learnt images, pixels clipped to [0, 1] (VampPrior)
//
// data and pixels run the encoder and the head on K more examples at each step, without dropout and under running
// statistics, because K examples mixed into the batch would change its own. Text has no learnt inputs, because symbols have
// no gradient. The rate is at least MI. If the components are the posteriors of all N examples, p is q(z) and the rate is MI:
// nothing is charged for the prior, but nothing raises MI either, so that the prior alone is no remedy. Floors are of the
// KL to N(0, I), so a head has none here. Any Gaussian head goes with it.
//
// Public code: some ports leave out ln K, or always draw from the first component. The VampPrior's clamps ln sigma² of a
// posterior to [-6, 2]; here nothing is clamped.
//
// Source: Tomczak & Welling 2018, "VAE with a VampPrior" (arXiv 1705.07120), with K 500 and pixels from N(0.05, 0.01²);
// exemplars as Norouzi et al. 2020, "Exemplar VAE" (arXiv 2004.04795), with one sigma for all there.
type MixturePrior struct {
	// K is the number of components.
	K int `yaml:"k" range:"[1,10000]"`
	// Components says what they are: learnt numbers, or posteriors of examples or of learnt images.
	Components string `yaml:"components" choice:"mog|data|pixels"`
}

func init() { Methods.Add("mixture-prior", MixturePrior{K: 32, Components: "mog"}) }

// RateBound says that the rate has none.
func (MixturePrior) RateBound() string { return "none" }

// Build makes decoder.prior.mu and decoder.prior.logvar, the buffer decoder.prior.examples, or decoder.prior.pixels.
func (v MixturePrior) Build(b vae.Builder) vae.Variant {
	variant := vae.Variant{Needs: vae.GaussianFamily, KLParts: 1}
	switch v.Components {
	case "data":
		variant.Unconditional = true
		examples := vae.NewStored(b.Params, "decoder.prior.examples", v.K, b.Space, b.Data(v.K))
		variant.Prior = vae.NewMixture(func(p *nn.Pass) vae.Gaussian {
			return b.Model.First(p, examples.Batch()).(vae.Gaussian)
		})
	case "pixels":
		variant.Kind, variant.Unconditional = vae.Image, true
		raw, images := b.Params.New("decoder.prior.pixels", pseudo, v.K, b.Space.Size()), &vae.Batch{}
		variant.Prior = vae.NewMixture(func(p *nn.Pass) vae.Gaussian {
			images.Learn(p.Use(raw).Max(0).Neg().Shift(1).Max(0).Neg().Shift(1)) // clipped
			return b.Model.First(p, images).(vae.Gaussian)
		})
	default: // mog
		mu := b.Params.New("decoder.prior.mu", nn.Normal(0.5), v.K, b.D)
		logvar := b.Params.New("decoder.prior.logvar", nn.Constant(0), v.K, b.D)
		variant.Prior = vae.NewMixture(func(p *nn.Pass) vae.Gaussian {
			return vae.FromLogvar(p.Use(mu), p.Use(logvar))
		})
	}
	return variant
}

// pseudo draws the first pixels of learnt images.
func pseudo(rng *rand.Rand, x []Float) {
	for i := range x {
		x[i] = Float(0.05 + 0.01*rng.NormFloat64())
	}
}
