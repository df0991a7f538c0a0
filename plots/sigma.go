package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

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
// The histograms below, of sigma with its sign and of |sigma|, are of the last row of the test. What would be empty is left out:
// panels of a share that is 0 in all rows, that of the sign if no sigma is negative, and histograms that no row has. Their bins are 0.05 wide; the axis of shares is square-root scaled, so that a sigma that
// is nearly constant leaves the others to be seen.
type Sigma struct{}

// gaussianLog is E[ln x²] of a standard normal x: -Euler's constant - ln 2.
const gaussianLog = -0.57721566490153286 - math.Ln2

// Draw implements Figure.
func (Sigma) Draw(set *record.Set) (*Drawing, error) {
	groups, more := atMost(mostPanels/2, set.Groups()) // many groups have five panels each
	groups = slices.Clone(groups)
	for i := range groups {
		runs := make([]record.Run, len(groups[i].Runs))
		for j, run := range groups[i].Runs {
			runs[j] = withSpread(run)
		}
		groups[i].Runs = runs
	}
	steps := overSteps{
		figure: "sigma", height: 2.45 * vg.Inch,
		level: "−1.27, a Gaussian around zero",
		about: "σ over examples and latent dimensions. E[ln σ²] − ln E[σ²] is 0 if all σ² are equal; half its distance below 0 is the KL per dimension in excess of that with a constant σ.",
		told:  sigmaFinding,
	}
	var empty []string // labels of panels that are left out
	for _, m := range []struct {
		stepPanel
		mayBeEmpty bool
	}{
		{stepPanel{metric: "sigma_negative", label: "share of σ < 0"}, true},
		{stepPanel{metric: "sigma_small", label: "share of |σ| < 0.05"}, true},
		{stepPanel{metric: "sigma_log_spread", label: "E[ln σ²] − ln E[σ²]", levels: []float64{gaussianLog}}, false},
	} {
		if m.mayBeEmpty && isZero(groups, m.metric) {
			empty = append(empty, m.label)
			continue
		}
		steps.panels = append(steps.panels, m.stepPanel)
	}
	pg, err := steps.page(set, groups)
	if err != nil {
		return nil, err
	}
	if len(empty) > 0 {
		pg.caption = append(pg.caption, "Left out, since it is 0 in all rows: "+strings.Join(empty, "; ")+".")
	}
	pg.caption = append(pg.caption, more...)
	switch signed, size, table := sigmaHistograms(groups); {
	case len(table) == 0:
		pg.caption = append(pg.caption, "No test row has a histogram of σ.")
	default:
		shown := []overlay{signed, size}
		if isZero(groups, "sigma_negative") { // both would be the same
			size.panel.X.Label.Text, size.panel.Y.Label.Text = "σ", signed.panel.Y.Label.Text
			shown = shown[1:]
		}
		pg.overlay(2.2*vg.Inch, shown...)
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

// isZero tells whether a metric is 0 in all rows that have it, and some do.
func isZero(groups []record.Group, metric string) bool {
	found := false
	for _, g := range groups {
		for _, run := range g.Runs {
			for _, row := range run.Rows {
				v, ok := row.Value(metric)
				if !ok {
					continue
				}
				if v != 0 {
					return false
				}
				found = true
			}
		}
	}
	return found
}

// sigmaHistograms are the panels of sigma and |sigma|, and the numbers in them: none if no test row
// has a histogram.
func sigmaHistograms(groups []record.Group) (signed, size overlay, table [][]string) {
	signed, size = overlay{panel: newPanel("σ", "share of all σ"), bins: true}, overlay{panel: newPanel("|σ|", "share of all σ"), bins: true}
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
		for _, part := range []struct {
			panel *overlay
			name  string
			from  float64
			seeds [][]float64
		}{{&signed, "sigma", -record.SigmaReach, seeds}, {&size, "|sigma|", 0, folded}} {
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
			style.Width = thinWidth
			part.panel.add(groups[i].Label, series{x, roots(mean), roots(lo), roots(hi), len(seeds)}, style)
		}
	}
	for _, o := range []overlay{signed, size} {
		p := o.spread()
		p.Y.Tick.Marker = plot.TickerFunc(rootTicks)
		fromZero(&p.Y)
	}
	signed.panel.X.Min, signed.panel.X.Max, size.panel.X.Min, size.panel.X.Max = -record.SigmaReach, record.SigmaReach, 0, record.SigmaReach
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
