// Package mmd measures how far two sets of points are from each other, on the tape.
package mmd

import "vaelab/internal/grad"

// An Estimator computes MMD², the maximum mean discrepancy of two sets of B points z and z', (B, D) each, under a
// kernel k:
//
//	MMD² = mean_{i≠j} k(z_i, z_j) + mean_{i≠j} k(z'_i, z'_j) - 2 mean_{i,j} k(z_i, z'_j)
//	imq:  k = sum_s C/(C + d²), C = 2 D s, s in 0.1, 0.2, 0.5, 1, 2, 5, 10
//	rbf:  k = exp(-d²/(2 D))
//
// d is the distance of the two points. The estimate is unbiased, so it may be negative.
//
// Source: Gretton et al. 2012, "A kernel two-sample test", lemma 6; the kernels are those of Tolstikhin et al. 2018
// (arXiv 1711.01558) and of a Gaussian.
type Estimator struct {
	kernel string
	pairs  map[int]pairs // by B, so that the second estimate of a size allocates nothing for them
}

// New is the estimator for a kernel, imq or rbf.
func New(kernel string) *Estimator { return &Estimator{kernel, map[int]pairs{}} }

// Squared is MMD², (1, 1), of two or more points in each set.
func (e *Estimator) Squared(z, other *grad.Value) *grad.Value {
	of, ok := e.pairs[z.Rows]
	if !ok {
		of = pairsOf(z.Rows)
		e.pairs[z.Rows] = of
	}
	k := func(a *grad.Value, i []int, b *grad.Value, j []int) *grad.Value {
		return e.k(a.Gather(i).Sub(b.Gather(j)).Square().RowSums(), z.Cols).Mean()
	}
	return k(z, of.low, z, of.high).Add(k(other, of.low, other, of.high)).Sub(k(z, of.left, other, of.right).Scale(2))
}

// k is the kernel of squared distances in D dimensions.
func (e *Estimator) k(d2 *grad.Value, D int) *grad.Value {
	if e.kernel == "rbf" {
		return d2.Scale(-0.5 / grad.Float(D)).Exp()
	}
	return IMQ(d2, D)
}

// IMQ is the kernel imq of squared distances in D dimensions.
func IMQ(d2 *grad.Value, D int) (sum *grad.Value) {
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
		k := d2.Scale(grad.Float(1 / (2 * float64(D) * s))).Shift(1).Log().Neg().Exp() // 1/(1 + d²/C)
		if sum == nil {
			sum = k
		} else {
			sum = sum.Add(k)
		}
	}
	return sum
}

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
