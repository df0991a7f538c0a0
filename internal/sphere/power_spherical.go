package sphere

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// A PowerSpherical is the power spherical distribution. With alpha = (D-1)/2 + kappa and beta = (D-1)/2:
//
//	ln q(z) = ln c + kappa ln(1 + mu·z)
//	ln c    = -[(alpha + beta) ln 2 + beta ln pi + ln Gamma(alpha) - ln Gamma(alpha + beta)]
//	t       = 2 b - 1,   b ~ Beta(alpha, beta)
//	E[t]    = kappa/(kappa + D - 1)
//	KL      = ln area + ln c + kappa (ln 2 + psi(alpha) - psi(alpha + beta))
//
// psi is the derivative of ln Gamma.
type PowerSpherical struct {
	Kappa, Alpha, Beta float64
	logC, kl           float64
}

// NewPowerSpherical is the distribution in D dimensions with kappa > 0. It panics if D is below 2.
func NewPowerSpherical(D int, kappa float64) PowerSpherical {
	wantPlane(D)
	beta := float64(D-1) / 2
	q := PowerSpherical{Kappa: kappa, Alpha: beta + kappa, Beta: beta}
	q.logC = lgamma(q.Alpha+beta) - lgamma(q.Alpha) - (q.Alpha+beta)*math.Ln2 - beta*math.Log(math.Pi)
	q.kl = LogArea(D) + q.logC + kappa*(math.Ln2+mathext.Digamma(q.Alpha)-mathext.Digamma(q.Alpha+beta))
	return q
}

// leastOver is the least 1 + t that the density distinguishes. At 0, where z is opposite to mu, it is 0.
const leastOver = 1e-12

// LogProb is ln c + kappa ln(1 + t).
func (q PowerSpherical) LogProb(t float64) float64 {
	return q.logC + q.Kappa*math.Log(max(1+t, leastOver))
}

// Slope is kappa/(1 + t).
func (q PowerSpherical) Slope(t float64) float64 {
	if 1+t < leastOver {
		return 0
	}
	return q.Kappa / (1 + t)
}

// Mean is kappa/(kappa + D - 1).
func (q PowerSpherical) Mean() float64 { return q.Kappa / (q.Kappa + 2*q.Beta) }

// KL is the closed form.
func (q PowerSpherical) KL() float64 { return q.kl }

// Draw is 2 b - 1.
func (q PowerSpherical) Draw(noise *rand.Rand) float64 {
	return 2*distuv.Beta{Alpha: q.Alpha, Beta: q.Beta, Src: noise}.Rand() - 1
}
