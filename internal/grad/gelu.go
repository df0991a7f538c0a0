package grad

import (
	"sync"

	"vaelab/internal/tensor"
)

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
	w := gelus.Get().(*gelu)
	*w = gelu{x: v.Data, y: out.Data}
	tensor.Split(w, len(w.x), splitFloats)
	gelus.Put(w)
	return out
}

// splitFloats is the number of elements of a chunk of a long pass.
const splitFloats = 1 << 14

// gelu is the forward pass over all elements.
type gelu struct{ x, y []Float }

var gelus = sync.Pool{New: func() any { return new(gelu) }}

// Part computes elements from ... to-1.
func (w *gelu) Part(from, to int) { tensor.GELU(w.x[from:to], w.y[from:to]) }

// The backward pass computes the sigmoid again, which costs less than storing it.
func backGELU(v *Value) {
	w := geluBacks.Get().(*geluBack)
	first := v.in[0].beta() == 0
	*w = geluBack{x: v.in[0].Data, dy: v.Grad, dx: v.in[0].Grad, first: first}
	tensor.Split(w, len(w.x), splitFloats)
	geluBacks.Put(w)
}

// geluBack is the backward pass over all elements.
type geluBack struct {
	x, dy, dx []Float
	first     bool // dx is not written yet
}

var geluBacks = sync.Pool{New: func() any { return new(geluBack) }}

// Part computes elements from ... to-1.
func (w *geluBack) Part(from, to int) {
	if w.first {
		clear(w.dx[from:to])
	}
	tensor.BackGELU(w.x[from:to], w.dy[from:to], w.dx[from:to])
}
