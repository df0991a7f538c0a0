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
	pg := page{table: [][]string{{"group", "metric", "split", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	with := func(metric, label string, groups []record.Group, styles []draw.LineStyle) overlay {
		shown, table := stepCurves(newPanel("training step", label), groups, styles, "train", metric, counts)
		pg.table = append(append(pg.table, table...), aimCurves(shown, groups, styles, metric)...)
		return shown
	}
	weight, kl := with("kl_weight", "KL weight", groups, styles), with("kl", "KL (nats)", groups, styles)
	if len(common.X) > 0 { // their lines would cover each other; they are in the table only
		common.LineStyle = neutral
		weight.layers, weight.common = nil, []plot.Plotter{common}
		pg.legend = []entry{{label: "KL weight of all", line: neutral}}
	}
	phased := false
	for i, g := range groups {
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: styles[i]})
		if ends := phaseEnds(g); len(ends) > 0 {
			phased = true
			for _, shown := range []overlay{weight, kl} {
				shown.of(g.Label, func(l *layer) { l.over = append(l.over, endings(ends, styles[i])) })
			}
		}
	}
	shown := []overlay{weight, kl}
	about := "Training batches, means since the row before. Above: the factor of the KL in the loss. Below: KL(q(z|x) || p(z)), not weighted, nats per example."
	if steered("rec") {
		var own []record.Group
		var ownStyles []draw.LineStyle
		for i, g := range groups {
			if len(targets(g, "rec").X) > 0 {
				own, ownStyles = append(own, g), append(ownStyles, styles[i])
			}
		}
		shown = append(shown, with("rec", "rec (nats)", own, ownStyles))
		about = "Training batches, means since the row before. Above: the factor of the KL in the loss. Middle: KL(q(z|x) || p(z)), not weighted. Below: rec, −ln p(x|z), of the methods that steer it. Both in nats per example."
	}
	last := 0.0
	for i, o := range shown {
		p := o.spread()
		stepAxis(p)
		last = max(last, p.X.Max)
		if i < 2 {
			fromZero(&p.Y)
		} else {
			pad(&p.Y)
		}
	}
	for _, o := range shown {
		o.panel.X.Max = last
	}
	pg.stack(1.05*vg.Inch, shown...)
	pg.finding = weightFinding(groups)
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

// weightFinding says where the KL ends, and at which weight.
func weightFinding(groups []record.Group) string {
	kl, end := atEnd(groups, "train", "kl")
	weights, _ := atEnd(groups, "train", "kl_weight")
	aims, _ := atEnd(groups, "train", "kl_target")
	for i, s := range kl {
		kl[i].note = sentence(" (weight %s, target %s)", meanOfGroup(weights, s.label), meanOfGroup(aims, s.label))
		if kl[i].note == "" {
			kl[i].note = sentence(" (weight %s)", meanOfGroup(weights, s.label))
		}
	}
	return sentence("%s the KL %s.", end.when(), spread(kl, " nats"))
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
