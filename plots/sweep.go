package plots

import (
	"fmt"
	"image/color"
	"maps"
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
// There is one row of panels per knob (gamma, tau), and a metric has one y axis in all rows. A group stands at its value of the
// knob, even if it is the only one of its method. Groups without such a setting, such as vanilla, are horizontal lines.
type Sweep struct{}

// sweepMetrics are the panels of a row.
var sweepMetrics = []struct{ name, label string }{
	{"kl", "KL"},
	{"mi", "I(x; z)"},
	{"gap", "shuffled-z gap"},
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

	floor, capped, levels, beside := false, false, map[string]bool{}, false
	scales := map[string]scale{}
	for _, m := range sweepMetrics {
		scales[m.name] = finalScale(groups, splitOf(m.name), m.name)
	}
	var rows [][]*plot.Plot
	for _, knob := range sortedKnobs(byKnob) {
		standing, lying := knob.standing(byKnob[knob], flat, set.Knobs)
		at := knob.values(standing, set.Knobs)
		place, label, many := knobScale(at)
		aside := asides(standing, func(g record.Group) float64 { x, _ := knob.value(g, set.Knobs); return place([]float64{x})[0] })
		var row []*plot.Plot
		for _, m := range sweepMetrics {
			scale := scales[m.name]
			p := newPanel(dial(byKnob[knob][0]), m.label+" ("+scale.unit()+")")
			split := splitOf(m.name)
			for _, f := range lying {
				values := finals(f.groups[0], split, m.name)
				mean, _, _ := record.Range(numbers(values))
				p.Add(level{scale.place(mean), f.style})
				levels[f.label] = true
				pg.table = append(pg.table, finalRows(f.label, "", "", m.name, split, values)...)
			}
			for i, f := range standing {
				line := curve{LineStyle: f.style}
				below := curve{LineStyle: thin(f.style, i)}
				seeds := dots{GlyphStyle: draw.GlyphStyle{Color: fade(f.style.Color, 0.45), Radius: 1.7, Shape: draw.CircleGlyph{}}}
				for _, g := range f.groups {
					x, _ := knob.value(g, set.Knobs)
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
				if hasFloor(below.Y) && len(below.X) > 1 {
					floor = true
					p.Add(curve{shifted(place(below.X), aside[i]), scale.places(below.Y), below.LineStyle})
				}
				line.X, line.Y, seeds.X, seeds.Y = shifted(place(line.X), aside[i]), scale.places(line.Y), shifted(place(seeds.X), aside[i]), scale.places(seeds.Y)
				beside = beside || aside[i] != 0
				if len(line.X) > 1 {
					p.Add(line)
				}
				p.Add(seeds, dots{line.X, line.Y, meanGlyph(f.style.Color)})
			}
			ownTicks(&p.X, place(at), label, many) // the knob's own values, if they are few
			fromZero(&p.Y)
			if scale.root {
				p.Y.Tick.Marker = plot.TickerFunc(scale.ticks)
			}
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
			if m.name == "mi" && !scales[m.name].root {
				capped = addCaps(row[j], groups, splitOf(m.name)) || capped
			}
		}
	}
	pg.blocks = []block{matrix{rows: rows, height: 2.1 * vg.Inch}}
	for _, f := range allFamilies(byKnob, flat) {
		e := entry{label: f.label}
		if _, varies := f.groups[0].Knob(); varies && len(f.groups) > 1 || levels[f.label] {
			e.line = f.style
		}
		if !levels[f.label] || slices.ContainsFunc(sortedKnobs(byKnob), func(a axis) bool { _, ok := a.value(f.groups[0], set.Knobs); return ok }) {
			e.glyph = meanGlyph(f.style.Color)
		}
		pg.legend = append(pg.legend, e)
	}
	pg.finding = sweepFinding(byKnob, splitOf("kl"))
	for _, split := range []string{"test", "valid"} {
		if len(splits[split]) == len(sweepMetrics) {
			pg.caption = append(pg.caption, splitNames[split]+" split, last row.")
		} else if len(splits[split]) > 0 {
			pg.caption = append(pg.caption, fmt.Sprintf("%s split, last row: %s.", splitNames[split], strings.Join(splits[split], ", ")))
		}
	}
	pg.caption = append(pg.caption, "In nats per example. Small dots are seeds, large ones their means; "+perPoint(groups)+".")
	if beside {
		pg.caption = append(pg.caption, "Methods at equal settings stand side by side.")
	}
	pg.caption = append(pg.caption, dialNote(allFamilies(byKnob, nil))...)
	if len(levels) > 0 {
		pg.caption = append(pg.caption, "Horizontal dashes: mean of a method that does not have the setting.")
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

// sweepFinding says what the KL does with the swept setting.
func sweepFinding(byKnob map[axis][]family, split string) string {
	var lines []swept
	for _, knob := range sortedKnobs(byKnob) {
		for _, f := range byKnob[knob] {
			line := swept{label: f.label, setting: record.Letter(knob.setting)}
			for _, g := range f.groups {
				k, _ := g.Knob()
				s := sampleOf(g.Label, numbers(finals(g, split, "kl")))
				s.note = floorSaid(g, split)
				line.places = append(line.places, sampleAt{k.Value, s})
			}
			lines = append(lines, line)
		}
	}
	return trends("the KL", lines)
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

// value is that of a group on the axis: its own knob's or, if it has none, that of a setting of the same name. Rates are
// those of record.Set.Knobs.
func (a axis) value(g record.Group, rates map[string]string) (x float64, ok bool) {
	if k, ok := g.Knob(); ok {
		return k.Value, axis{k.Name(), k.Rate} == a
	}
	for _, key := range slices.Sorted(maps.Keys(g.Runs[0].Config)) {
		if name := key[strings.LastIndex(key, ".")+1:]; (axis{name, rates[key]}) == a && (strings.HasPrefix(key, "variant.") || key == "kl.beta") {
			x, ok = g.Number(key)
			return x, ok && finite(x)
		}
	}
	return 0, false
}

// standing are the families that stand on the axis: those that vary over it, and single groups that have the setting. The others
// are lying.
func (a axis) standing(varying, flat []family, rates map[string]string) (standing, lying []family) {
	standing = slices.Clone(varying)
	for _, f := range flat {
		if _, ok := a.value(f.groups[0], rates); ok {
			standing = append(standing, f)
		} else {
			lying = append(lying, f)
		}
	}
	return standing, lying
}

// values are those of the families on the axis, in their order.
func (a axis) values(fs []family, rates map[string]string) (at []float64) {
	for _, f := range fs {
		for _, g := range f.groups {
			x, _ := a.value(g, rates)
			at = append(at, x)
		}
	}
	slices.Sort(at)
	return at
}

// asides are how far each family stands aside of its places, so that none covers another: 0 for all if no two of them have a place
// in common.
func asides(fs []family, place func(record.Group) float64) []float64 {
	at := map[float64]int{} // families at a place
	out := make([]float64, len(fs))
	for _, f := range fs {
		for _, g := range f.groups {
			at[place(g)]++
		}
	}
	most := 0
	for _, n := range at {
		most = max(most, n)
	}
	places := slices.Sorted(maps.Keys(at))
	if most < 2 || len(places) < 2 {
		return out
	}
	width := places[len(places)-1] - places[0]
	step := 0.03 * width
	for i, x := range places[1:] {
		step = math.Min(step, 0.6*(x-places[i])/float64(len(fs)))
	}
	for i := range out {
		out[i] = step * (float64(i) - float64(len(out)-1)/2)
	}
	return out
}

// shifted are numbers moved by a distance.
func shifted(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v + by
	}
	return out
}

// meanGlyph is the dot of a mean over seeds.
func meanGlyph(c color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: 2.6, Shape: draw.CircleGlyph{}}
}

// finalScale is the scale of the axis of a metric at the end of training.
func finalScale(groups []record.Group, split, metric string) scale {
	var values []float64
	for _, g := range groups {
		for _, v := range numbers(finals(g, split, metric)) {
			if finite(v) {
				values = append(values, v)
			}
		}
	}
	return rooted(values, 0)
}
