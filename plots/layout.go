package plots

import (
	"fmt"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A Layout says how large a figure is and what stands on its page. The zero value is the default: 7 in wide,
// 200 pixels per inch, with the caption.
//
// A figure is laid out anew for its width, and not scaled: a narrow page has fewer panels side by side. Type is at least 8 pt
// from 5 in on, and at least 7 pt below.
type Layout struct {
	Width     vg.Length // of the page
	DPI       int       // pixels per inch of a PNG
	NoCaption bool      // for a paper, which sets the caption itself
}

// What a Layout may ask for. The smallest width has room for one panel.
const (
	defaultWidth = 7 * vg.Inch
	leastWidth   = 2.5 * vg.Inch
	mostWidth    = 20 * vg.Inch
	defaultDPI   = 200
	leastDPI     = 50
	mostDPI      = 1200
)

// units are the units of lengths in points, by the ends of their texts.
var units = []struct {
	name   string
	length vg.Length
}{{"in", vg.Inch}, {"cm", vg.Centimeter}, {"mm", vg.Millimeter}, {"pt", 1}}

// ParseWidth reads a width such as 3.3in, 84mm, 8.4cm or 240pt.
func ParseWidth(text string) (vg.Length, error) {
	for _, unit := range units {
		number, ok := strings.CutSuffix(strings.TrimSpace(text), unit.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		width := vg.Length(v) * unit.length
		switch {
		case err != nil:
			return 0, fmt.Errorf("%q: must be a number and a unit, such as 3.3in", text)
		case !(width >= leastWidth && width <= mostWidth): // nor is NaN
			return 0, fmt.Errorf("%q: must be from %gin to %gin", text, leastWidth/vg.Inch, mostWidth/vg.Inch)
		}
		return width, nil
	}
	return 0, fmt.Errorf("%q: must end in a unit: in, cm, mm or pt, such as 3.3in", text)
}

// CheckDPI returns an error for a resolution that no PNG can have.
func CheckDPI(dpi int) error {
	if dpi < leastDPI || dpi > mostDPI {
		return fmt.Errorf("%d: must be from %d to %d", dpi, leastDPI, mostDPI)
	}
	return nil
}

// completed puts the defaults in.
func (l Layout) completed() Layout {
	if l.Width == 0 {
		l.Width = defaultWidth
	}
	if l.DPI == 0 {
		l.DPI = defaultDPI
	}
	return l
}

// scale is what sizes in points are multiplied by on the page.
func (l Layout) scale() float64 {
	if l.Width < 5*vg.Inch {
		return 7. / 8
	}
	return 1
}
