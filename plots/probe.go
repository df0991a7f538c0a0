package plots

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("probe", Probe{}) }

// Probe shows the accuracy of a linear classifier of the posterior mean against its number of training labels.
//
// The share of right guesses on the split, against the number of training examples whose labels
// the classifier has seen. Chance is the share of the most frequent class. A mu that hardly varies
// may still tell classes apart, because the probe standardises it.
//
// Source: Zhu et al. 2020, table 3 (arXiv 2004.12585).
type Probe struct{}

// Draw implements Figure.
func (Probe) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, func(r record.Run, split string) bool { return len(probeSizes(r, split)) > 0 })
	if split == "" {
		return nil, errors.New("probe: no valid or test row has a probe, such as probe_100; set train.probe: true, on data with labels")
	}
	p := newPanel("labels", "probe accuracy")
	shown := overlay{panel: p}
	pg := page{table: [][]string{{"group", "split", "labels", "mean", "min", "max", "seeds"}}}
	reference := draw.LineStyle{Color: grey, Width: thinWidth, Dashes: floorDashes}
	counts := map[string]int{}
	var without []string
	var at, chances []float64
	for i, style := range groupStyles(groups) {
		g := groups[i]
		var sizes []int
		for _, run := range g.Runs {
			sizes = append(sizes, probeSizes(run, split)...)
		}
		slices.Sort(sizes)
		var s series
		for _, n := range slices.Compact(sizes) {
			s.add(float64(n), numbers(finals(g, split, fmt.Sprintf("probe_%d", n))))
			pg.table = append(pg.table, []string{g.Label, split, num(float64(n)), num(s.Mean[len(s.X)-1]), num(s.Lo[len(s.X)-1]), num(s.Hi[len(s.X)-1]), num(float64(s.N))})
		}
		if s.N == 0 {
			without = append(without, g.Label)
			continue
		}
		counts[g.Label] = s.N
		s.X = logs(s.X)
		at = append(at, s.X...)
		glyph := draw.GlyphStyle{Color: style.Color, Radius: 2.2, Shape: draw.CircleGlyph{}}
		l := shown.add(g.Label, s, style)
		l.over = append(l.over, dots{s.X, s.Mean, glyph})
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: style, glyph: glyph})
		if values := numbers(finals(g, split, "probe_chance")); len(values) > 0 {
			mean, _, _ := record.Range(values)
			pg.table = append(pg.table, []string{g.Label, split, "chance", num(mean), num(mean), num(mean), num(float64(len(values)))})
			chances = append(chances, mean)
		}
	}
	slices.Sort(chances)
	for _, c := range slices.Compact(chances) {
		shown.common = append(shown.common, level{c, reference})
	}
	shown.spread()
	ownTicks(&p.X, at, unlog, plot.TickerFunc(logTicks))
	pad(&p.Y)
	pg.overlay(3.1*vg.Inch, shown)
	pg.finding = probeFinding(groups, split)
	pg.caption = []string{splitNames[split] + " split, last row: share of the labels that multinomial logistic regression on the standardised posterior mean finds, after so many labels of training examples.", seedsNote(counts)}
	if len(chances) > 0 {
		pg.legend = append(pg.legend, entry{label: "chance", line: reference})
		pg.caption = append(pg.caption, "Chance is the share of the most frequent class.")
	}
	pg.caption = append(append(pg.caption, withoutNote("a probe", without)...), doubts(set, all)...)
	return pg.drawing(), nil
}

// probeFinding compares the accuracies with the largest number of labels that all probes have.
func probeFinding(groups []record.Group, split string) string {
	var common []int
	var with []record.Group
	for _, g := range groups {
		var own []int
		for _, run := range g.Runs {
			own = append(own, probeSizes(run, split)...)
		}
		switch {
		case len(own) == 0:
			continue
		case len(with) == 0:
			common = own
		default:
			common = slices.DeleteFunc(common, func(n int) bool { return !slices.Contains(own, n) })
		}
		with = append(with, g)
	}
	if len(common) == 0 {
		return ""
	}
	labels := slices.Max(common)
	var accuracies []sample
	for _, g := range with {
		s := sampleOf(g.Label, numbers(finals(g, split, fmt.Sprintf("probe_%d", labels))))
		if chance := figure(meanOfLast(g, split, "probe_chance"), 0); chance != "" {
			s.note = " (chance " + chance + ")"
		}
		accuracies = append(accuracies, s)
	}
	return sentence("With %s labels the accuracy of the probe %s.", thousands(labels), spread(accuracies, ""))
}

// probeSizes are the numbers of labels that a run has probes for on a split.
func probeSizes(r record.Run, split string) (sizes []int) {
	for _, row := range r.Rows {
		if row.Split != split {
			continue
		}
		for name := range row.Values() {
			text, ok := strings.CutPrefix(name, "probe_")
			if n, err := strconv.Atoi(text); ok && err == nil {
				sizes = append(sizes, n)
			}
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}
