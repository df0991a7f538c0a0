package plots

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The marks that figures put into panels. Unlike gonum/plot's own they take NaN, which
// leaves a gap: a run that diverged is shown as far as it went.

// A curve is a line through points. A point between two gaps is a dot.
type curve struct {
	X, Y []float64
	draw.LineStyle
}

// Plot implements plot.Plotter.
func (m curve) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, part := range finiteParts(m.X, m.Y) {
		var line []vg.Point
		for i := part.from; i < part.to; i++ {
			line = append(line, vg.Point{X: x(m.X[i]), Y: y(m.Y[i])})
		}
		if len(line) == 1 {
			glyphIn(c, draw.GlyphStyle{Color: m.Color, Radius: 1.5 * m.Width, Shape: draw.CircleGlyph{}}, line[0])
			continue
		}
		strokeIn(c, m.LineStyle, line...)
	}
}

// DataRange implements plot.DataRanger.
func (m curve) DataRange() (xmin, xmax, ymin, ymax float64) { return rangeOf(m.X, m.Y) }

// A band fills what lies between two lines; at a point between two gaps it is a bar.
type band struct {
	X, Lo, Hi []float64
	Color     color.Color
}

// Plot implements plot.Plotter.
func (m band) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, part := range finiteParts(m.X, m.Lo, m.Hi) {
		if i := part.from; part.to-i == 1 {
			at := x(m.X[i])
			strokeIn(c, draw.LineStyle{Color: m.Color, Width: 5}, vg.Point{X: at, Y: y(m.Lo[i])}, vg.Point{X: at, Y: y(m.Hi[i])})
			continue
		}
		var outline []vg.Point
		for i := part.from; i < part.to; i++ {
			outline = append(outline, vg.Point{X: x(m.X[i]), Y: y(m.Hi[i])})
		}
		for i := part.to - 1; i >= part.from; i-- {
			outline = append(outline, vg.Point{X: x(m.X[i]), Y: y(m.Lo[i])})
		}
		fillIn(c, m.Color, outline...)
	}
}

// DataRange implements plot.DataRanger.
func (m band) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, _ = rangeOf(m.X, m.Lo)
	_, _, _, ymax = rangeOf(m.X, m.Hi)
	return xmin, xmax, ymin, ymax
}

// dots are glyphs at points; they may stand over the edge of the panel.
type dots struct {
	X, Y []float64
	draw.GlyphStyle
}

// Plot implements plot.Plotter.
func (m dots) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, part := range finiteParts(m.X, m.Y) {
		for i := part.from; i < part.to; i++ {
			glyphIn(c, m.GlyphStyle, vg.Point{X: x(m.X[i]), Y: y(m.Y[i])})
		}
	}
}

// DataRange implements plot.DataRanger.
func (m dots) DataRange() (xmin, xmax, ymin, ymax float64) { return rangeOf(m.X, m.Y) }

// star is a glyph with five points.
type star struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (star) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	var outline []vg.Point
	for k := range 10 {
		r := s.Radius
		if k%2 == 1 {
			r *= 0.45
		}
		angle := math.Pi/2 + math.Pi*float64(k)/5
		outline = append(outline, vg.Point{X: at.X + r*vg.Length(math.Cos(angle)), Y: at.Y + r*vg.Length(math.Sin(angle))})
	}
	c.FillPolygon(s.Color, outline)
}

// A level is a horizontal line over the whole panel.
type level struct {
	Y float64
	draw.LineStyle
}

// Plot implements plot.Plotter.
func (m level) Plot(c draw.Canvas, p *plot.Plot) {
	if _, y := p.Transforms(&c); finite(m.Y) {
		strokeIn(c, m.LineStyle, vg.Point{X: c.Min.X, Y: y(m.Y)}, vg.Point{X: c.Max.X, Y: y(m.Y)})
	}
}

// DataRange implements plot.DataRanger. The level says nothing about x.
func (m level) DataRange() (xmin, xmax, ymin, ymax float64) {
	_, _, ymin, ymax = rangeOf([]float64{0}, []float64{m.Y})
	return math.Inf(1), math.Inf(-1), ymin, ymax
}

