package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/tensor"
)

// mixtureByDefinition is logDensity as a double loop in float64.
func mixtureByDefinition(e *Encoded, z []float64) (mix, own []float64) {
	for i := range len(z) / e.D {
		logq, top := make([]float64, e.N), math.Inf(-1)
		for k := range e.N {
			for j := range e.D {
				d := z[i*e.D+j] - e.Mu[k*e.D+j]
				logq[k] -= 0.5 * (d*d*math.Exp(-e.Logvar[k*e.D+j]) + e.Logvar[k*e.D+j])
			}
			top = max(top, logq[k])
		}
		var sum float64
		for _, l := range logq {
			sum += math.Exp(l - top)
		}
		mix, own = append(mix, top+math.Log(sum/float64(e.N))), append(own, logq[min(i, e.N-1)])
	}
	return mix, own
}

// made is a split with mean(i, j) and ln sigma(i, j).
func made(N, D int, rng *rand.Rand, mean, logSigma func(i, j int) float64) *Encoded {
	e := &Encoded{N: N, D: D}
	for i := range N {
		for j := range D {
			m, s := mean(i, j), math.Exp(logSigma(i, j))
			e.Mu = append(e.Mu, m)
			e.Sigma = append(e.Sigma, s)
			e.Var = append(e.Var, s*s)
			e.Logvar = append(e.Logvar, 2*math.Log(s))
			e.Z = append(e.Z, m+s*rng.NormFloat64())
		}
	}
	return e
}

// TestMixtureAgainstTheDoubleLoop: for posteriors wide and narrow, alike and not, near the origin
// and far from it, no density is more than a thousandth of a nat wrong.
func TestMixtureAgainstTheDoubleLoop(t *testing.T) {
	rng := newRand(21)
	normal := func(s float64) func(i, j int) float64 {
		return func(int, int) float64 { return s * rng.NormFloat64() }
	}
	constant := func(v float64) func(i, j int) float64 { return func(int, int) float64 { return v } }
	log10 := math.Ln10
	for name, e := range map[string]*Encoded{
		"sigma 1":             made(200, 32, rng, normal(0.6), constant(0)),
		"sigma 0.3":           made(200, 32, rng, normal(1), constant(math.Log(0.3))),
		"sigma 0.1 of two":    made(300, 2, rng, normal(1), constant(math.Log(0.1))),
		"sigma 0.03 of one":   made(300, 1, rng, normal(1), constant(math.Log(0.03))),
		"sigma 0.001":         made(300, 8, rng, normal(1), constant(-3*log10)),
		"sigma 0.001 of one":  made(2000, 1, rng, normal(1), constant(-3*log10)),
		"sigma 0.001 ... 1":   made(400, 32, rng, normal(0.7), func(int, int) float64 { return -3 * log10 * rng.Float64() }),
		"some examples sharp": made(400, 4, rng, normal(0.7), func(i, _ int) float64 { return -3 * log10 * float64(i%2) }),
		"one dimension sharp": made(400, 16, rng, normal(0.7), func(_, j int) float64 { return -3 * log10 * float64(1-min(j, 1)) }),
		"sigma crosses zero":  made(400, 32, rng, normal(0.7), func(int, int) float64 { return math.Log(1e-6 + math.Abs(0.5*rng.NormFloat64())) }),
		"far from the origin": made(200, 8, rng, func(int, int) float64 { return 1000 + 0.5*rng.NormFloat64() }, constant(0)),
		"narrow and the same": made(200, 8, rng, func(int, int) float64 { return 3 + 1e-4*rng.NormFloat64() }, constant(-3*log10)),
		"two heaps":           made(200, 8, rng, func(i, _ int) float64 { return float64(i%2*2-1) + 1e-3*rng.NormFloat64() }, constant(-3*log10)),
		"beyond float32":      made(50, 3, rng, normal(1), func(i, _ int) float64 { return -60 * float64(i%2) }),
		"one example":         made(1, 3, rng, normal(1), constant(0)),
	} {
		m := e.mixture(e.Z)
		mix, own := m.logDensity(e.Z)
		wantMix, wantOwn := mixtureByDefinition(e, e.Z)
		var worst, mean float64
		for i := range mix {
			worst = max(worst, math.Abs(mix[i]-wantMix[i]), math.Abs(own[i]-wantOwn[i]))
			mean += (own[i] - mix[i] - wantOwn[i] + wantMix[i]) / float64(e.N)
		}
		t.Logf("%s: %d of %d components sharp, largest error %.2g, of the mean %.2g", name, e.N-m.plain, e.N, worst, mean)
		if !(worst < 1e-3) || !(math.Abs(mean) < 2e-4) {
			t.Errorf("%s: largest error %v, of the mean %v", name, worst, mean)
		}
	}
}

// TestMixtureOfOtherPoints: z that are no examples', and more of them than examples.
func TestMixtureOfOtherPoints(t *testing.T) {
	rng := newRand(22)
	e := made(50, 3, rng, func(int, int) float64 { return rng.NormFloat64() }, func(int, int) float64 { return -2 * rng.Float64() })
	z := slices.Concat(normals(200, 3, 3, rng)...)
	got, _ := e.mixture(z).logDensity(z)
	want, _ := mixtureByDefinition(e, z)
	for i := range want {
		near(t, "ln q(z)", got[i], want[i], 1e-3)
	}
}

// TestMixtureNaN: a model that has diverged has no MI.
func TestMixtureNaN(t *testing.T) {
	rng := newRand(23)
	for _, spoil := range []func(e *Encoded){
		func(e *Encoded) { e.Mu[7] = math.NaN() },
		func(e *Encoded) { e.Logvar[7] = math.NaN() },
		func(e *Encoded) { e.Z[7] = math.NaN() },
	} {
		e := encoded(normals(100, 2, 1, rng), 0.5, rng)
		spoil(e)
		if mi, _ := e.MI(); !math.IsNaN(mi) {
			t.Errorf("MI %v, want NaN", mi)
		}
	}
}

// TestMixtureOnProcessors: the same bits on any number of them.
func TestMixtureOnProcessors(t *testing.T) {
	defer tensor.SetProcs(1)
	rng := newRand(24)
	e := made(500, 8, rng, func(int, int) float64 { return rng.NormFloat64() }, func(int, int) float64 { return -3 * rng.Float64() })
	var first float64
	for _, procs := range []int{1, 2, 3} {
		tensor.SetProcs(procs)
		mi, _ := e.MI()
		if first == 0 {
			first = mi
		}
		if mi != first {
			t.Errorf("%d processors: MI %v, on one %v", procs, mi, first)
		}
	}
}

// BenchmarkMI is the MI over 10,000 posteriors of 32 dimensions on all processors; the last two
// are narrow in places, as where sigma crosses zero, and all over.
func BenchmarkMI(b *testing.B) {
	rng := newRand(25)
	mean := func(int, int) float64 { return 0.6 * rng.NormFloat64() }
	for name, logSigma := range map[string]func(i, j int) float64{
		"sigma-0.8":   func(int, int) float64 { return math.Log(0.8) },
		"signed":      func(int, int) float64 { return math.Log(1e-6 + math.Abs(0.5*rng.NormFloat64())) },
		"sigma-0.001": func(int, int) float64 { return math.Log(0.001) },
	} {
		e := made(10_000, 32, rng, mean, logSigma)
		for _, procs := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", name, procs), func(b *testing.B) {
				tensor.SetProcs(procs)
				defer tensor.SetProcs(1)
				for b.Loop() {
					e.MI()
				}
			})
		}
	}
}
