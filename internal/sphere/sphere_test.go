package sphere

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// laws are both distributions, from nearly uniform to nearly a point.
func laws(D int, kappa float64) map[string]Law {
	return map[string]Law{"vmf": NewVMF(D, kappa), "power-spherical": NewPowerSpherical(D, kappa)}
}

// each runs a test for both laws in the dimensions and at the kappas that settings may have, and beyond.
func each(t *testing.T, test func(t *testing.T, D int, kappa float64, law Law)) {
	for _, D := range []int{2, 3, 8, 33, 64, 512} {
		for _, kappa := range []float64{0.001, 3, 30, 800, 10000} {
			for name, law := range laws(D, kappa) {
				t.Run(fmt.Sprintf("%s D=%d kappa=%v", name, D, kappa), func(t *testing.T) { test(t, D, kappa, law) })
			}
		}
	}
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: %v, want %v within %v", what, got, want, tol)
	}
}

// density is t from 1 to -1, and the probability of the step around each, by the trapezoid rule over u, with the angle
// between z and mu pi (u - sin(2 pi u)/(2 pi)), which is flat at both ends:
//
//	p(angle) = q(z) area(D-1) sin(angle)^{D-2}
func density(D int, law Law) (t, p []float64) {
	const steps = 20000
	for i := 1; i < steps; i++ {
		u := float64(i) / steps
		angle := math.Pi*u - math.Sin(2*math.Pi*u)/2
		width := math.Pi / steps * (1 - math.Cos(2*math.Pi*u))
		t = append(t, math.Cos(angle))
		p = append(p, width*math.Exp(law.LogProb(math.Cos(angle))+LogArea(D-1)+float64(D-2)*math.Log(math.Sin(angle))))
	}
	return t, p
}

// TestLawsByIntegration: the density has integral 1; E[t] and the KL are the integrals that define them.
func TestLawsByIntegration(t *testing.T) {
	each(t, func(t *testing.T, D int, kappa float64, law Law) {
		at, p := density(D, law)
		var one, mean, kl float64
		for i, w := range p {
			if w == 0 {
				continue
			}
			one, mean, kl = one+w, mean+w*at[i], kl+w*(law.LogProb(at[i])+LogArea(D))
		}
		near(t, "integral", one, 1, 1e-8)
		near(t, "E[t]", law.Mean(), mean, 1e-8)
		near(t, "KL", law.KL(), kl, 1e-7)
		const h = 1e-6
		near(t, "slope", law.Slope(0.3), (law.LogProb(0.3+h)-law.LogProb(0.3-h))/(2*h), 1e-6*(1+kappa))
	})
}

// TestBesselRatio: the continued fraction is what two series give.
func TestBesselRatio(t *testing.T) {
	for _, D := range []int{2, 3, 7, 64, 2048} {
		for _, kappa := range []float64{0.001, 1, 40, 900, 10000} {
			want := kappa / float64(D) * math.Exp(logSeries(D+2, kappa)-logSeries(D, kappa))
			near(t, fmt.Sprintf("D=%d kappa=%v", D, kappa), besselRatio(D, kappa), want, 1e-10)
		}
	}
	// In three dimensions there is a closed form: coth kappa - 1/kappa.
	near(t, "coth", besselRatio(3, 2), 1/math.Tanh(2)-0.5, 1e-14)
}

// TestDraws: the empirical distribution of t is the integral of the density (Kolmogorov and Smirnov), with E[t] its mean.
// All draws have length 1 and no direction but e1.
func TestDraws(t *testing.T) {
	const N = 4000
	each(t, func(t *testing.T, D int, _ float64, law Law) {
		noise := rand.New(rand.NewPCG(uint64(D), 7))
		at, p := density(D, law)
		draws, x := make([]float64, N), make([]float64, D)
		around := make([]float64, D)
		for i := range draws {
			Draw(law, noise, x)
			draws[i] = x[0]
			for j, v := range x {
				around[j] += v / N
			}
			near(t, "length", dot(x, x), 1, 1e-12)
		}
		slices.Sort(draws)
		above, off := 0., 0. // at descends from 1
		for i, k := 0, N; i < len(at); i++ {
			above += p[i]
			for k > 0 && draws[k-1] >= at[i] {
				k--
			}
			off = max(off, math.Abs(above-p[i]/2-float64(N-k)/N))
		}
		if limit := 2.2 / math.Sqrt(N); off > limit+slices.Max(p) {
			t.Errorf("the distribution of t is off by %v; one in 8,000 samples is by %v", off, limit)
		}
		spread := math.Sqrt((1 - law.Mean()*law.Mean()) / N)
		for j, v := range around {
			want := 0.
			if j == 0 {
				want = law.Mean()
			}
			near(t, "mean", v, want, 5*spread)
		}
	})
}

