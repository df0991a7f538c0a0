package plots

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/color"
	"math"
	"slices"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"vaelab/internal/registry"
)

// Formats are the kinds of files that a figure can be saved as, the default first. SVG and PDF have lines instead of pixels.
// The letters of an SVG are text in a font that it names, those of a PDF are outlines.
var Formats = []string{"png", "svg", "pdf"}

// CheckFormat returns an error for a name that is not in Formats.
func CheckFormat(name string) error {
	if !slices.Contains(Formats, name) {
		return registry.Unknown("format", name, Formats)
	}
	return nil
}

// encode returns the file of a format.
func (d *Drawing) encode(format string) ([]byte, error) {
	switch format {
	case "png":
		return d.PNG()
	case "svg":
		return d.SVG()
	case "pdf":
		return d.PDF()
	}
	return nil, CheckFormat(format)
}

// A PDF says when it was made. Equal figures are to be equal bytes, so every PDF says the same time, 2000.
func init() {
	fpdf.SetDefaultCreationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultModificationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// withPHYs is a PNG that says how large it is to be printed: the encoder writes no pHYs chunk. It stands behind the header, which
// is the first chunk and has 13 bytes.
//
// Source: W3C, "Portable Network Graphics (PNG) Specification", section 11.3.4.3.
func withPHYs(picture []byte, dpi int) []byte {
	const header = 8 + 4 + 4 + 13 + 4
	perMetre := uint32(math.Round(float64(dpi) / 0.0254))
	chunk := append(make([]byte, 0, 21), "\x00\x00\x00\x09pHYs"...)
	chunk = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(chunk, perMetre), perMetre)
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(picture[:header], chunk, picture[header:])
}

// SVG returns the figure as a Scalable Vector Graphic.
func (d *Drawing) SVG() ([]byte, error) {
	c := vgsvg.New(d.Width, d.Height)
	d.onWhite(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	// Letters of Arial are as wide as those of Liberation Sans, which few machines have.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), err
}

// PDF returns the figure as a page of its size.
func (d *Drawing) PDF() ([]byte, error) {
	c := vgpdf.New(d.Width, d.Height)
	d.onWhite(draw.NewCanvas(outlined{c}, d.Width, d.Height))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// onWhite draws the figure on a white page, as a PNG is.
func (d *Drawing) onWhite(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	d.draw(c)
}
