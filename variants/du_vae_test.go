package variants

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// du builds the method with given scales and shifts, one for each dimension or one for all.
func du(v DUVAE, D int, gamma, beta []float64) (vae.Variant, *nn.Params) {
	ps := &nn.Params{}
	variant := v.Build(vae.Builder{Params: ps, D: D})
	for j := range D {
		ps.Get("encoder.mu_bn.weight").Data[j] = Float(gamma[j%len(gamma)])
		ps.Get("encoder.mu_bn.bias").Data[j] = Float(beta[j%len(beta)])
	}
	return variant, ps
}

// TestGoldenDU: mu, and ln sigma² with the floor, in evaluation and under the golden's mask of the dropout: the head
// draws its own, so the test looks for a stream that draws that one.
func TestGoldenDU(t *testing.T) {
	var batch struct{ Mu, Logvar [][]float64 }
	var want struct {
		Gammas      []float64 `json:"gamma_j"`
		Gamma       float64
		Normalised  []float64 `json:"gamma_normalised"`
		Beta        []float64
		Alpha, P    float64
		Floor       float64
		Keep        [][]float64
		Mu          [][]float64
		LogvarEval  [][]float64 `json:"logvar_eval"`
		LogvarTrain [][]float64 `json:"logvar_train"`
		KLEval      float64     `json:"kl_eval"`
		KLTrain     float64     `json:"kl_train"`
		Tol         float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "du_vae.json", &want)
	method := DUVAE{Gamma: want.Gamma, Alpha: want.Alpha, Dropout: want.P, Eps: 1e-5, Momentum: 0.1} // eps is in the golden's text
	variant, ps := du(method, len(want.Gammas), want.Gammas, want.Beta)
	variant.Project()
	near(t, "gamma_j", ps.Get("encoder.mu_bn.weight").Data, want.Normalised, want.Tol)
	var stream func() *rand.Rand
	for n := uint64(0); ; n++ {
		if n == 1e6 {
			t.Fatal("no stream of a million draws the golden's mask")
		}
		stream = func() *rand.Rand { return rand.New(rand.NewPCG(n, 1)) }
		ones := (&grad.Tape{}).Zeros(len(batch.Mu), len(want.Gammas)).Shift(1)
		mask := nn.Dropout(&nn.Pass{Train: true, Drop: stream()}, ones, Float(want.P)).Data
		if slices.EqualFunc(mask, flat(want.Keep), func(k Float, keep float64) bool { return (k > 0) == (keep > 0) }) {
			break
		}
	}
	for _, c := range []struct {
		train  bool
		logvar [][]float64
		kl     float64
	}{{true, want.LogvarTrain, want.KLTrain}, {false, want.LogvarEval, want.KLEval}} {
		tape := &grad.Tape{}
		m, _ := leaf(tape, batch.Mu)
		s, _ := leaf(tape, batch.Logvar)
		q := variant.Head(&nn.Pass{Tape: tape, Train: c.train, BatchStats: true, KLWeight: 1, Drop: stream()}, m, s).(vae.Gaussian)
		near(t, "mu", q.Mu.Data, flat(want.Mu), want.Tol)
		near(t, "ln sigma²", q.Logvar.Data, flat(c.logvar), want.Tol)
		near(t, "KL", []Float{Float(meanKL(q))}, []float64{c.kl}, want.Tol)
	}
	for _, x := range flat(want.LogvarTrain) {
		if x < math.Log(want.Floor)-want.Tol {
			t.Errorf("ln sigma² %v of the golden is below its floor", x)
		}
	}
}

