package plots

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("time", Time{}) }

// Time shows CPU seconds per trial and CPU milliseconds per training step.
//
// Both are from the manifests of finished trials and include evaluation. If some of the trials do not know
// their CPU time, all are shown by the wall clock, which includes whatever else the machine did. A trial
// that was interrupted is left out: its manifest knows the last part only.
type Time struct{}

// Draw implements Figure.
func (Time) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	type timed struct {
		label string
		costs []record.Cost
		style draw.LineStyle
	}
	var groups []timed
	pg := page{table: [][]string{{"group", "seed", "cpu_seconds", "seconds", "steps", "cpu_ms_per_step", "ms_per_step", "kernel", "cpu"}}}
	counts := map[string]int{}
	trials, without := 0, 0 // those shown, and those without CPU time
	kernels, models := map[string]bool{}, map[string]bool{}
	styles := groupStyles(all)
	for i, g := range all {
		t := timed{label: g.Label, style: styles[i]}
		for _, run := range g.Runs {
			c, err := run.Cost()
			if err != nil {
				continue
			}
			trials++
			cpu, cpuStep := num(c.CPUSeconds), num(1000*c.CPUSeconds/float64(c.Steps))
			if c.CPUSeconds <= 0 {
				without++
				cpu, cpuStep = "", ""
			}
			t.costs = append(t.costs, c)
			kernels[run.Manifest.Kernel], models[cmp.Or(run.Manifest.CPU, "unknown")] = true, true
			pg.table = append(pg.table, []string{g.Label, fmt.Sprint(run.Seed), cpu, num(c.Seconds), fmt.Sprint(c.Steps),
				cpuStep, num(1000 * c.Seconds / float64(c.Steps)), run.Manifest.Kernel, run.Manifest.CPU})
		}
		if len(t.costs) > 0 {
			groups, counts[g.Label] = append(groups, t), len(t.costs)
		}
	}
	if len(groups) == 0 {
		return nil, errors.New("time: no finished trial has a manifest with its time")
	}
	groups, more := firstOf(groups, mostLines, "groups")
	seconds, clock := func(c record.Cost) float64 { return c.CPUSeconds }, "CPU "
	pg.caption = []string{"CPU time of finished trials that were not interrupted, all threads together, with evaluation."}
	if without > 0 {
		seconds, clock = func(c record.Cost) float64 { return c.Seconds }, "wall-clock "
		pg.caption = []string{fmt.Sprintf("Wall clock of finished trials that were not interrupted, with evaluation, concurrent load included; %d of %d have no CPU time.", without, trials)}
	}
	names := make(plot.ConstantTicks, len(groups))
	deepest := 1
	var steps []sample
	for i, g := range groups {
		lines := foldTo(sans(captionSize), printable(g.label), nameRoom, 3)
		deepest = max(deepest, len(lines))
		names[i] = plot.Tick{Value: float64(i), Label: strings.Join(lines, "\n")}
	}
	var row []*plot.Plot
	logarithmic := 0
	for _, m := range []struct {
		label  string
		of     func(record.Cost) float64
		ofStep bool
	}{
		{clock + "seconds per trial", seconds, false},
		{clock + "ms per step", func(c record.Cost) float64 { return 1000 * seconds(c) / float64(c.Steps) }, true},
	} {
		var all []lying
		for i, g := range groups {
			var values []float64
			for _, c := range g.costs {
				values = append(values, m.of(c))
			}
			if m.ofStep {
				steps = append(steps, sampleOf(g.label, values))
			}
			mean, lo, hi := record.Range(values)
			all = append(all, lying{float64(i), mean, lo, hi, g.style.Color, false})
		}
		p := newPanel(m.label, "")
		if farApart(all) {
			logarithmic++
			p.X.Label.Text += ", log scale"
			p.X.Tick.Marker = plot.TickerFunc(logTicks)
			for i, one := range all {
				at := logs([]float64{one.Mean, one.Lo, one.Hi})
				all[i].Mean, all[i].Lo, all[i].Hi, all[i].Dot = at[0], at[1], at[2], true
			}
		}
		for _, one := range all {
			p.Add(one)
		}
		if all[0].Dot {
			pad(&p.X)
		} else {
			fromZero(&p.X)
		}
		p.Y.Min, p.Y.Max = -0.6, float64(len(groups))-0.4
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
		p.Y.Tick.Marker = names
		p.Y.Tick.Length = 0
		restyle(&p.Y.Tick.Label, sans(captionSize))
		row = append(row, p)
	}
	mark := "Bars"
	if logarithmic > 0 {
		mark = "Bars and dots"
		if logarithmic == len(row) {
			mark = "Dots"
		}
	}
	pg.blocks = []block{matrix{rows: [][]*plot.Plot{row}, left: nameRoom, height: 0.6*vg.Inch + vg.Length(4+captionSize*1.15*float64(deepest))*vg.Length(max(5, len(groups)))}}
	pg.finding = timeFinding(steps, strings.TrimSpace(clock), without == 0 && len(kernels) == 1 && len(models) == 1)
	pg.caption = append(pg.caption, meansNote(mark, "whiskers", counts))
	for _, m := range []struct {
		what string
		seen map[string]bool
	}{{"kernels", kernels}, {"CPU models", models}} {
		if len(m.seen) > 1 {
			pg.caption = append(pg.caption, fmt.Sprintf("The trials ran with different %s: %s.", m.what, strings.Join(slices.Sorted(maps.Keys(m.seen)), ", ")))
		}
	}
	pg.caption = append(append(pg.caption, more...), doubts(set, all)...)
	return pg.drawing(), nil
}

