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
	sheet := image.NewGray(image.Rect(0, 0, columns*dx+sheetGap, rows*dy+sheetGap))
	for i := range sheet.Pix {
		sheet.Pix[i] = sheetGrey
	}
	for i, values := range split.Values[:n] {
		left, top := sheetGap+i%columns*dx, sheetGap+i/columns*dy
		for y := range s.Height * sheetZoom {
			for x := range s.Width * sheetZoom {
				v := values[y/sheetZoom*s.Width+x/sheetZoom]
				sheet.SetGray(left+x, top+y, color.Gray{Y: uint8(math.Round(255 * float64(v)))})
			}
		}
	}
	return sheet
}
