package grad

import (
	"math"
	"testing"

	"vaelab/internal/tensor"
)

// TestStop: no gradient goes through Stop; with a Held tape its value is that of the first pass.
func TestStop(t *testing.T) {
	held := &Held{}
	run := func(x Float) (y float64, dx Float) {
		held.Rewind()
		grad := []Float{0}
		v := (&Tape{Held: held}).Leaf(tensor.Matrix{Rows: 1, Cols: 1, Data: []Float{x}}, grad)
		loss := v.Square().Mul(v.Scale(2).Stop()).Sub(v.Square().Stop())
		loss.Backward()
		return loss.Scalar(), grad[0]
	}
	for _, c := range []struct{ x, y, dx float64 }{
		{3, 9*6 - 9, 6 * 6}, // x² 2x - x², without the slopes of 2x and of x²
		{1, 1*6 - 9, 2 * 6}, // 2x and x² held at 6 and 9
	} {
		if y, dx := run(Float(c.x)); y != c.y || float64(dx) != c.dx {
			t.Errorf("x %v: value %v, derivative %v; want %v, %v", c.x, y, dx, c.y, c.dx)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a pass that stops something of another shape was accepted")
		}
	}()
	held.Rewind()
	(&Tape{Held: held}).Zeros(2, 1).Stop()
}

// TestStraight: a straight-through copy has the values of one and the gradient of the other; on a held tape it moves with the
// other.
func TestStraight(t *testing.T) {
	held := &Held{}
	for _, c := range []struct {
		tape  *Tape
		x     Float
		y, dx float64
	}{
		{&Tape{}, 0.3, 7 * 7, 2 * 7},           // y² at y = 7, and its slope there
		{&Tape{Held: held}, 0.3, 7 * 7, 2 * 7}, // the first pass
		{&Tape{Held: held}, 1.3, 8 * 8, 2 * 8}, // y moves as x does
	} {
		held.Rewind()
		dx := []Float{0}
		v := c.tape.Leaf(tensor.Matrix{Rows: 1, Cols: 1, Data: []Float{c.x}}, dx)
		loss := v.Straight(tensor.Matrix{Rows: 1, Cols: 1, Data: []Float{7}}).Square()
		loss.Backward()
		if math.Abs(loss.Scalar()-c.y) > 1e-4 || math.Abs(float64(dx[0])-c.dx) > 1e-4 {
			t.Errorf("x %v: value %v, derivative %v; want %v, %v", c.x, loss.Scalar(), dx[0], c.y, c.dx)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a copy of another shape was accepted")
		}
	}()
	new(Tape).Zeros(2, 1).Straight(tensor.New(1, 2))
}
