package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostOverlaid is the most groups whose lines lie over each other in one panel. More have a panel each, with the lines of the
// others in grey behind their own.
const mostOverlaid = 6

// A layer is what a panel shows of one group.
type layer struct {
	label string
	line  curve
	under []plot.Plotter // bands, floors: below all lines
	over  []plot.Plotter
}

// An overlay is a panel with a layer for each group, over what all share.
type overlay struct {
	panel  *plot.Plot
	common []plot.Plotter
	layers []layer
	bins   bool // the lines are histograms
}

// add puts one more group on, with a band if there are several seeds.
func (o *overlay) add(label string, s series, style draw.LineStyle) *layer {
	l := layer{label: label, line: curve{s.X, s.Mean, style}}
	if s.N > 1 {
		l.under = append(l.under, band{s.X, s.Lo, s.Hi, fade(style.Color, 0.2)})
	}
	o.layers = append(o.layers, l)
	return &o.layers[len(o.layers)-1]
}

// spread puts all marks into the panel, whose axes then have their range; the figure does the rest to them.
func (o *overlay) spread() *plot.Plot {
	o.panel.Add(o.common...)
	for _, l := range o.layers {
		o.panel.Add(l.under...)
	}
	for _, l := range o.layers {
		o.panel.Add(l.line)
	}
	for _, l := range o.layers {
		o.panel.Add(l.over...)
	}
	return o.panel
}

// of changes the layer of a group, if it has one.
func (o overlay) of(label string, change func(l *layer)) {
	for i := range o.layers {
		if o.layers[i].label == label {
			change(&o.layers[i])
		}
	}
}

// highest is the highest number of the lines and of what lies below them.
func (o overlay) highest() float64 {
	top := 0.0
	for _, l := range o.layers {
		for _, mark := range append([]plot.Plotter{l.line}, l.under...) {
			if ranged, ok := mark.(plot.DataRanger); ok {
				_, _, _, high := ranged.DataRange()
				top = max(top, finiteOr(high, 0))
			}
		}
	}
	return top
}

// ghost is the line of another group.
var ghost = draw.LineStyle{Color: color.NRGBA{0xcc, 0xcc, 0xcc, 0xff}, Width: 0.6}

// cells are a panel for each group, with the axes of the common one.
func (o overlay) cells() (cells []headed) {
	for i, own := range o.layers {
		if len(finiteParts(own.line.X, own.line.Y)) == 0 {
			continue
		}
		p := headedPanel(own.label, "")
		for _, a := range []struct{ to, from *plot.Axis }{{&p.X, &o.panel.X}, {&p.Y, &o.panel.Y}} {
			a.to.Min, a.to.Max, a.to.Tick.Marker, a.to.Scale = a.from.Min, a.from.Max, a.from.Tick.Marker, a.from.Scale
		}
		p.Add(o.common...)
		for j, other := range o.layers {
			if j != i {
				p.Add(curve{other.line.X, other.line.Y, ghost})
			}
		}
		own.line.Dashes = nil // alone in its panel
		p.Add(own.under...)
		p.Add(own.line)
		p.Add(own.over...)
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = o.panel.X.Min, o.panel.X.Max, o.panel.Y.Min, o.panel.Y.Max
		cells = append(cells, p)
	}
	return cells
}

// overlay appends panels side by side to the page, or a trellis for each of them if there are too many groups, which then
// need no legend.
func (pg *page) overlay(height vg.Length, panels ...overlay) {
	if !pg.crowded(panels) {
		pg.blocks = append(pg.blocks, matrix{rows: [][]*plot.Plot{together(panels)}, height: height})
	}
}

// stack is overlay with panels one below the other, over one x axis.
func (pg *page) stack(height vg.Length, panels ...overlay) {
	if pg.crowded(panels) {
		return
	}
	var rows [][]*plot.Plot
	for i, p := range together(panels) {
		if i < len(panels)-1 {
			p.X.Label.Text, p.X.Tick.Marker = "", unlabelled(p.X.Tick.Marker)
		}
		rows = append(rows, []*plot.Plot{p})
	}
	pg.blocks = append(pg.blocks, matrix{rows: rows, height: height})
}

// together are the panels with the lines of all groups.
func together(panels []overlay) (row []*plot.Plot) {
	for _, o := range panels {
		o.panel.Add(o.coinciding())
		row = append(row, o.panel)
	}
	return row
}

// crowded appends a trellis for each panel if the lines of some would hide each other, and tells whether they would.
func (pg *page) crowded(panels []overlay) bool {
	if !slices.ContainsFunc(panels, func(o overlay) bool { return len(o.layers) > mostOverlaid }) {
		return false
	}
	for _, o := range panels {
		if len(o.layers) == 0 {
			pg.blocks = append(pg.blocks, single(o.panel, 1.2*vg.Inch))
		} else if cells := o.cells(); len(cells) > 0 {
			pg.blocks = append(pg.blocks, trellis{cells: cells, x: o.panel.X.Label.Text, y: o.panel.Y.Label.Text, sharedX: true, sharedY: true, most: 5, height: 0.85 * vg.Inch})
		}
	}
	const others = "the other groups"
	pg.legend = append(slices.DeleteFunc(pg.legend, func(e entry) bool { return e.group || e.label == others }), entry{label: others, line: ghost})
	return true
}

// coincide is the share of the panel within which two lines cannot be told apart.
const coincide = 0.018

// coinciding are the names of lines that lie on each other, at the lines.
func (o overlay) coinciding() tags {
	m := tags{Room: 4}
	reach := o.panel.Y.Max - o.panel.Y.Min
	named := make([]bool, len(o.layers))
	var labels []string
	for _, l := range o.layers {
		labels = append(labels, l.label)
	}
	_, labels = shared(labels)
	for i, a := range o.layers {
		if named[i] {
			continue
		}
		names, colors := []string{labels[i]}, a.line.Color
		for j := i + 1; j < len(o.layers); j++ {
			if !named[j] && o.alike(a.line, o.layers[j].line, coincide*reach) {
				named[j] = true
				names = append(names, labels[j])
				colors = o.layers[j].line.Color // of the uppermost
			}
		}
		if len(names) < 2 {
			continue
		}
		if parts := finiteParts(a.line.X, a.line.Y); len(parts) > 0 {
			k := parts[0].from + (parts[len(parts)-1].to-parts[0].from)*3/5
			if o.bins { // most are empty
				k = slices.Index(a.line.Y, slices.Max(a.line.Y))
			}
			text := strings.Join(names, ", ")
			if len([]rune(text)) > 40 {
				text = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
			}
			m.X, m.Y, m.Labels, m.Colors = append(m.X, a.line.X[k]), append(m.Y, a.line.Y[k]), append(m.Labels, printable(text)), append(m.Colors, dark(colors))
		}
	}
	return m
}

// alike tells whether two lines lie on each other: at all but a tenth of the places that both have, they are within a distance.
// Bins that are empty in both histograms are no such places: most are.
func (o overlay) alike(a, b curve, within float64) bool {
	both, apart := 0, 0
	for i, x := range a.X {
		j, ok := i, i < len(b.X) && b.X[i] == x // a step of a histogram has two places at one x
		if !ok {
			j, ok = slices.BinarySearch(b.X, x)
		}
		if !ok || !finite(a.Y[i]) || !finite(b.Y[j]) {
			continue
		}
		if o.bins && a.Y[i] == 0 && b.Y[j] == 0 {
			continue
		}
		both++
		if math.Abs(a.Y[i]-b.Y[j]) > within {
			apart++
		}
	}
	return both > 1 && 10*apart <= both
}
