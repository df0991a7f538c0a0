package data

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The layout of a gallery, in pixels of the picture.
const (
	gallerySide   = 84  // about the longer side of an image
	galleryGap    = 6   // between images
	galleryMargin = 14  // around all, between blocks, and beside captions
	galleryFont   = 14  // the size of captions
	galleryText   = 235 // and their grey
)

// A Gallery is images of one size with captions: blocks, one below the other, whose rows are to
// be compared.
type Gallery struct {
	Height, Width int      // pixels of an image
	Left          []string // the caption beside each row, the same in all blocks, or nil
	Blocks        []Block
}

// A Block is some rows of images that belong together.
type Block struct {
	Above []string      // the caption above each column, or nil
	Rows  [][][]float32 // images of each row, values in [0,1]; nil leaves a place free
}

// Draw makes the picture, with 0 black and 1 white. It returns an error only if the built-in font
// cannot be read, and panics if an image has another size than the gallery says.
func (g Gallery) Draw() (*image.Gray, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("the built-in font: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: galleryFont, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("the built-in font: %w", err)
	}
	d := drawing{Gallery: g, zoom: max(1, gallerySide/max(g.Height, g.Width)), face: face}
	d.place()
	d.draw()
	return d.sheet, nil
}

// A drawing is a Gallery on its way to a picture.
type drawing struct {
	Gallery
	zoom, left int // the left edge of the images
	face       font.Face
	sheet      *image.Gray
}

// step is the distance from one image to the next, down and to the right.
func (d *drawing) step() (dy, dx int) {
	return d.Height*d.zoom + galleryGap, d.Width*d.zoom + galleryGap
}

// header is the height of a block's captions.
func (d *drawing) header(b Block) int {
	if b.Above == nil {
		return 0
	}
	return galleryFont + galleryGap
}

// place finds the size of the picture.
func (d *drawing) place() {
	d.left = galleryMargin
	for _, caption := range d.Left {
		d.left = max(d.left, 2*galleryMargin+font.MeasureString(d.face, caption).Ceil())
	}
	dy, dx := d.step()
	width, height := 0, galleryMargin
	for _, b := range d.Blocks {
		for _, row := range b.Rows {
			width = max(width, len(row)*dx-galleryGap)
		}
		height += d.header(b) + len(b.Rows)*dy - galleryGap + galleryMargin
	}
	d.sheet = newSheet(d.left+width+galleryMargin, height)
}

// draw draws block after block.
func (d *drawing) draw() {
	dy, dx := d.step()
	top := galleryMargin
	for _, b := range d.Blocks {
		for c, caption := range b.Above {
			width := font.MeasureString(d.face, caption).Round()
			d.write(caption, d.left+c*dx+(dx-galleryGap-width)/2, top+galleryFont-2)
		}
		top += d.header(b)
		for r, row := range b.Rows {
			if d.Left != nil {
				width := font.MeasureString(d.face, d.Left[r]).Round()
				d.write(d.Left[r], d.left-galleryMargin-width, top+(dy-galleryGap+galleryFont)/2-2)
			}
			for c, values := range row {
				if len(values) != 0 && len(values) != d.Height*d.Width {
					panic(fmt.Sprintf("data: Gallery: an image of %d pixels, want %d x %d", len(values), d.Height, d.Width))
				}
				paint(d.sheet, d.left+c*dx, top, d.zoom, values, d.Width)
			}
			top += dy
		}
		top += galleryMargin - galleryGap
	}
}

// write writes a caption that begins at x on the line y.
func (d *drawing) write(caption string, x, y int) {
	(&font.Drawer{
		Dst: d.sheet, Src: image.NewUniform(color.Gray{Y: galleryText}), Face: d.face, Dot: fixed.P(x, y),
	}).DrawString(caption)
}
