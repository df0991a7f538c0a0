package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// byExample calls f for every row, example by example: i counts them in that order, r is
// the row's place in the packed batch.
func (s Steps) byExample(f func(i, r int)) {
	i := 0
	for b := range s.Active[0] {
		for t := range length(s.Active, b) {
			f(i, s.Offset[t]+b)
			i++
		}
	}
}

// steps is the layout that an operation on packed rows recorded.
func (v *Value) steps() Steps { return Steps{Active: v.ints[0], Offset: v.ints[1]} }

// ByExample brings packed rows, shape (N, C), into the order of their examples: all steps
// of the first, all of the second, and so on.
func (v *Value) ByExample(s Steps) *Value {
	v.wantSteps("ByExample", s)
	out := v.tape.op(v.Rows, v.Cols, backByExample, v)
	out.first = true
	out.ints = [2][]int{s.Active, s.Offset}
	s.byExample(func(i, r int) { copy(out.Row(i), v.Row(r)) })
	return out
}

func backByExample(v *Value) {
	first := v.in[0].beta() == 0
	dy, dx := v.gradient(), v.in[0].gradient()
	v.steps().byExample(func(i, r int) { addRow(dy.Row(i), dx.Row(r), first) })
}

// BySteps undoes ByExample.
func (v *Value) BySteps(s Steps) *Value {
	v.wantSteps("BySteps", s)
	out := v.tape.op(v.Rows, v.Cols, backBySteps, v)
	out.first = true
	out.ints = [2][]int{s.Active, s.Offset}
	s.byExample(func(i, r int) { copy(out.Row(r), v.Row(i)) })
	return out
}

func backBySteps(v *Value) {
	first := v.in[0].beta() == 0
	dy, dx := v.gradient(), v.in[0].gradient()
	v.steps().byExample(func(i, r int) { addRow(dy.Row(r), dx.Row(i), first) })
}

// addRow adds a row to that of a gradient, or overwrites it at the first write.
func addRow(dy, dx []Float, first bool) {
	if first {
		copy(dx, dy)
		return
	}
	tensor.Add(dy, dx)
}

// AddSteps adds row t of the table, shape (at least as many rows as steps, C), to all rows
// of step t of x, packed rows (N, C): a term that depends on the position only.
func (v *Value) AddSteps(s Steps, table *Value) *Value {
	v.wantSteps("AddSteps", s)
	if table.Rows < len(s.Active) || table.Cols != v.Cols {
		panic(fmt.Sprintf("grad: AddSteps: table %v for %v of %d steps", table.Matrix, v.Matrix, len(s.Active)))
	}
	out := v.tape.op(v.Rows, v.Cols, backAddSteps, v, table)
	out.ints = [2][]int{s.Active, s.Offset}
	copy(out.Data, v.Data)
	for t, n := range s.Active {
		for b := range n {
			tensor.Add(table.Row(t), out.Row(s.Offset[t]+b))
		}
	}
	return out
}

func backAddSteps(v *Value) {
	x, table := v.in[0], v.in[1]
	if x.flows {
		tensor.Add(v.Grad, x.Grad)
	}
	if !table.flows {
		return
	}
	s, dy, dTable := v.steps(), v.gradient(), table.gradient()
	for t, n := range s.Active {
		for b := range n {
			tensor.Add(dy.Row(s.Offset[t]+b), dTable.Row(t))
		}
	}
}

// FirstRows is the first n rows of x, sharing its memory: of packed rows, n = B, the first
// of every example.
func (v *Value) FirstRows(n int) *Value {
	if n > v.Rows {
		panic(fmt.Sprintf("grad: FirstRows: %d of %v", n, v.Matrix))
	}
	v.settle() // the gradient's memory is shared, too
	return v.tape.Leaf(v.RowRange(0, n), v.Grad[:min(n*v.Cols, len(v.Grad))])
}
