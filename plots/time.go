package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("time", Time{}) }

// Time shows what a method costs: wall-clock seconds of a trial, and milliseconds of a training step.
//
// Both are from the manifests of finished trials, so they include evaluation, and whatever
// else the machine did. A trial that was interrupted is left out: its manifest knows the last part.
type Time struct{}

// Draw implements Figure.
func (Time) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	type timed struct {
		label         string
		seconds, step []float64
		style         draw.LineStyle
	}
	var groups []timed
	pg := page{table: [][]string{{"group", "seed", "seconds", "steps", "ms_per_step", "kernel"}}}
	counts := map[string]int{}
	var kernels []string
	styles := groupStyles(all)
	for i, g := range all {
		t := timed{label: g.Label, style: styles[i]}
		for _, run := range g.Runs {
			seconds, steps, err := run.Took()
			if err != nil {
				continue
			}
			ms := 1000 * seconds / float64(steps)
			t.seconds, t.step = append(t.seconds, seconds), append(t.step, ms)
			kernels = append(kernels, run.Manifest.Kernel)
			pg.table = append(pg.table, []string{g.Label, fmt.Sprint(run.Seed), num(seconds), fmt.Sprint(steps), num(ms), run.Manifest.Kernel})
		}
		if len(t.seconds) > 0 {
			groups, counts[g.Label] = append(groups, t), len(t.seconds)
		}
	}
	if len(groups) == 0 {
		return nil, errors.New("time: no finished trial has a manifest that says how long it took")
	}
	left, right := newPanel("seconds per trial", ""), newPanel("ms per step, with evaluation", "")
	var ticks plot.ConstantTicks
	longest := 0
	for i, g := range groups {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: clip(printable(g.label), 60)})
		longest = max(longest, len([]rune(ticks[i].Label)))
		left.Add(lying{float64(i), g.seconds, g.style.Color})
		right.Add(lying{float64(i), g.step, g.style.Color})
	}
	for _, p := range []*plot.Plot{left, right} {
		fromZero(&p.X)
		p.Y.Min, p.Y.Max = -0.6, float64(len(groups))-0.4
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
		p.Y.Tick.Marker = ticks
		p.Y.Tick.Length = 0
		if longest > 28 { // or they leave no room for the bars
			restyle(&p.Y.Tick.Label, sans(captionSize-1))
		}
	}
	right.Y.Tick.Marker = unlabelled(slices.Clone(ticks))
	pg.body = panels([][]*plot.Plot{{left, right}})
	pg.height = vg.Length(0.62+0.2*float64(max(6, len(groups)))) * vg.Inch
	pg.caption = []string{"Finished trials that were not interrupted: wall clock of the trial, with whatever ran beside it.", barsNote(counts)}
	if slices.Sort(kernels); len(slices.Compact(kernels)) > 1 {
		pg.caption = append(pg.caption, "The trials ran with different kernels: "+strings.Join(slices.Compact(kernels), ", ")+".")
	}
	pg.caption = append(pg.caption, doubts(set, all)...)
	return pg.drawing(), nil
}

// lying is a bar that lies at height At, from zero to the mean of its values, with a whisker
// over their range.
type lying struct {
	At     float64
	Values []float64
	Color  color.Color
}

// Plot implements plot.Plotter.
func (m lying) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	mean, lo, hi := record.Range(m.Values)
	b, t := y(m.At-0.36), y(m.At+0.36)
	c.FillPolygon(m.Color, []vg.Point{{X: x(0), Y: b}, {X: x(mean), Y: b}, {X: x(mean), Y: t}, {X: x(0), Y: t}})
	if len(m.Values) > 1 {
		whisker := draw.LineStyle{Color: grey, Width: 1}
		c.StrokeLine2(whisker, x(lo), y(m.At), x(hi), y(m.At))
	}
}

// DataRange implements plot.DataRanger.
func (m lying) DataRange() (xmin, xmax, ymin, ymax float64) {
	_, _, hi := record.Range(m.Values)
	return 0, math.Max(0, hi), m.At, m.At
}