// tags are texts beside points. A text takes the first place around its point that lies in the panel and covers no
// other text, no point and none of some lines; if there is none, it is left out.
type tags struct {
	X, Y   []float64
	Labels []string
	Colors []color.Color
	Room   vg.Length // between a point's centre and its text
	Past   []curve   // lines that no text covers
}

// Plot implements plot.Plotter.
func (m tags) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := sans(captionSize)
	style.YAlign = draw.YCenter
	var taken []vg.Rectangle
	around := func(at vg.Point, w, h vg.Length) vg.Rectangle {
		return vg.Rectangle{Min: vg.Point{X: at.X - w, Y: at.Y - h}, Max: vg.Point{X: at.X + w, Y: at.Y + h}}
	}
	for _, part := range finiteParts(m.X, m.Y) {
		for i := part.from; i < part.to; i++ {
			taken = append(taken, around(vg.Point{X: x(m.X[i]), Y: y(m.Y[i])}, m.Room*0.7, m.Room*0.7))
		}
	}
	free := func(r vg.Rectangle) bool {
		return c.Contains(r.Min) && c.Contains(r.Max) && !slices.ContainsFunc(taken, func(o vg.Rectangle) bool {
			return r.Min.X < o.Max.X && o.Min.X < r.Max.X && r.Min.Y < o.Max.Y && o.Min.Y < r.Max.Y
		})
	}
	lines := m.along(c, x, y)
	struck := func(r vg.Rectangle) bool {
		return slices.ContainsFunc(lines, func(at vg.Point) bool {
			return r.Min.X <= at.X && at.X <= r.Max.X && r.Min.Y <= at.Y && at.Y <= r.Max.Y
		})
	}
	for _, part := range finiteParts(m.X, m.Y) {
		for i := part.from; i < part.to; i++ {
			if m.Labels[i] == "" {
				continue
			}
			w, h := style.Width(m.Labels[i])/2, vg.Length(captionSize*0.45)
			for _, side := range []vg.Point{{Y: 1}, {Y: -1}, {X: 1}, {X: -1}, {X: 1, Y: 1}, {X: -1, Y: 1}, {X: 1, Y: -1}, {X: -1, Y: -1}} {
				at := vg.Point{X: x(m.X[i]) + side.X*(w+m.Room), Y: y(m.Y[i]) + side.Y*(h+m.Room)}
				if box := around(at, w, h); free(box) && !struck(box) {
					taken = append(taken, box)
					fillIn(c, color.NRGBA{0xff, 0xff, 0xff, 0xc0}, box.Min, vg.Point{X: box.Max.X, Y: box.Min.Y}, box.Max, vg.Point{X: box.Min.X, Y: box.Max.Y}) // lines may pass below
					style.Color, style.XAlign = m.Colors[i], draw.XCenter
					c.FillText(style, at, m.Labels[i])
					break
				}
			}
		}
	}
}

// along are points on the lines that texts do not cover, close to each other, as far as they lie in the panel.
func (m tags) along(c draw.Canvas, x, y func(float64) vg.Length) (points []vg.Point) {
	const every = 2.0 // points of type
	for _, l := range m.Past {
		for _, part := range finiteParts(l.X, l.Y) {
			var line []vg.Point
			for i := part.from; i < part.to; i++ {
				line = append(line, vg.Point{X: x(l.X[i]), Y: y(l.Y[i])})
			}
			line, _ = near(c, line)
			for _, in := range c.ClipLinesXY(line) {
				for i := range in[1:] {
					step := in[i+1].Sub(in[i])
					n := 1 + int(math.Hypot(float64(step.X), float64(step.Y))/every)
					for k := range n {
						points = append(points, in[i].Add(step.Scale(vg.Length(k)/vg.Length(n))))
					}
				}
			}
		}
	}
	return points
}

// crossSize is the radius of a cross' point.
const crossSize = 2.4

// crosses are points with bars in both directions. Points that are not settled are hollow.
type crosses struct {
	X, Y, Left, Right, Low, High []float64
	Colors                       []color.Color
	Settled                      []bool
}

