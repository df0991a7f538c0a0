package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-curve", KLCurve{}) }

// KLCurve shows the KL of the training batches against the step, with each method's floor.
//
// The floor is the method's lower bound of a batch's KL under batch statistics, up to eps; the caption
// counts the trials that are below. The KL is in nats per example. Its axis is square-root scaled, so that a collapse to 0
// and a method that stays at 20 nats can both be read.
//
// What the loss charges, the penalty, is drawn too where it is not the KL, and so is the target of a method that
// steers the KL. A vertical line is where the first phase of a regime ends.
type KLCurve struct{}

// Draw implements Figure.
func (KLCurve) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, note, err := withMetric("kl-curve", all, "train", "kl")
	if err != nil {
		return nil, err
	}
	groups, more := sampled(groups)
	p := newPanel("training step", "KL (nats per example, √ scale)")
	pg := page{body: panels([][]*plot.Plot{{p}}), height: 3.1 * vg.Inch,
		table: [][]string{{"group", "step", "kl_mean", "kl_min", "kl_max", "floor", "seeds", "penalty", "target"}}}
	counts := map[string]int{}
	equal := map[string]int{} // floors seen at a height
	var curves, floors, bands, charges, aims, ends []plot.Plotter
	for i, style := range groupStyles(groups) {
		g := groups[i]
		s := seriesOf(g.Runs, "train", "kl")
		counts[g.Label] = s.N
		curves = append(curves, curve{s.X, roots(s.Mean), style})
		if s.N > 1 {
			bands = append(bands, band{s.X, roots(s.Lo), roots(s.Hi), fade(style.Color, 0.2)})
		}
		pg.legend = append(pg.legend, entry{label: g.Label, line: style})

		f := seriesOf(g.Runs, "train", "floor")
		if hasFloor(f.Mean) {
			height := num(f.Mean[len(f.Mean)-1])
			floors = append(floors, curve{f.X, roots(f.Mean), thin(style, equal[height])})
			equal[height]++
		}
		penalty, target := seriesOf(g.Runs, "train", "penalty"), targets(g, "kl")
		if differ(s, penalty) {
			charges = append(charges, curve{penalty.X, roots(penalty.Mean), charge(style)})
		} else {
			penalty = series{}
		}
		if len(target.X) > 0 {
			aims = append(aims, curve{target.X, roots(target.Mean), aim(style)})
		}
		if at := phaseEnds(g); len(at) > 0 {
			ends = append(ends, endings(at, style))
		}
		for j, step := range s.X {
			pg.table = append(pg.table, []string{g.Label, num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(f.at(step)), num(float64(s.N)), num(penalty.at(step)), num(target.at(step))})
		}
	}
	for _, column := range []struct {
		there bool
		at    int
	}{{len(aims) > 0, 8}, {len(charges) > 0, 7}} {
		if !column.there {
			for j, row := range pg.table {
				pg.table[j] = slices.Delete(row, column.at, column.at+1)
			}
		}
	}
	p.Add(bands...)
	p.Add(floors...)
	p.Add(aims...)
	p.Add(curves...)
	p.Add(ends...)
	top := reach * p.Y.Max
	p.Add(charges...)
	cut := p.Y.Max > top
	p.Y.Max = min(p.Y.Max, top)
	stepAxis(p)
	fromZero(&p.Y)
	p.Y.Tick.Marker = plot.TickerFunc(rootTicks)

	pg.caption = []string{"Training KL(q(z|x) || p(z)), nats per example, averaged over the batches since the previous row.", seedsNote(counts)}
	if len(floors) > 0 {
		pg.legend = append(pg.legend, entry{label: "floor", line: thin(neutral, 0)})
		pg.caption = append(append(pg.caption, floorLine), floorNotes(groups, "train", false)...)
	}
	if len(charges) > 0 {
		pg.legend = append(pg.legend, entry{label: "penalty, if not the KL", line: charge(neutral)})
		pg.caption = append(pg.caption, "Dotted, in the colour of the line: the penalty, which the loss charges instead of the KL, before its weight.")
		if cut {
			pg.caption = append(pg.caption, "Penalties far above all KLs are cut off.")
		}
	}
	if len(aims) > 0 {
		pg.legend, pg.caption = append(pg.legend, aimEntry), append(pg.caption, aimNote)
	}
	if len(ends) > 0 {
		pg.legend, pg.caption = append(pg.legend, phaseEntry), append(pg.caption, phaseNote)
	}
	pg.caption = append(append(append(pg.caption, more...), note...), doubts(set, all)...)
	return pg.drawing(), nil
}

// reach is how far above the rest of the figure penalties are drawn, on its axis of roots.
const reach = 1.4

// charge is the line of the penalty of what is drawn in a style.
func charge(s draw.LineStyle) draw.LineStyle {
	return draw.LineStyle{Color: s.Color, Width: curveWidth, Dashes: []vg.Length{1.4, 2.2}}
}

// differ tells whether the penalty, where there is one, is another number than the KL, beyond rounding.
func differ(kl, penalty series) bool {
	return slices.ContainsFunc(kl.X, func(step float64) bool {
		rate, charged := kl.at(step), penalty.at(step)
		return math.Abs(charged-rate) > 1e-3*max(1, math.Abs(rate)) // NaN is not
	})
}
