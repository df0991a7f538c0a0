package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// A reader is a canvas that keeps where texts stand, as boxes on the page.
type reader struct {
	at    [6]float64 // x' = at[0] x + at[2] y + at[4]; y' = at[1] x + at[3] y + at[5]
	stack [][6]float64
	texts []readText
}

type readText struct {
	text string
	size vg.Length
	box  vg.Rectangle
}

func newReader() *reader { return &reader{at: [6]float64{1, 0, 0, 1, 0, 0}} }

func (*reader) SetLineWidth(vg.Length)              {}
func (*reader) SetLineDash([]vg.Length, vg.Length)  {}
func (*reader) SetColor(color.Color)                {}
func (*reader) Stroke(vg.Path)                      {}
func (*reader) Fill(vg.Path)                        {}
func (*reader) DrawImage(vg.Rectangle, image.Image) {}
func (r *reader) Push()                             { r.stack = append(r.stack, r.at) }
func (r *reader) Pop()                              { r.at, r.stack = r.stack[len(r.stack)-1], r.stack[:len(r.stack)-1] }
func (r *reader) Scale(x, y float64)                { panic("figures are not scaled") }
func (r *reader) Translate(p vg.Point) {
	q := r.on(p)
	r.at[4], r.at[5] = float64(q.X), float64(q.Y)
}
func (r *reader) Rotate(angle float64) {
	s, c := math.Sincos(angle)
	a := r.at
	r.at[0], r.at[1], r.at[2], r.at[3] = a[0]*c+a[2]*s, a[1]*c+a[3]*s, a[2]*c-a[0]*s, a[3]*c-a[1]*s
}

// on is where a point is on the page.
func (r *reader) on(p vg.Point) vg.Point {
	x, y := float64(p.X), float64(p.Y)
	return vg.Point{X: vg.Length(r.at[0]*x + r.at[2]*y + r.at[4]), Y: vg.Length(r.at[1]*x + r.at[3]*y + r.at[5])}
}

func (r *reader) FillString(face font.Face, at vg.Point, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	size := face.Font.Size
	// From the descent of most letters to the height of a capital.
	a, b := r.on(vg.Point{X: at.X, Y: at.Y - 0.1*size}), r.on(vg.Point{X: at.X + face.Width(text), Y: at.Y + 0.7*size})
	r.texts = append(r.texts, readText{text, size, vg.Rectangle{
		Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)}, Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)}}})
}

// faults are texts that are too small, leave the page, or stand on each other.
func (r *reader) faults(width, height vg.Length) (faults []string) {
	const least, slack = 7, 0.5
	for i, a := range r.texts {
		if a.size < least-0.001 {
			faults = append(faults, fmt.Sprintf("%q is set in %.2f pt", a.text, a.size))
		}
		if a.box.Min.X < -slack || a.box.Min.Y < -slack || a.box.Max.X > width+slack || a.box.Max.Y > height+slack {
			faults = append(faults, fmt.Sprintf("%q leaves the page: %.0f to %.0f of %.0f, %.0f to %.0f of %.0f", a.text, a.box.Min.X, a.box.Max.X, width, a.box.Min.Y, a.box.Max.Y, height))
		}
		for _, b := range r.texts[:i] {
			if a.box.Min.X < b.box.Max.X-slack && b.box.Min.X < a.box.Max.X-slack && a.box.Min.Y < b.box.Max.Y-slack && b.box.Min.Y < a.box.Max.Y-slack {
				faults = append(faults, fmt.Sprintf("%q stands on %q", a.text, b.text))
			}
		}
	}
	return faults
}

// manyGroups is a set of n groups that a figure can be drawn of.
func manyGroups(figure string, n int) *record.Set {
	set := &record.Set{Knobs: map[string]string{"variant.bn.gamma": "rises", "variant.bn-scaler.tau": "rises"}}
	switch figure {
	case "bn-gap":
		return batchSet(2)
	case "phase":
		return phaseSet(2)
	}
	if (figure == "matched-rate" || figure == "sweep" || figure == "rank") && n == 2 {
		n = 4 // two methods at two values each
	}
	for i := range n {
		value := math.Round(1000*float64(i+1)/float64(n+1)) / 1000
		c := trial{"bn", "gamma", value, 4 * value * value, 5, 4*value*value + 0.05, 2 * value}
		switch i % 3 {
		case 1:
			c = trial{"bn-scaler", "tau", value, 4 * value, 9, 5*value + 0.3, 2.4 * value}
		case 2:
			if i == 2 && n > 4 {
				c = pilot[0]
			} else if n == 4 {
				c = trial{"bn-scaler", "tau", value, 4 * value, 9, 5*value + 0.3, 2.4 * value}
			}
		}
		for seed := 1; seed <= 2; seed++ {
			r := c.run(seed, 2000)
			change(&r, func(row *record.Row) { row.Values["kl_weight"] = min(1, float64(row.Step)/1000*(1+float64(i)/50)) })
			set.Runs = append(set.Runs, r)
		}
	}
	return set
}

