package grad

import "vaelab/internal/tensor"

// GELU is x Φ(x), Φ the distribution function of N(0, 1), in its tanh form:
//
//	x (1 + tanh u)/2 = x sigmoid(2u),    u = √(2/π) (x + 0.044715 x³)
//
// which is within 0.0005 of the exact one.
//
// Source: Hendrycks & Gimpel 2016, "Gaussian error linear units", section 2 (arXiv 1606.08415).
func (v *Value) GELU() *Value {
	out := v.tape.op(v.Rows, v.Cols, backGELU, v)
	out.first = true
	tensor.Run(gelu{x: v.Data, y: out.Data}, len(v.Data), splitFloats)
	return out
}

// splitFloats is the number of elements of a chunk of a long pass.
const splitFloats = 1 << 14

// gelu is the forward pass over all elements.
type gelu struct{ x, y []Float }

// Part computes elements from ... to-1.
func (w *gelu) Part(from, to int) { tensor.GELU(w.x[from:to], w.y[from:to]) }

// The backward pass computes the sigmoid again, which costs less than storing it.
func backGELU(v *Value) {
	x := v.in[0]
	first := x.beta() == 0 // allocates x.Grad
	tensor.Run(geluBack{x: x.Data, dy: v.Grad, dx: x.Grad, first: first}, len(x.Data), splitFloats)
}

// geluBack is the backward pass over all elements.
type geluBack struct {
	x, dy, dx []Float
	first     bool // dx is not written yet
}

// Part computes elements from ... to-1.
func (w *geluBack) Part(from, to int) {
	if w.first {
		clear(w.dx[from:to])
	}
	tensor.BackGELU(w.x[from:to], w.dy[from:to], w.dx[from:to])
}
