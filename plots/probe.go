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
// The share of right guesses on the split, a bar for each group at each number of training examples whose labels
// the classifier has seen. Bars stand on chance, the share of the most frequent class, if all groups have the same, so that
// their height is what mu tells. A mu that hardly varies may still tell classes apart, because the probe standardises it.
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
	groups, more := sampled(groups)
	pg := page{table: [][]string{{"group", "split", "labels", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	var without []string
	var sizes []int
	var chances []float64
	for _, g := range groups {
		for _, run := range g.Runs {
			sizes = append(sizes, probeSizes(run, split)...)
		}
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	var shown []bars
	for i, style := range groupStyles(groups) {
		g := groups[i]
		b := bars{Color: style.Color}
		for _, n := range sizes {
			values := numbers(finals(g, split, fmt.Sprintf("probe_%d", n)))
			mean, lo, hi := record.Range(values)
			b.Mean, b.Lo, b.Hi = append(b.Mean, mean), append(b.Lo, lo), append(b.Hi, hi)
			if len(values) > 0 {
				counts[g.Label] = max(counts[g.Label], len(values))
				pg.table = append(pg.table, []string{g.Label, split, num(float64(n)), num(mean), num(lo), num(hi), num(float64(len(values)))})
			}
		}
		if counts[g.Label] == 0 {
			without = append(without, g.Label)
			continue
		}
		b.Whisker = counts[g.Label] > 1
		shown = append(shown, b)
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: draw.LineStyle{Color: style.Color, Width: 7}})
		if values := numbers(finals(g, split, "probe_chance")); len(values) > 0 {
			mean, _, _ := record.Range(values)
			pg.table = append(pg.table, []string{g.Label, split, "chance", num(mean), num(mean), num(mean), num(float64(len(values)))})
			chances = append(chances, mean)
		}
	}
	slices.Sort(chances)
	chances = slices.Compact(chances)
	p := newPanel("labels", "probe accuracy")
	base := 0.0
	if len(chances) == 1 && finite(chances[0]) {
		base = chances[0]
	}
	for i, b := range shown {
		b.Base, b.Slot, b.Slots = base, i, len(shown)
		p.Add(b)
	}
	reference := draw.LineStyle{Color: ink, Width: thinWidth, Dashes: floorDashes}
	for _, c := range chances {
		p.Add(level{c, reference})
	}
	pad(&p.Y)
	if base == 0 {
		fromZero(&p.Y)
	}
	p.X.Min, p.X.Max = 0.5, float64(len(sizes))+0.5
	var names plot.ConstantTicks
	for i, n := range sizes {
		names = append(names, plot.Tick{Value: float64(i + 1), Label: thousands(n)})
	}
	p.X.Tick.Marker = names
	p.X.Tick.Length = 0
	pg.blocks = []block{single(p, 2.6*vg.Inch)}
	pg.finding = probeFinding(groups, split)
	pg.caption = []string{splitNames[split] + " split, last row: share of the labels that multinomial logistic regression on the standardised posterior mean finds, after so many labels of training examples.", barsNote(counts)}
	if len(chances) > 0 {
		pg.legend = append(pg.legend, entry{label: "chance", line: reference})
		pg.caption = append(pg.caption, "Chance is the share of the most frequent class.")
	}
	if base != 0 {
		pg.caption = append(pg.caption, "Bars stand on it.")
	}
	pg.caption = append(append(append(pg.caption, more...), withoutNote("a probe", without)...), doubts(set, all)...)
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
