package grad

import (
	"math"
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
	w := gelus.Get().(*gelu)
	*w = gelu{x: v.Data, y: out.Data}
	tensor.Split(w, len(w.x), splitFloats)
	gelus.Put(w)
	return out
}

// The two factors of 2u = x (geluA + geluB x²).
const (
	geluA = 2 * math.Sqrt2 / math.SqrtPi
	geluB = 0.044715 * geluA
)

// splitFloats is how many elements of a long pass go together when it is split.
const splitFloats = 1 << 14

// sigmoid2u sets s to sigmoid(2u) of x.
func sigmoid2u(x, s []Float) {
	s = s[:len(x)]
	for i, x := range x {
		s[i] = x * (geluA + geluB*x*x)
	}
	tensor.Sigmoids(s)
}

// gelu is the pass over all elements.
type gelu struct{ x, y []Float }

var gelus = sync.Pool{New: func() any { return new(gelu) }}

// geluStretch is how many elements are in work at a time, so that they stay in the cache.
const geluStretch = 1 << 10

// Part computes elements from ... to-1.
func (w *gelu) Part(from, to int) {
	for ; from < to; from += geluStretch {
		end := min(to, from+geluStretch)
		x, y := w.x[from:end], w.y[from:end]
		sigmoid2u(x, y)
		for i, x := range x {
			y[i] *= x
		}
	}
}

func backGELU(v *Value) {
	w := geluBacks.Get().(*geluBack)
	*w = geluBack{x: v.in[0].Data, dy: v.Grad, dx: v.in[0].Grad}
	tensor.Split(w, len(w.x), splitFloats)
	geluBacks.Put(w)
}

// geluBack is dx += dy (s + x s (1-s) d2u/dx) with s = sigmoid(2u), which costs less to
// compute again than to keep.
type geluBack struct{ x, dy, dx []Float }

var geluBacks = sync.Pool{New: func() any { return new(geluBack) }}

// Part computes elements from ... to-1.
func (w *geluBack) Part(from, to int) {
	var memory [geluStretch]Float
	for ; from < to; from += geluStretch {
		end := min(to, from+geluStretch)
		x := w.x[from:end]
		s, dy, dx := memory[:len(x)], w.dy[from:end][:len(x)], w.dx[from:end][:len(x)]
		sigmoid2u(x, s)
		for i, x := range x {
			s := s[i]
			dx[i] += dy[i] * s * (1 + x*(1-s)*(geluA+3*geluB*x*x))
		}
	}
}
