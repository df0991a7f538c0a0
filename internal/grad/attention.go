package grad

import (
	"fmt"
	"slices"

	"vaelab/internal/tensor"
)

// Attention is multi-head scaled dot-product self-attention over a packed batch, as one
// operation. For each example and head, with d = E/heads columns of Q, K and V each:
//
//	y = softmax(Q·[M; K]ᵀ / √d) · [M; V]
//
// The rows of qkv, shape (N, 3E), columns Q, K, V, are ordered by example (see ByExample), as are
// those of the result, (N, E). Every row attends to all rows of its example or, if causal, to
// itself and those before it. Memory, (B, m E) or nil, gives each example m more vectors M
// to which all its rows attend; each is key and value in one.
//
// Source: Vaswani et al. 2017, "Attention is all you need", section 3.2 (arXiv 1706.03762);
// memory as Li et al. 2020, "Optimus" (arXiv 2004.04092).
func Attention(steps Steps, qkv, memory *Value, heads int, causal bool) *Value {
	B, E := steps.Active[0], qkv.Cols/3
	if qkv.Rows != steps.Rows() || qkv.Cols != 3*E || E%heads != 0 {
		panic(fmt.Sprintf("grad: Attention: %v with %d rows of steps and %d heads", qkv.Matrix, steps.Rows(), heads))
	}
	if memory != nil && (memory.Rows != B || memory.Cols == 0 || memory.Cols%E != 0) {
		panic(fmt.Sprintf("grad: Attention: %v with memory %v for %d examples", qkv.Matrix, memory.Matrix, B))
	}
	back := backAttention
	if causal {
		back = backCausalAttention
	}
	t := qkv.tape
	out := t.op(qkv.Rows, E, back, qkv, memory)
	out.first = true
	out.ints = [2][]int{steps.Active, steps.Offset}
	out.k = Float(heads)
	w := newAttention(out, causal)
	size, work := 0, 0
	for b := range B {
		T := length(steps.Active, b)
		size += w.size(T)
		work += w.flops(T)
	}
	if w.keep {
		w.p = t.arena.Raw(size)
		out.save[0] = w.p
	}
	tensor.Run(w, B, attentionAlign(work, B))
	return out
}

// attentionAlign is the number of examples per chunk: one, or all of them if the work is too
// small to split.
func attentionAlign(flops, B int) int {
	if flops < 4<<20 {
		return B
	}
	return 1
}

// attention is the forward pass. Examples are independent.
type attention struct {
	steps            Steps
	qkv, memory, out tensor.Matrix
	p                []Float // if keep: softmax weights of all examples and heads
	heads, m         int
	causal, keep     bool // keep p for the gradient
}

func newAttention(v *Value, causal bool) attention {
	w := attention{
		steps: v.steps(), qkv: v.in[0].Matrix, out: v.Matrix, p: v.save[0],
		heads: int(v.k), causal: causal, keep: v.flows,
	}
	if memory := v.in[1]; memory != nil {
		w.memory, w.m = memory.Matrix, memory.Cols/v.Cols
	}
	return w
}

// width is the length of a row of softmax weights, a multiple of eight: elements beyond memory and keys are 0.
func (w *attention) width(T int) int { return (w.m + T + 7) / 8 * 8 }

// size is the length of an example's part of p.
func (w *attention) size(T int) int { return w.heads * T * w.width(T) }

// flops is the number of operations of an example's two products, masked elements included.
func (w *attention) flops(T int) int { return 4 * T * (w.m + T) * w.out.Cols }

// each calls f for the examples first ... last-1: with the number of the first row, of rows,
// and with the example's part of p, or nil.
func (w *attention) each(first, last int, f func(b, row, T int, p []Float)) {
	row, at := 0, 0
	for b := range last {
		T := length(w.steps.Active, b)
		n := 0
		if w.keep {
			n = w.size(T)
		}
		if b >= first {
			f(b, row, T, w.p[at:at+n])
		}
		row, at = row+T, at+n
	}
}

// Part computes examples first ... last-1.
func (w *attention) Part(first, last int) {
	s := tensor.Borrow[scratch]()
	w.each(first, last, func(b, row, T int, p []Float) {
		x := w.example(b, row, T, w.qkv, w.memory, w.out)
		for h := range w.heads {
			w.head(h, x.head(h, w.out.Cols/w.heads), p, s)
		}
	})
	tensor.Return(s)
}

// A scratch holds the buffers for one head of one example.
type scratch struct {
	turned tensor.Matrix // memory and keys, or values, transposed: (d, width)
	rows   tensor.Matrix // weights that are not kept, or their gradient: (T, width)
	data   []Float
}

// transpose fills the scratch for a head: its memory and its keys or values, transposed, and space for rows.
func (s *scratch) transpose(memory, x tensor.Matrix, width int) {
	n, m, T := x.Cols*width, memory.Rows, x.Rows
	s.data = slices.Grow(s.data[:0], n+T*width)[:n+T*width]
	s.turned = tensor.Matrix{Rows: x.Cols, Cols: width, Data: s.data[:n]}
	s.rows = tensor.Matrix{Rows: T, Cols: width, Data: s.data[n:]}
	if m > 0 {
		tensor.Transpose(memory, s.turned.ColRange(0, m))
	}
	tensor.Transpose(x, s.turned.ColRange(m, m+T))
}

