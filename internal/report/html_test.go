package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/plots"
)

// An element is one of a page, with what is in it.
type element struct {
	name    string
	attr    map[string]string
	text    string
	content []*element
}

// all returns the elements of a name below an element, in order.
func (e *element) all(name string) (found []*element) {
	for _, c := range e.content {
		if c.name == name {
			found = append(found, c)
		}
		found = append(found, c.all(name)...)
	}
	return found
}

// each calls f for all elements below.
func (e *element) each(f func(*element)) {
	for _, c := range e.content {
		f(c)
		c.each(f)
	}
}

// parsed is a page as a tree.
func parsed(t *testing.T, page []byte) *element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	stack := []*element{{}}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return stack[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			top.content = append(top.content, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
}

// pictured is a report with a figure as SVG and one as PNG.
func pictured(t *testing.T) []byte {
	t.Helper()
	s := hard()
	set, err := record.Load(filepath.Join("..", "..", "results", "published", "cost"))
	if err != nil {
		t.Fatal(err)
	}
	figure, err := plots.Figures.Get("kl-curve")
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Draw(set)
	if err != nil {
		t.Fatal(err)
	}
	svg, err := d.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		s.Figures = append(s.Figures, Figure{Name: name, Finding: "The KL is 1.5 nats.", Caption: "The KL is 1.5 nats. More of it.", SVG: svg})
	}
	s.Figures = append(s.Figures, Figure{Name: "large", Finding: "The MI is 2.", Caption: "The MI is 2. More of it.", PNG: []byte("\x89PNG")})
	page, err := New(s).HTML()
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestAccessible: a page can be read with a keyboard and with a screen reader.
func TestAccessible(t *testing.T) {
	page := parsed(t, pictured(t))
	if html := page.all("html"); len(html) != 1 || html[0].attr["lang"] != "en" {
		t.Error("the page has no language")
	}
	for name, want := range map[string]int{"main": 1, "h1": 1, "title": 1} {
		if n := len(page.all(name)); n != want {
			t.Errorf("%d elements %s, want %d", n, name, want)
		}
	}
	ids := map[string]int{}
	level := 0
	page.each(func(e *element) {
		if id := e.attr["id"]; id != "" {
			ids[id]++
		}
		if len(e.name) == 2 && e.name[0] == 'h' && e.name[1] >= '1' && e.name[1] <= '6' {
			if now := int(e.name[1] - '0'); now > level+1 {
				t.Errorf("<%s>%s follows a heading of level %d", e.name, e.text, level)
			} else {
				level = now
			}
		}
	})
	labels := map[string]int{}
	page.each(func(e *element) {
		for _, ref := range []string{strings.TrimPrefix(e.attr["href"], "#"), e.attr["aria-labelledby"]} {
			if ref != "" && ids[ref] != 1 {
				t.Errorf("%d elements have the id %s", ids[ref], ref)
			}
		}
		if class := e.attr["class"]; class == "scroll" || class == "picture" {
			if e.attr["tabindex"] != "0" || e.attr["role"] != "region" || e.attr["aria-label"] == "" {
				t.Errorf("an area that scrolls is out of reach: %v", e.attr)
			}
			labels[e.attr["aria-label"]]++
		}
		switch e.name {
		case "nav":
			if e.attr["aria-label"] == "" {
				t.Error("a nav has no label")
			}
		case "img":
			if e.attr["alt"] == "" {
				t.Error("a picture has no alt text")
			}
		case "svg":
			if e.attr["role"] != "img" || e.attr["aria-label"] == "" || e.attr["viewBox"] == "" || len(e.all("text")) == 0 {
				t.Errorf("a figure has no name or no text: %v", e.attr)
			}
		case "tr":
			scopes := map[string]int{}
			for _, th := range e.all("th") {
				scopes[th.attr["scope"]]++
			}
			if columns := len(e.content); scopes["row"] != 1 && scopes["col"] != columns {
				t.Errorf("a row of %d cells has headers %v", columns, scopes)
			}
		}
	})
	for label, n := range labels {
		if n > 1 {
			t.Errorf("%d areas are called %q", n, label)
		}
	}
	body := page.all("body")[0].content
	if skip := body[0]; skip.name != "a" || skip.attr["href"] != "#main" {
		t.Errorf("the first element is no skip link: %v", skip)
	}
	for _, table := range page.all("table") {
		if strings.Contains(table.all("thead")[0].all("th")[0].text, "verdict") && table.all("tbody")[0].all("th")[0].text != "KL | stays" {
			t.Error("a row of claims is not named by its claim")
		}
	}
	var alts []string
	for _, e := range append(page.all("svg"), page.all("img")...) {
		alts = append(alts, e.attr["aria-label"]+e.attr["alt"])
	}
	want := []string{"The KL is 1.5 nats.", "The KL is 1.5 nats.", "The KL is 1.5 nats.", `A "caption" with [γ] √ and <x>.`, "The MI is 2."}
	if !slices.Equal(alts, want) {
		t.Errorf("names of pictures: %q, want %q", alts, want)
	}
}

// TestContrast: text has a contrast of 4.5 : 1 or more on every background, and the focus ring one of 3 : 1, in light, in dark
// and in print; WCAG 2.2, 1.4.3 and 1.4.11.
func TestContrast(t *testing.T) {
	page := string(pictured(t))
	blocks := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d sets of colours", len(blocks))
	}
	for i, mode := range []string{"light", "dark", "print"} {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w+);`).FindAllStringSubmatch(blocks[i][1], -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		if len(colour) != 10 {
			t.Errorf("%s: %d colours", mode, len(colour))
		}
		for _, ink := range []string{"ink", "quiet", "holds", "refuted", "undecided"} {
			for _, ground := range []string{"page", "stripe", "code"} {
				if c := contrast(colour[ink], colour[ground]); c < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", mode, ink, ground, c)
				}
			}
		}
		if c := contrast(colour["focus"], colour["page"]); c < 3 && mode != "print" {
			t.Errorf("%s: the focus has a contrast of %.2f", mode, c)
		}
	}
}

// luminance is the relative luminance of a colour, as WCAG defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var parts [3]float64
	for i := range parts {
		v, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = float64(v) / 255
		if parts[i] <= 0.04045 {
			parts[i] /= 12.92
		} else {
			parts[i] = math.Pow((parts[i]+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*parts[0] + 0.7152*parts[1] + 0.0722*parts[2]
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// TestInlineSVG: a label that is markup stays text, and what is no shape or text is refused. So are references, which would
// collide between figures.
func TestInlineSVG(t *testing.T) {
	const head = `<?xml version="1.0"?><!-- c --><svg width="504pt" viewBox="0 0 4 3" xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><g id="a" transform="scale(1, -1)">`
	got, err := inlineSVG([]byte(head+`<path d="M0,0" style="fill:#FFF" /><text x="1">&lt;script&gt;"γ"</text></g></svg>`), `a "b" <c>`)
	want := `<svg role="img" aria-label="a &#34;b&#34; &lt;c&gt;" viewBox="0 0 4 3"><g transform="scale(1, -1)"><path d="M0,0" style="fill:#FFF"></path><text x="1">&lt;script&gt;&#34;γ&#34;</text></g></svg>`
	if err != nil || got != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	for _, bad := range []string{"", "x", head, head + "<script>1</script></g></svg>", head + `<image href="x"/></g></svg>`, head + "<text>\x00</text></g></svg>", head + `<path style="fill:url(#a)"/></g></svg>`} {
		if got, err := inlineSVG([]byte(bad), ""); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
	// Every kind of figure that trials allow passes, so that none falls back to a PNG for its elements.
	set, err := record.Load(filepath.Join("..", "..", "results", "published", "kl-vanishing"))
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, name := range plots.Figures.Names() {
		figure, err := plots.Figures.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := figure.Draw(set)
		if err != nil {
			continue
		}
		svg, err := d.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inlineSVG(svg, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		drawn++
	}
	if drawn < 10 {
		t.Errorf("only %d figures", drawn)
	}
}

// TestFinding: the finding names the picture, and stands once on the page besides.
func TestFinding(t *testing.T) {
	for _, c := range []struct{ finding, caption, alt, reading string }{
		{"The KL is 1.5.", "The KL is 1.5. Lines are means.", "The KL is 1.5.", "Lines are means."},
		{"The KL is 1.5.", "The KL is 1.5.", "The KL is 1.5.", ""},
		{"", "Lines are means.", "Lines are means.", "Lines are means."},
	} {
		f := Figure{Finding: c.finding, Caption: c.caption}
		if f.Alt() != c.alt || f.Reading() != c.reading {
			t.Errorf("%q: %q and %q", c.caption, f.Alt(), f.Reading())
		}
	}
}

// TestFile: each form takes the best of the files that there are.
func TestFile(t *testing.T) {
	for formats, want := range map[string]string{"": "a.png a.png", "png": "a.png a.png", "pdf": " a.pdf", "svg": "a.svg ", "svg,pdf": "a.svg a.pdf", "png,pdf": "a.png a.pdf"} {
		f := Figure{Name: "a"}
		if formats != "" {
			f.Formats = strings.Split(formats, ",")
		}
		if got := fmt.Sprint(f.File("png", "svg"), " ", f.File("pdf", "png")); got != want {
			t.Errorf("%q: %q, want %q", formats, got, want)
		}
	}
}
