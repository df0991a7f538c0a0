package nn

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
)

// Brenier is the gradient of a convex function of O numbers,
//
//	T(y) = least y + Wᵀ (a ⊙ sigmoid(W y + b)),   a = softplus(scale)
//
// that of least/2 |y|² + sum_k a_k softplus((W y + b)_k). W is (K, O), a and b are (K). Its Jacobian least I + Wᵀ diag(a
// sigmoid') W is symmetric, and none of its eigenvalues is below least, so that |T(y) - T(y')| >= least |y - y'|. If W has a
// column rank of O, T is injective with least 0 as well. No derivative of second order is needed.
type Brenier struct {
	Least                Float
	Weight, Scale, Shift *Param
}

// NewBrenier makes `name`.weight, `name`.scale and `name`.bias. T begins near (least + 1) y for small y: a is 4, the inverse of the
// slope of a sigmoid at 0, and E[WᵀW] = I. T(0) is 0, because the rows of W are pairs of a row and its negative, but for the last
// one of an odd K.
func NewBrenier(ps *Params, name string, O, K int, least float64) Brenier {
	pairs := func(rng *rand.Rand, w []Float) {
		Normal(1/math.Sqrt(float64(K)))(rng, w)
		for i := range K / 2 {
			for j, x := range w[2*i*O : (2*i+1)*O] {
				w[(2*i+1)*O+j] = -x
			}
		}
	}
	return Brenier{
		Least:  Float(least),
		Weight: ps.New(name+".weight", pairs, K, O),
		Scale:  ps.New(name+".scale", Constant(math.Log(math.Expm1(4))), K),
		Shift:  ps.New(name+".bias", Constant(0), K),
	}
}

// hidden is a ⊙ sigmoid(W y + b), (n, K), of y, (n, I) with I <= O, beside which O-I zeros are thought.
func (t Brenier) hidden(p *Pass, y *grad.Value) *grad.Value {
	w := p.Use(t.Weight)
	if y.Cols < w.Cols {
		w = w.Columns(0, y.Cols)
	}
	return y.Affine(w, p.Use(t.Shift)).Sigmoid().MulRow(p.Use(t.Scale).Softplus())
}

// Apply is T(y), (n, O).
func (t Brenier) Apply(p *Pass, y *grad.Value) *grad.Value {
	return y.Scale(t.Least).Add(t.hidden(p, y).MatMulT(p.Use(t.Weight).Transpose()))
}

// Wide is T([y; 0]) for y, (n, I) with I <= O, as a product: rows, (n, I + K), times the transpose of weights, (O, I + K).
func (t Brenier) Wide(p *Pass, y *grad.Value) (rows, weights *grad.Value) {
	rows, weights = t.hidden(p, y), p.Use(t.Weight).Transpose()
	if t.Least == 0 {
		return rows, weights
	}
	diagonal := p.Tape.Zeros(weights.Rows, y.Cols)
	for i := range y.Cols {
		diagonal.Row(i)[i] = t.Least
	}
	return y.Beside(rows), diagonal.Beside(weights)
}
