package variants

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// FlowPrior has a prior that is learnt as an invertible map f to N(0, I), so that q(z), the mean of all posteriors, need not be
// like N(0, I):
//
//	ln p(z) = ln N(f(z); 0, I) + ln |det df/dz|,   penalty = rate = mean_i [ln q(z_i|x_i) - ln p(z_i)],   z_i ~ q(z|x_i)
//	coupling: y1 = z1,   y2 = z2 e^s + t,   ln |det| = sum_j s_j,   [tanh⁻¹ s, t] = V tanh(W z1 + a) + b
//
// in nats. f is layers couplings, one after the other. z1 and z2 are halves of z, (B, D/2) each; every second coupling changes
// the other half. V begins at 0, so p(z) begins as N(0, I). The inverse of f, for draws, is as cheap as f. The rate is
// estimated from the batch's samples, because the KL has no closed form; rows too have it of one z for each example. It is at
// least MI, as with any prior. Nothing raises MI, so that the prior alone is no remedy. Floors are of the KL to N(0, I), so a
// head has none here. Any head but those of spheres and codes goes with it. D must be 2 or more.
//
// Source: Chen et al. 2017, "Variational lossy autoencoder" (arXiv 1611.02731), section 3.2, whose flow is autoregressive;
// couplings as Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using Real NVP" (arXiv 1605.08803), with e^tanh.
type FlowPrior struct {
	// Layers is the number of couplings.
	Layers int `yaml:"layers" range:"[1,100]"`
	// Hidden is the size of the hidden layer that makes s and t.
	Hidden int `yaml:"hidden" range:"[1,100000]"`
}

func init() { Methods.Add("flow-prior", FlowPrior{Layers: 4, Hidden: 32}) }

// RateBound says that the rate has none.
func (FlowPrior) RateBound() string { return "none" }

// fits refuses one dimension, which has no halves.
func (FlowPrior) fits(D int) error {
	if D < 2 {
		return fmt.Errorf("flow-prior needs two latent dimensions or more, because a coupling changes one half of z by the other, and the model has %d; raise latent_dim", D)
	}
	return nil
}

// Build makes decoder.flow.0 and so on: hidden, the layer W and a, and linear, V and b.
func (v FlowPrior) Build(b vae.Builder) vae.Variant {
	half := (b.D + 1) / 2
	flow := &vae.Flow{Couplings: make([]vae.Coupling, v.Layers)}
	for k := range flow.Couplings {
		from, to := half, b.D-half
		if k%2 == 1 {
			from, to = to, from
		}
		name := fmt.Sprintf("decoder.flow.%d", k)
		hidden := nn.NewAffine(b.Params, name+".hidden", from, v.Hidden, nn.FanIn(from))
		linear := nn.NewAffine(b.Params, name+".linear", v.Hidden, 2*to, nn.Constant(0))
		flow.Couplings[k] = vae.Coupling{Split: half, Last: k%2 == 1, Net: func(p *nn.Pass, z1 *grad.Value) (s, t *grad.Value) {
			out := linear.Apply(p, hidden.Apply(p, z1).Tanh()) // (B, 2 to)
			return out.Columns(0, to).Tanh(), out.Columns(to, 2*to)
		}}
	}
	return vae.Variant{Prior: flow, KLParts: 1}
}
