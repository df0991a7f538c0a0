package optim

import (
	"math"
	"testing"
)

// Cosine raises the weight to beta along half a cosine:
//
//	w = beta (1 - cos(pi t/W))/2   for t < W, then beta
type Cosine struct{}

func init() { Schedules.Add("cosine", Cosine{}) }

// At is the weight at a share of the warm-up.
func (Cosine) At(k KLSchedule, t float64) float64 { return k.Beta * (1 - math.Cos(math.Pi*t)) / 2 }

// Last is 0: the weight comes to beta once.
func (Cosine) Last(KLSchedule, float64) float64 { return 0 }

// Reads are the settings beside beta.
func (Cosine) Reads() []string { return []string{"warm_up", "unit"} }

// Check finds nothing.
func (Cosine) Check(KLSchedule) error { return nil }

// TestExtending: the schedule of docs/extending.md is a kind like the others, with its documentation and its weights.
func TestExtending(t *testing.T) {
	k := KLSchedule{Schedule: "cosine", Beta: 2, WarmUp: 4, Unit: "steps"}
	for step, want := range []float64{0, 1 - math.Sqrt2/2, 1, 1 + math.Sqrt2/2, 2, 2} {
		if got := k.Weight(step, 7); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: weight %v, want %v", step, got, want)
		}
	}
	if got := k.Final(7); got != 4 {
		t.Errorf("the weight is final from step %d, want 4", got)
	}
	if got, want := Schedules.Doc("cosine"), "Cosine raises the weight to beta along half a cosine:"; got != want {
		t.Errorf("documented as %q, want %q", got, want)
	}
}
