package plots

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

// TestFormats: a figure is saved in every format that is asked for, together with its numbers, and twice as the same bytes.
func TestFormats(t *testing.T) {
	set := pilotSet(2)
	var first map[string][]byte
	for range 2 {
		dir := t.TempDir()
		if _, refused, failed := Save(set, dir, "kl-curve", Output{Formats: Formats}); refused != nil || failed != nil {
			t.Fatal(refused, failed)
		}
		files := map[string][]byte{}
		for _, format := range append([]string{"csv"}, Formats...) {
			text, err := os.ReadFile(filepath.Join(dir, "kl-curve."+format))
			if err != nil {
				t.Fatal(err)
			}
			if files[format] = text; first != nil && !bytes.Equal(text, first[format]) {
				t.Errorf("%s: two drawings differ", format)
			}
		}
		first = files
	}
	for format, begin := range map[string]string{"png": "\x89PNG", "svg": "<?xml", "pdf": "%PDF-"} {
		if !bytes.HasPrefix(first[format], []byte(begin)) {
			t.Errorf("%s begins with %q", format, first[format][:8])
		}
	}
	for dec := xml.NewDecoder(bytes.NewReader(first["svg"])); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
	}
	if _, _, failed := Save(set, t.TempDir(), "kl-curve", Output{Formats: []string{"gif"}}); failed == nil {
		t.Error("gif is a format")
	}
}

// TestOutlines: letters beyond one code page have outlines, side by side as wide as the text is said to be.
func TestOutlines(t *testing.T) {
	style := sans(12)
	var c recorder.Canvas
	const text = "γ ≥ √τ"
	face := plot.DefaultTextHandler.(interface{ Cache() *font.Cache }).Cache().Lookup(style.Font, style.Font.Size)
	outlined{&c}.FillString(face, vg.Point{X: 100, Y: 50}, text)
	low, high, letters := vg.Length(math.Inf(1)), vg.Length(math.Inf(-1)), 0
	for _, a := range c.Actions {
		fill, ok := a.(*recorder.Fill)
		if !ok {
			continue
		}
		letters++
		for _, p := range fill.Path {
			if p.Type != vg.CloseComp {
				low, high = min(low, p.Pos.X), max(high, p.Pos.X)
			}
		}
	}
	width := face.Width(text)
	if letters != 4 || low < 100 || high > 100+width+1 || high-low < 0.8*width {
		t.Errorf("%d letters from %v to %v; want 4 within %v from 100 on", letters, low, high, width)
	}
}

// TestResolution: a PNG says how many pixels it has per inch, in a chunk that decoders accept, and has as many.
func TestResolution(t *testing.T) {
	d, _, _ := drawn(t, "kl-curve", pilotSet(1))
	for _, dpi := range []int{leastDPI, defaultDPI, 300} {
		as := d.As(Layout{Width: 3 * vg.Inch, DPI: dpi})
		text, err := as.PNG()
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(text)) // checks the sums of the chunks
		if err != nil {
			t.Fatal(err)
		}
		if w := picture.Bounds().Dx(); w != 3*dpi {
			t.Errorf("%d dpi: %d pixels for 3 in", dpi, w)
		}
		at := bytes.Index(text, []byte("pHYs"))
		if at < 0 || text[at+12] != 1 {
			t.Fatalf("%d dpi: no pHYs in metres", dpi)
		}
		if got := float64(binary.BigEndian.Uint32(text[at+4:])) * 0.0254; math.Abs(got-float64(dpi)) > 0.02 {
			t.Errorf("pHYs says %.2f pixels per inch, want %d", got, dpi)
		}
	}
}

// TestWidths: widths are numbers with a unit, from that of a panel to that of a poster.
func TestWidths(t *testing.T) {
	for text, want := range map[string]vg.Length{"3.3in": 237.6, "254 mm": 720, "8.4cm": 238.11, "240pt": 240} {
		if got, err := ParseWidth(text); err != nil || math.Abs(float64(got-want)) > 0.01 {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "3.3", "in", "8,4cm", "1in", "-3in", "NaNin", "Infin", "1e9in", "3 px"} {
		if got, err := ParseWidth(text); err == nil {
			t.Errorf("%q is the width %v", text, got)
		}
	}
}
