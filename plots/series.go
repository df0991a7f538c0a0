package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// A series is one metric of one group against the step, or against what a figure's axis shows.
type series struct {
	X, Mean, Lo, Hi []float64
	N               int // seeds
}

// add appends the mean and the range of what the seeds have at x.
func (s *series) add(x float64, values []float64) {
	mean, lo, hi := record.Range(values)
	s.X, s.Mean, s.Lo, s.Hi = append(s.X, x), append(s.Mean, mean), append(s.Lo, lo), append(s.Hi, hi)
	s.N = max(s.N, len(values))
}

// lines are series with their ranges as bands, which lie below all of the lines.
type lines struct{ bands, curves []plot.Plotter }

// add draws one more, with a band if there are several seeds.
func (l *lines) add(s series, style draw.LineStyle) {
	if s.N > 1 {
		l.bands = append(l.bands, band{s.X, s.Lo, s.Hi, fade(style.Color, 0.2)})
	}
	l.curves = append(l.curves, curve{s.X, s.Mean, style})
}

// on puts them into a panel.
func (l lines) on(p *plot.Plot) {
	p.Add(l.bands...)
	p.Add(l.curves...)
}

// seriesOf is record.Series with numbers that can be drawn.
func seriesOf(runs []record.Run, split, metric string) series {
	return drawable(record.Series(runs, split, metric))
}

// drawable is what record.Series returns as numbers that can be drawn.
func drawable(steps []int, mean, lo, hi []float64, n int) series {
	s := series{X: make([]float64, len(steps)), Mean: mean, Lo: lo, Hi: hi, N: n}
	for i, step := range steps {
		s.X[i] = float64(step)
	}
	return s
}

// withMetric returns the groups that have a metric on a split, and a sentence for the
// caption about those that do not. It is an error if none has it.
func withMetric(figure string, groups []record.Group, split, metric string) (with []record.Group, note []string, err error) {
	var without []string
	for _, g := range groups {
		if slices.ContainsFunc(g.Runs, func(r record.Run) bool { return record.Has(r, split, metric) }) {
			with = append(with, g)
		} else {
			without = append(without, g.Label)
		}
	}
	if len(groups) == 0 {
		return nil, nil, fmt.Errorf("%s: no runs to draw", figure)
	}
	if len(with) == 0 {
		return nil, nil, fmt.Errorf("%s: no %s row has the metric %q; there are: %s", figure, split, metric, known(groups, split))
	}
	return with, withoutNote(metric, without), nil
}

// withoutNote is a sentence for the caption about groups that lack something, if there are any.
func withoutNote(what string, labels []string) []string {
	if len(labels) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Without %s: %s.", what, strings.Join(labels, ", "))}
}

// remedies say how a trial gets rows of a split.
var remedies = map[string]string{
	"valid": "; the validation split is evaluated after every train.eval_every epochs: train for as many at least, or lower it",
}

// known lists the metrics that the groups have on a split.
func known(groups []record.Group, split string) string {
	names := map[string]bool{}
	for _, g := range groups {
		for _, run := range g.Runs {
			for _, row := range run.Rows {
				for k := range row.Values {
					if row.Split == split {
						names[k] = true
					}
				}
			}
		}
	}
	if len(names) == 0 {
		return "no " + split + " rows" + remedies[split]
	}
	return strings.Join(sortedKeys(names), ", ")
}

// finishedOf returns the groups without the runs that failed, whose last numbers are not
// final ones.
func finishedOf(groups []record.Group) []record.Group {
	var kept []record.Group
	for _, g := range groups {
		g.Runs = slices.DeleteFunc(slices.Clone(g.Runs), func(r record.Run) bool { return r.State == record.Failed })
		if len(g.Runs) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

// num is a number of a table; what is not finite is empty.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// sortedKeys returns the keys of a set in alphabetical order.
func sortedKeys(set map[string]bool) []string {
	var keys []string
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
