package plots

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("collapse-curve", CollapseCurve{}) }

// CollapseCurve shows the share of collapsed latent dimensions against the KL threshold eps.
//
// A dimension is (eps, delta)-collapsed if its KL is below eps nats for all but a share delta of the
// examples; delta is 0.01. A method that holds every dimension's KL at c nats goes from 0 to 1 at
// eps = c: a floor moves the curve and tells nothing of what the decoder reads.
//
// Source: Lucas et al. 2019, "Don't blame the ELBO! A linear VAE perspective on posterior collapse"
// (arXiv 1911.02469).
type CollapseCurve struct{}

// Draw implements Figure.
func (CollapseCurve) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, havingVector("collapse"))
	if split == "" {
		return nil, errors.New("collapse-curve: no valid or test row has the vector \"collapse\"; rows of posteriors on a sphere, of flows and of mixture priors have none")
	}
	groups, more := sampled(groups)
	p := newPanel("KL threshold ε (nats, log scale)", "share of dimensions with KL < ε")
	shown := overlay{panel: p}
	pg := page{table: [][]string{{"group", "split", "eps", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	var without []string
	for i, style := range groupStyles(groups) {
		g := groups[i]
		var shares [][]float64
		for _, run := range g.Runs {
			v, ok := record.LastVector(run, split, "collapse")
			if !ok {
				continue
			}
			if len(v) != len(record.CollapseEps) {
				return nil, fmt.Errorf("collapse-curve: %s has %d numbers in the vector \"collapse\", want one for each of %d eps; the rows are of another version", plain(run.ID), len(v), len(record.CollapseEps))
			}
			shares = append(shares, v)
		}
		if len(shares) == 0 {
			without = append(without, g.Label)
			continue
		}
		var s series
		for j, eps := range record.CollapseEps {
			s.add(eps, column(shares, j))
			pg.table = append(pg.table, []string{g.Label, split, num(eps), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(float64(s.N))})
		}
		counts[g.Label] = s.N
		s.X = logs(s.X)
		glyph := draw.GlyphStyle{Color: style.Color, Radius: 1.8, Shape: draw.CircleGlyph{}}
		l := shown.add(g.Label, s, style)
		l.over = append(l.over, dots{s.X, s.Mean, glyph})
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: style, glyph: glyph})
	}
	shown.spread()
	p.X.Tick.Marker = plot.TickerFunc(logTicks)
	pad(&p.X)
	p.Y.Min, p.Y.Max = -0.04, 1.04 // most points are on the edges
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.25, Label: "0.25"}, {Value: 0.5, Label: "0.5"}, {Value: 0.75, Label: "0.75"}, {Value: 1, Label: "1"}}
	pg.overlay(3.1*vg.Inch, shown)
	pg.finding = collapseFinding(groups, split)
	pg.caption = []string{splitNames[split] + " split, last row: share of latent dimensions with KL(q(z_j|x) || p(z_j)) < ε for 99 % of the examples or more.", seedsNote(counts)}
	pg.caption = append(append(append(pg.caption, more...), withoutNote("these shares", without)...), doubts(set, all)...)
	return pg.drawing(), nil
}

// collapseFinding says how many dimensions are collapsed at one threshold.
func collapseFinding(groups []record.Group, split string) string {
	const eps = 0.01
	at := slices.Index(record.CollapseEps[:], eps)
	var samples []sample
	for _, g := range groups {
		var values []float64
		for _, run := range g.Runs {
			if v, ok := record.LastVector(run, split, "collapse"); ok {
				values = append(values, v[at])
			}
		}
		if len(values) > 0 {
			samples = append(samples, sampleOf(g.Label, values))
		}
	}
	return sentence("At ε = %s nats the share of collapsed dimensions %s.", short(eps), spread(samples, ""))
}