// attended are the matrices of one example, T rows each and m of memory, or one head's columns of them; q, k and v
// may be nothing, and so may memory.
type attended struct{ q, k, v, memory, y tensor.Matrix }

// example cuts example b out of matrices that are laid out as qkv, memory and out.
func (w *attention) example(b, row, T int, qkv, memory, out tensor.Matrix) (x attended) {
	E := w.out.Cols
	if qkv.Data != nil {
		rows := qkv.RowRange(row, row+T)
		x.q, x.k, x.v = rows.ColRange(0, E), rows.ColRange(E, 2*E), rows.ColRange(2*E, 3*E)
	}
	if memory.Data != nil {
		x.memory = tensor.Matrix{Rows: w.m, Cols: E, Data: memory.Row(b)}
	}
	x.y = out.RowRange(row, row+T)
	return x
}

// head cuts out head h of d columns.
func (x *attended) head(h, d int) (y attended) {
	from, to := h*d, (h+1)*d
	if x.q.Data != nil {
		y.q, y.k, y.v = x.q.ColRange(from, to), x.k.ColRange(from, to), x.v.ColRange(from, to)
	}
	if x.memory.Data != nil {
		y.memory = x.memory.ColRange(from, to)
	}
	y.y = x.y.ColRange(from, to)
	return y
}

// weights are head h's softmax weights, where they are kept.
func (w *attention) weights(h, T int, p []Float) tensor.Matrix {
	width := w.width(T)
	return tensor.Matrix{Rows: T, Cols: width, Data: p[h*T*width : (h+1)*T*width]}
}

// seen is the mask of m vectors of memory, unmasked in all rows, and of T keys.
func (w *attention) seen(m, T int) tensor.Mask {
	if w.causal {
		return tensor.Mask{First: m + 1, Grow: 1}
	}
	return tensor.Mask{First: m + T}
}

// head computes one head of one example.
func (w *attention) head(h int, x attended, p []Float, s *scratch) {
	m, T := w.m, x.q.Rows
	s.transpose(x.memory, x.k, w.width(T))
	weights := s.rows
	if w.keep {
		weights = w.weights(h, T, p)
	}
	all := w.seen(m, T)
	all.Product(x.q, s.turned, weights)
	all.Softmax(1/tensor.Sqrt(Float(x.q.Cols)), weights)
	w.seen(0, T).Mul(weights.ColRange(m, m+T), x.v, false, x.y)
	if m > 0 {
		tensor.Mask{First: m}.Mul(weights.ColRange(0, m), x.memory, true, x.y)
	}
}

func backAttention(v *Value)       { attentionBackward(v, false) }
func backCausalAttention(v *Value) { attentionBackward(v, true) }

func attentionBackward(v *Value, causal bool) {
	w := attentionBack{attention: newAttention(v, causal), dOut: v.gradient()}
	if v.in[0].flows {
		w.first = v.in[0].beta() == 0
		w.dQKV = v.in[0].gradient()
	}
	if v.in[1] != nil && v.in[1].flows {
		v.in[1].settle()
		w.dMemory = v.in[1].gradient()
	}
	B, work := w.steps.Active[0], 0
	for b := range B {
		work += 2 * w.flops(length(w.steps.Active, b))
	}
	tensor.Run(w, B, attentionAlign(work, B))
}

// attentionBack is the backward pass. With S the scores before the softmax:
//
//	dV = Pᵀ·dY    dP = dY·Vᵀ    dS = P (dP - Σ_j P_j dP_j) / √d    dQ = dS·K    dK = dSᵀ·Q
type attentionBack struct {
	attention
	dOut, dQKV, dMemory tensor.Matrix
	first               bool // dQKV is not written yet
}

// Part computes examples first ... last-1.
func (w *attentionBack) Part(first, last int) {
	s := tensor.Borrow[scratch]()
	w.each(first, last, func(b, row, T int, p []Float) {
		x := w.example(b, row, T, w.qkv, w.memory, w.out)
		d := w.example(b, row, T, w.dQKV, w.dMemory, w.dOut)
		for h, size := 0, w.out.Cols/w.heads; h < w.heads; h++ {
			w.head(h, x.head(h, size), d.head(h, size), p, s)
		}
	})
	tensor.Return(s)
}

// head computes one head of one example.
func (w *attentionBack) head(h int, x, d attended, weights []Float, s *scratch) {
	m, T := w.m, x.q.Rows
	s.transpose(x.memory, x.v, w.width(T))
	p, dS := w.weights(h, T, weights), s.rows
	all, own, memory := w.seen(m, T), w.seen(0, T), tensor.Mask{First: m}
	all.Product(d.y, s.turned, dS) // so far dP
	all.BackSoftmax(1/tensor.Sqrt(Float(x.q.Cols)), p, dS)
	if d.q.Data != nil {
		keys := dS.ColRange(m, m+T)
		own.MulT(p.ColRange(m, m+T), d.y, !w.first, d.v)
		own.MulT(keys, x.q, !w.first, d.k)
		own.Mul(keys, x.k, !w.first, d.q)
		if m > 0 {
			memory.Mul(dS.ColRange(0, m), x.memory, true, d.q)
		}
	}
	if d.memory.Data != nil { // key and value in one
		memory.MulT(p.ColRange(0, m), d.y, true, d.memory)
		memory.MulT(dS.ColRange(0, m), x.q, true, d.memory)
	}
}
