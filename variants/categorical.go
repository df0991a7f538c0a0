package variants

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Categorical makes z of J independent symbols with K = D/J values each, under a uniform prior:
//
//	p(symbol j = k|x) = softmax(m_j)_k,   m_j: the j-th K numbers of m
//	z                 = the symbols as one-hot vectors, side by side
//	KL                = sum_j (ln K - H_j),   H_j: the entropy of symbol j given x
//
// m and z are (B, D), the KL is in nats, by symbol. It is at most J ln K, and so is the MI. It has no lower bound: it collapses
// as that of a Gaussian does. kl.beta moves it, and so do penalties and controllers. s is not read, and the encoder makes none.
// Training reads drawn symbols and has the gradient of their Gumbel-softmax relaxation (vae.OneHot). If relaxed is true it
// reads the relaxation itself, which tells more of x than the KL here charges: then rec and nelbo of training rows are no
// bound. Evaluations read drawn symbols in any case. mi is exact unless K^J is large.
//
// Public code: common ports charge the KL of symbols and evaluate a relaxed z, which is no bound.
//
// Source: Jang, Gu & Poole 2017, "Categorical reparameterization with Gumbel-softmax" (arXiv 1611.01144), and Maddison, Mnih &
// Teh 2017, "The concrete distribution" (arXiv 1611.00712), with temperatures from 0.5 to 1.
type Categorical struct {
	// Symbols is J. The latent dimensions of the model must be a multiple of it, and twice as many or more.
	Symbols int `yaml:"symbols" range:"[1,inf)" alias:"groups"`
	// Temperature is that of the relaxation: near 0 its gradient has little bias and a large variance.
	Temperature float64 `yaml:"temperature" range:"(0,inf)"`
	// Relaxed lets training read the relaxation instead of drawn symbols.
	Relaxed bool `yaml:"relaxed"`
}

func init() { Methods.Add("categorical", Categorical{Symbols: 1, Temperature: 0.67}) }

// RateBound is an upper one.
func (Categorical) RateBound() string { return "KL <= J ln(D/J)" }

// Build needs no parameters.
func (v Categorical) Build(b vae.Builder) vae.Variant {
	K := max(1, b.D/v.Symbols)
	return vae.Variant{
		Gives: vae.CodeFamily,
		Raw:   vae.MOnly,
		Head: func(_ *nn.Pass, m, _ *grad.Value) vae.Posterior {
			return vae.NewOneHot(m, K, Float(v.Temperature), v.Relaxed)
		},
		Prior:   vae.UniformCode{J: v.Symbols, K: K, Put: func(k int, z []float64) { clear(z); z[k] = 1 }},
		KLParts: v.Symbols,
	}
}

// fits needs K to be whole, and 2 or more.
func (v Categorical) fits(D int) error {
	if D%v.Symbols != 0 || D/v.Symbols < 2 {
		return fmt.Errorf("%d symbols need %d latent dimensions or a multiple of %d above that, and the model has %d; change variant.categorical.symbols or the model's latent_dim", v.Symbols, 2*v.Symbols, v.Symbols, D)
	}
	return nil
}