// TestFoldTo: a label is broken between words, and what fits no line is cut.
func TestFoldTo(t *testing.T) {
	style := sans(captionSize)
	for label, want := range map[string]string{
		"bn": "bn", "a label of some words and then √ scale": "a label of some words and then|√ scale", "vanilla model=lstm inputless=false word_dropout=0.25": "vanilla model=lstm|inputless=false|word_dropout=0.25",
		"a very long label which has more words than would fit into only three lines of thirty letters each": "a very long label which has|more words than would fit into|only three lines of thirty letters…",
	} {
		lines := foldTo(style, label, nameRoom, 3)
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("%q is folded to %q, want %q", label, got, want)
		}
		for _, line := range lines {
			if w := style.Width(line); w > nameRoom {
				t.Errorf("%q is %v wide", line, w)
			}
		}
	}
}

// TestFoldLabel: the label of a narrow panel has as few lines as it fits in, up to three.
func TestFoldLabel(t *testing.T) {
	const label = "IW-NLL (nats, √ scale from 28.4)"
	for length, want := range map[vg.Length]string{200: label, 90: "IW-NLL (nats, √ scale\nfrom 28.4)", 60: "IW-NLL (nats,\n√ scale from\n28.4)"} {
		p := newPanel(label, "")
		restyle(&p.X.Label.TextStyle, sans(tickSize))
		foldLabel(&p.X, length)
		if p.X.Label.Text != want {
			t.Errorf("on %v points: %q, want %q", length, p.X.Label.Text, want)
		}
	}
}

// TestShared: the words of all labels are said once, unless a label has no others.
func TestShared(t *testing.T) {
	for _, c := range []struct{ labels, want string }{
		{"bn γ=0.3|bn γ=0.6", "bn: γ=0.3|γ=0.6"},
		{"bn γ=0.3|ln γ=0.3", "γ=0.3: bn|ln"},
		{"bn|bn γ=0.3", ": bn|bn γ=0.3"},
		{"vanilla|bn γ=0.3", ": vanilla|bn γ=0.3"},
		{"bn γ=0.3", ": bn γ=0.3"},
	} {
		lead, rest := shared(strings.Split(c.labels, "|"))
		if got := lead + ": " + strings.Join(rest, "|"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.labels, got, c.want)
		}
	}
}

// TestLayouts: at the width of a column and of a page, with few and many groups, all texts of every figure can be read: 7 pt
// at least, on the page, and not on each other.
func TestLayouts(t *testing.T) {
	for _, n := range []int{2, 6, 13} {
		for _, name := range Figures.Names() {
			figure, err := Figures.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			drawing, err := figure.Draw(manyGroups(name, n))
			if err != nil {
				t.Errorf("%s, %d groups: %v", name, n, err)
				continue
			}
			for _, width := range []vg.Length{3.3 * vg.Inch, 7 * vg.Inch} {
				for _, bare := range []bool{false, true} {
					d := drawing.As(Layout{Width: width, NoCaption: bare})
					r := newReader()
					d.draw(draw.NewCanvas(r, d.Width, d.Height))
					if d.Width != width || len(r.texts) == 0 {
						t.Errorf("%s is %v wide, want %v, with %d texts", name, d.Width, width, len(r.texts))
					}
					for i, fault := range r.faults(d.Width, d.Height) {
						if i > 5 {
							break
						}
						t.Errorf("%s, %d groups, %.1f in: %s", name, n, width/vg.Inch, fault)
					}
					if bare || *look == "" {
						continue
					}
					picture, err := d.PNG()
					if err != nil {
						t.Fatal(err)
					}
					show(t, fmt.Sprintf("%s-%d-%.1f", name, n, width/vg.Inch), picture)
				}
			}
		}
	}
}

// TestRowsAreNamed: where panels share the names of rows, the first of them has the names, whatever is drawn first.
func TestRowsAreNamed(t *testing.T) {
	for _, name := range []string{"time", "remedies"} {
		drawing, _, _ := drawn(t, name, pilotSet(2))
		for _, width := range []vg.Length{3.3 * vg.Inch, 7 * vg.Inch} {
			r := newReader()
			d := drawing.As(Layout{Width: width, NoCaption: true})
			d.draw(draw.NewCanvas(r, d.Width, d.Height))
			for _, c := range pilot {
				if !slices.ContainsFunc(r.texts, func(at readText) bool { return at.text == c.variant }) {
					t.Errorf("%s, %.1f in: no row is named %s", name, width/vg.Inch, c.variant)
				}
			}
		}
	}
}

// TestNarrowPanels: beside names of rows that are wider than a fifth of the page, five panels have equal widths.
func TestNarrowPanels(t *testing.T) {
	var side []*plot.Plot
	for range 5 {
		x := rooted([]float64{28.5, 28.6, 28.7, 28.8, 45}, 28.4)
		p := newPanel("", "")
		p.Add(curve{X: []float64{x.place(28.5), x.place(45)}, Y: []float64{0, 1}})
		x.axis(&p.X)
		side = append(side, p)
	}
	m := namedRows(side, []string{"vanilla β=0.15 schedule=cyclical", "bn"}, 0)
	nameFirst(side)
	c := draw.NewCanvas(newReader(), 7*vg.Inch, m.height)
	var widths []vg.Length
	for _, cell := range align([][]*plot.Plot{side}, c) {
		data := cell.plot.DataCanvas(cell.canvas)
		widths = append(widths, data.Max.X-data.Min.X)
	}
	if least, most := slices.Min(widths), slices.Max(widths); least < 50 || most-least > 0.5 {
		t.Errorf("panels are %.1f wide", widths)
	}
}

