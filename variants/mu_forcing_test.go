package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestGoldenMuForcing: value and gradient. The golden's value is a mean over dimensions, so the weight here is 1/D.
func TestGoldenMuForcing(t *testing.T) {
	var batch struct{ Mu, Logvar [][]float64 }
	var want struct {
		V, Value float64
		DMu      [][]float64 `json:"dvalue_dmu"`
		Small    float64     `json:"value_v_0_1"`
		Tol      float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "mu_forcing.json", &want)
	D := len(batch.Mu[0])
	for v, value := range map[float64]float64{want.V: want.Value, 0.1: want.Small} {
		tape := &grad.Tape{}
		mu, dmu := leaf(tape, batch.Mu)
		logvar, _ := leaf(tape, batch.Logvar)
		extra := MuForcing{V: v, Weight: 1 / float64(D)}.Build(vae.Builder{D: D}).Extras[0]
		got := extra(&nn.Pass{Tape: tape}, &vae.Terms{Q: vae.FromLogvar(mu, logvar)})
		near(t, "value", got.Data, []float64{value}, want.Tol)
		got.Backward()
		if v == want.V {
			near(t, "d/dmu", dmu, flat(want.DMu), want.Tol)
		} else {
			near(t, "d/dmu where it is 0", dmu, make([]float64, len(dmu)), 0)
		}
	}
}

// TestTheoremMuForcing: where the extra is 0 the KL is at least D v/2, whatever sigma is and wherever mu lies; just
// then, if sigma is 1 and mu has the mean 0. Short of it, a larger variance lowers KL and extra together if and only if
// weight is above half the KL weight.
func TestTheoremMuForcing(t *testing.T) {
	const B, D, v = 9, 3, 0.8
	rng := rand.New(rand.NewPCG(6, 6))
	for _, weight := range []float64{0.4, 0.6} {
		extra := MuForcing{V: v, Weight: weight}.Build(vae.Builder{D: D}).Extras[0]
		met := 0
		for range 200 {
			tape := &grad.Tape{}
			mu, logvar := tape.Zeros(B, D), tape.Zeros(B, D)
			spread := math.Exp(rng.NormFloat64())
			for i := range mu.Data {
				mu.Data[i], logvar.Data[i] = Float(1+spread*rng.NormFloat64()), Float(rng.NormFloat64())
			}
			q := vae.FromLogvar(mu, logvar)
			if extra(nil, &vae.Terms{Q: q}).Scalar() == 0 {
				met++
				if kl := meanKL(q); kl < D*v/2 {
					t.Errorf("extra 0 with KL %v, below %v", kl, D*v/2)
				}
			}
		}
		if met < 20 || met > 180 {
			t.Errorf("%d of 200 batches have extra 0", met)
		}
		// mu of two values with the mean 0 and sigma 1: KL is half the variance.
		two := func(s float64) (kl, charge float64) {
			tape := &grad.Tape{}
			mu := tape.Zeros(2, D)
			for j := range D {
				mu.Row(0)[j], mu.Row(1)[j] = Float(s), Float(-s)
			}
			q := vae.FromLogvar(mu, tape.Zeros(2, D))
			return meanKL(q), extra(nil, &vae.Terms{Q: q}).Scalar()
		}
		if kl, charge := two(math.Sqrt(v)); math.Abs(kl-D*v/2) > 1e-5 || charge > 1e-5 {
			t.Errorf("at the variance v: KL %v, extra %v; want %v, 0", kl, charge, D*v/2)
		}
		kl, charge := two(0.3)
		wider, less := two(0.4)
		if pays := wider+less < kl+charge; pays != (weight > 0.5) {
			t.Errorf("weight %v: a larger variance pays: %v", weight, pays)
		}
	}
}

// TestMuForcingConformance: at the default v nothing is charged in the test's batch.
func TestMuForcingConformance(t *testing.T) {
	for _, fault := range faults(MuForcing{V: 9, Weight: 0.8}) {
		t.Error(fault)
	}
}
