package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What marks draw goes through these functions, which leave out what lies outside of the panel. An
// axis may be shorter than the data: rows hold any number, and a line to -1e6 nats on an axis of ten would run on
// for a kilometre, dash by dash. A test holds that nothing but the page draws in another way.

// edge is how far lines on the edge of a panel may reach over it: half their width.
const edge = vg.Length(0.5)

// far is where points that lie farther off are put, in points, so that clipping has finite numbers.
const far = 1e7

// inside grows a panel by the edge.
func inside(c draw.Canvas) draw.Canvas { return draw.Crop(c, -edge, edge, -edge, edge) }

// near returns points with coordinates that clipping can reckon with, and whether all of them lie inside
// of the panel already.
func near(c draw.Canvas, points []vg.Point) (moved []vg.Point, all bool) {
	all = true
	for _, at := range points {
		if !c.Contains(at) { // nor is NaN
			all = false
			break
		}
	}
	if all {
		return points, true
	}
	for _, at := range points {
		if math.IsNaN(float64(at.X)) || math.IsNaN(float64(at.Y)) {
			continue
		}
		moved = append(moved, vg.Point{X: max(-far, min(at.X, far)), Y: max(-far, min(at.Y, far))})
	}
	return moved, false
}

// strokeIn draws the part of a line that lies in the panel.
func strokeIn(c draw.Canvas, style draw.LineStyle, line ...vg.Point) {
	c = inside(c)
	line, all := near(c, line)
	switch {
	case all:
		c.StrokeLines(style, line)
	case len(line) > 1:
		c.StrokeLines(style, c.ClipLinesXY(line)...)
	}
}

// fillIn fills the part of a polygon that lies in the panel.
func fillIn(c draw.Canvas, fill color.Color, outline ...vg.Point) {
	c = inside(c)
	outline, all := near(c, outline)
	if !all && len(outline) > 2 {
		outline = c.ClipPolygonXY(outline)
	}
	if len(outline) > 2 {
		c.FillPolygon(fill, outline)
	}
}

// glyphIn draws a glyph whose centre lies in the panel; it may stand over the edge.
func glyphIn(c draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	if in := inside(c); in.Contains(at) {
		c.DrawGlyphNoClip(style, at)
	}
}

// largest is the largest number that figures draw. The width of an axis between two of them does not
// overflow.
const largest = 1e300

// finite tells whether a number can be drawn.
func finite(v float64) bool { return math.Abs(v) <= largest } // NaN is not

// sound gives both axes of a panel a range that can be divided by: what a figure made of its numbers may be empty, or of
// numbers so close that none lies between.
func sound(p *plot.Plot) {
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Min, a.Max = finiteOr(a.Min, 0), finiteOr(a.Max, 1)
		if a.Min > a.Max {
			a.Min, a.Max = a.Max, a.Min
		}
		if least := 1e-9 * max(math.Abs(a.Min), math.Abs(a.Max)); a.Max-a.Min <= least {
			a.Min, a.Max = a.Min-max(least, 0.5), a.Max+max(least, 0.5)
		}
	}
}

// finiteOr returns v, or other if v cannot be drawn.
func finiteOr(v, other float64) float64 {
	if finite(v) {
		return v
	}
	return other
}