// TestMinusSigns: no text of a figure has a hyphen for the sign of a number, its table no minus sign.
func TestMinusSigns(t *testing.T) {
	sign := regexp.MustCompile(`(^|[^\w=.)-])-\.?\d`)
	seen := 0
	for _, name := range Figures.Names() {
		set := manyGroups(name, 4)
		for i := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				for k, v := range row.Values {
					if k != "kl_weight" && k != "floor" {
						row.Values[k] = -v
					}
				}
			})
			set.Runs[i].Manifest.CPUSeconds++
		}
		figure, err := Figures.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		drawing, err := figure.Draw(set)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		table, err := drawing.CSV()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(table, []byte("−")) {
			t.Errorf("%s: the table has a minus sign, which no program reads", name)
		}
		for _, width := range []vg.Length{3.3 * vg.Inch, 7 * vg.Inch} {
			d := drawing.As(Layout{Width: width})
			r := newReader()
			d.draw(draw.NewCanvas(r, d.Width, d.Height))
			for _, at := range r.texts {
				if sign.MatchString(at.text) {
					t.Errorf("%s: the hyphen of %q is a sign", name, at.text)
				}
				seen += strings.Count(at.text, "−")
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d minus signs", seen)
	}
}

// TestMinus: a sign is a minus sign; hyphens of names, exponents, ranges and settings are not.
func TestMinus(t *testing.T) {
	for text, want := range map[string]string{
		"-1": "−1", "at -.5 nats": "at −.5 nats", "(-2, -3)": "(−2, −3)", "1e-05": "1e-05", "bn-1/seed-2": "bn-1/seed-2", "3-4": "3-4", "x=-1": "x=-1", "--n": "--n", "free-bits": "free-bits",
	} {
		if got := minus(text); got != want {
			t.Errorf("minus(%q) = %q, want %q", text, got, want)
		}
	}
	for v, want := range map[float64]string{-0.001: "0.00", -0.005001: "−0.01", 2: "2.00"} {
		if got := cents(v); got != want {
			t.Errorf("cents(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestSparse: labels that would touch are left out. Equally spaced ones stay so; of others both ends stay, then powers of ten.
func TestSparse(t *testing.T) {
	own := func(labels ...string) (ticks plot.ConstantTicks) {
		for _, label := range labels {
			v, err := strconv.ParseFloat(label, 64)
			if err != nil {
				t.Fatal(err)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
		return ticks
	}
	for _, c := range []struct {
		ticks  plot.Ticker
		length vg.Length
		want   string
	}{
		{own("0.1", "0.3", "0.5", "0.7", "1", "1.5"), 300, "0.1 0.3 0.5 0.7 1 1.5"},
		{own("0.1", "0.3", "0.5", "0.7", "1", "1.5"), 90, "0.1 0.5 1 1.5"},
		{own("0.1", "0.3", "0.5", "0.7", "1", "1.5"), 20, "0.1 1.5"},
		{own("0", "1", "2", "3", "4"), 20, "0 2 4"},
		{own("0", "1", "2", "3", "4"), 8, "0"},
		{own("0.14", "0.36", "0.57", "0.79"), 60, "0.14 0.79"},
		{own("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8"), 60, "0.1 0.3 0.5 0.8"},
		{plot.TickerFunc(func(float64, float64) []plot.Tick { return own("0", "1", "2", "3", "4", "5") }), 30, "0 2 4"},
	} {
		all := c.ticks.Ticks(0, 0)
		lo, hi := all[0].Value, all[len(all)-1].Value
		var got []string
		for _, tick := range (sparse{c.ticks, c.length, sans(tickSize), false, plot.LinearScale{}}).Ticks(lo, hi) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v on %v points: %q, want %q", all, c.length, got, c.want)
		}
	}
}

// TestTransposed: where a row of panels does not fit but a column would, rows become columns.
func TestTransposed(t *testing.T) {
	p := func() *plot.Plot { return newPanel("", "") }
	m := matrix{rows: [][]*plot.Plot{{p(), p(), p()}, {p(), p(), p()}}, height: 100}
	wide, _ := m.lay(7 * vg.Inch)
	narrow, _ := m.lay(3.3 * vg.Inch)
	if wide != 200 || narrow < 300 || narrow > 400 {
		t.Errorf("two rows of three are %v high, on a narrow page %v; want 2 and 3 rows", wide, narrow)
	}
	if columns := transposed(m.rows); len(columns) != 3 || columns[2][1] != m.rows[1][2] {
		t.Error("what was at row 1, column 2 is not at row 2, column 1")
	}
}
