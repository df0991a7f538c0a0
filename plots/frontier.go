package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

func init() { Figures.Add("frontier", Frontier{}) }

// Frontier shows what a remedy buys: likelihood and gap against the achieved rate, and the rate against the dial that moves it.
//
// A curve is a method. Its points are the values of its dial, the setting that moves its rate, which stand beside them. A point
// is the median over seeds at the end of training; its bars are the intervals in both directions. A method without a dial is a
// single point. At equal rates a lower likelihood bound is better, and a larger gap shows a decoder that uses z more.
//
// The likelihood is the importance-weighted one if more than half of the methods have it, else the NELBO. A method that lacks it
// stands in the other panels only. The caption compares methods at a rate that
// several reach with every seed, on straight lines between a seed's points, and extrapolates nothing. Likelihoods of different
// data cannot be compared: each data set has panels of its own.
type Frontier struct{}

// Draw implements Figure.
func (Frontier) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split, err := withPairs("frontier", all, "kl", "nelbo")
	if err != nil {
		return nil, err
	}
	o := outlook{set: set, split: split, counts: map[string]int{}}
	o.table = [][]string{{"method", "dial", "x", "data", "metric", "split", "kl", "kl_low", "kl_high", "median", "low", "high", "seeds", "converged"}}
	byKnob, flat := families(groups)
	fs := allFamilies(byKnob, flat)
	sets, note := firstOf(byData(fs), mostPanels, "data sets")
	for i, d := range sets {
		finding := o.show(d, len(sets) > 1)
		if len(sets) > 1 {
			finding = sentence("Data %s: %s", name(d.name), finding)
		}
		switch {
		case i == 0:
			o.finding = finding
		case i < mostFindings && finding != "":
			o.caption = append(o.caption, finding)
		}
	}
	o.caption = append(o.caption, fmt.Sprintf("%s split, last row, nats per example. %s", splitNames[split], mediansNote("Points", "bars", o.counts)))
	if o.cut {
		o.caption = append(o.caption, "Bars that leave a panel are cut off; the table has their ends.")
	}
	if len(byKnob) > 0 {
		o.caption = append(o.caption, "A line joins a method's points in the order of its dial, the setting that moves its rate; the dial's values stand at the points where there is room.")
	}
	o.caption = append(append(o.caption, dialNote(fs)...), settledNote(set, groups)...)
	if o.panelled {
		o.caption = append(o.caption, "Each method has panels of its own, in which the others are grey.")
		o.legend = append(o.legend, entry{label: "the other methods", line: ghost})
	}
	if o.hollow {
		o.legend = append(o.legend, entry{label: "not all trials converged", glyph: draw.GlyphStyle{Color: grey, Radius: crossSize, Shape: draw.RingGlyph{}}})
	}
	if o.truth {
		o.legend = append(o.legend, entry{label: "NLL of the data's generator", line: thin(neutral, 0)})
	}
	if gap := record.GapNote(groups, split); gap != "" {
		o.caption = append(o.caption, gap)
	}
	o.caption = append(append(append(o.caption, append(note, o.more...)...), lacking("a finite KL and NELBO", finishedOf(all), groups)...), doubts(set, all)...)
	return o.drawing(), nil
}

// outlook is the page while it grows.
type outlook struct {
	page
	set      *record.Set
	split    string
	counts   map[string]int // seeds, by group
	hollow   bool           // a point of trials that have not converged is drawn
	truth    bool           // the generator's likelihood is drawn
	cut      bool           // a bar leaves its panel
	more     []string       // what there was no room for
	panelled bool           // each method has panels of its own
}

// A gain is a point of a method: the rate that it has and what it gets for it.
type gain struct {
	text        string  // beside the point
	dial        float64 // NaN without one
	rate, value middle
	settled     bool // all of its finished trials have converged
	color       color.Color
}

