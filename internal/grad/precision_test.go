//go:build !f64

package grad

import (
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/tensor"
)

// TestPrecisionOfWeights: products with weights are in the precision of the weights, forward and backward, rearranged or
// not; the result is no weight.
func TestPrecisionOfWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, w, dy := random(rng, 5, 7), random(rng, 4, 7), random(rng, 5, 4)
	for name, rearrange := range map[string]func(w *Value) *Value{
		"weights": func(w *Value) *Value { return w },
		"turned":  func(w *Value) *Value { return w.Transpose().Transpose() },
		"cut":     func(w *Value) *Value { return w.Columns(0, 3).Beside(w.Columns(3, 7)) },
		"placed":  func(w *Value) *Value { return w.Place(4, 7, span(28)) },
	} {
		tape := &Tape{}
		dx, dw := make([]Float, 35), make([]Float, 28)
		weights := tape.Leaf(w, dw)
		weights.Products = tensor.BF16
		y := tape.Leaf(x, dx).MatMulT(rearrange(weights))
		if y.Products != tensor.Full {
			t.Errorf("%s: the result is a weight", name)
		}
		want := tensor.New(5, 4)
		tensor.BF16.Gemm(tensor.N, x, tensor.T, w, 0, want)
		if !slices.Equal(y.Data, want.Data) {
			t.Errorf("%s: the product is not in bfloat16", name)
		}
		y.Mask(dy.Data).Sum().Backward()
		wantX, wantW := tensor.New(5, 7), tensor.New(4, 7)
		tensor.BF16.Gemm(tensor.N, dy, tensor.N, w, 0, wantX)
		tensor.BF16.Gemm(tensor.T, dy, tensor.N, x, 0, wantW)
		if !slices.Equal(dx, wantX.Data) || !slices.Equal(dw, wantW.Data) {
			t.Errorf("%s: the gradients are not products in bfloat16", name)
		}
	}
}

// span is 0 ... n-1.
func span(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// TestPrecisionOfLayers: convolutions, LSTMs and output layers are in the precision of their weights: near those of
// Floats, with other bits, forward and backward.
func TestPrecisionOfLayers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, layer := range map[string]struct {
		x, w tensor.Matrix
		run  func(x, w *Value) *Value
	}{
		"gathered": {random(rng, 60, 2), random(rng, 5, 18), func(x, w *Value) *Value {
			return x.Conv(NewWindow(6, 5, 1, Square(3)), w, nil, nil)
		}},
		"shifted": {random(rng, 60, 24), random(rng, 5, 9*24), func(x, w *Value) *Value {
			return x.Conv(NewWindow(6, 5, 1, Square(3)), w, nil, nil)
		}},
		"output": {random(rng, 6, 9), random(rng, 20, 9), func(x, w *Value) *Value {
			return x.CrossEntropy(w, []int32{3, 4, 5, 6, 7, 19})
		}},
		"lstm": {random(rng, 9, 4), random(rng, 24, 6), func(x, w *Value) *Value {
			wih, bias := x.tape.Const(random(rand.New(rand.NewPCG(5, 6)), 24, 4)), x.tape.Zeros(1, 24)
			return LSTM(Steps{Active: []int{4, 3, 2}, Offset: []int{0, 4, 7, 9}}, x, nil, wih, w, bias, bias, nil, nil)
		}},
		"affine": {random(rng, 6, 9), random(rng, 20, 9), func(x, w *Value) *Value {
			return x.Affine(w, x.tape.Zeros(1, 20))
		}},
	} {
		var out [2][3][]Float
		for i, p := range []tensor.Precision{tensor.Full, tensor.BF16} {
			tape := &Tape{}
			dx, dw := make([]Float, len(layer.x.Data)), make([]Float, len(layer.w.Data))
			weights := tape.Leaf(layer.w, dw)
			weights.Products = p
			y := layer.run(tape.Leaf(layer.x, dx), weights)
			out[i][0] = slices.Clone(y.Data)
			y.Square().Sum().Backward()
			out[i][1], out[i][2] = dx, dw
		}
		for k, what := range []string{"result", "gradient of x", "gradient of w"} {
			diff, size := 0.0, 0.0
			for j, v := range out[0][k] {
				d := float64(out[1][k][j] - v)
				diff, size = diff+d*d, size+float64(v)*float64(v)
			}
			if diff == 0 || diff > 1e-4*size {
				t.Errorf("%s: the square of the difference of the %s is %g of %g", name, what, diff, size)
			}
		}
	}
}
