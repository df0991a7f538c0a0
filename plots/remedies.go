package plots

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("remedies", Remedies{}) }

// Remedies shows all methods of an experiment at one glance: rate, mutual information, gap and likelihood, one row each.
//
// A dot is the median over seeds at the end of training, a whisker its interval. The rows are in the order of the rate, the
// highest on top, so that the other panels show what a method makes of its rate: a method is good whose decoder reads
// what the rate pays for (gap) and whose likelihood does not suffer. The likelihood is the importance-weighted one,
// and the NELBO if some trials lack it. Likelihoods of different data cannot be compared: each data set has rows of
// its own.
//
// If there are more rows than a page has, each method over a dial, the setting that moves its rate, has one: that value of the dial
// whose KL is nearest to the rate at which the figure rank compares the methods, or else to the KL of the baseline.
type Remedies struct{}

// A remedy is a group with its place.
type remedy struct {
	group record.Group
	color color.Color
	data  string
	rate  float64
}

// remedyMetrics are the panels. NELBO is shown if some group lacks the importance-weighted likelihood.
var remedyMetrics = []struct {
	name, label string
	fromZero    bool // the axis shows 0
}{
	{"kl", "KL: the rate", true},
	{"mi", "I(x; z)", true},
	{"gap", "shuffled-z gap", true},
	{"iw_nll", "IW-NLL", false},
	{"nelbo", "NELBO", false},
}

// Draw implements Figure.
func (Remedies) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, having("kl"))
	if split == "" {
		return nil, errors.New("remedies: no valid or test row has the metric \"kl\"")
	}
	var without []string
	groups = slices.DeleteFunc(groups, func(g record.Group) bool {
		lacks := !finite(lastOf(g, split, "kl").median)
		if lacks {
			without = append(without, g.Label)
		}
		return lacks
	})
	if len(groups) == 0 {
		return nil, fmt.Errorf("remedies: in no %s row is the metric \"kl\" finite", split)
	}
	shown, note := nearest(set, groups, split)
	rows, data := ranked(shown, split)
	rows, more := firstOf(rows, mostLines, "groups")
	pg := page{table: [][]string{{"group", "data", "metric", "split", "median", "low", "high", "seeds"}}}
	counts := map[string]int{}
	var panels []*plot.Plot
	vanilla, floor, truth := false, false, false
	for _, m := range remedyMetrics {
		if m.name == "nelbo" && !slices.ContainsFunc(rows, func(r remedy) bool { return len(finals(r.group, split, "iw_nll")) == 0 }) {
			continue // all have the tighter bound
		}
		medians := make([]middle, len(rows))
		var drawn, ends []float64
		for i, r := range rows {
			medians[i] = lastOf(r.group, split, m.name)
			if v := medians[i]; finite(v.median) {
				drawn, ends = append(drawn, v.median), append(ends, v.lo)
			}
		}
		if len(drawn) == 0 {
			continue
		}
		x := rooted(drawn, 0)
		if !m.fromZero {
			x = rooted(drawn, slices.Min(ends))
		}
		p, at := newPanel(m.label+" ("+x.unit()+")", ""), readings{}
		for i, r := range rows {
			v := medians[i]
			if v.n == 0 {
				continue
			}
			at.add(x.place(v.median), x.place(v.lo), x.place(v.hi), float64(i), r.color)
			counts[r.group.Label] = max(counts[r.group.Label], v.n)
			pg.table = append(pg.table, []string{r.group.Label, r.data, m.name, split, num(v.median), num(v.lo), num(v.hi), num(float64(v.n))})
			if m.name == "kl" {
				on, floors := floorsOf(r.group, split)
				if below := middleOf(numbers(floors)); below.median > 0 {
					floor = true
					p.Add(dots{[]float64{x.place(below.median)}, []float64{float64(i)}, floorGlyph})
					pg.table = append(pg.table, []string{r.group.Label, r.data, "floor", on, num(below.median), num(below.lo), num(below.hi), num(float64(len(floors)))})
				}
			}
		}
		if v, ok := vanillaOf(rows, split, m.name); ok && data == 1 {
			vanilla = true
			p.Add(thresholds{[]float64{x.place(v)}, []string{""}, vanillaLine})
		}
		p.Add(at)
		if m.fromZero {
			p.X.Min, p.X.Max = math.Min(0, finiteOr(p.X.Min, 0)), math.Max(0, finiteOr(p.X.Max, 1))
		}
		x.axis(&p.X)
		if v, ok := generatorOf(shown, split, m.name); ok && data == 1 && p.X.Min <= x.place(v) && x.place(v) <= p.X.Max && (v >= x.base || !x.root) {
			truth = true
			p.Add(thresholds{[]float64{x.place(v)}, []string{""}, generatorLine})
		}
		if !x.root {
			p.X.Tick.Marker = plot.TickerFunc(fewTicks)
		}
		panels = append(panels, p)
	}
	var labels []string
	for _, r := range rows {
		labels = append(labels, r.group.Label)
	}
	for _, p := range panels {
		for j := 1; j < len(rows); j++ {
			if rows[j].group.Runs[0].Data != rows[j-1].group.Runs[0].Data {
				p.Add(level{float64(j) - 0.5, draw.LineStyle{Color: ink, Width: 0.6}})
			}
		}
	}
	pg.blocks = []block{namedRows(panels, labels, 0)}
	pg.finding = remediesFinding(rows, split)
	pg.caption = append(note, splitNames[split]+" split, last row, nats per example. The rows are in the order of the rate. "+mediansNote("Dots", "whiskers", counts))
	if vanilla {
		pg.legend = append(pg.legend, entry{label: "vanilla", line: vanillaLine})
	}
	if truth {
		pg.legend = append(pg.legend, entry{label: "the data's generator", line: generatorLine})
	}
	if data > 1 {
		pg.caption = append(pg.caption, "A line divides the rows of different data, whose likelihoods cannot be compared.")
	}
	if floor {
		pg.legend = append(pg.legend, entry{label: "floor", glyph: floorGlyph})
		pg.caption = append(append(pg.caption, "Floor: theoretical lower bound of the KL under batch statistics."), floorNotes(shown, split, true)...)
	}
	pg.caption = append(append(pg.caption, useNotes(shown, split, split)...), withoutNote("a finite KL", without)...)
	pg.caption = append(append(pg.caption, more...), doubts(set, all)...)
	return pg.drawing(), nil
}

