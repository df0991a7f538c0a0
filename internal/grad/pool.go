package grad

import (
	"fmt"
	"sort"

	"vaelab/internal/tensor"
)

// length is the number of steps of example b: active never grows.
func length(active []int, b int) int {
	return sort.Search(len(active), func(t int) bool { return active[t] <= b })
}

func (v *Value) wantSteps(op string, s Steps) {
	if v.Rows != s.Rows() {
		panic(fmt.Sprintf("grad: %s: %v for %d rows of steps", op, v.Matrix, s.Rows()))
	}
}

// MeanSteps is, for every example of a packed batch (see Steps), the mean of the rows of x,
// shape (N, C), that belong to it. The result has shape (B, C).
func (v *Value) MeanSteps(s Steps) *Value {
	v.wantSteps("MeanSteps", s)
	out := v.tape.op(s.Active[0], v.Cols, backMeanSteps, v)
	out.ints = [2][]int{s.Active, s.Offset}
	clear(out.Data)
	for t, n := range s.Active {
		tensor.Add(v.Data[s.Offset[t]*v.Cols:][:n*v.Cols], out.Data[:n*v.Cols])
	}
	for b := range out.Rows {
		tensor.Scale(1/Float(length(s.Active, b)), out.Row(b))
	}
	return out
}

func backMeanSteps(v *Value) {
	da, active, offset := v.in[0].gradient(), v.ints[0], v.ints[1]
	for b := range v.Rows {
		T := length(active, b)
		for t := range T {
			tensor.Axpy(1/Float(T), v.gradient().Row(b), da.Row(offset[t]+b))
		}
	}
}

// MaxSteps is, for every example of a packed batch (see Steps) and every column, the largest
// element among the rows of x, shape (N, C), that belong to the example; the gradient goes to
// that one, to the first of equals. The result has shape (B, C).
func (v *Value) MaxSteps(s Steps) *Value {
	v.wantSteps("MaxSteps", s)
	B, C := s.Active[0], v.Cols
	out := v.tape.op(B, C, backMaxSteps, v)
	first := v.tape.arena.Floats(B * C) // the step of the largest
	out.save[0], out.ints[0] = first, s.Offset
	copy(out.Data, v.Data[:B*C])
	for t, n := range s.Active[1:] {
		for i, x := range v.Data[s.Offset[t+1]*C:][:n*C] {
			if x > out.Data[i] {
				out.Data[i], first[i] = x, Float(t+1)
			}
		}
	}
	return out
}

func backMaxSteps(v *Value) {
	da, offset := v.in[0].Grad, v.ints[0]
	for i, g := range v.Grad {
		da[offset[int(v.save[0][i])]*v.Cols+i] += g
	}
}

// Spread is the transpose of SumSteps: it repeats every row of x, shape (B, C), at each step of
// its example. The result has shape (N, C).
func (v *Value) Spread(s Steps) *Value {
	if v.Rows != s.Active[0] {
		panic(fmt.Sprintf("grad: Spread: %v for %d examples", v.Matrix, s.Active[0]))
	}
	out := v.tape.op(s.Rows(), v.Cols, backSpread, v)
	out.ints = [2][]int{s.Active, s.Offset}
	for t, n := range s.Active {
		copy(out.Data[s.Offset[t]*v.Cols:], v.Data[:n*v.Cols])
	}
	return out
}

func backSpread(v *Value) {
	da, C := v.in[0].Grad, v.Cols
	for t, n := range v.ints[0] {
		tensor.Add(v.Grad[v.ints[1][t]*C:][:n*C], da[:n*C])
	}
}

// Beside is [x, b]: x of shape (B, I), b of shape (B, J), the result of shape (B, I+J).
func (v *Value) Beside(b *Value) *Value {
	if v.Rows != b.Rows {
		panic(fmt.Sprintf("grad: Beside: %v and %v", v.Matrix, b.Matrix))
	}
	out := v.tape.op(v.Rows, v.Cols+b.Cols, backBeside, v, b)
	out.Products = max(v.Products, b.Products)
	for i := range out.Rows {
		copy(out.Row(i)[copy(out.Row(i), v.Row(i)):], b.Row(i))
	}
	return out
}

func backBeside(v *Value) {
	from := 0
	for _, a := range v.in[:2] {
		if a.flows {
			for i := range v.Rows {
				tensor.Add(v.gradient().Row(i)[from:from+a.Cols], a.gradient().Row(i))
			}
		}
		from += a.Cols
	}
}

// BagOfWords is the loss of predicting all words of an example at once, regardless of their
// order: for logits x, shape (B, V), and targets, shape (N), of a packed batch,
//
//	-sum_t ln softmax(x_b)_{y_bt}
//
// in nats, shape (B, 1).
func (v *Value) BagOfWords(s Steps, targets []int32) *Value {
	if v.Rows != s.Active[0] || len(targets) != s.Rows() {
		panic(fmt.Sprintf("grad: BagOfWords: %v and %d targets for %d examples with %d rows of steps", v.Matrix, len(targets), s.Active[0], s.Rows()))
	}
	out := v.tape.op(v.Rows, 1, backBagOfWords, v)
	p := v.tape.arena.Raw(v.Rows * v.Cols)
	out.save[0], out.ids, out.ints = p, targets, [2][]int{s.Active, s.Offset}
	copy(p, v.Data)
	for b := range v.Rows {
		T := length(s.Active, b)
		out.Data[b] = Float(T) * tensor.SoftmaxLSE(p[b*v.Cols:][:v.Cols])
		for t := range T {
			out.Data[b] -= v.Row(b)[targets[s.Offset[t]+b]]
		}
	}
	return out
}

// d x_b = upstream (T_b softmax - sum_t onehot_t)
func backBagOfWords(v *Value) {
	a, active, offset := v.in[0], v.ints[0], v.ints[1]
	da := a.gradient()
	for b := range v.Rows {
		T := length(active, b)
		tensor.Axpy(v.Grad[b]*Float(T), v.save[0][b*a.Cols:][:a.Cols], da.Row(b))
		for t := range T {
			da.Row(b)[v.ids[offset[t]+b]] -= v.Grad[b]
		}
	}
}
