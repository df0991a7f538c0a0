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

// charged are the terms of a prior that is given, and what cvae charges for them.
func charged(p *nn.Pass, q, prior vae.Gaussian) (*vae.Terms, *grad.Value) {
	given := vae.GaussianPrior(func(*nn.Pass, *vae.Batch) vae.Gaussian { return prior })
	t := &vae.Terms{Q: q, Prior: given, KL: given.KL(p, q, nil, nil)}
	v := CVAE{Charge: "sum", Hidden: 1}.Build(vae.Builder{Params: new(nn.Params), D: q.Mu.Cols, Given: &vae.Given{C: 1}})
	return t, v.Penalty(p, t)
}

// TestGoldenCVAE: the rate, the charged sum with all gradients, the constant that is printed otherwise, and the least sums.
func TestGoldenCVAE(t *testing.T) {
	var batch struct{ Mu, Logvar [][]float64 }
	var want struct {
		Mu      [][]float64 `json:"prior_mu"`
		Logvar  [][]float64 `json:"prior_logvar"`
		Value   float64
		Rate    float64     `json:"kl_q_p"`
		DMuQ    [][]float64 `json:"dmu_q"`
		DQ      [][]float64 `json:"dlogvar_q"`
		DMuP    [][]float64 `json:"dmu_p"`
		DP      [][]float64 `json:"dlogvar_p"`
		Printed float64     `json:"eq12_as_printed"`
		Least   []struct {
			MuQ   float64 `json:"mu_q"`
			Q     float64 `json:"logvar_q"`
			MuP   float64 `json:"mu_p"`
			P     float64 `json:"logvar_p"`
			Total float64
			Rate  float64 `json:"kl_q_p"`
		}
		Tol      float64
		TolLeast float64 `json:"tol_least"`
	}
	golden(t, "batch.json", &batch)
	golden(t, "cvae.json", &want)
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	muQ, dmuQ := leaf(tape, batch.Mu)
	logvarQ, dQ := leaf(tape, batch.Logvar)
	muP, dmuP := leaf(tape, want.Mu)
	logvarP, dP := leaf(tape, want.Logvar)
	terms, sum := charged(p, vae.FromLogvar(muQ, logvarQ), vae.FromLogvar(muP, logvarP))
	near(t, "rate", terms.KL.RowSums().Mean().Data, []float64{want.Rate}, want.Tol)
	near(t, "sum", sum.Data, []float64{want.Value}, want.Tol)
	near(t, "sum as printed", []Float{sum.Data[0] + Float(muQ.Cols)/2}, []float64{want.Printed}, want.Tol)
	sum.Backward()
	near(t, "d sum/d mu_q", dmuQ, flat(want.DMuQ), want.Tol)
	near(t, "d sum/d ln sigma_q²", dQ, flat(want.DQ), want.Tol)
	near(t, "d sum/d mu_p", dmuP, flat(want.DMuP), want.Tol)
	near(t, "d sum/d ln sigma_p²", dP, flat(want.DP), want.Tol)

	if len(want.Least) == 0 {
		t.Error("no least sums")
	}
	for _, l := range want.Least {
		near(t, "least", []Float{Float(leastSum(l.MuQ)), Float(leastSum(-l.MuQ))}, []float64{l.Total, l.Total}, want.TolLeast)
		tape.Reset()
		one := func(x float64) *grad.Value {
			return tape.Const(tensor.Matrix{Rows: 1, Cols: 1, Data: []Float{Float(x)}})
		}
		terms, sum := charged(p, vae.FromLogvar(one(l.MuQ), one(l.Q)), vae.FromLogvar(one(l.MuP), one(l.P)))
		near(t, "sum at the least", sum.Data, []float64{l.Total}, want.TolLeast)
		near(t, "rate at the least", terms.KL.Data, []float64{l.Rate}, want.TolLeast)
	}
}

