package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// InfoVAE takes a share of the KL away and charges instead how far the z of a batch, all examples together, are from draws
// of the prior:
//
//	penalty = (1 - alpha) KL
//	extra   = mmd MMD²(z, z'),   z_i ~ q(z|x_i), z'_i ~ N(0, I) drawn at each step
//
//	MMD² = mean_{i≠j} k(z_i, z_j) + mean_{i≠j} k(z'_i, z'_j) - 2 mean_{i,j} k(z_i, z'_j)
//	imq:  k = sum_s C/(C + d²), C = 2 D s, s in 0.1, 0.2, 0.5, 1, 2, 5, 10
//	rbf:  k = exp(-d²/(2 D))
//
// d is the distance of the two points. The estimate is unbiased, so it may be negative. mmd is alpha + lambda - 1 of the
// paper. With alpha 1 this is the WAE-MMD: no KL is charged, a small sigma costs nothing, and the rate has no bound. MMD
// does not charge the MI of x and z, which the KL does. Any Gaussian posterior goes with it.
//
// Some ports have a default lambda below 1 - alpha, which rewards the distance. Here mmd must be positive. The extra has
// no KL weight, and a batch of one example no extra.
//
// Source: Zhao et al. 2019, "InfoVAE" (arXiv 1706.02262), with lambda 1000 and alpha 0 on images; Tolstikhin et al. 2018,
// "Wasserstein auto-encoders" (arXiv 1711.01558), with lambda 10 and the imq kernel.
type InfoVAE struct {
	// Alpha is the share of the KL that is not charged.
	Alpha float64 `yaml:"alpha" range:"[0,1]" knob:"rises"`
	// MMD is the weight of MMD² in nats.
	MMD float64 `yaml:"mmd" range:"(0,inf)"`
	// Kernel is k: inverse multiquadrics of seven widths (imq) or a Gaussian (rbf).
	Kernel string `yaml:"kernel" choice:"imq|rbf"`
}

func init() { Methods.Add("info-vae", InfoVAE{Alpha: 0, MMD: 10, Kernel: "imq"}) }

// Build needs no parameters.
func (v InfoVAE) Build(b vae.Builder) vae.Variant {
	known := map[int]pairs{} // by the size of the batch, so that a warm step allocates nothing for them
	variant := vae.Variant{
		Needs: vae.GaussianFamily, // z of a posterior that can be N(0, I)
		Extras: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			prior := p.Tape.Zeros(t.Z.Rows, t.Z.Cols)
			if t.Z.Rows < 2 {
				return p.Tape.Zeros(1, 1)
			}
			for i := range prior.Data {
				prior.Data[i] = Float(p.Noise.NormFloat64())
			}
			of, ok := known[t.Z.Rows]
			if !ok {
				of = pairsOf(t.Z.Rows)
				known[t.Z.Rows] = of
			}
			return v.distance(t.Z, prior, of).Scale(Float(v.MMD))
		}},
	}
	if v.Alpha > 0 { // else another variant may change the KL term
		variant.Penalty = func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			return t.KL.RowSums().Mean().Scale(Float(1 - v.Alpha))
		}
	}
	return variant
}

// RateBound is none.
func (InfoVAE) RateBound() string { return "none" }

// pairs are the places of the points of each pair: low and high within one set of B, left and right in two sets of B.
type pairs struct{ low, high, left, right []int }

// pairsOf lists all pairs. The kernel is symmetric, so within a set each pair is there once.
func pairsOf(B int) (of pairs) {
	for i := range B {
		for j := range B {
			of.left, of.right = append(of.left, i), append(of.right, j)
			if i < j {
				of.low, of.high = append(of.low, i), append(of.high, j)
			}
		}
	}
	return of
}

// distance is MMD² of two sets of points, (B, D) each.
func (v InfoVAE) distance(z, prior *grad.Value, of pairs) *grad.Value {
	k := func(a *grad.Value, i []int, b *grad.Value, j []int) *grad.Value {
		return v.kernel(a.Gather(i).Sub(b.Gather(j)).Square().RowSums(), z.Cols).Mean()
	}
	return k(z, of.low, z, of.high).Add(k(prior, of.low, prior, of.high)).Sub(k(z, of.left, prior, of.right).Scale(2))
}

// kernel is k of squared distances in D dimensions.
func (v InfoVAE) kernel(d2 *grad.Value, D int) (sum *grad.Value) {
	if v.Kernel == "rbf" {
		return d2.Scale(-0.5 / Float(D)).Exp()
	}
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
		k := d2.Scale(Float(1 / (2 * float64(D) * s))).Shift(1).Log().Neg().Exp() // 1/(1 + d²/C)
		if sum == nil {
			sum = k
		} else {
			sum = sum.Add(k)
		}
	}
	return sum
}
