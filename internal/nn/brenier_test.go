package nn

import (
	"math"
	"testing"

	"vaelab/internal/grad"
)

// TestBrenierBegins: a new map takes 0 to 0, and small y near to (least + 1) y.
func TestBrenierBegins(t *testing.T) {
	const O, K, least, small = 3, 4000, 0.5, 0.1
	m := NewBrenier(&Params{Seed: 2}, "decoder.t", O, K, least)
	p := &Pass{Tape: &grad.Tape{NoGrad: true}}
	y := p.Tape.Zeros(1+O, O) // 0, and a step along each axis
	for j := range O {
		y.Row(1 + j)[j] = small
	}
	out := m.Apply(p, y)
	for i := range out.Rows {
		for j, got := range out.Row(i) {
			want, tol := 0.0, 1e-4
			if i > 0 {
				tol = 5 * small / math.Sqrt(K) * math.Sqrt2 // WᵀW is a mean over the pairs, K/2
			}
			if i == 1+j {
				want, tol = (least+1)*small, 2*tol
			}
			if math.Abs(float64(got)-want) > tol {
				t.Errorf("T(%v)[%d] is %v, want %v within %v", y.Row(i), j, got, want, tol)
			}
		}
	}
}
