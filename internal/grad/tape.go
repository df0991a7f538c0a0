package grad

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/tensor"
)

// Float is the engine's number.
type Float = tensor.Float

// A Tape records operations in the order they are computed. The zero Tape is ready.
type Tape struct {
	NoGrad bool // compute values only: nothing is recorded, gradients do not exist
	Poison bool // fill freed buffers with NaN, so that a test detects a read before a write
	Held   *Held

	arena  tensor.Arena
	ids    []int32 // memory of Symbols, of which nIDs are in use
	nIDs   int
	values []*Value // every value since Reset; those past used are spare
	used   int
	free   [][]Float // free buffers, the latest last
	ran    bool      // Backward has run
	round  uint64    // how often Reset has run
}

// A Value is a matrix on a tape. Its numbers may be read until the tape's Reset.
type Value struct {
	tensor.Matrix
	Grad []Float // d output / d value, same layout as Data, or nil; that of an operation exists only during Backward

	// Products is the precision of matrix products with the value as weights, forward and backward. It is Full unless
	// set, but that of weights which Columns, Transpose, Place or Beside rearrange.
	Products tensor.Precision

	tape *Tape
	back func(*Value) // adds this value's Grad, times the derivative, to the inputs' Grad
	in   [8]*Value    // inputs
	save [4][]Float   // values of the forward pass for the derivative
	ints [2][]int
	ids  []int32
	k    Float
	key  uint64
	df   func(x, y Float) Float // derivative of an element-wise function
	rows *Rows                  // of a table that Embed reads: its gradient

	window *Window // of a convolution

	through func(y tensor.Matrix, dy, dv []Float) // of Through

	flows bool // it has a gradient
	unset bool // Grad is not written yet: the first write overwrites, see Backward
	first bool // of an operation: its back can overwrite unset gradients of inputs, with beta or settle
}

func (t *Tape) value() *Value {
	if t.used == len(t.values) {
		t.values = append(t.values, new(Value))
	}
	v := t.values[t.used]
	t.used++
	*v = Value{tape: t}
	return v
}

// Leaf puts a parameter on the tape: Backward adds its gradient to grad, which has the
// layout of m; the caller clears it. A nil grad makes it a constant.
func (t *Tape) Leaf(m tensor.Matrix, grad []Float) *Value {
	v := t.value()
	v.Matrix = m
	if !t.NoGrad {
		v.Grad, v.flows = grad, grad != nil
	}
	return v
}

// Const puts a constant on the tape; it shares m's memory.
func (t *Tape) Const(m tensor.Matrix) *Value { return t.Leaf(m, nil) }

// Zeros puts a fresh zero constant on the tape, to be filled before it is used.
func (t *Tape) Zeros(rows, cols int) *Value {
	return t.Const(tensor.Matrix{Rows: rows, Cols: cols, Data: t.arena.Floats(rows * cols)})
}

// Symbols allocates n numbers of symbols, uninitialised, until Reset.
func (t *Tape) Symbols(n int) []int32 {
	if t.nIDs+n > len(t.ids) { // what was allocated before keeps its memory
		t.ids, t.nIDs = make([]int32, max(n, 2*len(t.ids))), 0
	}
	t.nIDs += n
	return t.ids[t.nIDs-n : t.nIDs : t.nIDs]
}

// op records an operation: a value of the given shape, not yet computed, whose
// derivative is back. It has a gradient if one of the inputs has.
func (t *Tape) op(rows, cols int, back func(*Value), in ...*Value) *Value {
	v := t.value()
	v.Matrix = tensor.Matrix{Rows: rows, Cols: cols, Data: t.arena.Raw(rows * cols)}
	for i, a := range in {
		v.in[i] = a
		if a != nil && a.flows {
			v.back, v.flows, v.unset = back, true, true
		}
	}
	return v
}

// Reset removes all values and frees their memory.
func (t *Tape) Reset() {
	clear(t.free)
	t.used, t.nIDs, t.free, t.ran = 0, 0, t.free[:0], false
	t.arena.Reset()
	t.round++
}

