package grad

import (
	"fmt"
	"sync"

	"vaelab/internal/tensor"
)

// Attention is multi-head scaled dot-product self-attention over a packed batch, as one
// operation. For each example and head, with d = E/heads columns of Q, K and V each:
//
//	y = softmax(Q·[M; K]ᵀ / √d) · [M; V]
//
// The rows of qkv, shape (N, 3E), columns Q, K, V, stand by examples (see ByExample), and so
// do those of the result, (N, E). Every row sees all rows of its example or, if causal,
// itself and those before it. Memory, (B, m E) or nil, gives each example m more vectors M
// that all its rows see; each is key and value in one.
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
	w := attentions.Get().(*attention)
	*w = newAttention(out, causal)
	size, work := 0, 0
	for b := range B {
		T := length(steps.Active, b)
		size += w.size(T)
		work += w.flops(T)
	}
	w.p = t.arena.Raw(size)
	out.save[0] = w.p
	tensor.Split(w, B, attentionAlign(work, B))
	attentions.Put(w)
	return out
}

// attentionAlign is how many examples go together when they are split: one, or all of them
// if there is too little to do.
func attentionAlign(flops, B int) int {
	if flops < 4<<20 {
		return B
	}
	return 1
}

// attention is the operation forward; examples do not depend on each other.
type attention struct {
	steps            Steps
	qkv, memory, out tensor.Matrix
	p                []Float // softmax weights of all examples and heads, (T, m+T) each
	heads, m         int
	causal, keep     bool // keep p for the gradient, else the heads of an example share a place
}

var attentions = sync.Pool{New: func() any { return new(attention) }}

func newAttention(v *Value, causal bool) attention {
	w := attention{
		steps: v.steps(), qkv: v.in[0].Matrix, out: v.Matrix, p: v.save[0],
		heads: int(v.k), causal: causal, keep: v.Grad != nil,
	}
	if memory := v.in[1]; memory != nil {
		w.memory, w.m = memory.Matrix, memory.Cols/v.Cols
	}
	return w
}

// size is the length of an example's part of p.
func (w *attention) size(T int) int {
	if w.keep {
		return w.heads * T * (w.m + T)
	}
	return T * (w.m + T)
}

// flops is the number of operations of an example's two products, the unseen included.
func (w *attention) flops(T int) int { return 4 * T * (w.m + T) * w.out.Cols }

// each calls f for the examples first ... last-1: with the number of the first row, of rows,
// and with the example's part of p.
func (w *attention) each(first, last int, f func(b, row, T int, p []Float)) {
	row, at := 0, 0
	for b := range last {
		T := length(w.steps.Active, b)
		n := w.size(T)
		if b >= first {
			f(b, row, T, w.p[at:at+n])
		}
		row, at = row+T, at+n
	}
}

// Part computes examples first ... last-1.
func (w *attention) Part(first, last int) {
	w.each(first, last, func(b, row, T int, p []Float) {
		for h := range w.heads {
			w.head(h, b, row, T, p)
		}
	})
}

// An attentionHead is what one head of one example has to do with, T rows each, m of memory.
type attentionHead struct{ q, k, v, memory, p, y tensor.Matrix }

// view cuts head h of example b out of matrices that are laid out as qkv, memory and out.
func (w *attention) view(h, b, row, T int, p []Float, qkv, memory, out tensor.Matrix) (x attentionHead) {
	E, J := w.out.Cols, w.m+T
	d := E / w.heads
	from, to := h*d, (h+1)*d
	if qkv.Data != nil {
		rows := qkv.RowRange(row, row+T)
		x.q, x.k, x.v = rows.ColRange(from, to), rows.ColRange(E+from, E+to), rows.ColRange(2*E+from, 2*E+to)
	}
	if memory.Data != nil {
		x.memory = tensor.Matrix{Rows: w.m, Cols: E, Data: memory.Row(b)}.ColRange(from, to)
	}
	x.y = out.RowRange(row, row+T).ColRange(from, to)
	if w.keep {
		p = p[h*T*J : (h+1)*T*J]
	}
	x.p = tensor.Matrix{Rows: T, Cols: J, Data: p}
	return x
}

// block is how many queries are in work at a time: so few that no product of theirs is large
// enough to be split by itself, and, where later keys are not seen, few enough to leave out
// most of what would be masked.
func (w *attention) block(T int) int {
	n := max(8, (1<<20)/((w.m+T)*w.out.Cols/w.heads)/8*8)
	if w.causal {
		n = min(n, 48)
	}
	return min(n, T)
}

// seen is the number of keys that some of the queries before `to` see, of T.
func (w *attention) seen(to, T int) int {
	if w.causal {
		return to
	}
	return T
}