// gains are the points of a method, in the order of its dial.
func (o *outlook) gains(f family, data, metric string) (gs []gain) {
	for _, g := range f.groups {
		pairs := pairsOf(g, o.split, "kl", metric)
		if len(pairs) == 0 {
			continue
		}
		var rate, value []float64
		for _, p := range pairs {
			rate, value = append(rate, p.x), append(value, p.y)
		}
		open, all, _ := unsettled(o.set, []record.Group{g})
		at := gain{f.label, math.NaN(), middleOf(rate), middleOf(value), open == 0, f.style.Color}
		name, x := knobOf(g)
		if k, ok := g.Knob(); ok && len(f.groups) > 1 {
			at.dial, at.text = k.Value, short(k.Value)
		}
		gs = append(gs, at)
		o.hollow = o.hollow || !at.settled
		o.counts[g.Label] = max(o.counts[g.Label], len(rate))
		o.table = append(o.table, []string{f.label, name, x, data, metric, o.split, num(at.rate.median), num(at.rate.lo), num(at.rate.hi),
			num(at.value.median), num(at.value.lo), num(at.value.hi), fmt.Sprint(len(rate)), fmt.Sprintf("%d of %d", all-open, all)})
	}
	return gs
}

// boundOf is the likelihood of a data set: the importance-weighted one if more than half of the methods have it. lack are
// those of which some group lacks it.
func (o *outlook) boundOf(d dataset) (metric, name string, lack []string) {
	for _, f := range d.families {
		if slices.ContainsFunc(f.groups, func(g record.Group) bool { return len(pairsOf(g, o.split, "kl", "iw_nll")) == 0 }) {
			lack = append(lack, f.label)
		}
	}
	if 2*len(lack) >= len(d.families) {
		return "nelbo", "NELBO", nil
	}
	return "iw_nll", "IW-NLL", lack
}

// show adds the blocks of one data set, and returns a sentence of what they show.
func (o *outlook) show(d dataset, named bool) (finding string) {
	metric, bound, lack := o.boundOf(d)
	o.more = append(o.more, withoutNote("an "+bound, lack)...)
	single := func(f family) bool { return len(f.groups) == 1 }
	curves, more := firstOf(slices.DeleteFunc(slices.Clone(d.families), single), mostMethods, "methods with a dial")
	points, others := firstOf(slices.DeleteFunc(slices.Clone(d.families), func(f family) bool { return !single(f) }), mostLines, "methods without a dial")
	fs := slices.Concat(curves, points)
	o.more = append(append(o.more, more...), others...)
	bounds, gaps := make([][]gain, len(fs)), make([][]gain, len(fs))
	var rates, heights, lowest, uses []float64
	for i, f := range fs {
		if !slices.Contains(lack, f.label) {
			bounds[i] = o.gains(f, d.name, metric)
		}
		gaps[i] = o.gains(f, d.name, "gap")
		for _, g := range bounds[i] {
			rates, heights, lowest = append(rates, g.rate.hi), append(heights, g.value.median), append(lowest, g.value.lo)
		}
		for _, g := range gaps[i] {
			uses = append(uses, g.value.median)
		}
	}
	x, y := rooted(rates, 0), rooted(heights, slices.Min(lowest))
	shown := []overlay{o.against(x, y, bound, fs, bounds)}
	if nll, ok := generatorOf(d.families[0].groups, o.split, metric); ok {
		if p, at := shown[0].panel, y.place(nll); p.Y.Min <= at && at <= p.Y.Max && (nll >= y.base || !y.root) {
			o.truth = true
			shown[0].common = append(shown[0].common, level{at, thin(neutral, 0)})
			p.Add(shown[0].common...)
		}
	}
	if len(uses) > 0 {
		shown = append(shown, o.against(x, rooted(uses, 0), "shuffled-z gap", fs, gaps))
	}
	if named {
		o.blocks = append(o.blocks, title("data: "+printable(d.name)))
	}
	weighed := slices.DeleteFunc(slices.Clone(fs), func(f family) bool { return slices.Contains(lack, f.label) })
	dialled := slices.Clone(bounds)
	for i := range fs {
		if len(dialled[i]) == 0 {
			dialled[i] = gaps[i]
		}
	}
	dials := o.dialPanels(x, fs, dialled)
	if slices.ContainsFunc(shown, func(s overlay) bool { return len(s.layers) > mostOverlaid }) {
		for _, over := range shown {
			o.blocks = append(o.blocks, title(over.panel.Y.Label.Text+" against "+over.panel.X.Label.Text),
				trellis{cells: over.cells(), sharedX: true, sharedY: true, most: mostBeside, height: trellisHeight})
		}
		var cells []headed
		for _, p := range dials {
			for _, cell := range p.cells() {
				cell.second = "over " + p.dial
				cells = append(cells, cell)
			}
		}
		o.blocks = append(o.blocks, title(dials[0].panel.Y.Label.Text+" against the dial"), trellis{cells: cells, sharedY: true, most: mostBeside, height: trellisHeight})
		o.panelled = true
		return o.compare(weighed, metric, bound)
	}
	o.explain(fs)
	if len(dials) == 1 {
		shown, dials = append(shown, dials[0].overlay), nil
	}
	o.blocks = append(o.blocks, matrix{rows: [][]*plot.Plot{together(shown)}, height: frontierHeight, least: frontierWidth})
	var panels []overlay
	for _, p := range dials {
		panels = append(panels, p.overlay)
	}
	if len(panels) > 0 {
		o.overlay(dialHeight, panels...)
	}
	return o.compare(weighed, metric, bound)
}

