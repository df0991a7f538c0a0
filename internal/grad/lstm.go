package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// Steps is the layout of a packed batch: at step t the first Active[t] examples have not
// ended and have rows Offset[t] ... Offset[t]+Active[t]-1. Active never grows,
// and Offset has one entry more than Active: the number of rows.
type Steps struct{ Active, Offset []int }

// Rows is the number of rows of the layout.
func (s Steps) Rows() int { return s.Offset[len(s.Active)] }

// LSTM runs a long short-term memory over a packed batch, as one operation:
//
//	i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of  Wih·[x_t; z] + bih + Whh·h_{t-1} + bhh
//	c_t = f c_{t-1} + i g,    h_t = o tanh(c_t)
//
// Shapes: x (N, I) packed by steps; z (B, D) or nil is appended to the input of every
// step; wih (4H, I+D), whh (4H, H), bih and bhh (1, 4H), rows in the order i f g o as
// PyTorch has them; h0 and c0 (B, H), or nil for zeros. The result is h, (N, H), packed
// like x.
//
// Source: Hochreiter & Schmidhuber 1997; gate order and two biases as torch.nn.LSTM.
func LSTM(steps Steps, x, z, wih, whh, bih, bhh, h0, c0 *Value) *Value {
	B, I, H := steps.Active[0], x.Cols, whh.Cols
	D := 0
	if z != nil {
		D = z.Cols
	}
	if wih.Rows != 4*H || wih.Cols != I+D || whh.Rows != 4*H || x.Rows != steps.Rows() || (z != nil && z.Rows != B) {
		panic(fmt.Sprintf("grad: LSTM: x %v with D = %d, %d rows of steps, wih %v, whh %v", x.Matrix, D, steps.Rows(), wih.Matrix, whh.Matrix))
	}
	t := x.tape
	out := t.op(x.Rows, H, backLSTM, x, z, wih, whh, bih, bhh, h0, c0)
	out.ints = [2][]int{steps.Active, steps.Offset}
	matrix := func(rows, cols int) tensor.Matrix {
		return tensor.Matrix{Rows: rows, Cols: cols, Data: t.arena.Raw(rows * cols)}
	}
	gates := matrix(x.Rows, 4*H) // (N, 4H) first pre-activations, then the gates themselves
	cell := matrix(x.Rows, H)    // (N, H) c_t
	fixed := matrix(B, 4*H)      // (B, 4H) the terms that are equal at every step: biases and z
	zero := tensor.Matrix{Rows: B, Cols: H, Data: t.arena.Floats(B * H)}
	out.save = [4][]Float{gates.Data, cell.Data, zero.Data}

	for b := range B {
		row := fixed.Row(b)
		copy(row, bih.Data)
		tensor.Add(bhh.Data, row)
	}
	if z != nil {
		whh.Products.Gemm(tensor.N, z.Matrix, tensor.T, wih.ColRange(I, I+D), 1, fixed)
	}
	// One product projects the inputs of all steps.
	whh.Products.Gemm(tensor.N, x.Matrix, tensor.T, wih.ColRange(0, I), 0, gates)

	recurrent := whh.Products.Prepare(t.take, tensor.T, whh.Matrix) // used at every step
	w := lstmForward{steps: steps, gates: gates, cell: cell, fixed: fixed, out: out.Matrix, h0: zero, c0: zero, recurrent: recurrent}
	if h0 != nil {
		w.h0 = h0.Matrix
	}
	if c0 != nil {
		w.c0 = c0.Matrix
	}
	if stepwise(H) {
		w.run()
	} else {
		tensor.Run(w, B, lstmAlign(steps.Rows(), H, B))
	}
	t.give(recurrent.Memory())
	return out
}

// lstmAlign is the number of examples of a chunk of the recurrence: as many as the tallest tile of
// the GEMM has rows, or all of them if the work is too small to split.
func lstmAlign(rows, H, B int) int {
	if 8*rows*H*H < 4<<20 {
		return B
	}
	return 8
}

