package grad

import (
	"fmt"
	"slices"

	"vaelab/internal/tensor"
)

// Columns is columns from ... to-1 of x.
func (v *Value) Columns(from, to int) *Value {
	if from < 0 || to > v.Cols || from >= to {
		panic(fmt.Sprintf("grad: Columns: %d to %d of %v", from, to, v.Matrix))
	}
	out := v.tape.op(v.Rows, to-from, backColumns, v)
	out.Products = v.Products
	out.k = Float(from)
	for i := range v.Rows {
		copy(out.Row(i), v.Row(i)[from:to])
	}
	return out
}

func backColumns(v *Value) {
	from := int(v.k)
	da := v.in[0].gradient().ColRange(from, from+v.Cols)
	for i := range v.Rows {
		tensor.Add(v.gradient().Row(i), da.Row(i))
	}
}

// Gather is the rows of x with the given numbers, in that order; a row may come twice.
func (v *Value) Gather(rows []int) *Value {
	out := v.tape.op(len(rows), v.Cols, backGather, v)
	out.ints[0] = rows
	for i, r := range rows {
		copy(out.Row(i), v.Row(r))
	}
	return out
}

func backGather(v *Value) {
	da := v.in[0].gradient()
	for i, r := range v.ints[0] {
		tensor.Add(v.gradient().Row(i), da.Row(r))
	}
}

// Rows are the gradient of a table that is read by rows: of those to which a backward pass has added. Only they take memory,
// until somebody asks for the Whole.
type Rows struct {
	List []int32 // their numbers, without repetition, in the order of touching

	sums  []Float // their gradients in that order, unless whole has them
	whole []Float // the gradient in the layout of the table, or nil
	place []int32 // of each row of the table: 1 + its place in List, or 0
}

// Row is the gradient of row List[i] of a table with so many columns.
func (r *Rows) Row(i, cols int) []Float {
	if r.whole != nil {
		i = int(r.List[i])
		return r.whole[i*cols : (i+1)*cols]
	}
	return r.sums[i*cols : (i+1)*cols]
}

// reserve makes memory for n more rows of the table, or for all of them.
func (r *Rows) reserve(n int, table tensor.Matrix) {
	if r.place == nil {
		r.place = make([]int32, table.Rows)
	}
	if r.whole == nil {
		n = min(n, table.Rows-len(r.List))
		r.sums = slices.Grow(r.sums, n*table.Cols)
	}
}

// add adds to the gradient of row id of the table, for which memory is reserved.
func (r *Rows) add(id int32, table tensor.Matrix, dy []Float) {
	if r.place[id] == 0 {
		r.List = append(r.List, id)
		r.place[id] = int32(len(r.List))
		if r.whole == nil {
			r.sums = r.sums[:len(r.List)*table.Cols]
			clear(r.sums[len(r.sums)-table.Cols:])
		}
	}
	tensor.Add(dy, r.Row(int(r.place[id])-1, table.Cols))
}

// Whole is the gradient in the layout of the table. From then on all rows have memory.
func (r *Rows) Whole(table tensor.Matrix) []Float {
	if r.whole == nil {
		whole := make([]Float, table.Rows*table.Cols)
		for i, id := range r.List {
			copy(whole[int(id)*table.Cols:], r.Row(i, table.Cols))
		}
		r.whole, r.sums = whole, nil
	}
	return r.whole
}

// Clear forgets all rows. The caller clears those of the Whole.
func (r *Rows) Clear() {
	for _, id := range r.List {
		r.place[id] = 0
	}
	r.List, r.sums = r.List[:0], r.sums[:0]
}

// Embed looks symbols up in a table of shape (V, E): row i of the result, shape (len(ids), E), is row ids[i] of the table.
// Backward adds to rows, which is nil for a constant.
func (t *Tape) Embed(table tensor.Matrix, rows *Rows, ids []int32) *Value {
	v := t.Const(table)
	v.rows, v.flows = rows, rows != nil && !t.NoGrad
	out := t.op(len(ids), v.Cols, backEmbed, v)
	out.ids = ids
	for i, id := range ids {
		copy(out.Row(i), v.Row(int(id)))
	}
	return out
}

func backEmbed(v *Value) {
	table, dy := v.in[0], v.gradient()
	table.rows.reserve(len(v.ids), table.Matrix)
	for i, id := range v.ids {
		table.rows.add(id, table.Matrix, dy.Row(i))
	}
}

// Mask multiplies x element by element with numbers that are not differentiated, such as
// the zeros and 1/(1-p) of a dropout.
func (v *Value) Mask(m []Float) *Value {
	if len(m) != len(v.Data) {
		panic(fmt.Sprintf("grad: Mask: %d numbers for %v", len(m), v.Matrix))
	}
	out := v.tape.op(v.Rows, v.Cols, backMask, v)
	out.save[0] = m
	for i, x := range v.Data {
		out.Data[i] = x * m[i]
	}
	return out
}

func backMask(v *Value) {
	da := v.in[0].Grad
	for i, g := range v.Grad {
		da[i] += g * v.save[0][i]
	}
}

// Place is a matrix of zeros, (rows, cols), with the numbers of x at the places at, row by row; no place comes twice.
func (v *Value) Place(rows, cols int, at []int) *Value {
	if len(at) != len(v.Data) {
		panic(fmt.Sprintf("grad: Place: %d places for %v", len(at), v.Matrix))
	}
	out := v.tape.op(rows, cols, backPlace, v)
	out.Products = v.Products
	out.ints[0] = at
	clear(out.Data)
	for i, k := range at {
		out.Data[k] = v.Data[i]
	}
	return out
}

func backPlace(v *Value) {
	da := v.in[0].Grad
	for i, k := range v.ints[0] {
		da[i] += v.Grad[k]
	}
}

// Transpose is xᵀ, (C, B) for (B, C).
func (v *Value) Transpose() *Value {
	out := v.tape.op(v.Cols, v.Rows, backTranspose, v)
	out.Products = v.Products
	for i := range v.Rows {
		for j, x := range v.Row(i) {
			out.Data[j*v.Rows+i] = x
		}
	}
	return out
}

func backTranspose(v *Value) {
	a := v.in[0]
	for j := range v.Rows {
		for i, g := range v.gradient().Row(j) {
			a.Grad[i*v.Rows+j] += g
		}
	}
}

// MatMulT is x·wᵀ: x is (B, I), w is (O, I) as linear layers store it, the result (B, O).
func (v *Value) MatMulT(w *Value) *Value {
	if v.Cols != w.Cols {
		panic(fmt.Sprintf("grad: MatMulT: %v times %v transposed", v.Matrix, w.Matrix))
	}
	out := v.tape.op(v.Rows, w.Rows, backMatMulT, v, w)
	out.first = true
	w.Products.Gemm(tensor.N, v.Matrix, tensor.T, w.Matrix, 0, out.Matrix)
	return out
}

func backMatMulT(v *Value) {
	a, w := v.in[0], v.in[1]
	if a.flows {
		w.Products.Gemm(tensor.N, v.gradient(), tensor.N, w.Matrix, a.beta(), a.gradient())
	}
	if w.flows {
		w.Products.Gemm(tensor.T, v.gradient(), tensor.N, a.Matrix, w.beta(), w.gradient())
	}
}