// TestReflect: the image of e1 is mu/|mu|, lengths stay, and so does what is orthogonal to both.
func TestReflect(t *testing.T) {
	noise := rand.New(rand.NewPCG(5, 6))
	for _, D := range []int{2, 3, 8, 64} {
		for _, off := range []float64{0, 1e-8, 0.9e-6, 1.1e-6, 1e-4, 0.3, 1.9, 2} { // |e1 - mu|
			mu, x, z := make([]float64, D), make([]float64, D), make([]float64, D)
			c := 1 - off*off/2
			mu[0], mu[1] = c*3, 3*off*math.Sqrt(1-off*off/4) // of length 3
			Uniform(noise, x)
			Reflect(mu, x, z)
			tol := 1e-9
			if off < 1e-6 {
				tol = 2e-6 // the identity
			}
			near(t, fmt.Sprintf("D=%d, |e1-mu|=%v: length", D, off), dot(z, z), 1, 1e-12)
			near(t, fmt.Sprintf("D=%d, |e1-mu|=%v: mu·z", D, off), dot(mu, z)/3, x[0], tol)
			for j := 2; j < D; j++ {
				if z[j] != x[j] {
					t.Errorf("z_%d is %v, was %v", j, z[j], x[j])
				}
			}
		}
	}
}

// TestReflectInFloat32: near e1, where u is a difference of nearly equal numbers, mu·z is x_1 to the precision of mu.
func TestReflectInFloat32(t *testing.T) {
	noise := rand.New(rand.NewPCG(5, 6))
	for _, off := range []float32{1e-6, 3e-6, 1e-5, 1e-4, 1e-3, 0.1} {
		mu, x, z := []float32{1, off, -off, 0}, make([]float32, 4), make([]float32, 4)
		Uniform(noise, x)
		Reflect(mu, x, z)
		near(t, fmt.Sprint(off), dot(mu, z)/math.Sqrt(dot(mu, mu)), float64(x[0]), 3e-7)
		near(t, fmt.Sprint(off, " length"), dot(z, z), 1, 3e-7)
	}
}

// TestBackReflect: the gradient is the central difference, also near e1; within the identity it is 0.
func TestBackReflect(t *testing.T) {
	noise := rand.New(rand.NewPCG(8, 6))
	for _, D := range []int{2, 3, 8} {
		for _, off := range []float64{1e-4, 0.02, 1, 1.99} {
			mu, x, z, dz, dmu := make([]float64, D), make([]float64, D), make([]float64, D), make([]float64, D), make([]float64, D)
			c := 1 - off*off/2
			mu[0], mu[1] = c*0.7, 0.7*off*math.Sqrt(1-off*off/4)
			Uniform(noise, x)
			Uniform(noise, dz)
			BackReflect(mu, x, dz, dmu)
			h := 1e-5 * off
			for j := range mu {
				at := func(d float64) float64 {
					mu[j] += d
					Reflect(mu, x, z)
					mu[j] -= d
					return dot(z, dz)
				}
				near(t, fmt.Sprintf("D=%d, |e1-mu|=%v, %d", D, off, j), dmu[j], (at(h)-at(-h))/(2*h), 1e-6/off)
			}
		}
	}
	dmu := make([]float64, 3)
	BackReflect([]float64{1, 1e-8, 0}, []float64{0.6, 0.8, 0}, []float64{1, 2, 3}, dmu)
	if !slices.Equal(dmu, make([]float64, 3)) {
		t.Errorf("gradient %v of the identity", dmu)
	}
}
