package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("sweep", Sweep{}) }

// Sweep shows KL, mutual information and gap at the end of training against the swept setting of each method.
//
// There is one row of panels per knob (gamma, tau). Groups without a knob, such as vanilla,
// are horizontal lines.
type Sweep struct{}

// sweepMetrics are the panels of a row.
var sweepMetrics = []struct{ name, label string }{
	{"kl", "KL (nats per example)"},
	{"mi", "I(x; z) (nats)"},
	{"gap", "shuffled-z gap (nats)"},
}

// Draw implements Figure.
func (Sweep) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	groups = slices.DeleteFunc(groups, func(g record.Group) bool { return !measured(g) })
	byKnob, flat := families(groups)
	if len(byKnob) == 0 {
		return nil, fmt.Errorf("sweep: no variant has a setting that varies and is a number; there are: %s", labels(groups))
	}
	pg := page{table: [][]string{{"group", "knob", "x", "metric", "split", "seed", "value"}}}
	splits := map[string][]string{} // split -> metrics
	for _, m := range sweepMetrics {
		split := finalSplit(groups, having(m.name))
		if split == "" {
			return nil, fmt.Errorf("sweep: no valid or test row has the metric %q", m.name)
		}
		splits[split] = append(splits[split], m.name)
	}
	splitOf := func(metric string) string {
		if slices.Contains(splits["test"], metric) {
			return "test"
		}
		return "valid"
	}

	floor, capped := false, false
	var rows [][]*plot.Plot
	for _, knob := range sortedKnobs(byKnob) {
		at := knobValues(byKnob[knob])
		place, label := knobScale(at)
		var row []*plot.Plot
		for _, m := range sweepMetrics {
			p := newPanel(dial(byKnob[knob][0]), m.label)
			split := splitOf(m.name)
			for _, f := range flat {
				values := finals(f.groups[0], split, m.name)
				mean, _, _ := record.Range(numbers(values))
				p.Add(level{mean, f.style})
				pg.table = append(pg.table, finalRows(f.label, "", "", m.name, split, values)...)
			}
			for i, f := range byKnob[knob] {
				line := curve{LineStyle: f.style}
				below := curve{LineStyle: thin(f.style, i)}
				seeds := dots{GlyphStyle: draw.GlyphStyle{Color: fade(f.style.Color, 0.6), Radius: 2, Shape: draw.CircleGlyph{}}}
				for _, g := range f.groups {
					k, _ := g.Knob()
					x := k.Value
					values := finals(g, split, m.name)
					pg.table = append(pg.table, finalRows(f.label, knob.setting, num(x), m.name, split, values)...)
					mean, _, _ := record.Range(numbers(values))
					line.X, line.Y = append(line.X, x), append(line.Y, mean)
					for _, v := range values {
						seeds.X, seeds.Y = append(seeds.X, x), append(seeds.Y, v.value)
					}
					if m.name == "kl" {
						at, floors := floorsOf(g, split)
						mean, _, _ := record.Range(numbers(floors))
						below.X, below.Y = append(below.X, x), append(below.Y, mean)
						pg.table = append(pg.table, finalRows(f.label, knob.setting, num(x), "floor", at, floors)...)
					}
				}
				line.X, below.X, seeds.X = place(line.X), place(below.X), place(seeds.X)
				if hasFloor(below.Y) {
					floor = true
					p.Add(below)
				}
				p.Add(line, seeds)
			}
			ownTicks(&p.X, place(at), label) // the knob's own values, if they are few
			fromZero(&p.Y)
			row = append(row, p)
		}
		rows = append(rows, row)
	}
	for j, m := range sweepMetrics { // all rows have the same y axis
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, row := range rows {
			lo, hi = math.Min(lo, finiteOr(row[j].Y.Min, 0)), math.Max(hi, finiteOr(row[j].Y.Max, 0))
		}
		for _, row := range rows {
			row[j].Y.Min, row[j].Y.Max = lo, hi
			if m.name == "mi" {
				capped = addCaps(row[j], groups, splitOf(m.name)) || capped
			}
		}
	}
	pg.blocks = []block{matrix{rows: rows, height: 2.1 * vg.Inch}}
	for _, f := range flat {
		pg.legend = append(pg.legend, entry{label: f.label, line: f.style})
	}
	for _, knob := range sortedKnobs(byKnob) {
		for _, f := range byKnob[knob] {
			pg.legend = append(pg.legend, entry{label: f.label, line: f.style,
				glyph: draw.GlyphStyle{Color: f.style.Color, Radius: 2, Shape: draw.CircleGlyph{}}})
		}
	}
	for _, split := range []string{"test", "valid"} {
		if len(splits[split]) == len(sweepMetrics) {
			pg.caption = append(pg.caption, splitNames[split]+" split, last row.")
		} else if len(splits[split]) > 0 {
			pg.caption = append(pg.caption, fmt.Sprintf("%s split, last row: %s.", splitNames[split], strings.Join(splits[split], ", ")))
		}
	}
	pg.caption = append(pg.caption, "Dots are seeds, lines go through their means; "+perPoint(groups)+".")
	pg.caption = append(pg.caption, dialNote(allFamilies(byKnob, nil))...)
	if len(flat) > 0 {
		pg.caption = append(pg.caption, "Horizontal dashes: mean of a variant without a swept setting.")
	}
	if floor {
		pg.legend = append(pg.legend, entry{label: "floor", line: thin(neutral, 0)})
		pg.caption = append(append(pg.caption, floorLine), floorNotes(groups, splitOf("kl"), true)...)
	}
	if capped {
		pg.legend = append(pg.legend, capEntry)
	}
	pg.caption = append(pg.caption, useNotes(groups, splitOf("mi"), splitOf("gap"))...)
	pg.caption = append(pg.caption, doubts(set, all)...)
	return pg.drawing(), nil
}

// measured reports whether the group has something to show.
func measured(g record.Group) bool {
	for _, m := range sweepMetrics {
		if len(finals(g, "valid", m.name))+len(finals(g, "test", m.name)) > 0 {
			return true
		}
	}
	return false
}

// knobScale says where the values of a knob, in their order, stand on its axis, and how what stands there is labelled: by
// logarithms if they span three decades, as those of eps do, of which a linear axis would show the largest only.
func knobScale(at []float64) (place func([]float64) []float64, label func(float64) string) {
	if at[0] > 0 && at[len(at)-1] >= 1000*at[0] {
		return logs, unlog
	}
	return func(x []float64) []float64 { return x }, short
}

// knobValues are the values of the knob, in their order.
func knobValues(fs []family) (at []float64) {
	for _, f := range fs {
		for _, g := range f.groups {
			k, _ := g.Knob()
			at = append(at, k.Value)
		}
	}
	slices.Sort(at)
	return at
}
