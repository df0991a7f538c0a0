package grad

import (
	"math"

	"vaelab/internal/tensor"
)

// LogSoftmax is x - ln sum_k e^x_k of each row.
func (v *Value) LogSoftmax() *Value {
	out := v.tape.op(v.Rows, v.Cols, backLogSoftmax, v)
	for i := range v.Rows {
		x, y := v.Row(i), out.Row(i)
		top := Float(math.Inf(-1))
		for _, a := range x {
			top = max(top, a)
		}
		var sum float64
		for _, a := range x {
			sum += float64(tensor.Exp(a - top))
		}
		lse := top + Float(math.Log(sum))
		for k, a := range x {
			y[k] = a - lse
		}
	}
	return out
}

// dx = dy - softmax(x) sum dy, of each row
func backLogSoftmax(v *Value) {
	for i := range v.Rows {
		y, dy := v.Row(i), v.Grad[i*v.Cols:(i+1)*v.Cols]
		dx := v.in[0].Grad[i*v.Cols : (i+1)*v.Cols]
		var sum Float
		for _, g := range dy {
			sum += g
		}
		for k, g := range dy {
			dx[k] += g - tensor.Exp(y[k])*sum
		}
	}
}