// mostMethods is the most methods with a dial; each has three small panels of its own if there are many.
const mostMethods = 48

// The sizes of panels; narrower ones stand below each other.
const (
	frontierWidth  = 150
	frontierHeight = 2.6 * vg.Inch
	dialHeight     = 1.8 * vg.Inch
	trellisHeight  = 0.8 * vg.Inch
	mostBeside     = 6
)

// mostNamed is the most methods that the legend names; the points of more have their names beside them.
const mostNamed = 13

// explain adds the methods to the legend.
func (o *outlook) explain(fs []family) {
	for _, f := range fs {
		if len(f.groups) == 1 && len(fs) > mostNamed {
			continue
		}
		e := entry{label: f.label, group: true, glyph: draw.GlyphStyle{Color: f.style.Color, Radius: crossSize, Shape: draw.CircleGlyph{}}}
		if len(f.groups) > 1 {
			e.line = f.style
		}
		if !slices.ContainsFunc(o.legend, func(other entry) bool { return other.label == e.label }) {
			o.legend = append(o.legend, e)
		}
	}
}

// dialless is the layer of many methods without a dial.
const dialless = "without a dial"

// against is the panel of a metric against the rate.
func (o *outlook) against(x, y scale, label string, fs []family, points [][]gain) overlay {
	over := overlay{panel: newPanel("KL: the rate ("+x.unit()+")", label+" ("+y.unit()+")")}
	var rest []gain // of the methods without a dial, if there are many methods
	for i, f := range fs {
		switch {
		case len(points[i]) == 0:
		case len(f.groups) > 1:
			over.layers = append(over.layers, layerOf(f.label, f.style, points[i], x, y, true))
		case len(fs) > mostOverlaid:
			rest = append(rest, points[i]...)
		default:
			over.layers = append(over.layers, layerOf(f.label, f.style, points[i], x, y, false))
		}
	}
	if len(rest) > 0 {
		over.layers = append(over.layers, layerOf(dialless, neutral, rest, x, y, false))
	}
	texts := naming(&over, fs, points, rest, x, y)
	over.spread()
	over.panel.Add(texts)
	var xs, ys []float64
	for _, l := range over.layers {
		xs, ys = append(xs, l.line.X...), append(ys, l.line.Y...)
	}
	o.fenced(&over.panel.X, xs)
	o.fenced(&over.panel.Y, ys)
	x.axis(&over.panel.X)
	y.axis(&over.panel.Y)
	return over
}

// naming are the texts of a panel with all methods: the dials' values, and the names of methods that the legend has no room for.
// If each method gets a panel, the texts are added to its layer instead.
func naming(over *overlay, fs []family, points [][]gain, rest []gain, x, y scale) (texts tags) {
	if len(over.layers) <= mostOverlaid {
		texts.Past = past(over.layers)
		if len(fs) > mostNamed {
			texts.append(namesOf(rest, x, y))
		}
		for i, f := range fs {
			if len(f.groups) > 1 {
				texts.append(namesOf(points[i], x, y))
			}
		}
		return texts
	}
	add := func(label string, own tags) {
		over.of(label, func(l *layer) {
			own.Past = past([]layer{*l})
			l.over = append(l.over, own)
		})
	}
	add(dialless, namesOf(rest, x, y))
	for i, f := range fs {
		if len(f.groups) > 1 {
			add(f.label, namesOf(points[i], x, y))
		}
	}
	return texts
}

