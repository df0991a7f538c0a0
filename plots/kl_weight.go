package plots

import (
	"errors"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-weight", KLWeight{}) }

// KLWeight shows the weight of the KL term and the KL against the training step, with the targets of methods that steer.
//
// The KL is that of the training batches, in nats per example and not weighted. Panels share
// the steps, where the paper has one with two y axes, whose crossings mean nothing. If a method steers the
// reconstruction to a target (geco), a third panel has both.
//
// Source: Bowman et al. 2016, "Generating sentences from a continuous space", figure 2 (arXiv 1511.06349).
type KLWeight struct{}

// Draw implements Figure.
func (KLWeight) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, notes, err := withMetric("kl-weight", all, "train", "kl_weight")
	if err != nil {
		return nil, err
	}
	groups, more := sampled(groups)
	common, moves := commonWeight(groups)
	steered := func(metric string) bool {
		return slices.ContainsFunc(groups, func(g record.Group) bool { return len(targets(g, metric).X) > 0 })
	}
	if !moves && !steered("kl") && !steered("rec") {
		return nil, errors.New("kl-weight: the KL weight of every trial is constant; set kl.schedule and kl.warm_up, or use the figure kl-curve for the KL")
	}
	upper, lower := newPanel("", "KL weight"), newPanel("", "KL (nats per example)")
	pg := page{height: 3.6 * vg.Inch, table: [][]string{{"group", "metric", "split", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	weights := upper
	if len(common.X) > 0 { // their lines would cover each other; they are in the table only
		common.LineStyle, weights = neutral, newPanel("", "")
		upper.Add(common)
		pg.legend = []entry{{label: "KL weight of all", line: neutral}}
	}
	pg.table = append(pg.table, stepCurves(weights, groups, styles, "train", "kl_weight", counts)...)
	pg.table = append(pg.table, stepCurves(lower, groups, styles, "train", "kl", counts)...)
	pg.table = append(pg.table, aimCurves(lower, groups, styles, "kl")...)
	rows := [][]*plot.Plot{{upper}, {lower}}
	about := "Training batches, means since the row before. Above: the factor of the KL in the loss. Below: KL(q(z|x) || p(z)), not weighted, nats per example."
	if steered("rec") {
		third := newPanel("", "rec (nats per example)")
		var own []record.Group
		var ownStyles []draw.LineStyle
		for i, g := range groups {
			if len(targets(g, "rec").X) > 0 {
				own, ownStyles = append(own, g), append(ownStyles, styles[i])
			}
		}
		pg.table = append(pg.table, stepCurves(third, own, ownStyles, "train", "rec", counts)...)
		pg.table = append(pg.table, aimCurves(third, own, ownStyles, "rec")...)
		pad(&third.Y)
		rows, pg.height = append(rows, []*plot.Plot{third}), 5.2*vg.Inch
		about = "Training batches, means since the row before. Above: the factor of the KL in the loss. Middle: KL(q(z|x) || p(z)), not weighted. Below: rec, −ln p(x|z), of the methods that steer it. Both in nats per example."
	}
	phased := false
	for i, g := range groups {
		pg.legend = append(pg.legend, entry{label: g.Label, line: styles[i]})
		if ends := phaseEnds(g); len(ends) > 0 {
			phased = true
			for _, row := range rows[:2] {
				row[0].Add(endings(ends, styles[i]))
			}
		}
	}
	last := 0.0
	for _, row := range rows {
		stepAxis(row[0])
		last = max(last, row[0].X.Max)
	}
	fromZero(&upper.Y)
	fromZero(&lower.Y)
	for i, row := range rows {
		row[0].X.Max = last
		if i < len(rows)-1 {
			row[0].X.Tick.Marker = unlabelled(row[0].X.Tick.Marker)
		} else {
			row[0].X.Label.Text = "training step"
		}
	}
	pg.body = panels(rows)
	pg.caption = []string{about, seedsNote(counts)}
	if steered("kl") || steered("rec") {
		pg.legend, pg.caption = append(pg.legend, aimEntry), append(pg.caption, aimNote)
	}
	if phased {
		pg.legend, pg.caption = append(pg.legend, phaseEntry), append(pg.caption, phaseNote)
	}
	pg.caption = append(append(append(pg.caption, more...), notes...), doubts(set, all)...)
	return pg.drawing(), nil
}

// commonWeight is the KL weight against the step if all of several groups have the same wherever
// they have one, and else has no points. moves tells whether any group's changes at all.
func commonWeight(groups []record.Group) (common curve, moves bool) {
	at := map[float64]float64{}
	alike := len(groups) > 1
	for _, g := range groups {
		w := seriesOf(g.Runs, "train", "kl_weight")
		_, _, least, most := rangeOf(w.X, w.Mean)
		moves = moves || least < most
		for i, step := range w.X {
			before, ok := at[step]
			if math.IsNaN(w.Mean[i]) {
				continue
			}
			alike = alike && (!ok || before == w.Mean[i])
			at[step] = w.Mean[i]
		}
	}
	if alike {
		for _, step := range slices.Sorted(maps.Keys(at)) {
			common.X, common.Y = append(common.X, step), append(common.Y, at[step])
		}
	}
	return common, moves
}