// timeFinding compares the time of a step, in ms. How many times as much one takes is said of CPU time on machines of one kind.
func timeFinding(steps []sample, clock string, comparable bool) string {
	known, low, high := extremes(steps)
	count := seeds(known)
	if ratio := high.mean / low.mean; comparable && len(known) == len(steps) && separated(low, high) && ratio >= 1.1 && low.mean > 0 {
		times := figures(low.mean, high.mean)
		return sentence("A step, with evaluation, takes %s times as much CPU time with %s as with %s (%s and %s ms), %s.", figure(ratio, 0), name(high.label), name(low.label), times[1], times[0], count)
	}
	return sentence("The %s time of a step, with evaluation, %s.", clock, spread(steps, " ms"))
}

// logRatio is how many times the shortest time the longest is from which on an axis shows logarithms.
const logRatio = 30

// farApart tells whether an axis from zero would leave no room for the shortest of some times.
func farApart(times []lying) bool {
	least, most := math.Inf(1), 0.0
	for _, m := range times {
		if finite(m.Mean) {
			least, most = math.Min(least, m.Mean), math.Max(most, m.Mean)
		}
	}
	return least > 0 && most > logRatio*least
}

// lying is a bar that lies at height At, from zero to Mean, with a whisker from Lo to Hi; or a dot, for an axis on which a bar has
// no place to begin.
type lying struct {
	At, Mean, Lo, Hi float64
	Color            color.Color
	Dot              bool
}

// Plot implements plot.Plotter.
func (m lying) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	if !finite(m.Mean) {
		return
	}
	if b, t := y(m.At-0.36), y(m.At+0.36); !m.Dot {
		fillIn(c, m.Color, vg.Point{X: x(0), Y: b}, vg.Point{X: x(m.Mean), Y: b}, vg.Point{X: x(m.Mean), Y: t}, vg.Point{X: x(0), Y: t})
	}
	if m.Lo < m.Hi {
		whiskerIn(c, vg.Point{X: x(m.Lo), Y: y(m.At)}, vg.Point{X: x(m.Hi), Y: y(m.At)})
	}
	if m.Dot {
		glyphIn(c, draw.GlyphStyle{Color: m.Color, Radius: 3.2, Shape: draw.CircleGlyph{}}, vg.Point{X: x(m.Mean), Y: y(m.At)})
	}
}

// DataRange implements plot.DataRanger.
func (m lying) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, _, _, _ = rangeOf([]float64{m.Lo}, []float64{m.At})
	_, xmax, ymin, ymax = rangeOf([]float64{m.Hi}, []float64{m.At})
	if !m.Dot {
		xmin, xmax = 0, math.Max(0, xmax)
	}
	return xmin, xmax, ymin, ymax
}
