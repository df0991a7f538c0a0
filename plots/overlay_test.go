package plots

import (
	"slices"
	"testing"

	"gonum.org/v1/plot/vg/draw"
)

// TestCoincidingHistograms: histograms do not lie on each other because most bins of both are empty, and the names of those
// that do are at the highest bin.
func TestCoincidingHistograms(t *testing.T) {
	var x []float64
	for b := range 50 {
		x = append(x, float64(b), float64(b+1))
	}
	high := func(from int) []float64 {
		y := make([]float64, len(x))
		y[from], y[from+1] = 1, 1
		return y
	}
	for _, c := range []struct {
		bins   bool
		second int
		want   []string
	}{{true, 4, nil}, {true, 2, []string{"a, b"}}, {false, 4, []string{"a, b"}}} {
		o := overlay{panel: newPanel("sigma", "share"), bins: c.bins}
		o.panel.Y.Min, o.panel.Y.Max = 0, 1
		o.layers = []layer{{label: "a", line: curve{x, high(2), draw.LineStyle{Color: ghost.Color}}}, {label: "b", line: curve{x, high(c.second), draw.LineStyle{Color: ghost.Color}}}}
		got := o.coinciding()
		if !slices.Equal(got.Labels, c.want) {
			t.Errorf("%+v: names %q", c, got.Labels)
		}
		if c.bins && len(got.X) > 0 && (got.X[0] != 1 || got.Y[0] != 1) {
			t.Errorf("%+v: the names are at %g, %g", c, got.X[0], got.Y[0])
		}
	}
}
