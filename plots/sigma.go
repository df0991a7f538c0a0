package plots

import (
	"maps"
	"math"

	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("sigma", Sigma{}) }

// Sigma shows what a sigma that may cross zero does: how much of it is negative, how much near zero, and its logarithm.
//
// A batch-normalised sigma has half of its values negative and pays in KL for those near zero. The
// right panel is E[ln sigma²] - ln E[sigma²], which is 0 if all sigma² are equal, and
// psi(1/2) + ln 2 = -1.27 for a Gaussian one around zero; half of what it lies below 0
// is the KL, per dimension, that it costs beyond a constant sigma of the same second moment.
type Sigma struct{}

// gaussianLog is E[ln x²] of a standard normal x: -Euler's constant - ln 2.
const gaussianLog = -0.57721566490153286 - math.Ln2

// Draw implements Figure.
func (Sigma) Draw(set *record.Set) (*Drawing, error) {
	groups := set.Groups()
	for i := range groups {
		runs := make([]record.Run, len(groups[i].Runs))
		for j, run := range groups[i].Runs {
			runs[j] = withSpread(run)
		}
		groups[i].Runs = runs
	}
	return overSteps{
		figure: "sigma", height: 2.45 * vg.Inch,
		panels: []stepPanel{
			{metric: "sigma_negative", label: "share of σ < 0"},
			{metric: "sigma_small", label: "share of |σ| < 0.05"},
			{metric: "sigma_log_spread", label: "E[ln σ²] − ln E[σ²]", levels: []float64{gaussianLog}},
		},
		level: "−1.27, a Gaussian around zero",
		about: "σ over examples and latent dimensions; a variant with a positive σ has none below zero. Right: 0 if all σ² are equal; half of what it lies below is the KL that a dimension pays more.",
	}.draw(set, groups)
}

// withSpread returns the run with the metric sigma_log_spread where its rows have what it is made of.
func withSpread(run record.Run) record.Run {
	rows := make([]record.Row, len(run.Rows))
	for i, row := range run.Rows {
		logvar, ok := row.Values["logvar"]
		sigma2, too := row.Values["sigma2"]
		if ok && too {
			row.Values = maps.Clone(row.Values)
			row.Values["sigma_log_spread"] = logvar - math.Log(sigma2)
		}
		rows[i] = row
	}
	run.Rows = rows
	return run
}