// stepwiseWeights is the number of recurrent weights from which on all processors make each step together: each multiplies all
// examples by some columns of the weights. If each ran some examples through all steps, it would read all weights at
// every step, and a processor's cache does not hold so many. It is a variable for tests.
var stepwiseWeights = 1 << 19

// stepwise is true of a recurrence with so many weights.
func stepwise(H int) bool { return 4*H*H >= stepwiseWeights }

// lstmForward is the recurrence. Examples are independent.
type lstmForward struct {
	steps                           Steps
	gates, cell, fixed, out, h0, c0 tensor.Matrix
	recurrent                       tensor.Panel
}

// Part runs examples first ... last-1 through all steps.
func (w *lstmForward) Part(first, last int) {
	for s, n := range w.steps.Active {
		n = min(n, last)
		if n <= first {
			return
		}
		h, _, pre := w.at(s, first, n)
		w.recurrent.GemmAlone(h, 1, pre)
		w.cells(s, first, n)
	}
}

// run makes all steps, each on all processors.
func (w lstmForward) run() {
	for s, n := range w.steps.Active {
		h, _, pre := w.at(s, 0, n)
		w.recurrent.Gemm(h, 1, pre)
		tensor.Run(lstmCells{w, s}, n, 1)
	}
}

// at is what step s has of examples first ... last-1: h_{t-1}, c_{t-1} and the pre-activations.
func (w *lstmForward) at(s, first, last int) (h, c, pre tensor.Matrix) {
	h, c = w.h0.RowRange(first, last), w.c0.RowRange(first, last)
	if s > 0 {
		before := w.steps.Offset[s-1]
		h, c = w.out.RowRange(before+first, before+last), w.cell.RowRange(before+first, before+last)
	}
	from := w.steps.Offset[s]
	return h, c, w.gates.RowRange(from+first, from+last)
}

// cells ends step s of examples first ... last-1.
func (w *lstmForward) cells(s, first, last int) {
	_, c, pre := w.at(s, first, last)
	from := w.steps.Offset[s] + first
	for b := range last - first {
		tensor.Cell(pre.Row(b), w.fixed.Row(first+b), c.Row(b), w.cell.Row(from+b), w.out.Row(from+b))
	}
}

// lstmCells is the end of a step.
type lstmCells struct {
	w    lstmForward
	step int
}

// Part ends the step of examples first ... last-1.
func (c *lstmCells) Part(first, last int) { c.w.cells(c.step, first, last) }

