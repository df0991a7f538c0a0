package grad

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/sphere"
)

// around is uniform noise, which a reflection turns.
func around(t *Tape, rows, cols int) *Value {
	noise, x := rand.New(rand.NewPCG(3, 4)), t.Zeros(rows, cols)
	for i := range rows {
		sphere.Uniform(noise, x.Row(i))
	}
	return x
}

// TestUnitOfNothing: rows without a direction become e1 and learn nothing; tiny ones that have one keep it.
func TestUnitOfNothing(t *testing.T) {
	grads := make([]Float, 12)
	tape := &Tape{}
	x := tape.Zeros(4, 3)
	copy(x.Data, []Float{0, 0, 0, 1e-13, 0, -1e-13, 0, -2e-11, 0, 3e18, 0, 4e18})
	y := tape.Leaf(x.Matrix, grads).Unit()
	want := []Float{1, 0, 0, 1, 0, 0, 0, -1, 0, 0.6, 0, 0.8}
	for i, v := range y.Data {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Fatalf("%v, want %v", y.Data, want)
		}
	}
	y.Mask([]Float{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}).Sum().Backward()
	if !slices.Equal(grads[:6], make([]Float, 6)) || grads[6] == 0 || grads[9] == 0 {
		t.Errorf("gradients %v", grads)
	}
	for _, g := range grads {
		if g-g != 0 {
			t.Errorf("gradient %v", g)
		}
	}
}

// TestReflectNeedsAConstant: noise has no gradient.
func TestReflectNeedsAConstant(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("x with a gradient goes")
		}
	}()
	tape := &Tape{}
	mu := tape.Leaf(tape.Zeros(1, 2).Matrix, make([]Float, 2))
	mu.Reflect(mu)
}