// fenced is a range of bars, ended one range of the points beyond the outermost points: a bar may be a thousand times as long.
func (o *outlook) fenced(bars *plot.Axis, points []float64) {
	low, high, _, _ := rangeOf(points, points)
	width := high - low
	if !(width > 0) {
		return
	}
	o.cut = o.cut || bars.Min < low-width || bars.Max > high+width
	bars.Min, bars.Max = math.Max(bars.Min, low-width), math.Min(bars.Max, high+width)
}

// layerOf are a method's points, on a line or apart.
func layerOf(label string, style draw.LineStyle, points []gain, x, y scale, joined bool) layer {
	l := layer{label: label, line: curve{LineStyle: style}}
	at := crosses{}
	for _, g := range points {
		l.line.X, l.line.Y = append(l.line.X, x.place(g.rate.median)), append(l.line.Y, y.place(g.value.median))
		if !joined {
			l.line.X, l.line.Y = append(l.line.X, math.NaN()), append(l.line.Y, math.NaN())
		}
		at.add(g, x, y)
	}
	l.over = []plot.Plotter{at}
	return l
}

// past are the lines and the bars of layers, which no text covers.
func past(layers []layer) (lines []curve) {
	for _, l := range layers {
		lines = append(lines, l.line)
		for _, mark := range l.over {
			if at, ok := mark.(crosses); ok {
				for i := range at.X {
					lines = append(lines, curve{X: []float64{at.Left[i], at.Right[i]}, Y: []float64{at.Y[i], at.Y[i]}},
						curve{X: []float64{at.X[i], at.X[i]}, Y: []float64{at.Low[i], at.High[i]}})
				}
			}
		}
	}
	return lines
}

// namesOf are the texts beside points.
func namesOf(points []gain, x, y scale) (at tags) {
	at.Room = 4
	for _, g := range points {
		at.X, at.Y = append(at.X, x.place(g.rate.median)), append(at.Y, y.place(g.value.median))
		at.Labels, at.Colors = append(at.Labels, printable(g.text)), append(at.Colors, dark(g.color))
	}
	return at
}

// append adds texts.
func (m *tags) append(more tags) {
	m.X, m.Y, m.Labels, m.Colors, m.Room = append(m.X, more.X...), append(m.Y, more.Y...), append(m.Labels, more.Labels...), append(m.Colors, more.Colors...), more.Room
}

// A dialPanel is the rate against a dial, of all methods that have it.
type dialPanel struct {
	overlay
	dial string
}

// dialPanels are those of the methods that have a dial.
func (o *outlook) dialPanels(y scale, fs []family, points [][]gain) (panels []dialPanel) {
	byDial := map[axis][]int{}
	var order []axis
	for i, f := range fs {
		if len(f.groups) == 1 {
			continue
		}
		k, _ := f.groups[0].Knob()
		on := axis{k.Name(), k.Rate}
		if byDial[on] = append(byDial[on], i); len(byDial[on]) == 1 {
			order = append(order, on)
		}
	}
	shared := plot.Axis{Min: math.Inf(1), Max: math.Inf(-1)} // of the rates
	var heights []float64
	for _, on := range order {
		var own []family
		var at []float64
		for _, i := range byDial[on] {
			own = append(own, fs[i])
			for _, g := range points[i] {
				at = append(at, g.dial)
			}
		}
		slices.Sort(at)
		place, text, many := knobScale(at)
		p := dialPanel{overlay{panel: newPanel(dial(own[0]), "KL ("+y.unit()+")")}, dial(own[0])}
		for _, i := range byDial[on] {
			var turned []gain
			for _, g := range points[i] {
				to := place([]float64{g.dial})[0]
				g.rate, g.value = middle{to, to, to, g.rate.n}, g.rate
				turned = append(turned, g)
			}
			p.layers = append(p.layers, layerOf(fs[i].label, fs[i].style, turned, scale{}, y, true))
		}
		p.spread()
		ownTicks(&p.panel.X, place(at), text, many)
		for _, l := range p.layers {
			heights = append(heights, l.line.Y...)
		}
		shared.Min, shared.Max = math.Min(shared.Min, p.panel.Y.Min), math.Max(shared.Max, p.panel.Y.Max)
		panels = append(panels, p)
	}
	o.fenced(&shared, heights)
	for _, p := range panels {
		p.panel.Y.Min, p.panel.Y.Max = shared.Min, shared.Max
		y.axis(&p.panel.Y)
	}
	return panels
}

