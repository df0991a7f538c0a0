package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// each records y = f(x), elementwise; df is the derivative given x and y.
func (v *Value) each(f func(x Float) Float, df func(x, y Float) Float) *Value {
	out := v.tape.op(v.Rows, v.Cols, backEach, v)
	out.df = df
	for i, x := range v.Data {
		out.Data[i] = f(x)
	}
	return out
}

func backEach(v *Value) {
	a := v.in[0]
	for i, g := range v.Grad {
		a.Grad[i] += g * v.df(a.Data[i], v.Data[i])
	}
}

// Exp is e^x.
func (v *Value) Exp() *Value { return v.each(tensor.Exp, dExp) }

func dExp(_, y Float) Float { return y }

// Log is ln x; x must be positive.
func (v *Value) Log() *Value { return v.each(tensor.Log, dLog) }

func dLog(x, _ Float) Float { return 1 / x }

// Sqrt is the square root; its derivative at 0 is infinite.
func (v *Value) Sqrt() *Value { return v.each(tensor.Sqrt, dSqrt) }

func dSqrt(_, y Float) Float { return 0.5 / y }

// Square is x².
func (v *Value) Square() *Value { return v.each(square, dSquare) }

func square(x Float) Float     { return x * x }
func dSquare(x, _ Float) Float { return 2 * x }

// Sigmoid is 1/(1+e^-x).
func (v *Value) Sigmoid() *Value { return v.each(tensor.Sigmoid, dSigmoid) }

func dSigmoid(_, y Float) Float { return y * (1 - y) }

// Tanh is the hyperbolic tangent.
func (v *Value) Tanh() *Value { return v.each(tensor.Tanh, dTanh) }

func dTanh(_, y Float) Float { return 1 - y*y }

// ELU is x where it is positive and e^x - 1 elsewhere.
//
// Source: Clevert et al. 2016, "Fast and accurate deep network learning by exponential linear
// units" (arXiv 1511.07289), alpha 1.
func (v *Value) ELU() *Value {
	out := v.tape.op(v.Rows, v.Cols, backELU, v)
	out.first = true
	tensor.Run(eluPass{x: v.Data, y: out.Data}, len(v.Data), splitFloats)
	return out
}

// eluPass is the pass over all elements.
type eluPass struct{ x, y []Float }

// Part computes elements from ... to-1.
func (w *eluPass) Part(from, to int) { tensor.ELU(w.x[from:to], w.y[from:to]) }

// the derivative is 1, or e^x = y + 1
func backELU(v *Value) {
	first := v.in[0].beta() == 0
	tensor.Run(eluBack{y: v.Data, dy: v.Grad, dx: v.in[0].Grad, first: first}, len(v.Data), splitFloats)
}

// eluBack is the backward pass over all elements.
type eluBack struct {
	y, dy, dx []Float
	first     bool // dx is not written yet
}

// Part computes elements from ... to-1.
func (w *eluBack) Part(from, to int) {
	if w.first {
		clear(w.dx[from:to])
	}
	tensor.BackELU(w.y[from:to], w.dy[from:to], w.dx[from:to])
}

// Softplus is ln(1+e^x), a smooth positive part of x.
func (v *Value) Softplus() *Value { return v.each(softplus, dSoftplus) }

func softplus(x Float) Float {
	if x > 0 {
		return x + tensor.Log(1+tensor.Exp(-x))
	}
	return tensor.Log(1 + tensor.Exp(x))
}

func dSoftplus(x, _ Float) Float { return tensor.Sigmoid(x) }

// Scale is k x.
func (v *Value) Scale(k Float) *Value {
	out := v.tape.op(v.Rows, v.Cols, backScale, v)
	out.k = k
	for i, x := range v.Data {
		out.Data[i] = k * x
	}
	return out
}

func backScale(v *Value) { tensor.Axpy(v.k, v.Grad, v.in[0].Grad) }

