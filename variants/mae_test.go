package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// apart is the extra of a method for a posterior.
func apart(v MAE, q vae.Gaussian) *grad.Value {
	return v.Build(vae.Builder{}).Extras[0](&nn.Pass{Tape: &grad.Tape{}}, &vae.Terms{Q: q})
}

// TestGoldenMAE: MPD and std, the value and its gradients, and the value for another eta.
func TestGoldenMAE(t *testing.T) {
	var batch struct{ Mu, Logvar [][]float64 }
	type figures struct{ Eta, Gamma, Value float64 }
	var want struct {
		figures
		MPD     []float64
		Std     float64
		DMu     [][]float64 `json:"dvalue_dmu"`
		DLogvar [][]float64 `json:"dvalue_dlogvar"`
		Other   figures     `json:"eta_2"`
		Tol     float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "mae.json", &want)
	load := func() (q vae.Gaussian, dmu, dlogvar []Float) {
		tape := &grad.Tape{}
		mu, dmu := leaf(tape, batch.Mu)
		logvar, dlogvar := leaf(tape, batch.Logvar)
		return vae.FromLogvar(mu, logvar), dmu, dlogvar
	}
	q, dmu, dlogvar := load()
	value := apart(MAE{want.Eta, want.Gamma}, q)
	near(t, "value", value.Data, []float64{want.Value}, want.Tol)
	value.Backward()
	near(t, "d/dmu", dmu, flat(want.DMu), want.Tol)
	near(t, "d/dlogvar", dlogvar, flat(want.DLogvar), want.Tol)
	q, _, _ = load()
	near(t, "eta 2", apart(MAE{want.Other.Eta, want.Other.Gamma}, q).Data, []float64{want.Other.Value}, want.Tol)
	near(t, "std", []Float{apart(MAE{1, 3}, q).Data[0] - apart(MAE{1, 0}, q).Data[0]}, []float64{3 * want.Std}, want.Tol)
	alike := 0.0
	for _, mpd := range want.MPD {
		alike += 5 * math.Log1p(math.Exp(-mpd/5))
	}
	near(t, "MPD", apart(MAE{5, 0}, q).Data, []float64{alike}, want.Tol)
}

// TestTheoremMAE: the charge is largest, D eta ln 2, if all posteriors are equal, and only then; its gradient is finite
// there. One vector added to all means changes nothing. A batch of one has none.
func TestTheoremMAE(t *testing.T) {
	const B, D = 5, 2
	rng := rand.New(rand.NewPCG(2, 9))
	for _, eta := range []float64{0.3, 1, 10} {
		v := MAE{Eta: eta, Gamma: 0.7}
		q := func(offset, spread, logs float64) (q vae.Gaussian, dmu []Float) {
			rows, widths := make([][]float64, B), make([][]float64, B)
			for i := range rows {
				for j := range D {
					rows[i] = append(rows[i], offset+spread*math.Sin(float64(3*i+j)))
					widths[i] = append(widths[i], logs*math.Cos(float64(i+j)))
				}
			}
			tape := &grad.Tape{}
			mu, dmu := leaf(tape, rows)
			logvar, _ := leaf(tape, widths)
			return vae.FromLogvar(mu, logvar), dmu
		}
		most := eta * D * math.Ln2
		equal, dmu := q(rng.NormFloat64(), 0, 0)
		extra := apart(v, equal)
		if got := extra.Scalar(); math.Abs(got-most) > 1e-4 {
			t.Errorf("eta %v, equal posteriors: %v, want %v", eta, got, most)
		}
		extra.Backward()
		near(t, "gradient at equal posteriors", dmu, make([]float64, B*D), 0)
		for _, c := range [][2]float64{{0.5, 0}, {0, 0.5}} { // only means, only variances differ
			some, _ := q(0, c[0], c[1])
			moved, _ := q(4, c[0], c[1])
			without := apart(MAE{Eta: eta}, some).Scalar()
			if without > most-1e-3 {
				t.Errorf("eta %v, different posteriors: %v, want below %v", eta, without, most)
			}
			if a, b := apart(v, some).Scalar(), apart(v, moved).Scalar(); math.Abs(a-b) > 1e-5*(1+a) {
				t.Errorf("eta %v: %v, moved by one vector %v", eta, a, b)
			}
		}
	}
	tape := &grad.Tape{}
	if got := apart(MAE{Eta: 1, Gamma: 1}, vae.FromLogvar(tape.Zeros(1, D), tape.Zeros(1, D))).Scalar(); got != 0 {
		t.Errorf("one example has extra %v", got)
	}
}

// TestMAEConformance: TestConformance has no second term.
func TestMAEConformance(t *testing.T) {
	for _, fault := range faults(MAE{Eta: 2, Gamma: 0.5}) {
		t.Error(fault)
	}
}
