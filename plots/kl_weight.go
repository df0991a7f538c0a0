package plots

import (
	"errors"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-weight", KLWeight{}) }

// KLWeight shows the weight of the KL term and the KL against the training step.
//
// The KL is that of the training batches, in nats per example and not weighted. Two panels share
// the steps, where the paper has one with two y axes, whose crossings mean nothing.
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
	upper, lower := newPanel("", "KL weight"), newPanel("training step", "KL (nats per example)")
	pg := page{body: panels([][]*plot.Plot{{upper}, {lower}}), height: 3.6 * vg.Inch,
		table: [][]string{{"group", "metric", "split", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	common, moves := commonWeight(groups)
	if !moves {
		return nil, errors.New("kl-weight: the KL weight of every trial is constant; set kl.schedule and kl.warm_up, or use the figure kl-curve for the KL")
	}
	weights := upper
	if len(common.X) > 0 { // their lines would cover each other; they are in the table only
		common.LineStyle, weights = neutral, newPanel("", "")
		upper.Add(common)
		pg.legend = []entry{{label: "KL weight of all", line: neutral}}
	}
	pg.table = append(pg.table, stepCurves(weights, groups, styles, "train", "kl_weight", counts)...)
	pg.table = append(pg.table, stepCurves(lower, groups, styles, "train", "kl", counts)...)
	for i, g := range groups {
		pg.legend = append(pg.legend, entry{label: g.Label, line: styles[i]})
	}
	for _, p := range []*plot.Plot{upper, lower} {
		stepAxis(p)
		fromZero(&p.Y)
	}
	upper.X.Max = max(upper.X.Max, lower.X.Max)
	lower.X.Max = upper.X.Max
	upper.X.Tick.Marker = unlabelled(upper.X.Tick.Marker)
	pg.caption = []string{"Training batches, means since the row before. Above: the factor of the KL in the loss. Below: KL(q(z|x) || p(z)), not weighted, nats per example.", seedsNote(counts)}
	pg.caption = append(append(pg.caption, notes...), doubts(set, all)...)
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
