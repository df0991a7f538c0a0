//go:build !f64

package train

import (
	"math"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestBF16Trains: in bfloat16 every model learns, to a loss near that of float32 but not the same one.
func TestBF16Trains(t *testing.T) {
	for name, c := range tiny {
		space, x := tinyBatch(c.kind)
		var first, last [2]float64
		for i, precision := range []string{"float32", "bf16"} {
			trial := Trial{Model: c.model, Methods: []vae.Method{variants.Vanilla{}}, Train: Defaults}
			trial.Seed, trial.Train.Precision = 3, precision
			m, err := trial.Build(space, data.Split{})
			if err != nil {
				t.Fatal(err)
			}
			tape := new(grad.Tape)
			for step := range 40 {
				tape.Reset()
				m.Params.ZeroGrad()
				loss, _ := stepOn(tape, m, x)
				if step == 0 {
					first[i] = loss
				}
				last[i] = loss
				for _, p := range m.Params.Learnt() {
					p.EachGrad(func(w, g []nn.Float) {
						for j, d := range g {
							w[j] -= 0.01 * d
						}
					})
				}
			}
		}
		if math.Abs(last[1]/last[0]-1) > 1e-2 || last[1] > 0.99*first[1] {
			t.Errorf("%s: the loss falls from %v to %v in float32, from %v to %v in bf16", name, first[0], last[0], first[1], last[1])
		}
		if first[0] == first[1] {
			t.Errorf("%s: the first loss is %v in both precisions: bf16 does nothing", name, first[0])
		}
	}
}
