package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html"
	"html/template"
	"strings"
)

//go:embed page.html.tmpl
var htmlText string

var htmlPage = template.Must(template.New("html").Funcs(template.FuncMap{
	"picture": picture,
	"name": func(text string) template.HTML { // may break after an underscore
		return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(text), "_", "_<wbr/>"))
	},
	"number": func(place int) int { return place + 1 },
	"class":  func(kind string) string { return strings.ReplaceAll(kind, " ", "-") },
}).Parse(htmlText))

// picture is a figure in the page: as SVG or, if there is none, as PNG.
func picture(f Figure) template.HTML {
	if f.SVG != nil {
		if text, err := inlineSVG(f.SVG, f.Alt()); err == nil {
			return template.HTML(text)
		}
	}
	return template.HTML(`<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(f.PNG) + `" alt="` + html.EscapeString(f.Alt()) + `"/>`)
}

// HTML returns the report as one page that needs no other file: pictures and style are inside,
// and there are no scripts.
func (r *Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	err := htmlPage.Execute(&b, r)
	return b.Bytes(), err
}
