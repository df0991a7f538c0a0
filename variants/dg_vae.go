package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// DGVAE charges how far the z of a group are from the prior: those of all its examples together, and not those of each
// example. With b the agg examples of a group and p = N(0, 1), in nats:
//
//	penalty = mean_b sum_j KL(q_b(z_j) || p),   q_b(z_j) = mean_{i in b} N(mu_ij, sigma_ij²)
//	KL(q_b(z_j) || p) ≈ mean of ln q_b(z_j) - ln p(z_j) over draws z_j of each N(mu_ij, sigma_ij²), i in b
//
// The groups are the examples of a batch in their order. If agg does not divide the batch, the last group is what is
// left, and the mean weighs groups by their size. agg 1 is the KL itself, estimated. The KL is convex, so the penalty
// is at most the KL. The difference is free: what z_j tells of which example of the group it is. So the rate has no
// bound, and it rises with agg. Each q_b(z_j) by itself must be like the prior, so the dependence of the dimensions is
// free, too.
//
// On the sphere (vmf, power-spherical) q_b is the mean density of z itself, not of each z_j, and p is the uniform density.
// There the penalty moves the mean directions apart, and the KL stays what it is.
//
// It combines with every Gaussian or spherical head, with schedules and with regimes. Beside a Gaussian head a variant
// that brings a prior is refused.
//
// Public code: the whole batch is one group where agg does not divide it. What the code and the paper's tables call KL is this
// penalty.
//
// Source: Zhang et al. 2022, "Improving variational autoencoders with density gap-based regularization" (arXiv 2211.00321),
// with 32 draws; agg is its aggregation size, by default the batch.
type DGVAE struct {
	// Agg is the number of examples of a group, at most: 1 is the plain VAE, the batch size one group.
	Agg int `yaml:"agg" range:"[1,inf)" knob:"rises"`
	// Draws is the number of z of each example in the estimate.
	Draws int `yaml:"draws" range:"[1,1000]"`
}

func init() { Methods.Add("dg-vae", DGVAE{Agg: 32, Draws: 32}) }

// RateBound is none.
func (DGVAE) RateBound() string { return "none" }

// Build needs no parameters.
func (v DGVAE) Build(vae.Builder) vae.Variant {
	repeats := bySize(func(B int) []int { // each example as often as it has draws
		rows := make([]int, B*v.Draws)
		for r := range rows {
			rows[r] = r / v.Draws
		}
		return rows
	})
	return vae.Variant{
		Needs: vae.ContinuousFamily, NeedsNormal: true, BeyondKL: true,
		Penalty: func(p *nn.Pass, t *vae.Terms) *grad.Value {
			rows := repeats(t.Z.Rows)
			if q, ok := t.Q.(vae.Spherical); ok {
				z := vae.Spherical{Mu: q.Mu.Gather(rows), Law: q.Law}.Sample(p)
				return v.onSphere(q, z).Sub(t.Prior.LogProb(p, z, nil)).Mean()
			}
			q := t.Q.(vae.Gaussian)
			z := vae.Gaussian{Mu: q.Mu.Gather(rows), Sigma: q.Sigma.Gather(rows)}.Sample(p)
			return v.marginals(q, z).Sub(vae.Normal{}.LogProb(p, z, nil)).Mean()
		},
	}
}

// marginals is sum_j ln q_b(z_j) of z, (B draws, D): those of each example follow each other.
func (v DGVAE) marginals(q vae.Gaussian, z *grad.Value) *grad.Value {
	return z.MixtureLSE(q.Mu, q.Logvar, v.Agg, nil).RowSums()
}

// onSphere is ln q_b(z).
func (v DGVAE) onSphere(q vae.Spherical, z *grad.Value) *grad.Value {
	return z.MatMulT(q.Mu).Map(q.Law.LogProb, q.Law.Slope).LogSumExp(v.Agg, nil)
}
