package variants

import "vaelab/internal/vae"

// Vanilla is the plain VAE: q(z|x) = N(mu, sigma²) with mu and ln sigma² as the encoder gives
// them, and the KL as penalty. With a strong decoder it collapses.
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114);
// its collapse on text: Bowman et al. 2016 (arXiv 1511.06349).
type Vanilla struct{}

func init() { Methods.Add("vanilla", Vanilla{}) }

// Build returns the zero Variant.
func (Vanilla) Build(vae.Builder) vae.Variant { return vae.Variant{} }

// RateBound is none.
func (Vanilla) RateBound() string { return "none" }