// mostRemedies is the most rows if some methods have several: more are too high for a page.
const mostRemedies = 50

// nearest are the groups that have rows: all if a page has room for them, else one of each method. The note says which.
func nearest(set *record.Set, groups []record.Group, split string) (shown []record.Group, note []string) {
	if len(groups) <= mostRemedies {
		return groups, nil
	}
	kept := map[string]bool{} // by label
	sets := byData(allFamilies(families(groups)))
	for _, d := range sets {
		rate, what := oneRate(set, d.families, split)
		away := func(g record.Group) float64 { return math.Abs(lastOf(g, split, "kl").median - rate) }
		n := 0
		for _, f := range d.families {
			n += len(f.groups)
			kept[slices.MinFunc(f.groups, func(a, b record.Group) int { return cmp.Compare(away(a), away(b)) }).Label] = true
		}
		left := n - len(d.families)
		if left == 0 {
			continue
		}
		said := fmt.Sprintf("Of each method's settings the one is shown whose KL is nearest to %s nats, %s; %d of %d settings are left out. The rates still differ; the figure rank compares at one.", short(rate), what, left, n)
		if len(sets) > 1 {
			said = fmt.Sprintf("Data %s: ", d.name) + strings.ToLower(said[:1]) + said[1:]
		}
		note = append(note, said)
	}
	return slices.DeleteFunc(slices.Clone(groups), func(g record.Group) bool { return !kept[g.Label] }), note
}

// oneRate is a rate at which the methods of one data set compare, and what it is: that of most claims, without claims that of the
// figure rank, and where no two methods compare the KL of the baseline.
func oneRate(set *record.Set, fs []family, split string) (rate float64, what string) {
	if _, rate, ok := claimed(set, fs); ok {
		return rate, "the rate at which most claims compare methods"
	}
	fit, _ := fitting(fs, split)
	if _, rate, err := usual(set, fit); err == nil {
		return rate, "a rate that most methods reach"
	}
	base := fs[max(0, slices.IndexFunc(fs, func(f family) bool { return f.groups[0].Variant == "vanilla" }))]
	var rates []float64
	for _, g := range base.groups {
		rates = append(rates, lastOf(g, split, "kl").median)
	}
	return middleOf(rates).median, "that of " + base.label
}