// Neg is -x.
func (v *Value) Neg() *Value { return v.Scale(-1) }

// Shift is x + k.
func (v *Value) Shift(k Float) *Value {
	out := v.tape.op(v.Rows, v.Cols, backShift, v)
	for i, x := range v.Data {
		out.Data[i] = x + k
	}
	return out
}

func backShift(v *Value) { tensor.Add(v.Grad, v.in[0].Grad) }

// Max is max(x, k). Where x < k no gradient flows.
func (v *Value) Max(k Float) *Value {
	out := v.tape.op(v.Rows, v.Cols, backMax, v)
	out.k = k
	for i, x := range v.Data {
		out.Data[i] = max(x, k)
	}
	return out
}

func backMax(v *Value) {
	a := v.in[0]
	for i, g := range v.Grad {
		if a.Data[i] >= v.k {
			a.Grad[i] += g
		}
	}
}

// Add is x + b, shapes equal.
func (v *Value) Add(b *Value) *Value {
	v.sameShape("Add", b)
	out := v.tape.op(v.Rows, v.Cols, backAdd, v, b)
	out.first = true
	tensor.Plus(v.Data, b.Data, out.Data)
	return out
}

func backAdd(v *Value) {
	for _, a := range v.in[:2] {
		switch {
		case !a.flows:
		case a.beta() == 0:
			tensor.Copy(v.Grad, a.Grad)
		default:
			tensor.Add(v.Grad, a.Grad)
		}
	}
}

// Sub is x - b, shapes equal.
func (v *Value) Sub(b *Value) *Value { return v.Add(b.Neg()) }

// Mul is x b element by element, shapes equal.
func (v *Value) Mul(b *Value) *Value {
	v.sameShape("Mul", b)
	out := v.tape.op(v.Rows, v.Cols, backMul, v, b)
	for i, x := range v.Data {
		out.Data[i] = x * b.Data[i]
	}
	return out
}

func backMul(v *Value) {
	a, b := v.in[0], v.in[1]
	for i, g := range v.Grad {
		if a.flows {
			a.Grad[i] += g * b.Data[i]
		}
		if b.flows {
			b.Grad[i] += g * a.Data[i]
		}
	}
}

func (v *Value) wantRow(op string, r *Value) {
	if r.Rows != 1 || r.Cols != v.Cols {
		panic(fmt.Sprintf("grad: %s: row %v for %v", op, r.Matrix, v.Matrix))
	}
}

// AddRow adds the row r, shape (1, C), to every row of x.
func (v *Value) AddRow(r *Value) *Value {
	v.wantRow("AddRow", r)
	out := v.tape.op(v.Rows, v.Cols, backAddRow, v, r)
	for i := range v.Rows {
		x, y := v.Row(i), out.Row(i)
		for j, b := range r.Data {
			y[j] = x[j] + b
		}
	}
	return out
}

func backAddRow(v *Value) {
	a, r := v.in[0], v.in[1]
	if a.flows {
		tensor.Add(v.Grad, a.Grad)
	}
	if r.flows {
		tensor.AddRows(v.gradient(), r.Grad)
	}
}

// MulRow multiplies every row of x by the row r, shape (1, C), element by element.
func (v *Value) MulRow(r *Value) *Value {
	v.wantRow("MulRow", r)
	out := v.tape.op(v.Rows, v.Cols, backMulRow, v, r)
	for i := range v.Rows {
		x, y := v.Row(i), out.Row(i)
		for j, b := range r.Data {
			y[j] = x[j] * b
		}
	}
	return out
}

func backMulRow(v *Value) {
	a, r := v.in[0], v.in[1]
	for i := range v.Rows {
		for j, g := range v.gradient().Row(i) {
			if a.flows {
				a.Grad[i*v.Cols+j] += g * r.Data[j]
			}
			if r.flows {
				r.Grad[j] += g * a.Row(i)[j]
			}
		}
	}
}