func backLSTM(v *Value) {
	x, z, wih, whh, bih, bhh, h0, c0 := v.in[0], v.in[1], v.in[2], v.in[3], v.in[4], v.in[5], v.in[6], v.in[7]
	active, offset := v.ints[0], v.ints[1]
	N, H, B, I := v.Rows, v.Cols, active[0], x.Cols
	t := v.tape
	saved := func(i, cols int) tensor.Matrix {
		return tensor.Matrix{Rows: len(v.save[i]) / cols, Cols: cols, Data: v.save[i]}
	}
	scratch := func(rows, cols int) tensor.Matrix {
		return tensor.Matrix{Rows: rows, Cols: cols, Data: t.take(rows * cols)}
	}
	zeros := func(rows, cols int) tensor.Matrix {
		m := scratch(rows, cols)
		tensor.Clear(m.Data)
		return m
	}
	gates, cell, zero := saved(0, 4*H), saved(1, H), saved(2, H)
	dPre := scratch(N, 4*H) // (N, 4H) gradients of the pre-activations
	dh := zeros(B, H)       // gradient reaching h_t from step t+1; rows of examples that have ended are 0
	dc := zeros(B, H)       // gradient reaching c_t from step t+1
	hPrev := scratch(N, H)  // h_{t-1} beside each row, so that dWhh is one product
	w := lstmBackward{
		active: active, offset: offset, h: v.Matrix, dOut: v.gradient(), gates: gates, cell: cell,
		h0: zero, c0: zero, dPre: dPre, dh: dh, dc: dc, hPrev: hPrev,
		recurrent: whh.Products.Prepare(t.take, tensor.N, whh.Matrix),
	}
	if h0 != nil {
		w.h0 = h0.Matrix
	}
	if c0 != nil {
		w.c0 = c0.Matrix
	}
	if stepwise(H) {
		w.run()
	} else {
		tensor.Run(w, B, lstmAlign(N, H, B))
	}
	t.give(w.recurrent.Memory())
	if h0 != nil && h0.flows {
		tensor.Add(dh.Data, h0.Grad)
	}
	if c0 != nil && c0.flows {
		tensor.Add(dc.Data, c0.Grad)
	}
	if x.flows {
		whh.Products.Gemm(tensor.N, dPre, tensor.N, wih.ColRange(0, I), 1, x.gradient())
	}
	if whh.flows {
		whh.Products.Gemm(tensor.T, dPre, tensor.N, hPrev, 1, whh.gradient())
	}
	if wih.flows {
		whh.Products.Gemm(tensor.T, dPre, tensor.N, x.Matrix, 1, wih.gradient().ColRange(0, I))
	}
	// Biases and z act at every step: their gradients are sums over the steps.
	dFixed := zeros(B, 4*H)
	for s, n := range active {
		for b := range n {
			tensor.Add(dPre.Row(offset[s]+b), dFixed.Row(b))
		}
	}
	for b := range B {
		if bih.flows {
			tensor.Add(dFixed.Row(b), bih.Grad)
		}
		if bhh.flows {
			tensor.Add(dFixed.Row(b), bhh.Grad)
		}
	}
	if z != nil {
		D := z.Cols
		if z.flows {
			whh.Products.Gemm(tensor.N, dFixed, tensor.N, wih.ColRange(I, I+D), 1, z.gradient())
		}
		if wih.flows {
			whh.Products.Gemm(tensor.T, dFixed, tensor.N, z.Matrix, 1, wih.gradient().ColRange(I, I+D))
		}
	}
	for _, m := range []tensor.Matrix{dFixed, dh, dc, hPrev, dPre} {
		t.give(m.Data)
	}
}

// lstmBackward is the backward pass of the recurrence.
type lstmBackward struct {
	active, offset                                    []int
	h, dOut, gates, cell, h0, c0, dPre, dh, dc, hPrev tensor.Matrix
	recurrent                                         tensor.Panel
}

// Part runs the backward pass of examples first ... last-1 through all steps.
func (w *lstmBackward) Part(first, last int) {
	for s := len(w.active) - 1; s >= 0; s-- {
		n := min(w.active[s], last)
		if n <= first {
			continue
		}
		w.cells(s, first, n)
		from := w.offset[s]
		w.recurrent.GemmAlone(w.dPre.RowRange(from+first, from+n), 0, w.dh.RowRange(first, n))
	}
}

// run makes the backward pass of all steps, each on all processors.
func (w lstmBackward) run() {
	for s := len(w.active) - 1; s >= 0; s-- {
		n, from := w.active[s], w.offset[s]
		tensor.Run(lstmBackCells{w, s}, n, 1)
		w.recurrent.Gemm(w.dPre.RowRange(from, from+n), 0, w.dh.RowRange(0, n))
	}
}

// cells goes back through the cells of step s of examples first ... last-1.
func (w *lstmBackward) cells(s, first, last int) {
	from := w.offset[s] + first
	hLast, cLast := w.h0.RowRange(first, last), w.c0.RowRange(first, last)
	if s > 0 {
		before := w.offset[s-1]
		hLast, cLast = w.h.RowRange(before+first, before+last), w.cell.RowRange(before+first, before+last)
	}
	for b := range last - first {
		copy(w.hPrev.Row(from+b), hLast.Row(b))
		tensor.BackCell(w.dOut.Row(from+b), w.dh.Row(first+b), w.dc.Row(first+b), w.gates.Row(from+b), cLast.Row(b), w.cell.Row(from+b), w.dPre.Row(from+b))
	}
}

// lstmBackCells is the elementwise part of a step back.
type lstmBackCells struct {
	w    lstmBackward
	step int
}

// Part goes back through the cells of examples first ... last-1.
func (c *lstmBackCells) Part(first, last int) { c.w.cells(c.step, first, last) }
