package metrics

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations,
		Measure: func(s *Split, r Row) {
			r.Values["mi_batch"], r.Values["mi_batch_cap"] = s.BatchMI(s.Batching, s.Seed)
		},
		Metrics: []Metric{
			{Name: "mi_batch", Unit: "nats", Doc: "I(x; z) within random batches, as some papers report it"},
			{Name: "mi_batch_cap", Unit: "nats", Doc: "mean of ln B, which mi_batch cannot exceed"},
		},
	})
}

// BatchMI is the mutual information of x and z under q as estimated within each batch, in nats,
// the mean over the split, and its cap, which is the mean of ln B. It is here to be compared with
// published numbers; it cannot exceed its cap, which is often below the truth, so MI is the
// better estimate.
//
//	I_b = mean_i[ -sum_j (1 + ln 2 pi + ln sigma_ij²)/2 - ln (1/B) sum_k q(z_i|x_k) ],   k in the batch
//
// The entropy of a Gaussian q(z|x) is exact (of another posterior ln q(z_i|x_i) stands for it) and one z is drawn for the rest, so that a collapsed model has
// an MI of 0 up to noise.
//
// It depends on what shares a batch. The batches have the sizes of the encoded ones, but the examples
// of each are drawn from the whole split, or from those of its length or of near lengths, as batching says:
// neighbours in a file may be alike, and then have a smaller I_b.
//
// Source: He et al. 2019, "Lagging inference networks and posterior collapse in variational
// autoencoders" (arXiv 1901.05534), calc_mi of the authors' code.
func (e *Encoded) BatchMI(batching vae.Batching, seed uint64) (mi, limit float64) {
	for _, drawn := range e.drawn(batching, seed) {
		rows := e.pick(drawn)
		B := float64(len(drawn))
		limit += B * math.Log(B) / float64(e.N)
		if exact := rows.information(); exact != nil {
			for _, v := range exact {
				mi += v / float64(e.N)
			}
			continue
		}
		mix, own := rows.logDensity(rows.Z)
		for i, l := range mix { // the constant of the densities is left out on both sides
			if !e.gaussian() {
				l -= own[i]
				mi -= l / float64(e.N)
				continue
			}
			for _, lv := range rows.Logvar[i*e.D : (i+1)*e.D] {
				l += 0.5 * (1 + lv)
			}
			mi -= l / float64(e.N)
		}
	}
	return mi, limit
}

// drawn are batches of the sizes of the encoded ones, which ascend in length unless they are mixed: the places of their
// examples.
func (e *Encoded) drawn(batching vae.Batching, seed uint64) (batches [][]int) {
	groups := map[int][]int{}
	for i := range e.N {
		n := e.kind(i, batching)
		groups[n] = append(groups[n], i)
	}
	order := stream.New(seed, "batches")
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		g := groups[n]
		order.Shuffle(len(g), func(i, j int) { g[i], g[j] = g[j], g[i] })
		if batching == vae.Near && e.Lengths != nil {
			slices.SortStableFunc(g, func(a, b int) int { return cmp.Compare(e.Lengths[a], e.Lengths[b]) })
		}
	}
	first := 0
	for _, B := range e.Sizes {
		n := e.kind(first, batching)
		batches = append(batches, groups[n][:B])
		groups[n] = groups[n][B:]
		first += B
	}
	return batches
}

// kind is the length of example i if only examples of one length share a batch, else 0.
func (e *Encoded) kind(i int, batching vae.Batching) int {
	if batching == vae.ByLength && e.Lengths != nil {
		return e.Lengths[i]
	}
	return 0
}

// pick are the posteriors and samples of some examples.
func (e *Encoded) pick(rows []int) *Encoded {
	some := &Encoded{N: len(rows), D: e.D, family: e.family, parts: make([][]float64, len(e.parts)), widths: e.widths}
	for _, i := range rows {
		a, b := i*e.D, (i+1)*e.D
		some.Mu, some.Z = append(some.Mu, e.Mu[a:b]...), append(some.Z, e.Z[a:b]...)
		if !e.gaussian() {
			some.densities = append(some.densities, e.densities[i])
			for k, cols := range e.widths {
				some.parts[k] = append(some.parts[k], e.parts[k][i*cols:(i+1)*cols]...)
			}
			continue
		}
		some.Sigma, some.Var, some.Logvar = append(some.Sigma, e.Sigma[a:b]...), append(some.Var, e.Var[a:b]...), append(some.Logvar, e.Logvar[a:b]...)
	}
	return some
}
