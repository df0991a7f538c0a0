package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
	"vaelab/internal/vae"
)

// VMF has a constant KL: z lies on the unit sphere of R^D, by the von Mises-Fisher distribution around mu, and the prior is
// uniform there.
//
//	mu     = m/|m|
//	q(z|x) = vMF(z; mu, kappa) = c exp(kappa mu·z)
//	KL     = kappa A + ln c + ln area,   A = E[mu·z] = I_{D/2}(kappa)/I_{D/2-1}(kappa)
//
// m is (B, D) with D >= 2, the KL is in nats. area is that of the sphere, I are modified Bessel functions. s is not read, and
// the encoder makes none.
// The gradient reaches m through z alone. MI is at most the KL; nothing forces the decoder to use any of it. It combines with
// regimes, remedies in the decoder and extras. What charges the KL, or weighs it, has no effect and is refused. So is another
// prior.
//
// Public code: the KL of Xu & Durrett's, and so of valdersoul/bn-vae, is that of D + 2 dimensions: 4.1 % too small at D = 32
// and kappa 13. The likelihood in bn-vae draws one z for all importance samples, and its ln q is that of a Gaussian. One
// version of s-vae-pytorch lacks two logarithms in the sampler.
//
// Source: Davidson et al. 2018, "Hyperspherical variational auto-encoders" (arXiv 1804.00891); Xu & Durrett 2018,
// "Spherical latent spaces for stable variational autoencoders" (arXiv 1808.10805), with kappa 80; bn-vae has 13.
type VMF struct {
	// Kappa is the concentration: the larger, the nearer is z to mu. 20 has a KL of 4.2 nats in 32 dimensions, and of
	// 4.6 in 8.
	Kappa float64 `yaml:"kappa" range:"[0.001,10000]" knob:"rises"`
}

func init() { Methods.Add("vmf", VMF{Kappa: 20}) }

// RateBound says what decides the KL.
func (VMF) RateBound() string { return "KL constant, by kappa and D" }

// Build needs no parameters.
func (v VMF) Build(b vae.Builder) vae.Variant { return onSphere(b.D, sphere.NewVMF(b.D, v.Kappa)) }

// onSphere is the variant with q(z|x) by a law around m/|m|, and the uniform prior.
func onSphere(D int, law sphere.Law) vae.Variant {
	return vae.Variant{
		Gives: vae.SphereFamily,
		Raw:   vae.MOnly,
		Head:  func(_ *nn.Pass, m, _ *grad.Value) vae.Posterior { return vae.Spherical{Mu: m.Unit(), Law: law} },
		Prior: vae.UniformSphere{D: D}, KLParts: 1, ConstantRate: true,
		Floor: law.KL,
	}
}
