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
	shown := overlay{panel: p}
	pg := page{table: [][]string{{"group", "step", "kl_mean", "kl_min", "kl_max", "floor", "seeds", "penalty", "target"}}}
	counts := map[string]int{}
	equal := map[string]int{} // floors seen at a height
	bounded, charged, aimed, ended := false, false, false, false
	for i, style := range groupStyles(groups) {
		g := groups[i]
		s := seriesOf(g.Runs, "train", "kl")
		counts[g.Label] = s.N
		l := shown.add(g.Label, series{s.X, roots(s.Mean), roots(s.Lo), roots(s.Hi), s.N}, style)
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: style})

		f := seriesOf(g.Runs, "train", "floor")
		if hasFloor(f.Mean) {
			height := num(f.Mean[len(f.Mean)-1])
			l.under = append(l.under, curve{f.X, roots(f.Mean), thin(style, equal[height])})
			equal[height]++
			bounded = true
		}
		penalty, target := seriesOf(g.Runs, "train", "penalty"), targets(g, "kl")
		if differ(s, penalty) {
			l.over = append(l.over, curve{penalty.X, roots(penalty.Mean), charge(style)})
			charged = true
		} else {
			penalty = series{}
		}
		if len(target.X) > 0 {
			l.under = append(l.under, curve{target.X, roots(target.Mean), aim(style)})
			aimed = true
		}
		if at := phaseEnds(g); len(at) > 0 {
			l.over = append(l.over, endings(at, style))
			ended = true
		}
		for j, step := range s.X {
			pg.table = append(pg.table, []string{g.Label, num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(f.at(step)), num(float64(s.N)), num(penalty.at(step)), num(target.at(step))})
		}
	}
	for _, column := range []struct {
		there bool
		at    int
	}{{aimed, 8}, {charged, 7}} {
		if !column.there {
			for j, row := range pg.table {
				pg.table[j] = slices.Delete(row, column.at, column.at+1)
			}
		}
	}
	top := reach * shown.highest()
	shown.spread()
	cut := p.Y.Max > top
	p.Y.Max = min(p.Y.Max, top)
	stepAxis(p)
	fromZero(&p.Y)
	p.Y.Tick.Marker = plot.TickerFunc(rootTicks)
	pg.overlay(3.1*vg.Inch, shown)

	pg.finding = klFinding(groups)
	pg.caption = []string{"Training KL(q(z|x) || p(z)), nats per example, averaged over the batches since the previous row.", seedsNote(counts)}
	if bounded {
		pg.legend = append(pg.legend, entry{label: "floor", line: thin(neutral, 0)})
		pg.caption = append(append(pg.caption, floorLine), floorNotes(groups, "train", false)...)
	}
	if charged {
		pg.legend = append(pg.legend, entry{label: "penalty, if not the KL", line: charge(neutral)})
		pg.caption = append(pg.caption, "Dotted, in the colour of the line: the penalty, which the loss charges instead of the KL, before its weight.")
		if cut {
			pg.caption = append(pg.caption, "Penalties far above all KLs are cut off.")
		}
	}
	if aimed {
		pg.legend, pg.caption = append(pg.legend, aimEntry), append(pg.caption, aimNote)
	}
	if ended {
		pg.legend, pg.caption = append(pg.legend, phaseEntry), append(pg.caption, phaseNote)
	}
	pg.caption = append(append(append(pg.caption, more...), note...), doubts(set, all)...)
	return pg.drawing(), nil
}

// klFinding says where the KL ends, and its floor or else its target.
func klFinding(groups []record.Group) string {
	kl, end := atEnd(groups, "train", "kl")
	aims, _ := atEnd(groups, "train", "kl_target")
	floorsSaid(kl, groups, "train")
	for i, s := range kl {
		if s.note == "" {
			kl[i].note = sentence(" (target %s)", meanOfGroup(aims, s.label))
		}
	}
	return sentence("%s the KL %s.", end.when(), spread(kl, " nats"))
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
