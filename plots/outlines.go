package plots

import (
	"image/color"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// outlined is a canvas that draws letters as their outlines. vgpdf knows the letters of one code page only, which has
// neither Greek nor a root.
type outlined struct{ vg.Canvas }

// SetColor sets a colour whose opacity is applied once: vgpdf sets the components that Go has multiplied by it, and the opacity
// besides, so that what is pale would be grey.
func (c outlined) SetColor(clr color.Color) {
	if clr == nil {
		clr = color.Black
	}
	c.Canvas.SetColor(straight(color.NRGBAModel.Convert(clr).(color.NRGBA)))
}

// straight is a colour that gives its components without opacity.
type straight color.NRGBA

// RGBA implements color.Color.
func (c straight) RGBA() (r, g, b, a uint32) {
	return uint32(c.R) * 0x101, uint32(c.G) * 0x101, uint32(c.B) * 0x101, uint32(c.A) * 0x101
}

// FillString draws a text from a point to the right.
func (c outlined) FillString(face font.Face, at vg.Point, text string) {
	var b sfnt.Buffer
	// Outlines are asked for in a large size, because coordinates are in 64ths.
	const size = 1 << 10
	scale := face.Font.Size / size
	length := func(x fixed.Int26_6) vg.Length { return vg.Length(x) / 64 * scale }
	for _, r := range text {
		glyph, err := face.Face.GlyphIndex(&b, r)
		if err != nil {
			continue // printable has seen to that
		}
		segments, err := face.Face.LoadGlyph(&b, glyph, fixed.I(size), nil)
		if err != nil {
			continue
		}
		point := func(p fixed.Point26_6) vg.Point { return vg.Point{X: at.X + length(p.X), Y: at.Y - length(p.Y)} }
		var path vg.Path
		for i, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					path.Close()
				}
				path.Move(point(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(point(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(point(s.Args[0]), point(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(point(s.Args[0]), point(s.Args[1]), point(s.Args[2]))
			}
		}
		if len(path) > 0 {
			path.Close()
			c.Fill(path)
		}
		advance, err := face.Face.GlyphAdvance(&b, glyph, fixed.I(size), 0)
		if err == nil {
			at.X += length(advance)
		}
	}
}