// TestTheoremCVAE: the sum is at least the bound of mu_q, which is at least 0, and attains it where the doc comment says. At
// q = p its gradient is that of KL(p || N(0, I)), so that it is stationary there at N(0, I) only.
func TestTheoremCVAE(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	number := func(x float64) (*grad.Value, []Float) { return leaf(tape, [][]float64{{x}}) }
	for range 3000 {
		tape.Reset()
		mu, spread := rng.NormFloat64()*math.Exp(rng.NormFloat64()), rng.NormFloat64()
		muQ, dmuQ := number(mu)
		lvQ, dQ := number(spread)
		muP, dmuP := number(mu)
		lvP, dP := number(spread)
		terms, sum := charged(p, vae.FromLogvar(muQ, lvQ), vae.FromLogvar(muP, lvP))
		sum.Backward()
		near(t, "rate at q = p", terms.KL.Data, []float64{0}, 1e-6)
		near(t, "gradient at q = p", []Float{dmuQ[0], dQ[0], dmuP[0], dP[0]}, []float64{0, 0, mu, (math.Exp(spread) - 1) / 2}, 1e-5)

		tape.Reset()
		muQ, _ = number(mu)
		lvQ, _ = number(rng.NormFloat64())
		muP, _ = number(rng.NormFloat64())
		lvP, _ = number(rng.NormFloat64())
		_, sum = charged(p, vae.FromLogvar(muQ, lvQ), vae.FromLogvar(muP, lvP))
		least := leastSum(mu)
		if got := sum.Scalar(); got < least-1e-5*(1+got) || least <= 0 {
			t.Fatalf("mu_q %v: the sum is %v, its bound %v", mu, got, least)
		}
	}
	if leastSum(0) != 0 {
		t.Errorf("the least sum at mu_q = 0 is %v", leastSum(0))
	}
	for _, mu := range []float64{1e-3, 1e-2} { // mu²/4
		if got := leastSum(mu) / (mu * mu / 4); math.Abs(got-1) > 1e-2 {
			t.Errorf("the least sum at %v is %v of mu²/4", mu, got)
		}
	}
}

// TestPriorFollows: charged the rate alone, a prior that follows a posterior has rate 0 whatever its mean is, that of bn
// included; charged the sum, descent on all but the mean ends at the golden least sum, with the golden rate.
func TestPriorFollows(t *testing.T) {
	var want struct {
		Least []struct {
			MuQ   float64 `json:"mu_q"`
			Total float64
			Rate  float64 `json:"kl_q_p"`
		}
	}
	golden(t, "cvae.json", &want)
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	for _, l := range want.Least {
		for _, sum := range []bool{false, true} {
			x := []float64{0.3, -0.2, 0.4} // ln sigma_q², mu_p, ln sigma_p²
			var rate, penalty float64
			for range 1500 {
				tape.Reset()
				mu, _ := leaf(tape, [][]float64{{l.MuQ}})
				lvQ, d0 := leaf(tape, [][]float64{{x[0]}})
				muP, d1 := leaf(tape, [][]float64{{x[1]}})
				lvP, d2 := leaf(tape, [][]float64{{x[2]}})
				terms, loss := charged(p, vae.FromLogvar(mu, lvQ), vae.FromLogvar(muP, lvP))
				if !sum {
					loss = terms.KL.Mean()
				}
				rate, penalty = terms.KL.Scalar(), loss.Scalar()
				loss.Backward()
				for i, d := range [][]Float{d0, d1, d2} {
					x[i] -= 0.2 * float64(d[0])
				}
			}
			switch {
			case !sum && rate > 1e-5:
				t.Errorf("mu_q %v: charged the rate alone, it stays at %v", l.MuQ, rate)
			case sum && (math.Abs(penalty-l.Total) > 1e-5 || math.Abs(rate-l.Rate) > 1e-4):
				t.Errorf("mu_q %v: charged the sum, it comes to %v with rate %v, want %v and %v", l.MuQ, penalty, rate, l.Total, l.Rate)
			}
		}
	}
}

// TestConditionalFits: cvae needs conditions of no kind in particular, and a Gaussian head.
func TestConditionalFits(t *testing.T) {
	v, err := Check(BN{Gamma: 0.7, Eps: 1e-8, Momentum: 0.1}, CVAE{Charge: "sum", Hidden: 2})
	if err != nil || !v.Conditional || v.Floor != nil || v.LeastPenalty == nil {
		t.Errorf("%v: conditional %v, a floor of the rate %v, a bound of the sum %v", err, v.Conditional, v.Floor != nil, v.LeastPenalty != nil)
	}
	for _, other := range []vae.Method{VMF{Kappa: 10}, FreeBits{Lambda: 1, Mode: "dim"}, MixturePrior{K: 2, Components: "data"}} {
		if _, err := Check(CVAE{Charge: "sum", Hidden: 2}, other); err == nil {
			t.Errorf("cvae and %T are allowed", other)
		}
	}
	for _, fault := range append(faults(CVAE{Charge: "sum", Hidden: 2}), wrongRate(CVAE{Charge: "sum", Hidden: 2})...) {
		t.Error(fault)
	}
}
