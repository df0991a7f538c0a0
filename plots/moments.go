package plots

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("moments", Moments{}) }

// Moments shows E[mu²], E[sigma²] and their sum, the second moment of q(z), against the training step.
//
// The means are over examples and latent dimensions. If the aggregate q(z) = E_x q(z|x) is the
// prior N(0, I), the sum is 1. The converse is not true.
//
// Source: Su 2020 (kexue.fm/archives/7381), where the sum is what a scaler fixes.
type Moments struct{}

// Draw implements Figure.
func (Moments) Draw(set *record.Set) (*Drawing, error) {
	return overSteps{
		figure: "moments", height: 2.45 * vg.Inch,
		panels: []stepPanel{
			{metric: "mu2", label: "E[μ²]"},
			{metric: "sigma2", label: "E[σ²]"},
			{metric: "moment", label: "E[μ²] + E[σ²]", levels: []float64{1}},
		},
		level: "1, as of the prior",
		about: "second moments of q, means over examples and latent dimensions. The sum is 1 if q(z) is the prior.",
	}.draw(set, set.Groups())
}

// overSteps is a figure of a few metrics side by side, against the step.
type overSteps struct {
	figure string
	height vg.Length
	panels []stepPanel
	level  string // legend of the horizontal lines
	about  string // for the caption
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
	split := "valid"
	if _, _, err := withMetric(o.figure, groups, split, o.panels[0].metric); err != nil {
		split = "train"
	}
	pg := page{height: o.height, table: [][]string{{"group", "metric", "split", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	reference := draw.LineStyle{Color: grey, Width: thinWidth, Dashes: floorDashes}
	var row []*plot.Plot
	var notes []string
	for i, m := range o.panels {
		_, note, err := withMetric(o.figure, groups, split, m.metric)
		if err != nil {
			return page{}, err
		}
		if i == len(o.panels)-1 {
			notes = note
		}
		p := newPanel("training step", m.label)
		for _, y := range m.levels {
			p.Add(level{y, reference})
		}
		pg.table = append(pg.table, stepCurves(p, groups, styles, split, m.metric, counts)...)
		stepAxis(p)
		fromZero(&p.Y)
		row = append(row, p)
	}
	for i, g := range groups {
		if counts[g.Label] > 0 {
			pg.legend = append(pg.legend, entry{label: g.Label, line: styles[i]})
		}
	}
	pg.legend = append(pg.legend, entry{label: o.level, line: reference})
	pg.body = panels([][]*plot.Plot{row})
	pg.caption = []string{fmt.Sprintf("%s split: %s", splitNames[split], o.about), seedsNote(counts)}
	pg.caption = append(append(pg.caption, notes...), doubts(set, groups)...)
	return pg, nil
}

// stepCurves adds each group's mean and range to a panel, counts the seeds, and returns the
// numbers.
func stepCurves(p *plot.Plot, groups []record.Group, styles []draw.LineStyle, split, metric string, counts map[string]int) (table [][]string) {
	var all lines
	for i, g := range groups {
		s := seriesOf(g.Runs, split, metric)
		if s.N == 0 {
			continue
		}
		counts[g.Label] = max(counts[g.Label], s.N)
		all.add(s, styles[i])
		for j, step := range s.X {
			table = append(table, []string{g.Label, metric, split, num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(float64(s.N))})
		}
	}
	all.on(p)
	return table
}
