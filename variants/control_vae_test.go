package variants

import (
	"math"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// control builds the method.
func control(method ControlVAE) vae.Weigher {
	return method.Build(vae.Builder{Params: new(nn.Params), D: 1}).Weigher
}

// TestGoldenController: the weights after each KL of a sequence that reaches both limits, in both modes. In the second
// sequence the frozen integral of a published version would stay at weight 1.
func TestGoldenController(t *testing.T) {
	type weights struct{ Weight []float64 }
	var want struct {
		KL             []float64
		C, Kp, Ki, Tol float64
		To1            weights `json:"recommended_clamp_I"`
		Above1         weights `json:"disentangling_at_least_1"`
		Freeze         struct {
			KL        []float64
			C, Kp, Ki float64
			Clamped   []float64 `json:"weight_clamped"`
		} `json:"disentangling_freeze_case"`
	}
	golden(t, "controllers.json", &want)
	for _, c := range []struct {
		method   ControlVAE
		kl, want []float64
	}{
		{ControlVAE{want.C, want.Kp, want.Ki, "to-1"}, want.KL, want.To1.Weight},
		{ControlVAE{want.C, want.Kp, want.Ki, "above-1"}, want.KL, want.Above1.Weight},
		{ControlVAE{want.Freeze.C, want.Freeze.Kp, want.Freeze.Ki, "above-1"}, want.Freeze.KL, want.Freeze.Clamped},
	} {
		if len(c.kl) == 0 || len(c.kl) != len(c.want) {
			t.Fatalf("%+v: %d KL, %d weights", c.method, len(c.kl), len(c.want))
		}
		weigher := control(c.method)
		for k, kl := range c.kl {
			weigher.Saw(kl, 0)
			if got := weigher.Weight(k, 1); !(math.Abs(got-c.want[k]) <= want.Tol) {
				t.Errorf("%+v, step %d: weight %v, want %v", c.method, k, got, c.want[k])
			}
		}
	}
}

// TestController: the weight before the first KL; limits that are left at the first step that allows it; and steps of the
// integral far below the spacing of float32.
func TestController(t *testing.T) {
	for mode, want := range map[string]float64{"to-1": 0, "above-1": 1} {
		if got := control(ControlVAE{C: 4, Kp: 0.01, Ki: 0.1, Mode: mode}).Weight(0, 1); got != want {
			t.Errorf("%s: first weight %v, want %v", mode, got, want)
		}
	}
	weigher := control(ControlVAE{C: 4, Kp: 0, Ki: 0.1, Mode: "to-1"})
	for range 100 {
		weigher.Saw(9, 0)
	}
	high := weigher.Weight(0, 1)
	weigher.Saw(3, 0)
	if low := weigher.Weight(0, 1); high != 1 || math.Abs(low-0.9) > 1e-12 {
		t.Errorf("weight %v and then %v, want 1 and 0.9", high, low)
	}
	const steps, ki = 1000, 1e-9
	weigher = control(ControlVAE{C: 4, Ki: ki, Mode: "above-1"})
	for range steps {
		weigher.Saw(5, 0)
	}
	if got := weigher.Weight(0, 1) - 1; math.Abs(got-steps*ki) > 1e-10 {
		t.Errorf("the integral is %v, want %v", got, steps*ki)
	}
	if got := control(ControlVAE{C: 4, Ki: 0.001}).Final(7); got != 250 {
		t.Errorf("evaluations count from step %d, want 250", got)
	}
}
