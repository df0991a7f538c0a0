package optim

import (
	"math"
	"testing"

	"vaelab/internal/nn"
)

func TestKLSchedules(t *testing.T) {
	const perEpoch = 100
	with := func(schedule string, change func(*KLSchedule)) KLSchedule {
		k := DefaultKL
		k.Schedule = schedule
		if change != nil {
			change(&k)
		}
		return k
	}
	for _, c := range []struct {
		name string
		k    KLSchedule
		at   map[int]float64
	}{
		{"constant", with("constant", func(k *KLSchedule) { k.Beta = 0.4 }), map[int]float64{0: 0.4, 5000: 0.4}},
		{"linear from 0.1 over 10 epochs", with("linear", func(k *KLSchedule) { k.Start = 0.1 }), map[int]float64{0: 0.1, 500: 0.55, 1000: 1, 9999: 1}},
		{"linear over 50 steps", with("linear", func(k *KLSchedule) { k.WarmUp, k.Unit = 50, "steps" }), map[int]float64{0: 0, 25: 0.5, 50: 1}},
		{"sigmoid", with("sigmoid", nil), map[int]float64{0: 1 / (1 + math.Exp(5)), 500: 0.5, 1000: 1}},
		{"cyclical", with("cyclical", func(k *KLSchedule) { k.WarmUp, k.Unit = 400, "steps" }), map[int]float64{0: 0, 25: 0.5, 50: 1, 99: 1, 100: 0, 325: 0.5, 400: 1}},
		{"cyclical with a zero phase", with("cyclical-zero", func(k *KLSchedule) { k.WarmUp, k.Unit = 400, "steps" }), map[int]float64{0: 0, 24: 0, 50: 0.5, 75: 1, 99: 1, 110: 0, 400: 1}},
	} {
		for step, want := range c.at {
			if got := c.k.Weight(step, perEpoch); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: weight at step %d is %v, want %v", c.name, step, got, want)
			}
		}
	}
}

func TestPlateau(t *testing.T) {
	d := Decay{Factor: 0.5, Patience: 2, From: 3, Max: 2}
	var p Plateau
	for i, c := range []struct {
		loss float64
		want Verdict
	}{{5, IsBest}, {6, GoOn}, {4, IsBest}, {4, GoOn}, {4.5, Lower}, {4.1, GoOn}, {4.1, UsedUp}} {
		if got := p.Judge(d, i+1, c.loss); got != c.want {
			t.Errorf("evaluation %d, loss %v: verdict %v, want %v", i+1, c.loss, got, c.want)
		}
	}
}

// TestAdamFirstStep: whatever the gradient, Adam's first step has length lr.
func TestAdamFirstStep(t *testing.T) {
	var ps nn.Params
	p := ps.New("w", nn.Constant(1), 3)
	copy(p.Grad(), []Float{1e-3, -4, 100})
	NewAdam(ps.Learnt()).Step(0.01, 1)
	for i, want := range []float64{0.99, 1.01, 0.99} {
		if got := float64(p.Data[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("w[%d] = %v, want %v", i, got, want)
		}
	}
}

// TestClip: a step with clipped gradients goes as far as max allows, with either optimiser's
// first step as if the gradients had been scaled before.
func TestClip(t *testing.T) {
	var ps nn.Params
	a, b := ps.New("a", nn.Constant(0), 1), ps.New("b", nn.Constant(0), 1)
	a.Grad()[0], b.Grad()[0] = 3, 4
	norm := Norm(ps.Learnt())
	if norm != 5 || Clip(norm, 10) != 1 || Clip(norm, 0) != 1 {
		t.Errorf("norm %v, scales %v and %v; want 5, 1 and 1", norm, Clip(norm, 10), Clip(norm, 0))
	}
	NewSGD(ps.Learnt(), 0).Step(1, Clip(norm, 1))
	if got := math.Hypot(float64(a.Data[0]), float64(b.Data[0])); math.Abs(got-1) > 1e-5 {
		t.Errorf("a step of length %v, want 1", got)
	}
	scaled := func(grad Float, scale float64) Float {
		var ps nn.Params
		p := ps.New("w", nn.Constant(0), 1)
		adam := NewAdam(ps.Learnt())
		for _, g := range []Float{1, -3, 2} { // the third step depends on how large the others were
			p.Grad()[0] = g * grad
			adam.Step(0.1, scale)
		}
		return p.Data[0]
	}
	if got, want := scaled(1e-7, 0.5), scaled(0.5e-7, 1); math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("Adam with the gradients times 0.5: %v, with half the gradients %v", got, want)
	}
}
