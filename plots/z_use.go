package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("z-use", ZUse{}) }

// ZUse shows whether the decoder uses z: mutual information and gap against the training step.
//
// A KL above zero alone does not show it: normalisation bounds it from below by
// construction, whatever the decoder does. The mutual information I(x; z) says how much z tells about x; the gap, by
// how many nats per example the reconstruction gets worse when z is that of another example.
type ZUse struct{}

// Draw implements Figure.
func (ZUse) Draw(set *record.Set) (*Drawing, error) {
	every := set.Groups()
	all, notes := sampled(every)
	pg := page{table: [][]string{{"group", "metric", "step", "mean", "min", "max", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(all)
	told, toldLine := trueMI(all), draw.LineStyle{Color: grey, Width: thinWidth, Dashes: floorDashes}
	var row []overlay
	capped := false
	for _, m := range []struct{ name, label string }{
		{"mi", "mutual information I(x; z) (nats)"},
		{"gap", "shuffled-z gap (nats per example)"},
	} {
		_, note, err := withMetric("z-use", all, "valid", m.name)
		if err != nil {
			return nil, err
		}
		notes = append(notes, note...)
		shown, table := stepCurves(newPanel("training step", m.label), all, styles, "valid", m.name, counts)
		for _, row := range table {
			pg.table = append(pg.table, slices.Delete(row, 2, 3)) // without a split
		}
		if m.name == "mi" {
			for _, nats := range told {
				shown.common = append(shown.common, level{nats, toldLine})
				pg.table = append(pg.table, []string{"generator", m.name, "", num(nats), "", "", ""})
			}
		}
		p := shown.spread()
		stepAxis(p)
		fromZero(&p.Y)
		if m.name == "mi" {
			capped = addCaps(p, all, "valid")
		}
		row = append(row, shown)
	}
	for i, g := range all {
		if counts[g.Label] > 0 {
			pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: styles[i]})
		}
	}
	if len(told) > 0 {
		pg.legend = append(pg.legend, entry{label: "the generator's own z", line: toldLine})
		notes = append(notes, "Dashed: I(x; z) of the data's generator, test split.")
	}
	if capped {
		pg.legend = append(pg.legend, capEntry)
	}
	notes = append(notes, useNotes(all, "valid", "valid")...)
	pg.overlay(2.75*vg.Inch, row...)
	pg.finding = useFinding(all, len(all) == len(every))
	pg.caption = []string{"Validation split. Left: mutual information of x and z under q.",
		"Right: increase of −ln p(x|z) when z is taken from another example (gap); 0 means that the decoder ignores z.", seedsNote(counts)}
	pg.caption = append(append(pg.caption, notes...), doubts(set, every)...)
	return pg.drawing(), nil
}

// useFinding says which decoders use z, by the gap, if all gaps have one definition. Which uses it most is said of all
// groups only.
func useFinding(groups []record.Group, all bool) string {
	gap, end := atEnd(groups, "valid", "gap")
	known, _, most := extremes(gap)
	if mixedGaps(groups, "valid") {
		return ""
	}
	var none, rest []sample
	for _, s := range known {
		switch {
		case s.label == most.label:
			continue
		case math.Max(math.Abs(s.lo), math.Abs(s.hi)) < unused:
			none = append(none, s)
		}
		rest = append(rest, s)
	}
	first := all && len(known) > 1 && len(known) == len(gap) && most.mean >= unused && !slices.ContainsFunc(rest, func(s sample) bool { return !separated(s, most) })
	if !first || len(none) == 0 {
		return sentence("%s the gap %s.", end.when(), spread(gap, " nats"))
	}
	others := sentence("that of %s does", name(none[0].label))
	switch n := len(none); {
	case n == 2:
		others = sentence("those of %s and %s do", name(none[0].label), name(none[1].label))
	case n > 2:
		others = fmt.Sprintf("those of %d of %d groups do", n, len(known))
	}
	return sentence("%s the decoder of %s uses z most (gap %s nats), %s not use it (0.00), %s.", end.when(), name(most.label), figure(most.mean, 0), others, seeds(known))
}

// unused is the gap, in nats, below which a decoder does not use z: it is written as 0.00.
const unused = 0.005

// trueMI are the mutual informations of x and the z of the generators of the groups' data, on the
// test split, each once.
func trueMI(groups []record.Group) (nats []float64) {
	seen := map[string]bool{}
	for _, g := range groups {
		for _, run := range g.Runs {
			if v, ok := record.Last(run, "test", "true_mi"); ok && !seen[run.Data] {
				seen[run.Data] = true
				nats = append(nats, v)
			}
		}
	}
	return nats
}
