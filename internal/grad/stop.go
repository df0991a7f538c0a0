package grad

import (
	"fmt"
	"slices"

	"vaelab/internal/tensor"
)

// Stop is v as a constant: no gradient flows to what v was made of.
func (v *Value) Stop() *Value {
	if v.tape.Held != nil {
		return v.tape.Const(v.tape.Held.stop(v.Matrix))
	}
	return v.tape.Const(v.Matrix)
}

// A Held is for tests of gradients that Stop cuts. Tapes that share one keep what the Stops of the first pass were, and put
// it in place of those of later passes, in their order. So the gradient is that of the loss that the test sees.
type Held struct {
	stopped []tensor.Matrix
	next    int
}

// Rewind begins another pass.
func (h *Held) Rewind() { h.next = 0 }

func (h *Held) stop(m tensor.Matrix) tensor.Matrix {
	if h.next == len(h.stopped) {
		m.Data = slices.Clone(m.Data)
		h.stopped = append(h.stopped, m)
	}
	h.next++
	held := h.stopped[h.next-1]
	if held.Rows != m.Rows || held.Cols != m.Cols {
		panic(fmt.Sprintf("grad: Stop: %v in place of %v of the first pass", m, held))
	}
	return held
}

// Through is y, computed elsewhere from v, with a derivative that the caller supplies: Backward calls back with the
// gradient of y, and back adds to dv that of v. It may add to gradients of leaves as well. y may have any shape and shares
// its memory.
func (v *Value) Through(y tensor.Matrix, back func(y tensor.Matrix, dy, dv []Float)) *Value {
	t := v.tape
	out := t.value()
	out.Matrix, out.in[0] = y, v
	if v.flows {
		out.through, out.back, out.flows, out.unset = back, backThrough, true, true
	}
	return out
}

func backThrough(v *Value) { v.through(v.Matrix, v.Grad, v.in[0].Grad) }

// Straight is the matrix y, of v's shape, with v's gradient: v + (y - v) with the difference stopped.
//
// Source: the straight-through estimator of Bengio, Léonard & Courville 2013, "Estimating or propagating gradients through
// stochastic neurons for conditional computation" (arXiv 1308.3432).
func (v *Value) Straight(y tensor.Matrix) *Value {
	if v.Rows != y.Rows || v.Cols != y.Cols {
		panic(fmt.Sprintf("grad: Straight: %v in place of %v", y, v.Matrix))
	}
	if held := v.tape.Held; held != nil {
		off := v.tape.Zeros(v.Rows, v.Cols)
		for i, x := range v.Data {
			off.Data[i] = y.Data[i] - x
		}
		return v.Add(v.tape.Const(held.stop(off.Matrix)))
	}
	out := v.tape.op(v.Rows, v.Cols, backStraight, v)
	copy(out.Data, y.Data)
	return out
}

func backStraight(v *Value) { tensor.Axpy(1, v.Grad, v.in[0].Grad) }
