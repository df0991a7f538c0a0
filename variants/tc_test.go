package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// TestGoldenTC: the parts under each estimator, the weights of mss, and the penalty with its gradients through z.
func TestGoldenTC(t *testing.T) {
	var batch struct{ Mu, Logvar, Eps, Z [][]float64 }
	var want struct {
		N         int
		Estimates map[string]struct {
			MI, TC, DimKL float64
			KL            float64 `json:"kl_mc"`
		}
		Weights [][]float64 `json:"mss_weights"`
		Loss    float64     `json:"loss_beta6"`
		DMu     [][]float64 `json:"dloss_dmu"`
		DLogvar [][]float64 `json:"dloss_dlogvar"`
		Tol     float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "tc.json", &want)
	if tensor.Bits == 32 {
		want.Tol = 5e-6 // the penalty is the difference of terms as large as 6
	}
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	mu, dmu := leaf(tape, batch.Mu)
	logvar, dlogvar := leaf(tape, batch.Logvar)
	eps, _ := leaf(tape, batch.Eps)
	q := vae.FromLogvar(mu, logvar)
	terms := &vae.Terms{Q: q, Z: mu.Add(q.Sigma.Mul(eps))}
	near(t, "z", terms.Z.Data, flat(batch.Z), want.Tol)
	B := mu.Rows
	for _, estimator := range []string{"batch", "mws", "mss"} {
		expected, ok := want.Estimates[estimator]
		if !ok {
			t.Errorf("%s: no golden figures", estimator)
			continue
		}
		mi, tc, dims := split(p, terms, TC{Estimator: estimator}.weights(B, want.N))
		near(t, estimator+": parts", []Float{mi.Mean().Data[0], tc.Mean().Data[0], dims.Mean().Data[0]}, []float64{expected.MI, expected.TC, expected.DimKL}, want.Tol)
		near(t, estimator+": KL", mi.Add(tc).Add(dims).Mean().Data, []float64{expected.KL}, want.Tol)
	}
	var weights []Float
	for _, l := range (TC{Estimator: "mss"}).weights(B, want.N) {
		weights = append(weights, Float(math.Exp(float64(l))))
	}
	near(t, "weights", weights, flat(want.Weights), want.Tol)
	variant := TC{Alpha: 1, Beta: 6, Gamma: 1, Estimator: "mss"}.Build(vae.Builder{D: mu.Cols, Space: vae.Space{N: want.N}})
	loss := variant.Penalty(p, terms)
	near(t, "penalty", loss.Data, []float64{want.Loss}, want.Tol)
	loss.Backward()
	near(t, "d/dmu", dmu, flat(want.DMu), want.Tol)
	near(t, "d/dlogvar", dlogvar, flat(want.DLogvar), want.Tol)
}

// gaussianTerms are a posterior of B examples in D dimensions, mean and variance made by f, with one sample each.
func gaussianTerms(B, D int, noise *rand.Rand, f func(i, j int) (mu, logvar float64)) (*nn.Pass, *vae.Terms) {
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: noise}
	mu, logvar := p.Tape.Zeros(B, D), p.Tape.Zeros(B, D)
	for i := range B {
		for j := range D {
			a, b := f(i, j)
			mu.Row(i)[j], logvar.Row(i)[j] = Float(a), Float(b)
		}
	}
	q := vae.FromLogvar(mu, logvar)
	return p, &vae.Terms{Q: q, Z: q.Sample(p)}
}

