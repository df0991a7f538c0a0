package metrics

import "math"

// BatchMI is the mutual information of x and z under q as estimated within each batch, in nats,
// the mean over the split, and its cap, which is the mean of ln B. It is here to be compared with
// published numbers; it cannot exceed its cap, which is often below the truth, so MI is the
// better estimate.
//
//	I_b = mean_i[ -sum_j (1 + ln 2 pi + ln sigma_ij²)/2 - ln (1/B) sum_k q(z_i|x_k) ],   k in the batch
//
// The entropy of q(z|x) is exact and one z is drawn for the rest, so that a collapsed model has
// an MI of 0 up to noise.
//
// Source: He et al. 2019, "Lagging inference networks and posterior collapse in variational
// autoencoders" (arXiv 1901.05534), calc_mi of the authors' code.
func (e *Encoded) BatchMI() (mi, limit float64) {
	first := 0
	for _, B := range e.Sizes {
		rows := e.rows(first, first+B)
		mix, _ := rows.mixture(rows.Z).logDensity(rows.Z)
		for i, l := range mix { // the constant -D/2 ln 2 pi is left out on both sides
			for _, lv := range rows.Logvar[i*e.D : (i+1)*e.D] {
				l += 0.5 * (1 + lv)
			}
			mi -= l / float64(e.N)
		}
		limit += float64(B) * math.Log(float64(B)) / float64(e.N)
		first += B
	}
	return mi, limit
}

// rows are the posteriors and samples of examples from ... to-1.
func (e *Encoded) rows(from, to int) *Encoded {
	a, b := from*e.D, to*e.D
	return &Encoded{N: to - from, D: e.D, Mu: e.Mu[a:b], Var: e.Var[a:b], Logvar: e.Logvar[a:b], Z: e.Z[a:b]}
}
