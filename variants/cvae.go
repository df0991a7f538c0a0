package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// CVAE has a learnt prior of a conditional VAE: z given the condition c of an example, such as the first half of a sentence.
//
//	p(z|c) = N(mu_p, sigma_p²),   mu_p, ln sigma_p² = W tanh(V c + v) + w
//	rate   = KL(q(z|x, c) || p(z|c))
//	charge rate: penalty = rate,   charge sum: penalty = rate + KL(p(z|c) || N(0, I))
//
// mu_p and sigma_p are (B, D), c is (B, C); rate and penalty are in nats. The prior can follow the posterior, so the rate can
// vanish whatever the head does to mu_q, as bn does. The sum is what the paper charges beside bn, by its equation 12 with 2
// in place of 1 in the constant:
//
//	sum = (1/2) sum_j [ (sigma_q² + (mu_q - mu_p)²)/sigma_p² + sigma_p² + mu_p² - ln sigma_q² - 2 ]
//
// It is at least 0, and 0 only at q = p = N(0, I). q = p is stationary nowhere else. Given mu_q alone, of one dimension,
//
//	sum >= least(mu_q) = min_v (1/2) (mu_q²/(1+v) + v - 1 - ln v),   at sigma_q² = sigma_p² = v, mu_p = mu_q/(1+v)
//
// least is about mu_q²/4, of which half is rate, so of the floor of bn about a quarter is left to the rate at the least sum.
// It grows like |mu_q|: of posteriors with one mean of squares, the mean of least has infimum 0. Training may raise the sum
// and lower the rate, so the rate itself has no bound. Data must give conditions. Any Gaussian head goes with it, and with
// charge rate any penalty. The gradient of the sum pulls mu_p toward 0, and q after it.
//
// The paper prints -1 in equation 12 and says that the sum is 0 at q = p = N(0, I), where as printed it is 1/2 a dimension.
// Ports leave the second KL out, with which nothing is kept.
//
// Source: Zhu et al. 2020, section 4 (arXiv 2004.12585); the network of the prior, with 100 hidden units, as Zhao et al.
// 2017, "Learning discourse-level diversity for neural dialog models using conditional variational autoencoders" (arXiv
// 1703.10960).
type CVAE struct {
	// Charge is what the loss charges: the rate, or the sum of the rate and the KL of the prior to N(0, I).
	Charge string `yaml:"charge" choice:"rate|sum"`
	// Hidden is the size of the prior's hidden layer.
	Hidden int `yaml:"hidden" range:"[1,100000]"`
}

func init() { Methods.Add("cvae", CVAE{Charge: "rate", Hidden: 100}) }

// RateBound says that the rate has none.
func (CVAE) RateBound() string { return "none" }

// Build makes decoder.prior.hidden, (hidden, C), and decoder.prior.linear, (2D, hidden).
func (v CVAE) Build(b vae.Builder) vae.Variant {
	hidden := nn.NewAffine(b.Params, "decoder.prior.hidden", b.Given.C, v.Hidden, nn.FanIn(b.Given.C))
	linear := nn.NewAffine(b.Params, "decoder.prior.linear", v.Hidden, 2*b.D, nn.FanIn(v.Hidden))
	variant := vae.Variant{
		Conditional: true, Needs: vae.GaussianFamily,
		Prior: vae.GaussianPrior(func(p *nn.Pass, x *vae.Batch) vae.Gaussian {
			out := linear.Apply(p, hidden.Apply(p, b.Given.Of(p, x)).Tanh())
			return vae.FromLogvar(out.Columns(0, b.D), out.Columns(b.D, 2*b.D))
		}),
	}
	if v.Charge == "sum" {
		variant.LeastPenalty = leastSum
		variant.Penalty = func(p *nn.Pass, t *vae.Terms) *grad.Value {
			return t.KL.Add(t.Prior.(vae.GaussianPrior)(p, t.X).KL()).RowSums().Mean()
		}
	}
	return variant
}

// leastSum is least(mu). The best v solves mu² v = (v-1) (v+1)², whose one root above 1 is below 2 + |mu|.
func leastSum(mu float64) float64 {
	low, high := 1.0, 2+math.Abs(mu)
	for range 60 {
		if v := (low + high) / 2; mu*mu*v > (v-1)*(v+1)*(v+1) {
			low = v
		} else {
			high = v
		}
	}
	return 0.5 * (mu*mu/(1+low) + low - 1 - math.Log(low))
}
