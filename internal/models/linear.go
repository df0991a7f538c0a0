package models

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Linear is the linear-Gaussian VAE, probabilistic PCA trained as a VAE, whose optimum is
// known in closed form.
//
//	encoder   m = V x + v,  s the same for every x
//	decoder   ln p(x|z) = ln N(x; W z + b, noise I)
//
// With the vanilla head the optimum uses one latent dimension for each eigenvalue L_j of the
// data's covariance that exceeds the noise, the largest first, and no other dimension:
//
//	sigma_j² = noise/L_j,    E[mu_j²] = 1 - noise/L_j,    KL_j = ½ ln(L_j/noise)
//
// So at the optimum the posterior collapses where L_j <= noise. s does not depend on x, because
// that of the true posterior does not; bn-scaler, whose BN(s) is then 0, cannot represent it,
// rms-scaler can.
//
// Source: Lucas et al. 2019, "Don't blame the ELBO! A linear VAE perspective on posterior
// collapse" (arXiv 1911.02469); Tipping & Bishop 1999, "Probabilistic principal component
// analysis".
type Linear struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z|z_dim|num_latent|n_latent"`
	// Noise is the decoder's variance, the same for each number of x; it is not learnt, and the variant sigma-vae replaces it.
	Noise float64 `yaml:"noise" range:"(0,inf)"`
}

func init() { Models.Add("linear", Linear{LatentDim: 8, Noise: 1}) }

// Latent is d.
func (m Linear) Latent() int { return m.LatentDim }

// Fits: vectors only.
func (m Linear) Fits(s vae.Space) error { return s.Want("linear", vae.Vector) }

// FlopsPerToken is 3 · 4D: two products of P·D each for P numbers.
func (m Linear) FlopsPerToken(vae.Space) float64 { return 12 * float64(m.LatentDim) }

// Encoder makes encoder.linear and encoder.scale (s, at first 0).
func (m Linear) Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder {
	P, D := s.Size(), m.LatentDim
	enc := &linearEncoder{
		linear: nn.NewLinear(ps, "encoder.linear", P, D, nn.FanIn(P)),
		bias:   ps.New("encoder.linear.bias", nn.Constant(0), D),
	}
	if raw == vae.MAndS {
		enc.scale = ps.New("encoder.scale", nn.Constant(0), D)
	}
	return enc
}

// Decoder makes decoder.linear.
func (m Linear) Decoder(ps *nn.Params, s vae.Space) vae.Decoder {
	P, R := s.Size(), reads(m.LatentDim, s)
	linear := nn.NewLinear(ps, "decoder.linear", R, P, nn.FanIn(R))
	bias := ps.New("decoder.linear.bias", nn.Constant(0), P)
	return vae.Vectors{In: R, Out: P, Variance: m.Noise, Mean: func(p *nn.Pass, z *grad.Value) *grad.Value {
		return linear.Apply(p, z).AddRow(p.Use(bias)) // W z + b
	}}
}

// Bare makes no parameter.
func (m Linear) Bare(_ *nn.Params, s vae.Space) vae.Mapped {
	return vae.Vectors{In: reads(m.LatentDim, s), Out: s.Size(), Variance: m.Noise}
}

type linearEncoder struct {
	linear      nn.Linear
	bias, scale *nn.Param // (D) each; scale is nil if there is m only
}

// Encode is linear in x; s is the same for all.
func (e *linearEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m = e.linear.Apply(p, x.Numbers(p.Tape)).AddRow(p.Use(e.bias)) // (B, D)
	if e.scale != nil {
		s = p.Tape.Zeros(m.Rows, m.Cols).AddRow(p.Use(e.scale)) // (B, D)
	}
	return m, s
}
