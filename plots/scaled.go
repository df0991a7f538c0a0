package plots

import (
	"image"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// scaled is a canvas on which all lengths are smaller by a factor, the sizes of type included. (The Scale of vgimg resamples the
// pixels of letters, which blurs them.)
type scaled struct {
	vg.Canvas
	by vg.Length
}

// scaledTo is the canvas itself for a factor of 1.
func scaledTo(c vg.Canvas, by vg.Length) vg.Canvas {
	if by == 1 {
		return c
	}
	return scaled{c, by}
}

// point is where a point is on the canvas below.
func (c scaled) point(p vg.Point) vg.Point { return vg.Point{X: p.X * c.by, Y: p.Y * c.by} }

// path is the path on the canvas below.
func (c scaled) path(p vg.Path) vg.Path {
	out := make(vg.Path, len(p))
	for i, part := range p {
		part.Pos, part.Radius = c.point(part.Pos), part.Radius*c.by
		control := make([]vg.Point, len(part.Control))
		for j, at := range part.Control {
			control[j] = c.point(at)
		}
		part.Control = control
		out[i] = part
	}
	return out
}

// SetLineWidth implements vg.Canvas.
func (c scaled) SetLineWidth(w vg.Length) { c.Canvas.SetLineWidth(w * c.by) }

// SetLineDash implements vg.Canvas.
func (c scaled) SetLineDash(pattern []vg.Length, offset vg.Length) {
	out := make([]vg.Length, len(pattern))
	for i, l := range pattern {
		out[i] = l * c.by
	}
	c.Canvas.SetLineDash(out, offset*c.by)
}

// Translate implements vg.Canvas.
func (c scaled) Translate(p vg.Point) { c.Canvas.Translate(c.point(p)) }

// Stroke implements vg.Canvas.
func (c scaled) Stroke(p vg.Path) { c.Canvas.Stroke(c.path(p)) }

// Fill implements vg.Canvas.
func (c scaled) Fill(p vg.Path) { c.Canvas.Fill(c.path(p)) }

// FillString implements vg.Canvas.
func (c scaled) FillString(face font.Face, at vg.Point, text string) {
	c.Canvas.FillString(plot.DefaultTextHandler.Cache().Lookup(face.Font, face.Font.Size*c.by), c.point(at), text)
}

// DrawImage implements vg.Canvas.
func (c scaled) DrawImage(r vg.Rectangle, img image.Image) {
	c.Canvas.DrawImage(vg.Rectangle{Min: c.point(r.Min), Max: c.point(r.Max)}, img)
}
