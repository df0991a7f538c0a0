package metrics

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedGaussian,
		Measure: func(s *Split, r Row) { r.Values["mu_far"] = s.Farthest() },
		Metrics: []Metric{
			{Name: "mu_far", Doc: "largest |mu| over examples and dimensions"},
		},
	})
}

// Farthest is the largest |mu| over examples and dimensions.
func (e *Encoded) Farthest() (most float64) {
	for _, mu := range e.Mu {
		most = max(most, math.Abs(mu))
	}
	return most
}

// TestExtending: the metric of docs/extending.md is listed, and measured in the evaluations of a trial with a Gaussian
// posterior.
func TestExtending(t *testing.T) {
	m := lstm(t)
	batches := []*vae.Batch{sentences(8, 2, newRand(4))}
	s := &Split{Model: m, Batches: batches, Partners: 1, Beta: 1, Encoded: Encode(m, batches, 1), Drawn: func() []*vae.Batch { return batches }}
	got, ok := Measure(s, Facts{Kind: vae.Text, D: 3}, false).Values["mu_far"]
	if want := math.Max(slices.Max(s.Mu), -slices.Min(s.Mu)); !ok || got != want || want == 0 {
		t.Errorf("mu_far is %v, want %v", got, want)
	}
	i := slices.IndexFunc(Registered(), func(m Metric) bool { return m.Name == "mu_far" })
	if i < 0 || !slices.Equal(Registered()[i].Splits, Evaluations) {
		t.Fatal("mu_far is not listed")
	}
	if Registered()[i].Need.Met(Facts{Kind: vae.Text, D: 3, Variant: vae.Variant{Gives: vae.CodeFamily}}) {
		t.Error("mu_far is measured of codes")
	}
}
