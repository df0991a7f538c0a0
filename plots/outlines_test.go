package plots

import (
	"bytes"
	"compress/zlib"
	"image/color"
	"io"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
)

// TestTransparentPDF: a PDF has the components of a colour as they are, and its opacity besides.
func TestTransparentPDF(t *testing.T) {
	pdf := vgpdf.New(10, 10)
	c := draw.NewCanvas(outlined{pdf}, 10, 10)
	c.SetColor(color.NRGBA{0xd5, 0x5e, 0x00, 0x33}) // 0.835, 0.369, 0
	c.Fill(vg.Rectangle{Max: vg.Point{X: 5, Y: 5}}.Path())
	var b bytes.Buffer
	if _, err := pdf.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	var drawn strings.Builder
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "stream\n")
		if !ok {
			break
		}
		rest = after
		if r, err := zlib.NewReader(strings.NewReader(after)); err == nil {
			if _, err := io.Copy(&drawn, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !strings.Contains(drawn.String(), "0.835 0.369 0.000 rg") {
		t.Errorf("the PDF draws %q", drawn.String())
	}
	if !strings.Contains(text, "/ca 0.200") {
		t.Error("the PDF has no opacity of 0.2")
	}
}