// compare compares the methods at a rate that most of them reach.
func (o *outlook) compare(fs []family, metric, bound string) string {
	fronts := frontsOf(fs, o.split, metric)
	rate, n := mostReached(fronts, commonRates(fronts))
	if n == 0 {
		return o.alone(fs, metric, bound)
	}
	type reading struct {
		label  string
		bySeed map[int]float64
		mid    middle
	}
	var all []reading
	for _, f := range fronts {
		if f.lo > rate || rate > f.hi {
			continue
		}
		at, _ := f.At(rate) // every seed spans it
		all = append(all, reading{f.label, at, middleOf(slices.Collect(maps.Values(at)))})
	}
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(a.mid.median, b.mid.median) })
	low, high := all[0], all[len(all)-1]
	ends, apartBy := figures(low.mid.median, high.mid.median), ""
	if d := middleOf(stats.PairsOf(high.bySeed, low.bySeed).Differences()); d.n > 0 {
		if apartBy = sentence("; the difference of equal seeds is %s nats", d.text()); d.n > 1 && d.lo <= 0 {
			apartBy += ", which may be chance"
		}
	}
	return sentence("At a KL of %s nats, which %s methods reach with every seed, %s has the lowest %s, %s nats, and %s the highest, %s.",
		figure(rate, 0), fmt.Sprintf("%d of %d", n, len(fs)), name(low.label), bound, ends[0], name(high.label), ends[1]+apartBy)
}

// alone is what can be said if no two methods reach the same rate.
func (o *outlook) alone(fs []family, metric, bound string) string {
	median := func(g record.Group, metric string) string { return figure(lastOf(g, o.split, metric).median, 0) }
	var groups []record.Group
	var curves []family
	for _, f := range fs {
		if groups = append(groups, f.groups...); len(f.groups) > 1 {
			curves = append(curves, f)
		}
	}
	if len(curves) == 1 {
		groups := curves[0].groups
		at := func(g record.Group) string {
			k, _ := g.Knob()
			return record.Letter(k.Name()) + "=" + short(k.Value)
		}
		first, last := groups[0], groups[len(groups)-1]
		best, worst := o.extreme(groups, metric, -1), o.extreme(groups, metric, 1)
		return sentence("%s is the only method with two values of its dial or more. Its KL is %s nats at %s and %s at %s; its %s is lowest at %s, %s nats, and highest at %s, %s.",
			name(curves[0].label), median(first, "kl"), at(first), median(last, "kl"), at(last), bound, at(best), median(best, metric), at(worst), median(worst, metric))
	}
	why := "No two methods reach the same KL with every seed, so that none is compared at equal rates."
	if len(curves) == 0 {
		why = "No method has two values of a setting that moves its rate, so that none is compared at equal rates."
	}
	best, most := o.extreme(groups, metric, -1), o.extreme(groups, "gap", 1)
	gap := sentence("; %s has the largest gap, %s nats, at a KL of %s nats", name(most.Label), median(most, "gap"), median(most, "kl"))
	switch {
	case mixedGaps(groups, o.split):
		gap = ""
	case most.Label == best.Label && gap != "":
		gap = ", and the largest gap, " + median(most, "gap") + " nats"
	}
	return sentence("%s %s has the lowest %s, %s nats, at a KL of %s.", why, name(best.Label), bound, median(best, metric), median(best, "kl")+" nats"+gap)
}

// extreme is the group whose median of a metric is the lowest, or with a sign of 1 the highest.
func (o *outlook) extreme(groups []record.Group, metric string, sign float64) (at record.Group) {
	top := math.Inf(-1)
	for _, g := range groups {
		if m := sign * lastOf(g, o.split, metric).median; m > top {
			at, top = g, m
		}
	}
	return at
}

// add appends a point.
func (m *crosses) add(g gain, x, y scale) {
	m.X, m.Left, m.Right = append(m.X, x.place(g.rate.median)), append(m.Left, x.place(g.rate.lo)), append(m.Right, x.place(g.rate.hi))
	m.Y, m.Low, m.High = append(m.Y, y.place(g.value.median)), append(m.Low, y.place(g.value.lo)), append(m.High, y.place(g.value.hi))
	m.Colors, m.Settled = append(m.Colors, g.color), append(m.Settled, g.settled)
}
