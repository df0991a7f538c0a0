package optim

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// TestWeightDecayClosedForm: without a gradient w after n steps is w0 (1 - lr lambda)^n for a matrix, with SGD, with
// momentum and with Adam, and w0 for a vector. Every row of a table decays, also one that no step reads.
func TestWeightDecayClosedForm(t *testing.T) {
	const lr, lambda, n = 0.1, 0.2, 30
	for name, make := range map[string]func(p []*nn.Param) Optimizer{
		"sgd":      func(p []*nn.Param) Optimizer { return NewSGD(p, 0) },
		"momentum": func(p []*nn.Param) Optimizer { return NewSGD(p, 0.9) },
		"adam":     func(p []*nn.Param) Optimizer { return NewAdam(p) },
	} {
		var ps nn.Params
		ps.New("matrix", nn.Constant(2), 2, 3)
		ps.New("bias", nn.Constant(2), 3)
		nn.NewEmbedding(&ps, "table", 4, 2, nn.Constant(2))
		o := make(ps.Learnt())
		for range n {
			WeightDecay(Weights(ps.Learnt()), lr, lambda)
			o.Step(lr, 1)
		}
		for _, p := range ps.Learnt() {
			want := 2 * math.Pow(1-lr*lambda, n)
			if p.Name == "bias" {
				want = 2
			}
			for _, w := range p.Data {
				expect(t, name+": "+p.Name, w, want)
			}
		}
	}
}

// TestDecayIsDecoupled: neither the scale of a clipped gradient nor Adam's means see the decay. Adam's first step has
// length lr, so that w is (1 - lr lambda) w0 - lr after it; with the penalty in the gradient it would be w0 - lr.
// SGD without momentum goes where the gradient of the penalty lambda/2 w² leads, with momentum it does not.
func TestDecayIsDecoupled(t *testing.T) {
	const lr, lambda, g, w0 = 0.1, 0.5, 0.25, 3.0
	step := func(lambda, extra float64, steps int, make func(p []*nn.Param) Optimizer) Float {
		var ps nn.Params
		p := ps.New("w", nn.Constant(w0), 1, 1)
		o := make(ps.Learnt())
		for range steps {
			p.Grad()[0] = Float(g + extra*float64(p.Data[0]))
			WeightDecay(ps.Learnt(), lr, lambda)
			o.Step(lr, 1)
		}
		return p.Data[0]
	}
	adam := func(p []*nn.Param) Optimizer { return NewAdam(p) }
	expect(t, "AdamW after a step", step(lambda, 0, 1, adam), (1-lr*lambda)*w0-lr)
	expect(t, "Adam with a penalty after a step", step(0, lambda, 1, adam), w0-lr)
	for _, mu := range []float64{0, 0.9} {
		sgd := func(p []*nn.Param) Optimizer { return NewSGD(p, mu) }
		decoupled, penalty := step(lambda, 0, 5, sgd), step(0, lambda, 5, sgd)
		if same := math.Abs(float64(decoupled-penalty)) < 1e-6; same != (mu == 0) {
			t.Errorf("momentum %v: %v decoupled, %v by the penalty", mu, decoupled, penalty)
		}
	}
	var ps nn.Params
	p := ps.New("w", nn.Constant(w0), 1, 1)
	p.Grad()[0] = g
	WeightDecay(ps.Learnt(), lr, lambda)
	NewSGD(ps.Learnt(), 0).Step(lr, 0.5)
	expect(t, "a step with a scaled gradient", p.Data[0], (1-lr*lambda)*w0-lr*0.5*g)
}

// TestNoDecayNoMomentum: at the values 0 a step changes not a bit of what it did before there were any.
func TestNoDecayNoMomentum(t *testing.T) {
	var ps nn.Params
	e := nn.NewEmbedding(&ps, "e", 3, 2, nn.Uniform(1))
	before := append([]Float(nil), ps.Get("e.weight").Data...)
	e.Apply(&nn.Pass{Tape: &grad.Tape{}}, []int32{1}).Sum().Backward()
	o := NewSGD(ps.Learnt(), 0)
	WeightDecay(Weights(ps.Learnt()), 0.3, 0)
	o.Step(0.3, 1)
	for i, w := range ps.Get("e.weight").Data {
		want := before[i]
		if i/2 == 1 {
			want += Float(-0.3)
		}
		if w != want {
			t.Errorf("number %d: %v, want %v", i, w, want)
		}
	}
	if len(o.State()) != 0 {
		t.Errorf("SGD without momentum keeps %d arrays", len(o.State()))
	}
}