// TestTheoremTC: for any weights the parts add up to ln q(z|x) - ln p(z), example by example. Under batch, MI is at
// most ln B, and mws differs from it by multiples of ln N. The weights of batch and mss add up to 1, also for two
// examples, for one, and where N is not known.
func TestTheoremTC(t *testing.T) {
	const B, D, N = 6, 3, 50
	noise := rand.New(rand.NewPCG(1, 8))
	p, terms := gaussianTerms(B, D, noise, func(i, j int) (float64, float64) { return 40 * math.Sin(float64(7*i+j)), math.Cos(float64(i * j)) })
	all := terms.Q.LogProb(p, terms.Z).Sub(vae.Normal{}.LogProb(p, terms.Z, nil))
	means := map[string][3]float64{}
	for _, estimator := range []string{"batch", "mws", "mss"} {
		mi, tc, dims := split(p, terms, TC{Estimator: estimator}.weights(B, N))
		sum := mi.Add(tc).Add(dims)
		for i := range B {
			if got, want := float64(sum.Data[i]), float64(all.Data[i]); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%s, example %d: the parts add up to %v, want %v", estimator, i, got, want)
			}
		}
		means[estimator] = [3]float64{mi.Mean().Scalar(), tc.Mean().Scalar(), dims.Mean().Scalar()}
	}
	if mi := means["batch"][0]; mi > math.Log(B)+1e-4 || mi < 0.99*math.Log(B) { // these posteriors hardly overlap
		t.Errorf("MI %v, want ln B = %v", mi, math.Log(B))
	}
	for part, multiple := range []float64{1, D - 1, -D} {
		if got, want := means["mws"][part]-means["batch"][part], multiple*math.Log(N); math.Abs(got-want) > 1e-3*math.Abs(want) {
			t.Errorf("part %d: mws is %v above batch, want %v", part, got, want)
		}
	}
	for _, estimator := range []string{"batch", "mss"} {
		for _, size := range []int{1, 2, 3, 9} {
			for _, n := range []int{0, 5, 1000} {
				logw := TC{Estimator: estimator}.weights(size, n)
				for i := range size {
					sum := 0.0
					for _, l := range logw[i*size : (i+1)*size] {
						sum += math.Exp(float64(l))
					}
					if math.Abs(sum-1) > 1e-5 {
						t.Errorf("%s, B %d, N %d: the weights add up to %v", estimator, size, n, sum)
					}
				}
			}
		}
	}
}

// TestTotalCorrelation: TC goes to 0 if the dimensions of q(z) are independent, and not if one is the other. DimKL goes
// to 0 if each is N(0, 1).
func TestTotalCorrelation(t *testing.T) {
	const B, s = 1500, 0.5 // sigma; the means are N(0, 1 - s²)
	noise := rand.New(rand.NewPCG(5, 8))
	width := math.Sqrt(1 - s*s)
	parts := func(same bool) (tc, dims float64) {
		last := 0.0
		p, terms := gaussianTerms(B, 2, noise, func(_, j int) (float64, float64) {
			if !same || j == 0 {
				last = width * noise.NormFloat64()
			}
			return last, 2 * math.Log(s)
		})
		_, a, b := split(p, terms, TC{Estimator: "batch"}.weights(B, B))
		return a.Mean().Scalar(), b.Mean().Scalar()
	}
	tc, dims := parts(false)
	if math.Abs(tc) > 0.08 || math.Abs(dims) > 0.08 {
		t.Errorf("independent dimensions: TC %v, DimKL %v, want 0", tc, dims)
	}
	// Covariance 1 - s² of two N(0, 1): TC = -ln(1 - (1-s²)²)/2.
	tc, _ = parts(true)
	if want := -0.5 * math.Log(1-math.Pow(1-s*s, 2)); math.Abs(tc-want) > 0.1 {
		t.Errorf("dimensions with the same mean: TC %v, want %v", tc, want)
	}
}

// TestTCConformance: TestConformance tries one estimator only.
func TestTCConformance(t *testing.T) {
	for _, v := range []TC{{Alpha: -0.5, Beta: 2, Gamma: 0.5, Estimator: "batch"}, {Alpha: 1, Beta: 1, Gamma: 1, Estimator: "mws"}} {
		for _, fault := range faults(v) {
			t.Errorf("%+v: %s", v, fault)
		}
	}
}
