package data

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// The layout of a sheet, in pixels of the sheet.
const (
	sheetZoom = 2 // the side of one pixel of an image
	sheetGap  = 2 // between images and around them
	sheetGrey = 96
)

// Sheet draws the first n images of a split of s, row after row on a sheet about twice as
// wide as high, with 0 black and 1 white, so that probabilities are grey. A split with fewer
// images gives them all. It panics if the set has no images or n is less than one.
func (s *Set) Sheet(split Split, n int) *image.Gray {
	n = min(n, len(split.Values))
	if s.Vocab != nil || s.Real || n < 1 {
		panic(fmt.Sprintf("data: Sheet: no image to show in %v", s.Space()))
	}
	columns := min(n, int(math.Ceil(math.Sqrt(2*float64(n*s.Height)/float64(s.Width)))))
	rows := (n + columns - 1) / columns
	dx, dy := s.Width*sheetZoom+sheetGap, s.Height*sheetZoom+sheetGap
	sheet := newSheet(columns*dx+sheetGap, rows*dy+sheetGap)
	for i, values := range split.Values[:n] {
		paint(sheet, sheetGap+i%columns*dx, sheetGap+i/columns*dy, sheetZoom, values, s.Width)
	}
	return sheet
}

// newSheet is an empty sheet.
func newSheet(width, height int) *image.Gray {
	sheet := image.NewGray(image.Rect(0, 0, width, height))
	for i := range sheet.Pix {
		sheet.Pix[i] = sheetGrey
	}
	return sheet
}

// paint draws an image on a sheet, each pixel a square with sides of zoom.
func paint(sheet *image.Gray, left, top, zoom int, values []float32, width int) {
	for y := range len(values) / width * zoom {
		for x := range width * zoom {
			v := values[y/zoom*width+x/zoom]
			sheet.SetGray(left+x, top+y, color.Gray{Y: uint8(math.Round(255 * float64(v)))})
		}
	}
}
