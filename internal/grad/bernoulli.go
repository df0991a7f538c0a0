package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// Bernoulli is the log-likelihood of pixels x, (B, P), each 0 or 1, under the logits v of
// their being 1, as one operation: for every row
//
//	Σ_j ln p(x_j) = Σ_j [x_j l_j - ln(1 + e^l_j)],
//
// in nats, shape (B, 1). Neither large nor small logits overflow.
func (v *Value) Bernoulli(x tensor.Matrix) *Value {
	if v.Rows != x.Rows || v.Cols != x.Cols {
		panic(fmt.Sprintf("grad: Bernoulli: logits %v for pixels %v", v.Matrix, x))
	}
	out := v.tape.op(v.Rows, 1, backBernoulli, v)
	out.save[0] = x.Data
	for i := range v.Rows {
		var s float64 // a thousand pixels, and some nats matter
		pixels := x.Row(i)
		for j, l := range v.Row(i) {
			s += float64(pixels[j]*l - softplus(l))
		}
		out.Data[i] = Float(s)
	}
	return out
}

// d logits = upstream (x - sigmoid(logits))
func backBernoulli(v *Value) {
	a := v.in[0]
	P := a.Cols
	for i, g := range v.Grad {
		pixels, d := v.save[0][i*P:(i+1)*P], a.gradient().Row(i)
		for j, l := range a.Row(i) {
			d[j] += g * (pixels[j] - tensor.Sigmoid(l))
		}
	}
}