// Round is how often the tape has been reset: a value belongs to the tape and the round that it was made in.
func (t *Tape) Round() uint64 { return t.round }

// beta is the GEMM beta for v.Grad: 0 before its first write, then 1. The caller must then write
// all of v.Grad.
func (v *Value) beta() Float {
	if v.unset {
		v.alloc()
		return 0
	}
	return 1
}

// settle clears a gradient that has not been written yet.
func (v *Value) settle() {
	if v.unset {
		v.alloc()
		tensor.Clear(v.Grad)
	}
}

// alloc takes a buffer for v.Grad.
func (v *Value) alloc() {
	v.unset = false
	v.Grad = v.tape.take(v.Rows * v.Cols)
}

// release gives the buffer of v.Grad back.
func (v *Value) release() {
	v.tape.give(v.Grad)
	v.Grad = nil
}

// take allocates n floats, uninitialised, until they are given back or Reset: from the free list, last in, first out,
// because the latest is in the caches. A buffer of up to twice the length is taken whole, a longer one is cut.
func (t *Tape) take(n int) []Float {
	for i := len(t.free) - 1; i >= 0; i-- {
		if m := t.free[i]; n <= len(m) && len(m) <= 2*n {
			t.free = slices.Delete(t.free, i, i+1)
			return m[:n]
		}
	}
	for i := len(t.free) - 1; i >= 0; i-- {
		if m := t.free[i]; n < len(m) {
			cut := min(len(m), (n+cacheLine-1)/cacheLine*cacheLine)
			t.free[i] = m[cut:]
			return m[:n:cut]
		}
	}
	return t.arena.Raw(n)
}

// cacheLine is the length of a cache line in floats, to which buffers are cut.
const cacheLine = 64 * 8 / tensor.Bits

// give frees what take allocated.
func (t *Tape) give(m []Float) {
	m = m[:cap(m)]
	if len(m) == 0 {
		return
	}
	if t.Poison {
		for i := range m {
			m[i] = Float(math.NaN())
		}
	}
	t.free = append(t.free, m)
}

// Backward computes the gradients of the scalar v with respect to all its inputs. It may run once before a Reset. The
// first write to a gradient overwrites it if the operation can, as GEMM can; otherwise the gradient is cleared before.
// Later writes accumulate. A gradient's buffer is freed after the backward pass of its operation.
func (v *Value) Backward() {
	if v.Rows != 1 || v.Cols != 1 {
		panic(fmt.Sprintf("grad: Backward: the value has shape %v, not (1, 1)", v.Matrix))
	}
	if !v.flows {
		return
	}
	t := v.tape
	if t.ran {
		panic("grad: Backward: a second time without Reset")
	}
	t.ran = true
	v.settle()
	v.Grad[0] = 1
	for i := t.used - 1; i >= 0; i-- {
		u := t.values[i]
		if u.back == nil {
			continue
		}
		u.settle()
		if !u.first {
			for _, a := range u.in {
				if a != nil {
					a.settle()
				}
			}
		}
		u.back(u)
		u.release()
	}
}

// Scalar is the number of a (1, 1) value.
func (v *Value) Scalar() float64 {
	if v.Rows != 1 || v.Cols != 1 {
		panic(fmt.Sprintf("grad: Scalar: the value has shape %v, not (1, 1)", v.Matrix))
	}
	return float64(v.Data[0])
}

// gradient is the gradient of v as a matrix.
func (v *Value) gradient() tensor.Matrix {
	return tensor.Matrix{Rows: v.Rows, Cols: v.Cols, Stride: v.Stride, Data: v.Grad}
}

func (v *Value) sameShape(op string, b *Value) {
	if v.Rows != b.Rows || v.Cols != b.Cols {
		panic(fmt.Sprintf("grad: %s: %v and %v", op, v.Matrix, b.Matrix))
	}
}
