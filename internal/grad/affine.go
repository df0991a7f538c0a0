package grad

import (
	"fmt"

	"vaelab/internal/tensor"
)

// Affine is x·wᵀ + b, a linear layer with its bias as one operation: x is (B, I), w is
// (O, I), b is (1, O), the result (B, O).
func (v *Value) Affine(w, b *Value) *Value {
	if v.Cols != w.Cols || b.Rows != 1 || b.Cols != w.Rows {
		panic(fmt.Sprintf("grad: Affine: %v times %v transposed plus %v", v.Matrix, w.Matrix, b.Matrix))
	}
	out := v.tape.op(v.Rows, w.Rows, backAffine, v, w, b)
	out.first = true
	w.Products.Affine(v.Matrix, tensor.T, w.Matrix, b.Data, out.Matrix)
	return out
}

func backAffine(v *Value) {
	backMatMulT(v)
	if b := v.in[2]; b.flows {
		b.settle()
		tensor.AddRows(v.gradient(), b.Grad)
	}
}
