package metrics

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestPenaltyOfAPriorGivenConditions: what cvae charges for a split is what its loss charges for the same examples, and no
// less than the bound; the rate is that of the loss; ln p(x) is estimated by the prior of each example's condition.
func TestPenaltyOfAPriorGivenConditions(t *testing.T) {
	m := lstm(t, variants.CVAE{Charge: "sum", Hidden: 5})
	for _, p := range m.Params.Learnt() { // at the start both KLs are near 0
		for i := range p.Data {
			p.Data[i] *= 3
		}
	}
	x := sentences(9, 2, newRand(3))
	x.Labels = []int{0, 1, 1, 0, 0, 1, 0, 1, 1}
	batches := []*vae.Batch{x}
	e := Encode(m, batches, 1)
	_, penalty, _ := e.Objective(1, vae.Mixed, 1)
	terms := m.Loss(&nn.Pass{Tape: &grad.Tape{}}, x)
	near(t, "penalty", penalty, terms.Penalty.Scalar(), 1e-6*penalty)
	rate, dims := e.KL()
	near(t, "rate", rate, terms.KL.RowSums().Mean().Scalar(), 1e-6*rate)
	if floor := e.PenaltyFloor(m.Variant.LeastPenalty); len(dims) != 3 || !(0 < floor && floor <= penalty) || penalty-rate < 0.01 {
		t.Errorf("penalty %v, its bound %v, rate %v in %d dimensions", penalty, floor, rate, len(dims))
	}
	swapped := *x
	swapped.Labels = []int{1, 0, 0, 1, 1, 0, 1, 0, 0}
	a, b := mean(IWNLL(m, batches, 3, 1)), mean(IWNLL(m, []*vae.Batch{&swapped}, 3, 1))
	if math.IsNaN(a) || math.Abs(a-b) < 1e-3 {
		t.Errorf("-ln p(x|c) is %v, and under the other conditions %v", a, b)
	}
}
