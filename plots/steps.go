package plots

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// Curves of a metric against the training step, and the page of a few such panels side by side.

// stepCurves lays each group's mean and range over a panel, counts the seeds, and returns the
// numbers.
func stepCurves(p *plot.Plot, groups []record.Group, styles []draw.LineStyle, split, metric string, counts map[string]int) (shown overlay, table [][]string) {
	shown.panel = p
	for i, g := range groups {
		s := seriesOf(g.Runs, split, metric)
		if s.N == 0 {
			continue
		}
		counts[g.Label] = max(counts[g.Label], s.N)
		shown.add(g.Label, s, styles[i])
		for j, step := range s.X {
			table = append(table, []string{g.Label, metric, split, num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(float64(s.N))})
		}
	}
	return shown, table
}

// targets are a group's targets of a metric against the step, without points if its method has none.
func targets(g record.Group, metric string) series {
	return seriesOf(g.Runs, "train", metric+"_target")
}

// aim is the line of the target of what is drawn in a style.
func aim(s draw.LineStyle) draw.LineStyle {
	return draw.LineStyle{Color: s.Color, Width: thinWidth, Dashes: []vg.Length{9, 3}}
}

// aimCurves adds each group's targets of a metric to its layer and returns the numbers.
func aimCurves(shown overlay, groups []record.Group, styles []draw.LineStyle, metric string) (table [][]string) {
	for i, g := range groups {
		s := targets(g, metric)
		shown.of(g.Label, func(l *layer) { l.over = append(l.over, curve{s.X, s.Mean, aim(styles[i])}) })
		for j, step := range s.X {
			table = append(table, []string{g.Label, metric + "_target", "train", num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(float64(s.N))})
		}
	}
	return table
}

// aimEntry is the legend's of targets, and aimNote the caption's.
var aimEntry = entry{label: "target", line: aim(neutral)}

const aimNote = "Thin long dashes, in the colour of the line: the target that the method steers to."

// phaseEnds are the steps at which the first phase of a regime has ended, one for each run in which it has.
func phaseEnds(g record.Group) (ends []float64) {
	for _, end := range numbers(finals(g, "train", "phase_end")) {
		if finite(end) {
			ends = append(ends, end)
		}
	}
	slices.Sort(ends)
	return ends
}

// endings are vertical lines at phaseEnds, in the colour of the group.
func endings(ends []float64, s draw.LineStyle) thresholds {
	return thresholds{X: ends, Labels: make([]string, len(ends)), LineStyle: draw.LineStyle{Color: fade(s.Color, 0.6), Width: thinWidth, Dashes: []vg.Length{1, 2}}}
}

// phaseEntry is the legend's of endings, and phaseNote the caption's.
var phaseEntry = entry{label: "end of first phase", line: endings(nil, neutral).LineStyle}

const phaseNote = "Vertical dots, one for each seed: where the method's first phase ends, and ordinary training begins."

// overSteps is a figure of a few metrics side by side, against the step.
type overSteps struct {
	figure string
	height vg.Length
	panels []stepPanel
	level  string // legend of the horizontal lines
	about  string // for the caption
	told   func(groups []record.Group, split string) (finding string)
}

// A stepPanel is one metric, and horizontal lines to compare it with.
type stepPanel struct {
	metric, label string
	levels        []float64
}

// draw lays the page out.
func (o overSteps) draw(set *record.Set, groups []record.Group) (*Drawing, error) {
	pg, err := o.page(set, groups)
	if err != nil {
		return nil, err
	}
	return pg.drawing(), nil
}

// page takes the validation split, whose statistics are those of the end, and only if it lacks the
// first metric the training split.
func (o overSteps) page(set *record.Set, groups []record.Group) (page, error) {
	every := groups
	groups, more := sampled(every)
	split := "valid"
	if _, _, err := withMetric(o.figure, groups, split, o.panels[0].metric); err != nil {
		split = "train"
	}
	pg := page{table: [][]string{{"group", "metric", "split", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	reference := draw.LineStyle{Color: grey, Width: thinWidth, Dashes: floorDashes}
	var row []overlay
	var notes []string
	for i, m := range o.panels {
		_, note, err := withMetric(o.figure, groups, split, m.metric)
		if err != nil {
			return page{}, err
		}
		if i == len(o.panels)-1 {
			notes = note
		}
		shown, table := stepCurves(newPanel("training step", m.label), groups, styles, split, m.metric, counts)
		pg.table = append(pg.table, table...)
		for _, y := range m.levels {
			shown.common = append(shown.common, level{y, reference})
		}
		p := shown.spread()
		stepAxis(p)
		if len(o.panels) > 2 {
			p.X.Tick.Marker = plot.TickerFunc(fewStepTicks)
		}
		fromZero(&p.Y)
		row = append(row, shown)
	}
	for i, g := range groups {
		if counts[g.Label] > 0 {
			pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: styles[i]})
		}
	}
	pg.legend = append(pg.legend, entry{label: o.level, line: reference})
	pg.overlay(o.height, row...)
	pg.finding = o.told(groups, split)
	pg.caption = []string{fmt.Sprintf("%s split: %s", splitNames[split], o.about), seedsNote(counts)}
	pg.caption = append(append(append(pg.caption, more...), notes...), doubts(set, every)...)
	return pg, nil
}