// remediesFinding compares the rates, and says what their gaps are: medians, as the figure shows.
func remediesFinding(rows []remedy, split string) string {
	var groups []record.Group
	for _, r := range rows {
		groups = append(groups, r.group)
	}
	var rates []sample
	for _, g := range groups {
		s := sampleOf(g.Label, numbers(finals(g, split, "kl")))
		s.mean = lastOf(g, split, "kl").median
		if gap := figure(lastOf(g, split, "gap").median, 0); gap != "" && !mixedGaps(groups, split) {
			s.note = " (gap " + gap + ")"
		}
		rates = append(rates, s)
	}
	return sentence("The KL %s.", spread(rates, " nats"))
}

// ranked are the groups data set by data set, those with the highest rate first, and the number of data sets.
func ranked(groups []record.Group, split string) (rows []remedy, data int) {
	place := map[string]int{} // of a data set
	names := colored(groups)
	for i, g := range groups {
		run := g.Runs[0]
		if _, ok := place[run.Data]; !ok {
			place[run.Data] = len(place)
		}
		rows = append(rows, remedy{g, colorOf(names[i]), run.Config["data"], lastOf(g, split, "kl").median})
	}
	slices.SortStableFunc(rows, func(a, b remedy) int {
		return cmp.Or(cmp.Compare(place[a.group.Runs[0].Data], place[b.group.Runs[0].Data]), cmp.Compare(b.rate, a.rate))
	})
	return rows, len(place)
}

// vanillaOf is the median of a metric of the only vanilla group, if there is just one.
func vanillaOf(rows []remedy, split, metric string) (median float64, ok bool) {
	n := 0
	for _, r := range rows {
		if r.group.Variant == "vanilla" {
			median, n = lastOf(r.group, split, metric).median, n+1
		}
	}
	return median, n == 1 && finite(median)
}

var (
	generatorLine = draw.LineStyle{Color: grey, Width: thinWidth, Dashes: []vg.Length{1, 2}}
	floorGlyph    = draw.GlyphStyle{Color: grey, Radius: 4, Shape: stroke{}}
)

// A stroke is a glyph: a short vertical line.
type stroke struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (stroke) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	l, r, b, t := at.X-0.6, at.X+0.6, at.Y-s.Radius, at.Y+s.Radius
	outline := []vg.Point{{X: l, Y: b}, {X: r, Y: b}, {X: r, Y: t}, {X: l, Y: t}}
	c.FillPolygon(s.Color, outline)
}

// readings are dots with whiskers, one a row.
type readings struct {
	X, Lo, Hi, Y []float64
	Colors       []color.Color
}

// add appends one.
func (m *readings) add(x, lo, hi, y float64, c color.Color) {
	m.X, m.Lo, m.Hi, m.Y, m.Colors = append(m.X, x), append(m.Lo, lo), append(m.Hi, hi), append(m.Y, y), append(m.Colors, c)
}

// Plot implements plot.Plotter.
func (m readings) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, part := range finiteParts(m.X, m.Lo, m.Hi, m.Y) {
		for i := part.from; i < part.to; i++ {
			strokeIn(c, draw.LineStyle{Color: m.Colors[i], Width: 1.2}, vg.Point{X: x(m.Lo[i]), Y: y(m.Y[i])}, vg.Point{X: x(m.Hi[i]), Y: y(m.Y[i])})
			glyphIn(c, draw.GlyphStyle{Color: m.Colors[i], Radius: 2.6, Shape: draw.CircleGlyph{}}, vg.Point{X: x(m.X[i]), Y: y(m.Y[i])})
		}
	}
}

// DataRange implements plot.DataRanger.
func (m readings) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, _, ymin, ymax = rangeOf(m.Lo, m.Y)
	_, xmax, _, _ = rangeOf(m.Hi, m.Y)
	return xmin, math.Max(xmin, xmax), ymin, ymax
}