// head computes one head of one example, a block of queries at a time.
func (w *attention) head(h, b, row, T int, p []Float) {
	x := w.view(h, b, row, T, p, w.qkv, w.memory, w.out)
	m, scale := w.m, 1/tensor.Sqrt(Float(x.q.Cols))
	size := w.block(T)
	for from := 0; from < T; from += size {
		to := min(T, from+size)
		n := w.seen(to, T)
		q, p, y := x.q.RowRange(from, to), x.p.RowRange(from, to), x.y.RowRange(from, to)
		pMemory, pKeys := p.ColRange(0, m), p.ColRange(m, m+n)
		if m > 0 {
			tensor.Gemm(tensor.N, q, tensor.T, x.memory, 0, pMemory)
		}
		tensor.Gemm(tensor.N, q, tensor.T, x.k.RowRange(0, n), 0, pKeys)
		for t := from; t < to; t++ {
			sees := m + w.seen(t+1, T)
			weights := x.p.Row(t)[:m+n]
			tensor.Scale(scale, weights[:sees])
			tensor.Softmax(weights[:sees])
			clear(weights[sees:])
		}
		tensor.Gemm(tensor.N, pKeys, tensor.N, x.v.RowRange(0, n), 0, y)
		if m > 0 {
			tensor.Gemm(tensor.N, pMemory, tensor.N, x.memory, 1, y)
		}
	}
}

func backAttention(v *Value)       { attentionBackward(v, false) }
func backCausalAttention(v *Value) { attentionBackward(v, true) }

func attentionBackward(v *Value, causal bool) {
	w := attentionBacks.Get().(*attentionBack)
	*w = attentionBack{attention: newAttention(v, causal), dOut: v.gradient()}
	if v.in[0].Grad != nil {
		w.dQKV, w.first = v.in[0].gradient(), v.in[0].beta() == 0
	}
	if v.in[1] != nil && v.in[1].Grad != nil {
		v.in[1].settle()
		w.dMemory = v.in[1].gradient()
	}
	B, work, size := w.steps.Active[0], 0, 0
	for b := range B {
		T := length(w.steps.Active, b)
		work += 2 * w.flops(T)
		size = max(size, w.block(T)*(w.m+T)) // a shorter example's block may have more rows
	}
	w.dP = tensor.Matrix{Rows: B, Cols: size, Data: v.tape.arena.Raw(B * size)}
	tensor.Split(w, B, attentionAlign(work, B))
	attentionBacks.Put(w)
}

// attentionBack is the operation backward. With S the scores before the softmax:
//
//	dV = Pᵀ·dY    dP = dY·Vᵀ    dS = P (dP - Σ_j P_j dP_j) / √d    dQ = dS·K    dK = dSᵀ·Q
type attentionBack struct {
	attention
	dOut, dQKV, dMemory tensor.Matrix
	dP                  tensor.Matrix // a place for each example
	first               bool          // dQKV is not written yet
}

var attentionBacks = sync.Pool{New: func() any { return new(attentionBack) }}

// Part computes examples first ... last-1.
func (w *attentionBack) Part(first, last int) {
	w.each(first, last, func(b, row, T int, p []Float) {
		if w.first {
			clear(w.dQKV.RowRange(row, row+T).Data)
		}
		for h := range w.heads {
			w.head(h, b, row, T, p)
		}
	})
}

// head computes one head of one example, a block of queries at a time.
func (w *attentionBack) head(h, b, row, T int, p []Float) {
	x := w.view(h, b, row, T, p, w.qkv, w.memory, w.out)
	d := w.view(h, b, row, T, p, w.dQKV, w.dMemory, w.dOut)
	m, scale := w.m, 1/tensor.Sqrt(Float(x.q.Cols))
	size := w.block(T)
	for from := 0; from < T; from += size {
		to := min(T, from+size)
		n := w.seen(to, T)
		p, dY := x.p.RowRange(from, to).ColRange(0, m+n), d.y.RowRange(from, to)
		dS := tensor.Matrix{Rows: to - from, Cols: m + n, Data: w.dP.Row(b)[:(to-from)*(m+n)]}
		tensor.Gemm(tensor.N, dY, tensor.T, x.v.RowRange(0, n), 0, dS.ColRange(m, m+n)) // so far dP
		if m > 0 {
			tensor.Gemm(tensor.N, dY, tensor.T, x.memory, 0, dS.ColRange(0, m))
		}
		for i := range dS.Rows {
			tensor.BackSoftmax(p.Row(i), dS.Row(i), scale)
		}
		q := x.q.RowRange(from, to)
		if d.q.Data != nil {
			keys, dKeys := dS.ColRange(m, m+n), d.k.RowRange(0, n)
			dQ := d.q.RowRange(from, to)
			tensor.Gemm(tensor.T, p.ColRange(m, m+n), tensor.N, dY, 1, d.v.RowRange(0, n))
			tensor.Gemm(tensor.T, keys, tensor.N, q, 1, dKeys)
			tensor.Gemm(tensor.N, keys, tensor.N, x.k.RowRange(0, n), 1, dQ)
			if m > 0 {
				tensor.Gemm(tensor.N, dS.ColRange(0, m), tensor.N, x.memory, 1, dQ)
			}
		}
		if d.memory.Data != nil { // key and value in one
			tensor.Gemm(tensor.T, p.ColRange(0, m), tensor.N, dY, 1, d.memory)
			tensor.Gemm(tensor.T, dS.ColRange(0, m), tensor.N, q, 1, d.memory)
		}
	}
}
