package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// MAE charges posteriors that are alike: how far those of two examples are apart, for all pairs of a batch.
//
//	KL_ikj = KL(q(z_j|x_i) || q(z_j|x_k)) = (1/2) (ln sigma_kj² - ln sigma_ij² + (sigma_ij² + (mu_ij - mu_kj)²)/sigma_kj² - 1)
//	MPD_j  = mean_{i≠k} KL_ikj
//	extra  = -eta sum_j ln sigmoid(MPD_j/eta) + gamma std_{i≠k} sum_j KL_ikj
//
// in nats, without the KL weight. std is over the B (B-1) ordered pairs, with their number minus 1 as denominator. The
// first term falls as posteriors move apart, and hardly any more at an MPD of a few eta: eta is weight and scale at
// once. The second makes all pairs equally far apart. The rate has no bound: MPD is 0 if and only if all posteriors are
// equal, but it is also large for equal means if the variances differ. Adding one vector to all means changes nothing.
//
// It takes B² D numbers a step. It combines with every Gaussian head, with penalties and schedules. A batch of one has
// no extra.
//
// Public code: XuezheMax/mae has eta 0 and gamma 0 as defaults, and free bits for the KL of the batch beside.
//
// Source: Ma et al. 2019, "MAE: mutual posterior-divergence regularization for variational autoencoders" (arXiv 1901.01498).
type MAE struct {
	// Eta is weight and scale of the charge for posteriors that are alike, in nats.
	Eta float64 `yaml:"eta" range:"(0,inf)" knob:"rises"`
	// Gamma is the weight of the charge for pairs that are not equally far apart.
	Gamma float64 `yaml:"gamma" range:"[0,inf)"`
}

func init() { Methods.Add("mae", MAE{Eta: 1, Gamma: 0}) }

// RateBound is none.
func (MAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v MAE) Build(vae.Builder) vae.Variant {
	pairs := bySize(func(B int) (of struct{ i, k []int }) {
		for i := range B {
			for k := range B {
				if i != k {
					of.i, of.k = append(of.i, i), append(of.k, k)
				}
			}
		}
		return of
	})
	return vae.Variant{
		Needs: vae.GaussianFamily,
		Extras: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			q := t.Q.(vae.Gaussian)
			if q.Mu.Rows < 2 {
				return p.Tape.Zeros(1, 1)
			}
			of := pairs(q.Mu.Rows)
			kl := divergences(q, of.i, of.k) // (B (B-1), D)
			extra := kl.ColMeans().Scale(Float(-1 / v.Eta)).Softplus().Sum().Scale(Float(v.Eta))
			if v.Gamma == 0 {
				return extra
			}
			far := kl.RowSums()
			variance := far.AddRow(far.ColMeans().Neg()).Square().Sum().Scale(1 / Float(far.Rows-1))
			return extra.Add(variance.Max(1e-12).Sqrt().Scale(Float(v.Gamma))) // 1e-12: a gradient at 0 would be infinite
		}},
	}
}

// divergences are KL(q_i || q_k) by dimension, for pairs of rows.
func divergences(q vae.Gaussian, i, k []int) *grad.Value {
	mu := q.Mu.Gather(i).Sub(q.Mu.Gather(k))
	logs := q.Logvar.Gather(k).Sub(q.Logvar.Gather(i))
	spread := q.Sigma.Square().Gather(i).Add(mu.Square()).Mul(q.Logvar.Neg().Exp().Gather(k))
	return logs.Add(spread).Shift(-1).Scale(0.5)
}