// Plot implements plot.Plotter.
func (m crosses) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, part := range finiteParts(m.X, m.Y, m.Left, m.Right, m.Low, m.High) {
		for i := part.from; i < part.to; i++ {
			bar := draw.LineStyle{Color: m.Colors[i], Width: thinWidth}
			at := vg.Point{X: x(m.X[i]), Y: y(m.Y[i])}
			strokeIn(c, bar, vg.Point{X: x(m.Left[i]), Y: at.Y}, vg.Point{X: x(m.Right[i]), Y: at.Y})
			strokeIn(c, bar, vg.Point{X: at.X, Y: y(m.Low[i])}, vg.Point{X: at.X, Y: y(m.High[i])})
			glyphIn(c, draw.GlyphStyle{Color: m.Colors[i], Radius: crossSize, Shape: draw.CircleGlyph{}}, at)
			if !m.Settled[i] {
				glyphIn(c, draw.GlyphStyle{Color: color.White, Radius: crossSize - 0.9, Shape: draw.CircleGlyph{}}, at)
			}
		}
	}
}

// DataRange implements plot.DataRanger.
func (m crosses) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, _, ymin, _ = rangeOf(m.Left, m.Low)
	_, xmax, _, ymax = rangeOf(m.Right, m.High)
	return xmin, xmax, ymin, ymax
}

// thresholds are vertical lines over the whole panel, with a number above each that does not touch
// the one before; the plot's title has to make room for them.
type thresholds struct {
	X      []float64 // ascending
	Labels []string
	draw.LineStyle
}

// Plot implements plot.Plotter.
func (m thresholds) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	style := sans(captionSize)
	style.Color, style.XAlign, style.YAlign = grey, draw.XCenter, draw.YBottom
	end := vg.Length(math.Inf(-1))
	for i, v := range m.X {
		at := x(v)
		if !c.ContainsX(at) {
			continue
		}
		strokeIn(c, m.LineStyle, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
		if half := style.Width(m.Labels[i]) / 2; at-half > end+4 {
			c.FillText(style, vg.Point{X: at, Y: c.Max.Y + 3}, m.Labels[i])
			end = at + half
		}
	}
}

// whiskerIn draws the range of a bar: a dark line with white sides, which can be seen on a bar of any colour and on paper. Its ends
// are across.
func whiskerIn(c draw.Canvas, from, to vg.Point) {
	across := vg.Point{X: 2, Y: 0}
	if from.Y == to.Y {
		across = vg.Point{X: 0, Y: 2}
	}
	for _, style := range []draw.LineStyle{{Color: color.White, Width: 2.4}, {Color: ink, Width: 0.9}} {
		strokeIn(c, style, from, to)
		for _, end := range []vg.Point{from, to} {
			strokeIn(c, style, end.Sub(across), end.Add(across))
		}
	}
}

// bars stand at 1, 2, ... from Base to Mean, with a whisker from Lo to Hi. Slots bars of equal width stand side by side at each, of
// which these are in the Slot; 0 Slots are one.
type bars struct {
	Mean, Lo, Hi []float64
	Color        color.Color
	Whisker      bool
	Base         float64
	Slot, Slots  int
}

// Plot implements plot.Plotter.
func (m bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, v := range m.Mean {
		if !finite(v) {
			continue
		}
		half := 0.4 / float64(max(1, m.Slots))
		at := float64(i+1) + half*float64(2*m.Slot+1-max(1, m.Slots))
		l, r := x(at-half), x(at+half)
		fillIn(c, m.Color, vg.Point{X: l, Y: y(m.Base)}, vg.Point{X: r, Y: y(m.Base)}, vg.Point{X: r, Y: y(v)}, vg.Point{X: l, Y: y(v)})
		switch lo, hi := (vg.Point{X: x(at), Y: y(m.Lo[i])}), (vg.Point{X: x(at), Y: y(m.Hi[i])}); {
		case m.Whisker && r-l > 5:
			whiskerIn(c, lo, hi)
		case m.Whisker: // white sides would hide the bar
			strokeIn(c, draw.LineStyle{Color: ink, Width: 0.6}, lo, hi)
		}
	}
}

// DataRange implements plot.DataRanger.
func (m bars) DataRange() (xmin, xmax, ymin, ymax float64) {
	_, _, ymin, _ = rangeOf(m.Lo, m.Lo)
	_, _, _, ymax = rangeOf(m.Hi, m.Hi)
	return 0.4, float64(len(m.Mean)) + 0.6, math.Min(m.Base, ymin), math.Max(m.Base, ymax)
}

// A heading is lines over a panel, the first ones bold; its plot's title has to make room for them.
type heading struct {
	first  []string
	second string
}

