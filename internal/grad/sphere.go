package grad

import (
	"math"

	"vaelab/internal/sphere"
)

// leastNorm is the least norm of a row that has a direction.
const leastNorm = 1e-12

// Unit divides every row of x, (B, D), by its length. A row shorter than 1e-12 has no direction: it becomes e1, the first
// axis, and gets no gradient.
func (v *Value) Unit() *Value {
	out := v.tape.op(v.Rows, v.Cols, backUnit, v)
	for i := range v.Rows {
		y := out.Row(i)
		if r := norm(v.Row(i)); r >= leastNorm {
			for j, x := range v.Row(i) {
				y[j] = Float(float64(x) / r)
			}
		} else {
			clear(y)
			y[0] = 1
		}
	}
	return out
}

// dx = (dy - y (y·dy)) / |x|
func backUnit(v *Value) {
	a := v.in[0]
	for i := range v.Rows {
		r := norm(a.Row(i))
		if r < leastNorm {
			continue
		}
		y, dy, dx := v.Row(i), v.gradient().Row(i), a.gradient().Row(i)
		var along float64
		for j, g := range dy {
			along += float64(g) * float64(y[j])
		}
		for j, g := range dy {
			dx[j] += Float((float64(g) - float64(y[j])*along) / r)
		}
	}
}

func norm(x []Float) float64 {
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	return math.Sqrt(squares)
}

// Reflect is, for every row of mu and of the constant x, (B, D) each, the image of x under the reflection that takes e1 to
// mu/|mu|; see sphere.Reflect. So a draw x around e1 becomes one around mu.
func (v *Value) Reflect(x *Value) *Value {
	v.sameShape("Reflect", x)
	if x.flows {
		panic("grad: Reflect: x has a gradient, but must be a constant")
	}
	out := v.tape.op(v.Rows, v.Cols, backReflect, v, x)
	for i := range v.Rows {
		sphere.Reflect(v.Row(i), x.Row(i), out.Row(i))
	}
	return out
}

func backReflect(v *Value) {
	mu, x := v.in[0], v.in[1]
	for i := range v.Rows {
		sphere.BackReflect(mu.Row(i), x.Row(i), v.gradient().Row(i), mu.gradient().Row(i))
	}
}

// Map is f(x) of every element, computed in float64; slope is its derivative.
func (v *Value) Map(f, slope func(x float64) float64) *Value {
	return v.each(func(x Float) Float { return Float(f(float64(x))) }, func(x, _ Float) Float { return Float(slope(float64(x))) })
}
