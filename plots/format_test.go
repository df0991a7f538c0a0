package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
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
		if _, refused, failed := Save(set, dir, "kl-curve", Formats...); refused != nil || failed != nil {
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
	if _, _, failed := Save(set, t.TempDir(), "kl-curve", "gif"); failed == nil {
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
