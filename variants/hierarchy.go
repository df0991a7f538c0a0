package variants

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Hierarchy has two levels of z = [z1; z2], of which the decoder reads both:
//
//	q(z2|x)     = N(m_2, e^s_2)               p(z2)    = N(0, I)
//	q(z1|x, z2) = N(m_1 + A z2, e^s_1)        p(z1|z2) = N(P z2, I)
//	rate        = mean_i [ KL(q(z1|x_i, z2) || p(z1|z2)) + KL(q(z2|x_i) || p(z2)) ],   z2 ~ q(z2|x_i)
//
// in nats. m and s are (B, D), z2 the last top columns. A and P are (D - top, top), learnt, and begin at 0. Rows have the KL of
// each level, of z1 and of z2, as kl_level; that of z1 is estimated from one z2 for each example. The level of z2 can collapse
// while that of z1 does not, because z1 can tell the decoder all that z2 does. Free bits of mode dim have a share of lambda for
// each level. The rate has no bound. A and P are linear, so with A = P the KL is that of independent m and s, and the prior is
// a Gaussian with a structured covariance; deeper published ladders are not linear. It combines with penalties, schedules and
// regimes, but not with another head or prior, nor with what reads mu and sigma. D must be 2 or more.
//
// Source: Sønderby et al. 2016, "Ladder variational autoencoders" (arXiv 1602.02282); two levels as in Tomczak & Welling 2018,
// "VAE with a VampPrior" (arXiv 1705.07120), section 3, where both are networks and q(z1|x, z2) reads x again.
type Hierarchy struct {
	// Top is the number of dimensions of z2; 0 for half of them.
	Top int `yaml:"top" range:"[0,100000]"`
}

func init() { Methods.Add("hierarchy", Hierarchy{}) }

// RateBound says that the rate has none.
func (Hierarchy) RateBound() string { return "none" }

// fits wants a dimension for each level.
func (v Hierarchy) fits(D int) error {
	if D < 2 || v.Top >= D {
		return fmt.Errorf("hierarchy with top %d needs %d latent dimensions or more, one of them for z1, and the model has %d; raise latent_dim or lower top", v.Top, max(2, v.Top+1), D)
	}
	return nil
}

// Build makes encoder.hierarchy.a and decoder.hierarchy.p.
func (v Hierarchy) Build(b vae.Builder) vae.Variant {
	top := min(v.Top, b.D-1) // Check builds with two dimensions
	if top == 0 {
		top = b.D / 2
	}
	shear := func(name string) vae.Shear {
		return vae.Shear{A: b.Params.New(name, nn.Constant(0), b.D-top, top)}
	}
	a, p := shear("encoder.hierarchy.a"), shear("decoder.hierarchy.p")
	return vae.Variant{
		Gives: vae.FlowFamily, KLParts: 2, Levels: true,
		Prior: vae.LadderPrior{Shear: p},
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.NewLadder(p, vae.FromLogvar(m, s), a)
		},
	}
}
