package metrics

import "math"

// smallSigma is where a sigma that changes sign counts as near zero: its dimension costs 2.5
// nats or more.
const smallSigma = 0.05

// SigmaSigns are, over examples and dimensions, the share of |sigma| < 0.05, the share of
// sigma < 0, and the mean of ln sigma². A method that normalises sigma around zero has half its
// sigmas negative and pays for those near zero; if sigma is Gaussian the mean of ln sigma² is
// ln E[sigma²] - 1.27.
func (e *Encoded) SigmaSigns() (small, negative, logvar float64) {
	n := float64(len(e.Sigma))
	for i, s := range e.Sigma {
		if math.Abs(s) < smallSigma {
			small += 1 / n
		}
		if s < 0 {
			negative += 1 / n
		}
		logvar += e.Logvar[i] / n
	}
	return small, negative, logvar
}