// TestTheoremDU: for any raw outputs, scales and shifts the KL is at least Floor(), which Project keeps at (D/2) gamma²
// + beta²; the variance is at least alpha/(2 pi e), in training and, once the KL weight has been 1, in evaluation.
func TestTheoremDU(t *testing.T) {
	const B, D = 40, 5
	rng := rand.New(rand.NewPCG(7, 7))
	for _, gamma := range []float64{0.3, 1, 3} {
		for _, alpha := range []float64{0.1, 1, 40} {
			scales, shifts := make([]float64, D), make([]float64, D)
			bound := 0.5 * D * gamma * gamma
			for j := range D {
				scales[j], shifts[j] = rng.NormFloat64(), 0.3*rng.NormFloat64()
				bound += 0.5 * shifts[j] * shifts[j]
			}
			variant, ps := du(DUVAE{Gamma: gamma, Alpha: alpha, Dropout: 0.3, Eps: 1e-8, Momentum: 0.1}, D, scales, shifts)
			variant.Project()
			var squares float64
			for _, g := range ps.Get("encoder.mu_bn.weight").Data {
				squares += float64(g) * float64(g) / D
			}
			if rms := math.Sqrt(squares); math.Abs(rms-gamma) > 1e-6*gamma {
				t.Errorf("gamma %v: the scales have root mean square %v", gamma, rms)
			}
			if got := variant.Floor(); math.Abs(got-bound) > 1e-5*bound {
				t.Errorf("gamma %v: Floor() %v, want %v", gamma, got, bound)
			}
			raw := gaussians(2, -1)
			for _, pass := range []nn.Pass{{Train: true, KLWeight: 0.9}, {Train: true, KLWeight: 1}, {BatchStats: true}, {}} {
				pass.Tape, pass.Drop = &grad.Tape{}, rng
				m, s := pass.Tape.Zeros(B, D), pass.Tape.Zeros(B, D)
				for i := range m.Data {
					a, b := raw(0, 0)
					m.Data[i], s.Data[i] = Float(a), Float(b)
				}
				q := variant.Head(&pass, m, s).(vae.Gaussian)
				if kl := meanKL(q); (pass.Train || pass.BatchStats) && kl < bound*(1-1e-4) {
					t.Errorf("gamma %v, alpha %v, %+v: KL %v below the floor %v", gamma, alpha, pass, kl, bound)
				}
				least := math.Log(alpha / (2 * math.Pi * math.E))
				low := float64(slices.Min(q.Logvar.Data))
				if before := pass.KLWeight == 0.9; before != slices.Equal(q.Logvar.Data, s.Data) || !before && low < least-1e-5 {
					t.Errorf("alpha %v, %+v: ln sigma² is at least %v, want %v", alpha, pass, low, least)
				}
				if dropped := low < least+1e-5; pass.Train && pass.KLWeight == 1 && !dropped {
					t.Errorf("alpha %v: no variance is dropped", alpha)
				}
			}
		}
	}
}

// TestDUIsBN: without dropout and with hardly a floor of the variance this is bn. Before the KL weight is 1 it is bn
// anyway, and stays so in evaluation.
func TestDUIsBN(t *testing.T) {
	const B, D = 12, 3
	raw := func(i, j int) (float64, float64) { return math.Sin(float64(3*i + j)), math.Cos(float64(i + 2*j)) }
	bn, _ := posterior(BN{Gamma: 0.7, Eps: 1e-8, Momentum: 0.1}, B, D, raw, nil)
	variant, _ := du(DUVAE{Gamma: 0.7, Alpha: 1e-9, Dropout: 0, Eps: 1e-8, Momentum: 0.1}, D, []float64{0.7}, []float64{0})
	for _, weight := range []Float{0.5, 1} {
		pass := &nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: weight}
		m, s := pass.Tape.Zeros(B, D), pass.Tape.Zeros(B, D)
		for i := range B {
			for j := range D {
				a, b := raw(i, j)
				m.Row(i)[j], s.Row(i)[j] = Float(a), Float(b)
			}
		}
		q := variant.Head(pass, m, s).(vae.Gaussian)
		for i := range q.Mu.Data {
			if q.Mu.Data[i] != bn.Mu.Data[i] || math.Abs(float64(q.Logvar.Data[i]-bn.Logvar.Data[i])) > 1e-6 {
				t.Fatalf("weight %v: N(%v, e^%v), of bn N(%v, e^%v)", weight, q.Mu.Data[i], q.Logvar.Data[i], bn.Mu.Data[i], bn.Logvar.Data[i])
			}
		}
		if weight < 1 {
			pass.Train = false
			if q := variant.Head(pass, m, s).(vae.Gaussian); !slices.Equal(q.Logvar.Data, s.Data) {
				t.Error("a model that has not seen weight 1 is evaluated with a floor of the variance")
			}
		}
	}
}
