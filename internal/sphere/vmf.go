package sphere

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// A VMF is the von Mises-Fisher distribution:
//
//	ln q(z) = ln c + kappa mu·z
//	ln c    = (D/2 - 1) ln kappa - (D/2) ln 2 pi - ln I_{D/2-1}(kappa) = -ln area - ln S
//	E[t]    = A = I_{D/2}(kappa)/I_{D/2-1}(kappa)
//	KL      = kappa A - ln S
//
// I are the modified Bessel functions of the first kind, S the series of I_{D/2-1} without its first factor; see logSeries.
type VMF struct {
	Kappa           float64
	logC, ratio, kl float64
	wood
}

// NewVMF is the distribution in D dimensions with kappa > 0. It panics if D is below 2.
func NewVMF(D int, kappa float64) VMF {
	wantPlane(D)
	logS, A := logSeries(D, kappa), besselRatio(D, kappa)
	return VMF{Kappa: kappa, logC: -LogArea(D) - logS, ratio: A, kl: kappa*A - logS, wood: newWood(D, kappa)}
}

// LogProb is ln c + kappa t.
func (q VMF) LogProb(t float64) float64 { return q.logC + q.Kappa*t }

// Slope is kappa.
func (q VMF) Slope(float64) float64 { return q.Kappa }

// Mean is A.
func (q VMF) Mean() float64 { return q.ratio }

// KL is kappa A - ln S.
func (q VMF) KL() float64 { return q.kl }

// logSeries is ln S of I_v(kappa) = (kappa/2)^v / Gamma(v+1) * S, v = D/2 - 1:
//
//	S = sum_m (kappa²/4)^m / (m! (v+1) (v+2) ... (v+m))
//
// All terms are positive. The sum is rescaled before it overflows, as it would for kappa above 700.
func logSeries(D int, kappa float64) float64 {
	const large = 1e250
	v, sum, term, scale := float64(D)/2-1, 1., 1., 0.
	for m := 1.; term > 1e-17*sum; m++ {
		term *= kappa / 2 / m * (kappa / 2 / (v + m))
		if sum += term; sum > large {
			sum, term, scale = sum/large, term/large, scale+math.Log(large)
		}
	}
	return scale + math.Log(sum)
}

// besselRatio is I_{v+1}(kappa)/I_v(kappa), v = D/2 - 1, by the continued fraction
//
//	1/(b_1 + 1/(b_2 + ...)),   b_n = 2 (v+n)/kappa
//
// Source: Gautschi & Slavik 1978, "On the computation of modified Bessel function ratios"; evaluated as Lentz 1976.
func besselRatio(D int, kappa float64) float64 {
	v := float64(D)/2 - 1
	b := 2 * (v + 1) / kappa
	f, c, d := b, b, 0.
	for n := 2.; ; n++ {
		b = 2 * (v + n) / kappa
		c, d = b+1/c, 1/(b+d)
		f *= c * d
		if math.Abs(c*d-1) < 1e-16 {
			return 1 / f
		}
	}
}

// wood draws t by rejection, from the image of a symmetric beta distribution.
//
// Source: Wood 1994, "Simulation of the von Mises Fisher distribution".
type wood struct{ a, b, d, dims float64 } // dims is D-1

func newWood(D int, kappa float64) wood {
	w := wood{dims: float64(D - 1)}
	root := math.Sqrt(4*kappa*kappa + w.dims*w.dims)
	w.b = w.dims / (2*kappa + root) // (root - 2 kappa)/(D-1), without cancellation
	w.a = (w.dims + 2*kappa + root) / 4
	w.d = 4*w.a*w.b/(1+w.b) - w.dims*math.Log(w.dims)
	return w
}

// Propose is the t that a draw beta of Beta((D-1)/2, (D-1)/2) proposes, and ln of the probability that it is accepted:
//
//	t = (1 - (1+b) beta)/(1 - (1-b) beta),   ln P = (D-1) ln s - s + d,   s = 2ab/(1 - (1-b) beta)
func (w wood) Propose(beta float64) (t, logP float64) {
	under := 1 - (1-w.b)*beta
	s := 2 * w.a * w.b / under
	return (1 - (1+w.b)*beta) / under, w.dims*math.Log(s) - s + w.d
}

// Draw proposes until a t is accepted.
func (w wood) Draw(noise *rand.Rand) float64 {
	beta := distuv.Beta{Alpha: w.dims / 2, Beta: w.dims / 2, Src: noise}
	for {
		if t, logP := w.Propose(beta.Rand()); logP >= math.Log(noise.Float64()) {
			return t
		}
	}
}
