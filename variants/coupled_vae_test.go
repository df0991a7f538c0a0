package variants

import (
	"math"
	"testing"

	"vaelab/internal/grad"
)

// TestGoldenCoupled: value and gradient of the term that draws h to h_c, which has no gradient itself. At h = h_c it is least,
// with gradient 0.
func TestGoldenCoupled(t *testing.T) {
	var want struct {
		H      [][]float64
		HC     [][]float64 `json:"h_c"`
		Value  float64
		DH     [][]float64 `json:"dvalue_dh"`
		Scales []float64
		Tol    float64
	}
	golden(t, "coupled.json", &want)
	const D = 32 // of the golden's latent space
	at := func(h [][]float64) (value []Float, dh, dhC []Float) {
		tape := &grad.Tape{}
		a, dh := leaf(tape, h)
		b, dhC := leaf(tape, want.HC)
		m := match(a, b, D)
		m.Backward()
		return m.Data, dh, dhC
	}
	value, dh, dhC := at(want.H)
	near(t, "value", value, []float64{want.Value}, want.Tol)
	near(t, "d value/d h", dh, flat(want.DH), want.Tol)
	near(t, "d value/d h_c", dhC, make([]float64, len(dhC)), 0)
	value, dh, _ = at(want.HC)
	near(t, "value at h_c", value, []float64{-float64(len(want.Scales))}, want.Tol)
	near(t, "gradient at h_c", dh, make([]float64, len(dh)), want.Tol)
}

// TestCoupledVAE: lambda weighs the second term only, and evaluation has neither path nor term.
func TestCoupledVAE(t *testing.T) {
	loss := func(lambda float64, train bool) (loss, plain float64) {
		loss, terms := newBench(CoupledVAE{Lambda: lambda}, 0).pass(train, false)
		return loss, 0.7*terms.Penalty.Scalar() - terms.Rec.Mean().Scalar()
	}
	zero, plain := loss(0, true)
	one, _ := loss(1, true)
	three, _ := loss(3, true)
	if zero < plain+1 {
		t.Errorf("the loss is %v with a second path, %v without", zero, plain)
	}
	if one > zero || one < zero-7 || math.Abs((three-zero)-3*(one-zero)) > 1e-4 {
		t.Errorf("losses %v, %v, %v at lambda 0, 1, 3; the term lies in [-7, 0]", zero, one, three)
	}
	if got, plain := loss(3, false); math.Abs(got-plain) > 1e-5 {
		t.Errorf("evaluation: loss %v, of its terms %v", got, plain)
	}
}
