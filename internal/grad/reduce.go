package grad

import "vaelab/internal/tensor"

// RowSums is the sum of every row, shape (B, 1).
func (v *Value) RowSums() *Value {
	out := v.tape.op(v.Rows, 1, backRowSums, v)
	for i := range v.Rows {
		var s Float
		for _, x := range v.Row(i) {
			s += x
		}
		out.Data[i] = s
	}
	return out
}

func backRowSums(v *Value) {
	da := v.in[0].gradient()
	for i, g := range v.Grad {
		row := da.Row(i)
		for j := range row {
			row[j] += g
		}
	}
}

// ColMeans is the mean of every column, shape (1, C).
func (v *Value) ColMeans() *Value {
	out := v.tape.op(1, v.Cols, backColMeans, v)
	clear(out.Data)
	for i := range v.Rows {
		tensor.Axpy(1/Float(v.Rows), v.Row(i), out.Data)
	}
	return out
}

func backColMeans(v *Value) {
	a := v.in[0]
	for i := range a.Rows {
		tensor.Axpy(1/Float(a.Rows), v.Grad, a.gradient().Row(i))
	}
}

// Sum is the sum of all elements, shape (1, 1).
func (v *Value) Sum() *Value {
	out := v.tape.op(1, 1, backSum, v)
	var s Float
	for _, x := range v.Data {
		s += x
	}
	out.Data[0] = s
	return out
}

func backSum(v *Value) {
	da, g := v.in[0].Grad, v.Grad[0]
	for i := range da {
		da[i] += g
	}
}

// Mean is the mean of all elements, shape (1, 1).
func (v *Value) Mean() *Value { return v.Sum().Scale(1 / Float(len(v.Data))) }

// SumSteps adds up, for every example of a packed batch (see Steps), the rows of x,
// shape (N, 1), that belong to it. The result has shape (B, 1).
func (v *Value) SumSteps(s Steps) *Value {
	out := v.tape.op(s.Active[0], 1, backSumSteps, v)
	out.ints = [2][]int{s.Active, s.Offset}
	clear(out.Data)
	for t, n := range s.Active {
		tensor.Add(v.Data[s.Offset[t]:s.Offset[t]+n], out.Data)
	}
	return out
}

func backSumSteps(v *Value) {
	da := v.in[0].Grad
	for t, n := range v.ints[0] {
		tensor.Add(v.Grad[:n], da[v.ints[1][t]:][:n])
	}
}
