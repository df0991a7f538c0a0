package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TC splits the KL into three parts and weighs each. With z ~ q(z|x), q(z) the mean of all posteriors and q(z_j) its
// marginals:
//
//	penalty = alpha MI + beta TC + gamma DimKL
//	MI      = E[ln q(z|x) - ln q(z)]               what z tells of x
//	TC      = E[ln q(z) - sum_j ln q(z_j)]         total correlation: how dependent the dimensions are
//	DimKL   = E[sum_j ln q(z_j) - ln p(z)]         how far each dimension is from N(0, 1)
//
// in nats. The parts add up to ln q(z|x) - ln p(z), whose mean is the KL. A small alpha frees MI, so the rate rises;
// alpha 0, beta 1 and gamma 1 charge KL(q(z) || p) alone. The rate has no bound. q(z) is estimated from the batch, N
// being the number of training examples, as sum_k w_ik q(z_i|x_k):
//
//	batch: w = 1/B; MI is at most ln B
//	mws:   w = 1/(N B); has the gradient of batch, but MI is higher by ln N, TC by (D-1) ln N, DimKL lower by D ln N
//	mss:   w = 1/N for k = i, (N-B+1)/(N (B-1)) for the next example, 1/(B-1) for the others; the weights add up to 1
//
// So under mws the penalty means nothing in rows, unless alpha, beta and gamma are equal. It combines with every
// Gaussian head. A variant that brings a prior is refused.
//
// Public code: the weights of mss are misplaced in the official code and in ports of it: they are at columns 0 and 1 and not
// at the example itself and the next one. Rows still add up to 1.
//
// Source: Chen et al. 2018, "Isolating sources of disentanglement in variational autoencoders" (arXiv 1802.04942), beta
// 1 to 10, estimator mws; mss is from its appendix.
type TC struct {
	// Alpha is the weight of MI; below 0 MI is rewarded.
	Alpha float64 `yaml:"alpha" range:"(-inf,inf)" knob:"falls"`
	// Beta is the weight of TC.
	Beta float64 `yaml:"beta" range:"[0,inf)"`
	// Gamma is the weight of DimKL.
	Gamma float64 `yaml:"gamma" range:"[0,inf)"`
	// Estimator is that of q(z): batch, mws or mss.
	Estimator string `yaml:"estimator" choice:"batch|mws|mss"`
}

func init() { Methods.Add("tc", TC{Alpha: 1, Beta: 6, Gamma: 1, Estimator: "mss"}) }

// RateBound is none.
func (TC) RateBound() string { return "none" }

// Build needs no parameters.
func (v TC) Build(b vae.Builder) vae.Variant {
	weights := bySize(func(B int) []Float { return v.weights(B, b.Space.N) })
	return vae.Variant{
		Needs: vae.GaussianFamily, NeedsNormal: true, BeyondKL: true,
		Penalty: func(p *nn.Pass, t *vae.Terms) *grad.Value {
			mi, tc, dims := split(p, t, weights(t.Z.Rows))
			return mi.Scale(Float(v.Alpha)).Add(tc.Scale(Float(v.Beta))).Add(dims.Scale(Float(v.Gamma))).Mean()
		},
	}
}

// split are the three parts for each example, (B, 1), with the logarithms of the weights, (B, B).
func split(p *nn.Pass, t *vae.Terms, logw []Float) (mi, tc, dims *grad.Value) {
	q := t.Q.(vae.Gaussian)
	joint := t.Z.LogNormals(q.Mu, q.Logvar).LogSumExp(q.Mu.Rows, logw)
	marginals := t.Z.MixtureLSE(q.Mu, q.Logvar, q.Mu.Rows, logw).RowSums()
	return q.LogProb(p, t.Z).Sub(joint), joint.Sub(marginals), marginals.Sub(vae.Normal{}.LogProb(p, t.Z, nil))
}

// weights are ln w, (B, B). A batch is at most all examples, whose number is not always known.
func (v TC) weights(B, N int) []Float {
	n, b, logw := float64(max(N, B)), float64(B), make([]Float, B*B)
	for i := range B {
		for k := range B {
			w := 1 / b
			switch next := (i + 1) % B; {
			case v.Estimator == "mws":
				w = 1 / (n * b)
			case v.Estimator == "batch" || B == 1:
			case k == i:
				w = 1 / n
			case k == next:
				w = (n - b + 1) / (n * (b - 1))
			default:
				w = 1 / (b - 1)
			}
			logw[i*B+k] = Float(math.Log(w))
		}
	}
	return logw
}
