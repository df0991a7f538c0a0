package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// largestSVG is the size up to which a page has a figure as SVG; a PNG is smaller than one with many thousand cells or points,
// and quicker to show.
const largestSVG = 300_000

// svgElements and svgAttributes are what the figures of package plots consist of. Nothing in them runs, loads or links anything.
var (
	svgElements   = []string{"svg", "g", "path", "text"}
	svgAttributes = []string{"d", "style", "transform", "viewBox", "x", "y"}
)

// inlineSVG returns an SVG as an element of a page: without a size of its own, and with a name that screen readers say. Labels come
// from files, so anything but shapes and text is an error.
func inlineSVG(picture []byte, name string) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(picture))
	var b strings.Builder
	depth := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !slices.Contains(svgElements, t.Name.Local) {
				return "", fmt.Errorf("a figure has no element %s", t.Name.Local)
			}
			b.WriteString("<" + t.Name.Local)
			if depth == 0 {
				b.WriteString(` role="img" aria-label="` + html.EscapeString(name) + `"`)
			}
			for _, a := range t.Attr {
				known := slices.Contains(svgAttributes, a.Name.Local) && a.Name.Space == ""
				if known && strings.Contains(a.Value, "url(") {
					return "", errors.New("a figure refers to another part")
				}
				if known {
					fmt.Fprintf(&b, ` %s="%s"`, a.Name.Local, html.EscapeString(a.Value))
				}
			}
			b.WriteString(">")
			depth++
		case xml.EndElement:
			b.WriteString("</" + t.Name.Local + ">")
			depth--
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" {
				b.WriteString(html.EscapeString(text))
			}
		}
	}
	text := b.String()
	if !strings.HasPrefix(text, "<svg ") {
		return "", errors.New("no picture")
	}
	return text, nil
}