// Plot implements plot.Plotter.
func (m heading) Plot(c draw.Canvas, _ *plot.Plot) {
	at := vg.Point{X: c.Center().X, Y: c.Max.Y + 4}
	if m.second != "" {
		style := sans(tickSize)
		style.XAlign = draw.XCenter
		c.FillText(style, at, strings.Join(foldTo(style, m.second, c.Max.X-c.Min.X+16, 1), ""))
		at.Y += tickSize * leading
	}
	style := bold(tickSize)
	style.XAlign = draw.XCenter
	for _, line := range slices.Backward(m.first) {
		c.FillText(style, at, line)
		at.Y += tickSize * leading
	}
}

// A span is the indices from <= i < to.
type span struct{ from, to int }

// finiteParts returns the runs of indices at which all columns have a number that can be drawn.
func finiteParts(columns ...[]float64) []span {
	var parts []span
	open := false
	for i := range columns[0] {
		all := true
		for _, c := range columns {
			all = all && finite(c[i])
		}
		switch {
		case all && !open:
			parts = append(parts, span{i, i + 1})
		case all:
			parts[len(parts)-1].to = i + 1
		}
		open = all
	}
	return parts
}

// rangeOf returns the smallest and largest finite points; +Inf and -Inf if there are none.
func rangeOf(x, y []float64) (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, part := range finiteParts(x, y) {
		for i := part.from; i < part.to; i++ {
			xmin, xmax = math.Min(xmin, x[i]), math.Max(xmax, x[i])
			ymin, ymax = math.Min(ymin, y[i]), math.Max(ymax, y[i])
		}
	}
	return xmin, xmax, ymin, ymax
}

// heat is the colour of a KL or a density: from nearly white to a dark blue, by the root of its
// share of the largest.
func heat(v, top float64) color.Color {
	if math.IsNaN(v) {
		return color.NRGBA{0xbb, 0xbb, 0xbb, 0xff}
	}
	t := 0.0
	if top > 0 {
		t = math.Sqrt(math.Min(1, math.Max(0, v/top)))
	}
	// Through three colours, so that the middle is not muddy.
	stops := []color.NRGBA{{0xf7, 0xfb, 0xff, 0xff}, {0x6b, 0xae, 0xd6, 0xff}, {0x08, 0x30, 0x6b, 0xff}}
	i := min(int(t*2), 1)
	mix := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a) + (float64(b)-float64(a))*(t*2-float64(i))))
	}
	a, b := stops[i], stops[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// heatKey draws the colours with what they stand for.
func heatKey(c draw.Canvas, top float64, title string) {
	const steps, bar = 64, 10
	style := sans(captionSize)
	style.YAlign = draw.YCenter
	lo, hi := max(c.Min.Y, c.Max.Y-2.2*vg.Inch)+30, c.Max.Y-32
	at := func(t float64) vg.Length { return lo + vg.Length(t)*(hi-lo) }
	for i := range steps {
		t := float64(i) / steps
		b, u := at(t), min(at(t+1.0/steps)+0.4, hi)
		fillIn(c, heat(t*t*top, top), vg.Point{X: c.Min.X, Y: b}, vg.Point{X: c.Min.X + bar, Y: b}, vg.Point{X: c.Min.X + bar, Y: u}, vg.Point{X: c.Min.X, Y: u})
	}
	if top > 0 {
		last := lo - 2*captionSize
		for _, tick := range rootTicks(0, math.Sqrt(top)) {
			if y := at(tick.Value / math.Sqrt(top)); y-last >= captionSize*leading { // labels must not touch
				c.FillText(style, vg.Point{X: c.Min.X + bar + 4, Y: y}, tick.Label)
				last = y
			}
		}
	}
	style.YAlign = draw.YBottom
	c.FillText(style, vg.Point{X: c.Min.X, Y: hi + 5}, title)
}

// allFinite tells whether there are numbers and all are finite.
func allFinite(v []float64) bool {
	parts := finiteParts(v)
	return len(parts) == 1 && parts[0] == span{0, len(v)}
}

// vanillaLine is that of what other methods are compared with.
var vanillaLine = draw.LineStyle{Color: ink, Width: thinWidth, Dashes: []vg.Length{4, 2}}
