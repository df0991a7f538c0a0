package variants

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// capacityAt is the method after so many steps.
func capacityAt(method Capacity, step int) vae.Variant {
	variant := method.Build(vae.Builder{Params: new(nn.Params), D: 1})
	for range step {
		variant.Weigher.Saw(0, 0)
	}
	return variant
}

// TestGoldenCapacity: value and gradient at three targets, of the batch mean and not of single examples.
func TestGoldenCapacity(t *testing.T) {
	var want struct {
		Gamma, Cmax, Tol float64
		Steps            int
		Cases            []struct {
			Step     int
			C, Value float64
			DKL      [][]float64 `json:"dvalue_dkl"`
		}
	}
	var batch struct{ KL [][]float64 }
	golden(t, "capacity.json", &want)
	golden(t, "batch.json", &batch)
	if len(want.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range want.Cases {
		variant := capacityAt(Capacity{C: want.Cmax, Gamma: want.Gamma, Steps: want.Steps}, c.Step)
		tape := &grad.Tape{}
		kl, gradient := leaf(tape, batch.KL)
		penalty := variant.Penalty(&nn.Pass{Tape: tape, Train: true}, &vae.Terms{KL: kl})
		near(t, "value", penalty.Data, []float64{c.Value}, want.Tol)
		penalty.Backward()
		near(t, "d value/d KL", gradient, flat(c.DKL), want.Tol)
		near(t, "C", []Float{Float(variant.Weigher.(ramp).target())}, []float64{c.C}, want.Tol)
	}
}

// TestCapacity: the closed form above, at and below the target, where neither side of the kink pulls. Evaluating the
// penalty moves no target, and without a ramp the target is C at once.
func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		steps, at   int
		value, each float64 // gradient of each of two examples
	}{
		{10, 0, 6, 1.5}, {10, 5, 1.5, 1.5}, {10, 9, 2.1, -1.5}, {10, 10, 3, -1.5}, {10, 1000, 3, -1.5}, {0, 0, 3, -1.5}, {3, 2, 0, 0},
	} {
		variant := capacityAt(Capacity{C: 3, Gamma: 3, Steps: c.steps}, c.at)
		for range 2 {
			tape := &grad.Tape{}
			kl, gradient := leaf(tape, [][]float64{{0.5}, {3.5}})
			penalty := variant.Penalty(&nn.Pass{Tape: tape, Train: true}, &vae.Terms{KL: kl})
			penalty.Backward()
			if math.Abs(penalty.Scalar()-c.value) > 1e-5 || math.Abs(float64(gradient[0])-c.each) > 1e-6 || gradient[0] != gradient[1] {
				t.Errorf("step %d of %d: %v with gradient %v, want %v and %v", c.at, c.steps, penalty.Scalar(), gradient, c.value, c.each)
			}
		}
		if got := variant.Weigher.Final(7); got != c.steps {
			t.Errorf("evaluations count from step %d, want %d", got, c.steps)
		}
	}
}
