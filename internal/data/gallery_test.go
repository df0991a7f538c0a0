package data

import (
	"image"
	"testing"
)

// TestGallery reads images back from where the layout puts them, and finds captions beside and
// above them.
func TestGallery(t *testing.T) {
	grey := func(v float32) []float32 { return []float32{v, 1, 1, v} }
	g := Gallery{
		Height: 2, Width: 2, Left: []string{"one", "another"},
		Blocks: []Block{
			{Rows: [][][]float32{{grey(0), grey(0.2)}, {nil, grey(0.4)}}},
			{Above: []string{"first"}, Rows: [][][]float32{{grey(0.6)}, {grey(0.8)}}},
		},
	}
	picture, err := g.Draw()
	if err != nil {
		t.Fatal(err)
	}
	const side, step = 84, 84 + galleryGap
	right := picture.Bounds().Dx() - galleryMargin
	left := right - side - step // of the first column
	second := galleryMargin + 2*step - galleryGap + galleryMargin + galleryFont + galleryGap
	if want := second + 2*step - galleryGap + galleryMargin; picture.Bounds().Dy() != want {
		t.Errorf("the picture is %d high, want %d", picture.Bounds().Dy(), want)
	}
	for _, c := range []struct {
		x, y int
		want float64
	}{
		{left, galleryMargin, 0}, {left + step, galleryMargin, 0.2}, {left + step, galleryMargin + step, 0.4},
		{left, second, 0.6}, {left, second + step, 0.8},
	} {
		for _, corner := range []image.Point{{X: c.x, Y: c.y}, {X: c.x + side - 1, Y: c.y + side - 1}} {
			if got := picture.GrayAt(corner.X, corner.Y).Y; got != uint8(255*c.want+0.5) {
				t.Errorf("at %v: grey %d, want %v of 255", corner, got, c.want)
			}
		}
		if got := picture.GrayAt(c.x+side-1, c.y).Y; got != 255 {
			t.Errorf("right of %d, %d: grey %d, want 255", c.x, c.y, got)
		}
	}
	if got := picture.GrayAt(left+side/2, galleryMargin+step+side/2).Y; got != sheetGrey {
		t.Errorf("the free place has grey %d", got)
	}
	for what, area := range map[string]image.Rectangle{
		"beside the first row":   image.Rect(0, galleryMargin, left-galleryMargin, galleryMargin+side),
		"beside the last row":    image.Rect(0, second+step, left-galleryMargin, second+step+side),
		"above the second block": image.Rect(left, second-galleryFont-galleryGap, left+side, second),
	} {
		if !inked(picture, area) {
			t.Errorf("no caption %s", what)
		}
	}
}

// inked says whether anything bright is drawn in an area.
func inked(picture *image.Gray, area image.Rectangle) bool {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if picture.GrayAt(x, y).Y > 200 {
				return true
			}
		}
	}
	return false
}
