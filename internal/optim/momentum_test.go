package optim

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// expect fails unless got is want up to the engine's rounding.
func expect(t *testing.T, what string, got Float, want float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > 2e-6*max(1, math.Abs(want)) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestMomentumByHand: three steps worked out by hand, the last with another rate. The rate is not part of v: with
// v = mu v + lr g the third step would go by 0.025 and not 0.15.
func TestMomentumByHand(t *testing.T) {
	var ps nn.Params
	p := ps.New("w", nn.Constant(0), 1)
	o := NewSGD(ps.Learnt(), 0.5)
	for i, c := range []struct{ g, lr, v, w float64 }{
		{1, 0.1, 1, -0.1},
		{-3, 0.1, -2.5, 0.15},
		{2, 0.2, 0.75, 0},
	} {
		p.Grad()[0] = Float(c.g)
		o.Step(c.lr, 1)
		expect(t, "v", o.State()[0].Data[0], c.v)
		expect(t, "w", p.Data[0], c.w)
		if t.Failed() {
			t.Fatalf("in step %d", i+1)
		}
	}
	o.Reset()
	p.Grad()[0] = 1
	o.Step(0.1, 1)
	expect(t, "w after a reset", p.Data[0], -0.1)
}

// TestMomentumClosedForm: under a constant gradient g, w after n steps is
// w0 - lr g/(1-mu) (n - mu (1-mu^n)/(1-mu)). A scale of the gradient acts as a smaller gradient.
func TestMomentumClosedForm(t *testing.T) {
	const lr, mu, n = 0.01, 0.9, 50
	for _, scale := range []float64{1, 0.25} {
		var ps nn.Params
		p := ps.New("w", nn.Constant(1), 3)
		copy(p.Grad(), []Float{1, -2, 0})
		o := NewSGD(ps.Learnt(), mu)
		for range n {
			o.Step(lr, scale)
		}
		for i, g := range []float64{1, -2, 0} {
			expect(t, "w", p.Data[i], 1-lr*g*scale/(1-mu)*(n-mu*(1-math.Pow(mu, n))/(1-mu)))
		}
	}
}

// TestMomentumOfTables: a row that one step has read moves on in the next, though it has no gradient there.
func TestMomentumOfTables(t *testing.T) {
	var ps nn.Params
	e := nn.NewEmbedding(&ps, "e", 3, 1, nn.Constant(0))
	pass := func(rows ...int32) {
		ps.ZeroGrad()
		e.Apply(&nn.Pass{Tape: &grad.Tape{}}, rows).Sum().Backward()
	}
	o := NewSGD(ps.Learnt(), 0.5)
	pass(1)
	o.Step(1, 1)
	pass(2)
	o.Step(1, 1)
	for i, want := range []float64{0, -1.5, -1} {
		expect(t, "row", ps.Get("e.weight").Data[i], want)
	}
}
