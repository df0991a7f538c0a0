package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("sigma", Sigma{}) }

// Sigma shows the share of sigma that is negative, the share near zero, its mean logarithm, and its histogram.
//
// A batch-normalised sigma has half of its values negative and pays in KL for those near zero. The
// upper right panel is E[ln sigma²] - ln E[sigma²], which is 0 if all sigma² are equal, and
// psi(1/2) + ln 2 = -1.27 for a Gaussian one around zero; half of what it lies below 0
// is the KL, per dimension, that it costs beyond a constant sigma of the same second moment.
//
// The histograms below, of sigma with its sign and of |sigma|, are of the last row of the test, and are left out if it
// has none. Their bins are 0.05 wide; the axis of shares is square-root scaled, so that a sigma that
// is nearly constant leaves the others to be seen.
type Sigma struct{}

// gaussianLog is E[ln x²] of a standard normal x: -Euler's constant - ln 2.
const gaussianLog = -0.57721566490153286 - math.Ln2

// Draw implements Figure.
func (Sigma) Draw(set *record.Set) (*Drawing, error) {
	groups, more := sampled(set.Groups())
	groups = slices.Clone(groups)
	for i := range groups {
		runs := make([]record.Run, len(groups[i].Runs))
		for j, run := range groups[i].Runs {
			runs[j] = withSpread(run)
		}
		groups[i].Runs = runs
	}
	pg, err := overSteps{
		figure: "sigma", height: 2.45 * vg.Inch,
		panels: []stepPanel{
			{metric: "sigma_negative", label: "share of σ < 0"},
			{metric: "sigma_small", label: "share of |σ| < 0.05"},
			{metric: "sigma_log_spread", label: "E[ln σ²] − ln E[σ²]", levels: []float64{gaussianLog}},
		},
		level: "−1.27, a Gaussian around zero",
		about: "σ over examples and latent dimensions; a variant with a positive σ has none below zero. Right: 0 if all σ² are equal; half its distance below 0 is the KL per dimension in excess of that with a constant σ.",
		told:  sigmaFinding,
	}.page(set, groups)
	if err != nil {
		return nil, err
	}
	pg.caption = append(pg.caption, more...)
	if signed, size, table := sigmaHistograms(groups); signed != nil {
		pg.blocks = append(pg.blocks, matrix{rows: [][]*plot.Plot{{signed, size}}, height: 2.2 * vg.Inch})
		pg.table = append(pg.table, table...)
		pg.caption = append(pg.caption, "Below: test split, last row, share of σ in bins of 0.05, on a square-root scale; values beyond ±2.5 are in the outermost bins.")
	}
	return pg.drawing(), nil
}

// sigmaFinding says how many sigma are negative, and of a sigma that never is, how much it varies.
func sigmaFinding(groups []record.Group, split string) string {
	negative, end := atEnd(groups, split, "sigma_negative")
	if some := slices.ContainsFunc(negative, func(s sample) bool { return !s.known() || s.hi > 0 }); some {
		return sentence("%s the share of σ < 0 %s.", end.when(), spread(negative, ""))
	}
	varied, end := atEnd(groups, split, "sigma_log_spread")
	return sentence("%s no σ is below 0, and E[ln σ²] − ln E[σ²] %s.", end.when(), spread(varied, ""))
}

// sigmaHistograms are the panels of sigma and |sigma|, and the numbers in them; nil if no test row
// has a histogram.
func sigmaHistograms(groups []record.Group) (signed, size *plot.Plot, table [][]string) {
	signed, size = newPanel("σ", "share of all σ"), newPanel("|σ|", "")
	shown := false
	for i, style := range groupStyles(groups) {
		var seeds, folded [][]float64
		step := 0
		for _, run := range groups[i].Runs {
			h, ok := record.LastVector(run, "test", "sigma_histogram")
			if !ok || len(h)%2 == 1 || !allFinite(h) || run.State == record.Failed {
				continue
			}
			half := make([]float64, len(h)/2)
			for b := range half { // bins at the same distance from zero
				half[b] = h[len(h)/2-1-b] + h[len(h)/2+b]
			}
			seeds, folded, step = append(seeds, h), append(folded, half), run.Rows[len(run.Rows)-1].Step
		}
		if len(seeds) == 0 {
			continue
		}
		shown = true
		for _, part := range []struct {
			panel *plot.Plot
			name  string
			from  float64
			seeds [][]float64
		}{{signed, "sigma", -record.SigmaReach, seeds}, {size, "|sigma|", 0, folded}} {
			bins := len(part.seeds[0])
			width := (record.SigmaReach - part.from) / float64(bins)
			var x, mean, lo, hi []float64
			for b := range bins {
				m, l, h := record.Range(column(part.seeds, b))
				from := part.from + width*float64(b)
				x = append(x, from, from+width)
				mean, lo, hi = append(mean, m, m), append(lo, l, l), append(hi, h, h)
				if h > 0 {
					metric := fmt.Sprintf("share of %s from %s to %s", part.name, num(from), num(from+width))
					table = append(table, []string{groups[i].Label, metric, "test", num(float64(step)), num(m), num(l), num(h), num(float64(len(part.seeds)))})
				}
			}
			if len(seeds) > 1 {
				part.panel.Add(band{x, roots(lo), roots(hi), fade(style.Color, 0.2)})
			}
			style.Width = thinWidth
			part.panel.Add(curve{x, roots(mean), style})
		}
	}
	if !shown {
		return nil, nil, nil
	}
	for _, p := range []*plot.Plot{signed, size} {
		p.Y.Tick.Marker = plot.TickerFunc(rootTicks)
		fromZero(&p.Y)
	}
	signed.X.Min, signed.X.Max, size.X.Min, size.X.Max = -record.SigmaReach, record.SigmaReach, 0, record.SigmaReach
	return signed, size, table
}

// withSpread returns the run with the metric sigma_log_spread where its rows have what it is made of.
func withSpread(run record.Run) record.Run {
	run.Rows = record.With(run.Rows, "sigma_log_spread", func(row record.Entry) (float64, bool) {
		logvar, ok := row.Value("logvar")
		sigma2, too := row.Value("sigma2")
		return logvar - math.Log(sigma2), ok && too
	})
	return run
}
