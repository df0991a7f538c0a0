package metrics

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

const (
	trueSamples = 64   // of z for each example
	trueSteps   = 10   // of Newton's method
	trueStep    = 0.05 // of central differences: what float32 loses of ln p, 1e-4, must not matter beside what they measure
	trueWiden   = 1.5  // standard deviations of the proposal over those of the normal approximation
)

// TrueNLL estimates -ln p(x) in nats of one x whose generator is known, from its ln p(x, z) of many z
// of the right length: the floor of every model's NLL on that x. start is a z
// that x may have come from. It is importance sampling,
//
//	-ln (1/K) sum_k p(x, z_k) / r(z_k),   K = 64,
//
// where r is the normal approximation of p(z|x) around its mode near start, widened by half.
// For synthetic text its standard deviation is 0.05 to 0.3 nats for one x. Its expectation is an
// upper bound of -ln p(x), too large by about half the variance, 0.001 to 0.05 nats: the logarithm
// of an unbiased estimate is biased.
//
// With start the z that x did come from, ln p(x|start) + TrueNLL estimates, with that bias, what
// z tells of x: its mean over x is the mutual information I(x; z) of the generator, which is
// also the mean KL of the true posterior from the generator's prior.
//
// Source: Tierney & Kadane 1986, "Accurate approximations for posterior moments and marginal
// densities", for the normal approximation.
func TrueNLL(logJoint func(z [][]float64) []float64, start []float64, noise *rand.Rand) float64 {
	mode, precision := climb(logJoint, start)
	D := len(mode)
	var upper mat.TriDense // precision = U'U, so that z = mode + widen U⁻¹ eps
	precision.UTo(&upper)
	logr := -float64(D)*math.Log(trueWiden) + 0.5*precision.LogDet() // + ln N(eps; 0, I)
	z, densities := make([][]float64, trueSamples), make([]float64, trueSamples)
	eps := make([]float64, D)
	for k := range z {
		densities[k] = logr - 0.5*float64(D)*math.Log(2*math.Pi)
		for j := range eps {
			eps[j] = noise.NormFloat64()
			densities[k] -= 0.5 * eps[j] * eps[j]
		}
		var shift mat.VecDense
		_ = shift.SolveVec(&upper, mat.NewVecDense(D, eps)) // a bad condition is only a bad proposal
		for j := range eps {
			z[k] = append(z[k], mode[j]+trueWiden*shift.AtVec(j))
		}
	}
	logw := logJoint(z)
	for k, density := range densities {
		logw[k] -= density
	}
	return math.Log(trueSamples) - logSumExp(logw)
}

// climb is a mode of ln p(x, z) near start and its precision there, by Newton's method; where
// the function is not concave it goes by the prior's precision I.
func climb(f func(z [][]float64) []float64, start []float64) (mode []float64, precision *mat.Cholesky) {
	D := len(start)
	mode = append(mode, start...)
	value := f([][]float64{mode})[0]
	for range trueSteps {
		var slope *mat.VecDense
		slope, precision = bend(f, mode, value)
		var step mat.VecDense
		_ = precision.SolveVecTo(&step, slope)
		next, better, share := make([]float64, D), math.Inf(-1), 1.
		for better < value && share > 1e-3 {
			for j := range next {
				next[j] = mode[j] + share*step.AtVec(j)
			}
			better = f([][]float64{next})[0]
			share /= 2
		}
		if !(better >= value+1e-3) { // the rest is for the samples to correct
			break
		}
		mode, value = next, better
	}
	return mode, precision
}

// bend is the slope of f at z, and minus its second derivatives factorised, by differences.
func bend(f func(z [][]float64) []float64, z []float64, value float64) (*mat.VecDense, *mat.Cholesky) {
	D := len(z)
	var points [][]float64
	moved := func(i, j int, a, b float64) {
		p := append([]float64(nil), z...)
		p[i] += a * trueStep
		p[j] += b * trueStep
		points = append(points, p)
	}
	for i := range D {
		moved(i, i, 1, 0)
		moved(i, i, -1, 0)
	}
	for i := range D {
		for j := range i {
			moved(i, j, 1, 1)
		}
	}
	at := f(points)
	slope, curve := mat.NewVecDense(D, nil), mat.NewSymDense(D, nil)
	for i := range D {
		up, down := at[2*i], at[2*i+1]
		slope.SetVec(i, (up-down)/(2*trueStep))
		curve.SetSym(i, i, -(up-2*value+down)/(trueStep*trueStep))
	}
	both := at[2*D:]
	for i := range D {
		for j := range i {
			curve.SetSym(i, j, -(both[0]-at[2*i]-at[2*j]+value)/(trueStep*trueStep))
			both = both[1:]
		}
	}
	var precision mat.Cholesky
	if !precision.Factorize(curve) {
		for i := range D {
			for j := range i {
				curve.SetSym(i, j, 0)
			}
			curve.SetSym(i, i, 1)
		}
		precision.Factorize(curve)
	}
	return slope, &precision
}
