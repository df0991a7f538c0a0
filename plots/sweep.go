package plots

import (
	"fmt"
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

// A family is the groups on one line: they differ in the knob only.
type family struct {
	label  string
	groups []record.Group // by the knob's value; a single one if there is no knob
	style  draw.LineStyle
}

// Draw implements Figure.
func (Sweep) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	groups = slices.DeleteFunc(groups, func(g record.Group) bool { return !measured(g) })
	byKnob, flat := families(groups)
	if len(byKnob) == 0 {
		return nil, fmt.Errorf("sweep: no variant has exactly one setting that varies and is a number; there are: %s", labels(groups))
	}
	pg := page{table: [][]string{{"group", "knob", "x", "metric", "split", "seed", "value"}}}
	splits := map[string][]string{} // split -> metrics
	for _, m := range sweepMetrics {
		split := finalSplit(groups, func(r record.Run, split string) bool {
			_, ok := record.Last(r, split, m.name)
			return ok
		})
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
			p := newPanel(record.Letter(knob), m.label)
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
					_, x, _ := g.Knob()
					values := finals(g, split, m.name)
					pg.table = append(pg.table, finalRows(f.label, knob, num(x), m.name, split, values)...)
					mean, _, _ := record.Range(numbers(values))
					line.X, line.Y = append(line.X, x), append(line.Y, mean)
					for _, v := range values {
						seeds.X, seeds.Y = append(seeds.X, x), append(seeds.Y, v.value)
					}
					if m.name == "kl" {
						at, floors := floorsOf(g, split)
						mean, _, _ := record.Range(numbers(floors))
						below.X, below.Y = append(below.X, x), append(below.Y, mean)
						pg.table = append(pg.table, finalRows(f.label, knob, num(x), "floor", at, floors)...)
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
			if m.name == "mi" {
				capped = addCaps(p, groups, split) || capped
			}
			row = append(row, p)
		}
		rows = append(rows, row)
	}
	pg.body = panels(rows)
	pg.height = vg.Length(0.1+2.05*float64(len(rows))) * vg.Inch
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

// families sorts groups into lines: by knob, in the order of the groups, and the flat ones.
func families(groups []record.Group) (byKnob map[string][]family, flat []family) {
	byKnob = map[string][]family{}
	var lines []*family // in the order in which styles are given out
	for _, g := range groups {
		label, knob := g.Family(), ""
		if name, _, ok := g.Knob(); ok {
			knob = name
		}
		i := slices.IndexFunc(byKnob[knob], func(f family) bool { return f.label == label })
		if i < 0 || knob == "" {
			i = len(byKnob[knob])
			byKnob[knob] = append(byKnob[knob], family{label: label})
		}
		byKnob[knob][i].groups = append(byKnob[knob][i].groups, g)
	}
	flat = byKnob[""]
	delete(byKnob, "")
	for i := range flat {
		lines = append(lines, &flat[i])
	}
	for _, knob := range sortedKnobs(byKnob) {
		for i := range byKnob[knob] {
			lines = append(lines, &byKnob[knob][i])
		}
	}
	giveStyles(lines)
	for i := range flat {
		flat[i].style.Dashes = []vg.Length{5, 3}
	}
	return byKnob, flat
}

// giveStyles gives each family the style of its first group.
func giveStyles(lines []*family) {
	var first []record.Group
	for _, f := range lines {
		first = append(first, f.groups[0])
	}
	for i, style := range groupStyles(first) {
		lines[i].style = style
	}
}

// familiesOver sorts groups into lines that differ in some settings only, by full key, whatever
// else a variant's knob is.
func familiesOver(groups []record.Group, keys ...string) (fs []family) {
	for _, g := range groups {
		label := g.Without(keys...)
		i := slices.IndexFunc(fs, func(f family) bool { return f.label == label })
		if i < 0 {
			i = len(fs)
			fs = append(fs, family{label: label})
		}
		fs[i].groups = append(fs[i].groups, g)
	}
	var lines []*family
	for i := range fs {
		lines = append(lines, &fs[i])
	}
	giveStyles(lines)
	return fs
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

// sortedKnobs returns the knobs in alphabetical order.
func sortedKnobs(byKnob map[string][]family) []string {
	names := map[string]bool{}
	for k := range byKnob {
		names[k] = true
	}
	return sortedKeys(names)
}

// A final is one seed's last value.
type final struct {
	seed  int
	value float64
}

// finals returns the last values of a group's seeds.
func finals(g record.Group, split, metric string) (values []final) {
	for _, run := range g.Runs {
		if v, ok := record.Last(run, split, metric); ok {
			values = append(values, final{run.Seed, v})
		}
	}
	return values
}

// floorsOf returns the last floors of a group, from training rows if the split has none.
func floorsOf(g record.Group, split string) (at string, values []final) {
	if values := finals(g, split, "floor"); len(values) > 0 {
		return split, values
	}
	return "train", finals(g, "train", "floor")
}

// numbers drops the seeds.
func numbers(values []final) (vs []float64) {
	for _, v := range values {
		vs = append(vs, v.value)
	}
	return vs
}

// finalRows are the table's rows for one point: the seeds and their mean.
func finalRows(label, knob, x, metric, split string, values []final) (rows [][]string) {
	for _, v := range values {
		rows = append(rows, []string{label, knob, x, metric, split, fmt.Sprint(v.seed), num(v.value)})
	}
	if len(values) > 0 {
		mean, _, _ := record.Range(numbers(values))
		rows = append(rows, []string{label, knob, x, metric, split, "mean", num(mean)})
	}
	return rows
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
			_, x, _ := g.Knob()
			at = append(at, x)
		}
	}
	slices.Sort(at)
	return at
}

// ownTicks marks an axis at the values that are drawn if they are few, where the labels do not
// touch, and leaves room on both sides.
func ownTicks(a *plot.Axis, at []float64, label func(float64) string) {
	at = slices.Compact(slices.Sorted(slices.Values(at)))
	width := at[len(at)-1] - at[0]
	if width == 0 {
		width = 1
	}
	a.Min, a.Max = at[0]-0.07*width, at[len(at)-1]+0.07*width
	if len(at) > 6 {
		return
	}
	var ticks plot.ConstantTicks
	for i, v := range at {
		if i == 0 || v-ticks[len(ticks)-1].Value > 0.12*width { // labels must not touch
			ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
		}
	}
	a.Tick.Marker = ticks
}

// perPoint says how many seeds stand behind a point.
func perPoint(groups []record.Group) string {
	lo, hi := len(groups[0].Runs), 0
	for _, g := range groups {
		lo, hi = min(lo, len(g.Runs)), max(hi, len(g.Runs))
	}
	if lo == hi {
		return fmt.Sprintf("n = %d per point", hi)
	}
	return fmt.Sprintf("n = %d to %d per point", lo, hi)
}

// labels lists groups for a message.
func labels(groups []record.Group) string {
	var ls []string
	for _, g := range groups {
		ls = append(ls, plain(g.Label))
	}
	if len(ls) == 0 {
		return "no runs"
	}
	return strings.Join(ls, ", ")
}
