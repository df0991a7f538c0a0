package grad

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/tensor"
)

func init() {
	formulas = append([]formula{
		{"LayerNormAffine", [][2]int{{3, 5}, {1, 5}, {1, 5}}, func(in []*Value) *Value { return in[0].LayerNormAffine(in[1], in[2], 1e-5) }, 0},
		{"GELU", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].GELU() }, 0},
	}, formulas...)
}

// TestLayerNormAffineIsLayerNorm: the fused operation is the plain one times gain plus bias.
func TestLayerNormAffineIsLayerNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var tape Tape
	x, gain, bias := tape.Const(random(rng, 7, 33)), tape.Const(random(rng, 1, 33)), tape.Const(random(rng, 1, 33))
	got, want := x.LayerNormAffine(gain, bias, 1e-5), x.LayerNorm(1e-5).MulRow(gain).AddRow(bias)
	for i, w := range want.Data {
		if math.Abs(float64(got.Data[i]-w)) > 1e-5 {
			t.Fatalf("element %d: %v, want %v", i, got.Data[i], w)
		}
	}
}

// TestNoRows: operations whose work is cut by rows take none.
func TestNoRows(t *testing.T) {
	var tape Tape
	leaf := func(rows, cols int) *Value {
		return tape.Leaf(tensor.New(rows, cols), make([]Float, rows*cols))
	}
	gain := leaf(1, 8)
	y := leaf(0, 8).Affine(leaf(8, 8), leaf(1, 8)).LayerNormAffine(gain, leaf(1, 8), 1e-5).GELU().ELU()
	y.Sum().Add(gain.Sum()).Backward()
	if gain.Grad[0] != 1 {
		t.Errorf("a gain of no rows has gradient %v, want that of its sum alone, 1", gain.Grad[0])
	}
}

// TestGELUIsNearTheExact: the tanh form stays within 0.0005 of x Φ(x), which it approximates.
func TestGELUIsNearTheExact(t *testing.T) {
	var tape Tape
	x := tape.Zeros(1, 4001)
	for i := range x.Data {
		x.Data[i] = Float(i-2000) / 200
	}
	for i, y := range x.GELU().Data {
		v := float64(x.Data[i])
		if want := 0.5 * v * (1 + math.Erf(v/math.Sqrt2)); math.Abs(float64(y)-want) > 5e-4 {
			t.Fatalf("GELU(%v) is %v, exact %v", v, y, want)
		}
	}
}
