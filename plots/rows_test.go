package plots

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

var long = flag.Bool("long", false, "draw every figure of thousands of random sets of rows, not of dozens")

// A tracker is a canvas that draws nothing and remembers how far the paths on it reach. Every path's
// points must be numbers.
type tracker struct {
	reach vg.Rectangle
	words []vg.Point // where texts begin
	drawn bool
	odd   int // points that are not finite
}

func (*tracker) SetLineWidth(vg.Length)                     {}
func (*tracker) SetLineDash([]vg.Length, vg.Length)         {}
func (*tracker) SetColor(color.Color)                       {}
func (*tracker) Rotate(float64)                             {}
func (*tracker) Translate(vg.Point)                         {}
func (*tracker) Scale(float64, float64)                     {}
func (*tracker) Push()                                      {}
func (*tracker) Pop()                                       {}
func (*tracker) DrawImage(rect vg.Rectangle, _ image.Image) {}
func (t *tracker) FillString(_ font.Face, at vg.Point, _ string) {
	t.words = append(t.words, at)
}
func (t *tracker) Stroke(p vg.Path) { t.add(p) }
func (t *tracker) Fill(p vg.Path)   { t.add(p) }

// add takes a path in; arcs are taken as the square around their circle.
func (t *tracker) add(path vg.Path) {
	for _, part := range path {
		if part.Type == vg.CloseComp {
			continue
		}
		for _, at := range append([]vg.Point{part.Pos}, part.Control...) {
			for _, v := range []vg.Length{at.X - part.Radius, at.X + part.Radius, at.Y - part.Radius, at.Y + part.Radius} {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.odd++
				}
			}
			lo, hi := vg.Point{X: at.X - part.Radius, Y: at.Y - part.Radius}, vg.Point{X: at.X + part.Radius, Y: at.Y + part.Radius}
			if !t.drawn {
				t.reach, t.drawn = vg.Rectangle{Min: lo, Max: hi}, true
			}
			t.reach.Min.X, t.reach.Min.Y = min(t.reach.Min.X, lo.X), min(t.reach.Min.Y, lo.Y)
			t.reach.Max.X, t.reach.Max.Y = max(t.reach.Max.X, hi.X), max(t.reach.Max.Y, hi.Y)
		}
	}
}

// within returns an error if anything has been drawn more than some points outside of a rectangle.
func (t *tracker) within(r vg.Rectangle, slack vg.Length) error {
	switch {
	case t.odd > 0:
		return fmt.Errorf("%d points are not finite", t.odd)
	case t.drawn && (t.reach.Min.X < r.Min.X-slack || t.reach.Min.Y < r.Min.Y-slack || t.reach.Max.X > r.Max.X+slack || t.reach.Max.Y > r.Max.Y+slack):
		return fmt.Errorf("drawn from %v to %v, outside of %v to %v", t.reach.Min, t.reach.Max, r.Min, r.Max)
	}
	return nil
}

// odd are the numbers that mutations put into rows. Rows on disk have no infinities, but nothing says that rows
// in memory have none.
var odd = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e6, -1e6, 1e300, -1e300, math.MaxFloat64, -math.MaxFloat64, 0, -1, 1e-300, math.SmallestNonzeroFloat64}

// copied is a set whose rows can be changed.
func copied(set *record.Set) *record.Set {
	out := &record.Set{Runs: slices.Clone(set.Runs), Warnings: set.Warnings}
	for i, run := range out.Runs {
		out.Runs[i].Config = maps.Clone(run.Config)
		out.Runs[i].Rows = slices.Clone(run.Rows)
	}
	return out
}

// mutate changes a set in a few ways at random, and says how.
func mutate(set *record.Set, r *rand.Rand) (how []string) {
	any := func() *record.Run { return &set.Runs[r.IntN(len(set.Runs))] }
	// some are the runs that a change is made to: one, or all.
	some := func() []*record.Run {
		if r.IntN(2) == 0 {
			return []*record.Run{any()}
		}
		var all []*record.Run
		for i := range set.Runs {
			all = append(all, &set.Runs[i])
		}
		return all
	}
	name := func(names []string) string {
		slices.Sort(names)
		if len(names) == 0 {
			return ""
		}
		return names[r.IntN(len(names))]
	}
	names := func(vectors bool) (all []string) {
		found := map[string]bool{}
		for _, run := range set.Runs {
			for _, row := range run.Rows {
				for k := range row.Values() {
					found[k] = found[k] || !vectors
				}
				for k := range row.Vectors() {
					found[k] = found[k] || vectors
				}
			}
		}
		for k, is := range found {
			if is {
				all = append(all, k)
			}
		}
		return all
	}
	everyRow := func(runs []*record.Run, share float64, f func(row *record.Row)) {
		for _, run := range runs {
			change(run, func(row *record.Row) {
				if r.Float64() < share {
					f(row)
				}
			})
		}
	}
	share := func() float64 { return []float64{0.02, 0.3, 1}[r.IntN(3)] }
	changes := []func() string{
		func() string {
			k, v := name(names(false)), odd[r.IntN(len(odd))]
			everyRow(some(), share(), func(row *record.Row) {
				if _, ok := row.Values[k]; ok {
					row.Values[k] = v
				}
			})
			return fmt.Sprintf("%s = %v", k, v)
		},
		func() string {
			everyRow(some(), share(), func(row *record.Row) {
				for _, k := range slices.Sorted(maps.Keys(row.Values)) {
					if r.IntN(4) == 0 {
						row.Values[k] = odd[r.IntN(len(odd))]
					}
				}
			})
			return "metrics at random"
		},
		func() string {
			k, v := name(names(true)), odd[r.IntN(len(odd))]
			everyRow(some(), share(), func(row *record.Row) {
				if w := row.Vectors[k]; len(w) > 0 {
					w[r.IntN(len(w))] = v
				}
			})
			return fmt.Sprintf("an element of %s = %v", k, v)
		},
		func() string {
			k, v := name(names(true)), odd[r.IntN(len(odd))]
			everyRow(some(), share(), func(row *record.Row) {
				for i := range row.Vectors[k] {
					row.Vectors[k][i] = v
				}
			})
			return fmt.Sprintf("all of %s = %v", k, v)
		},
		func() string {
			k := name(append(names(false), names(true)...))
			everyRow(some(), share(), func(row *record.Row) { delete(row.Values, k); delete(row.Vectors, k) })
			return "without " + k
		},
		func() string {
			k, n := name(names(true)), r.IntN(4)
			everyRow(some(), share(), func(row *record.Row) {
				if v, ok := row.Vectors[k]; ok {
					row.Vectors[k] = append(v, v...)[:min(n, 2*len(v))]
				}
			})
			return fmt.Sprintf("%s of %d numbers", k, n)
		},
		func() string {
			split := []string{"train", "valid", "test"}[r.IntN(3)]
			for _, run := range some() {
				// A clone, because runs may share their rows, and DeleteFunc clears what it leaves behind.
				run.Rows = slices.DeleteFunc(slices.Clone(run.Rows), func(row record.Entry) bool { return row.Split == split })
			}
			return "without rows of " + split
		},
		func() string {
			n := r.IntN(3)
			for _, run := range some() {
				run.Rows = run.Rows[max(0, len(run.Rows)-n):]
			}
			return fmt.Sprintf("the last %d rows only", n)
		},
		func() string {
			for _, run := range some() {
				r.Shuffle(len(run.Rows), func(i, j int) { run.Rows[i], run.Rows[j] = run.Rows[j], run.Rows[i] })
			}
			return "rows in any order"
		},
		func() string {
			for _, run := range some() {
				run.Rows = append(run.Rows, run.Rows...)
			}
			return "rows twice"
		},
		func() string {
			step := []int{0, 1, -5, 1 << 40, math.MaxInt64, math.MinInt64}[r.IntN(6)]
			everyRow(some(), share(), func(row *record.Row) { row.Step, row.Epoch = step, float64(step) })
			return fmt.Sprintf("step %d", step)
		},
		func() string {
			v := odd[r.IntN(len(odd))]
			everyRow(some(), share(), func(row *record.Row) { row.Epoch = v })
			return fmt.Sprintf("epoch %v", v)
		},
		func() string {
			set.Runs = slices.Clone(set.Runs[:1])
			return "a single trial"
		},
		func() string {
			for _, run := range some() {
				run.State = []record.State{record.Unfinished, record.Done, record.Failed, record.Damaged}[r.IntN(4)]
				run.Reason = "loss \x1b[31m\x00\nis NaN"
			}
			return "states"
		},
		func() string {
			for _, run := range some() {
				for _, k := range slices.Sorted(maps.Keys(run.Config)) {
					if r.IntN(2) == 0 {
						run.Config[k] = []string{"", "NaN", "+Inf", "-1e300", "1e300", "0", "a\x1b[2Jb\r\n\"c\",d\x00", strings.Repeat("long ", 40)}[r.IntN(8)]
					}
				}
			}
			return "settings"
		},
		func() string {
			for _, run := range some() {
				run.Variant = "a\x1b[2J\tb\r\nc\u202e,\"\x00"
				run.Data = "\x07"
			}
			return "control characters"
		},
		func() string {
			run := *any()
			apart := r.IntN(2) == 0
			for i := range 20 + r.IntN(200) {
				more := run
				more.Config = maps.Clone(run.Config)
				if apart {
					more.Data = fmt.Sprint(i)
				}
				more.Config["variant.bn.gamma"], more.Variant = fmt.Sprint(i), "bn"
				set.Runs = append(set.Runs, more)
			}
			return "many groups"
		},
		func() string {
			set.Warnings = []error{errors.New("a \x1b[31m warning\x00\r\n")}
			for _, run := range some() {
				run.Manifest.Seconds = odd[r.IntN(len(odd))]
			}
			return "seconds"
		},
	}
	for range 1 + r.IntN(3) {
		how = append(how, changes[r.IntN(len(changes))]())
	}
	return how
}

// survives draws a figure and returns an error if that panics or takes too long, if a refusal does not name
// the figure, or if what is drawn leaves the page or its table is not well-formed.
func survives(name string, set *record.Set, pixels bool) error {
	result := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		result <- func() error {
			f, err := Figures.Get(name)
			if err != nil {
				return err
			}
			d, err := f.Draw(set)
			if err != nil {
				if !strings.HasPrefix(err.Error(), name+": ") || strings.ContainsFunc(err.Error(), control) {
					return fmt.Errorf("the refusal does not name the figure, or not in plain text: %q", err)
				}
				return nil
			}
			var c tracker
			d.draw(draw.NewCanvas(&c, d.Width, d.Height))
			if err := c.within(vg.Rectangle{Max: vg.Point{X: d.Width, Y: d.Height}}, 1); err != nil {
				return err
			}
			narrow, column := d.As(Layout{Width: 3.3 * vg.Inch, NoCaption: true}), tracker{}
			narrow.draw(draw.NewCanvas(&column, narrow.Width, narrow.Height))
			if err := column.within(vg.Rectangle{Max: vg.Point{X: narrow.Width, Y: narrow.Height}}, 1); err != nil {
				return fmt.Errorf("at column width: %w", err)
			}
			if d.Height > 100*vg.Inch {
				return fmt.Errorf("%v high", d.Height)
			}
			if strings.ContainsFunc(d.Caption, control) {
				return fmt.Errorf("control characters in the caption %q", d.Caption)
			}
			if pixels {
				if _, err := d.PNG(); err != nil {
					return err
				}
			}
			if wrong := unsound(d.Finding); wrong != "" {
				return fmt.Errorf("the finding has %s: %s", wrong, d.Finding)
			}
			return wellFormed(d)
		}()
	}()
	const most = 10 * time.Second // of a drawing that takes some milliseconds; the machine may be busy
	select {
	case err := <-result:
		return err
	case <-time.After(most):
		return fmt.Errorf("not drawn after %v", most)
	}
}

// control tells characters that may steer a terminal.
func control(r rune) bool { return unicode.IsControl(r) }

// wellFormed returns an error unless a drawing's CSV can be read back, each row as long as its header, and
// has no infinity and no NaN but as an empty cell.
func wellFormed(d *Drawing) error {
	text, err := d.CSV()
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll() // checks the lengths
	if err != nil {
		return err
	}
	if len(rows) != len(d.Table) {
		return fmt.Errorf("CSV: %d rows of %d", len(rows), len(d.Table))
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.ContainsFunc(cell, control) || slices.Contains([]string{"NaN", "+Inf", "-Inf", "Inf"}, cell) {
				return fmt.Errorf("CSV: %q in %q", cell, row)
			}
		}
	}
	return nil
}

// TestMarksStayInPanels: what each kind of mark draws of any numbers lies in its panel, but for half a line's
// width and for glyphs whose centre does.
func TestMarksStayInPanels(t *testing.T) {
	panel := draw.Canvas{Rectangle: vg.Rectangle{Min: vg.Point{X: 100, Y: 200}, Max: vg.Point{X: 300, Y: 350}}}
	p := newPanel("", "")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 10, 0, 10
	style := draw.LineStyle{Color: ink, Width: 1, Dashes: floorDashes}
	glyph := draw.GlyphStyle{Color: ink, Radius: 4, Shape: star{}}
	top, kinds := 1.0, map[string]bool{}
	for i := range 400 {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		number := func() float64 {
			if r.IntN(2) == 0 {
				return odd[r.IntN(len(odd))]
			}
			return 14*r.Float64() - 2
		}
		list := func() (x []float64) {
			for range 5 {
				x = append(x, number())
			}
			return x
		}
		for _, m := range []plot.Plotter{
			curve{list(), list(), style}, band{list(), list(), list(), ink}, dots{list(), list(), glyph}, level{number(), style},
			thresholds{list(), make([]string, 5), style}, bars{Mean: list(), Lo: list(), Hi: list(), Color: ink, Whisker: true, Base: number(), Slot: 1, Slots: 3}, heading{}, grid{}, diagonal{}, isoELBO{}, readings{list(), list(), list(), list(), make([]color.Color, 5)}, tags{list(), list(), make([]string, 5), make([]color.Color, 5), 4, []curve{{list(), list(), style}}},
			crosses{list(), list(), list(), list(), list(), list(), make([]color.Color, 5), make([]bool, 5)},
			truth{number(), number()}, lying{number(), number(), number(), number(), ink, false}, lying{number(), number(), number(), number(), ink, true}, density{2, list()[:4], &top},
			heatMap{Edges: list(), Cells: [][]float64{list()[:4]}, Top: &top},
			ridge{Row: -5, Edges: list(), Share: []float64{0, 0.5, 0.5, 0}, Seeds: [][]float64{{0, 1, 0, 0}}, Floor: number(), Color: ink},
		} {
			kinds[reflect.TypeOf(m).Name()] = true
			var c tracker
			panel.Canvas = &c
			m.Plot(panel, p)
			if err := c.within(panel.Rectangle, edge+glyph.Radius+0.01); err != nil {
				t.Fatalf("%d: %T%v: %v", i, m, m, err)
			}
		}
	}
	// Those are all, and they draw by the functions of clip.go.
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	raw := regexp.MustCompile(`\bc\.(Stroke|Fill(Polygon)?\(|DrawGlyph)\w*`)
	kind := regexp.MustCompile(`(?m)^func \((?:m )?(\w+)\) Plot\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range kind.FindAllSubmatch(text, -1) {
			if !kinds[string(found[1])] {
				t.Errorf("%s: the mark %s is not tested", file, found[1])
			}
		}
		switch file {
		case "clip.go", "page.go", "blocks.go", "format.go", "outlines.go", "scaled.go": // the functions themselves, and what is no mark
			continue
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if raw.MatchString(line) && !strings.Contains(line, "s.Color, outline") { // the star's own
				t.Errorf("%s: take strokeIn, fillIn or glyphIn, which end at the panel: %s", file, line)
			}
		}
	}
}

// TestTags: texts beside points lie in the panel and do not touch each other; those without room are left out.
func TestTags(t *testing.T) {
	panel := draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: 200, Y: 100}}}
	p := newPanel("", "")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 200, 0, 100
	r := rand.New(rand.NewPCG(1, 2))
	width, height := sans(captionSize).Width("0.25"), vg.Length(captionSize*0.9)
	for _, n := range []int{1, 5, 60} {
		m := tags{Room: 5}
		for range n {
			m.X, m.Y = append(m.X, 200*r.Float64()), append(m.Y, 100*r.Float64())
			m.Labels, m.Colors = append(m.Labels, "0.25"), append(m.Colors, ink)
		}
		var c tracker
		panel.Canvas = &c
		m.Plot(panel, p)
		if len(c.words) == 0 || n == 1 && len(c.words) != 1 || n == 60 && len(c.words) == n {
			t.Errorf("%d of %d texts", len(c.words), n)
		}
		for i, a := range c.words {
			if a.X < 0 || a.X+width > 200.01 || a.Y < 0 || a.Y > 100 {
				t.Errorf("a text at %v leaves the panel", a)
			}
			for _, b := range c.words[:i] {
				if dx, dy := a.X-b.X, a.Y-b.Y; max(dx, -dx) < width-0.01 && max(dy, -dy) < height-0.01 {
					t.Errorf("texts at %v and %v touch", a, b)
				}
			}
		}
	}
}

// TestAnyRows draws every figure of rows that no trial has ever written: it is drawn on its page in no
// time, or refused with a reason.
func TestAnyRows(t *testing.T) {
	times := 25
	if *long {
		times = 400
	}
	bases := map[string]*record.Set{"bn-gap": batchSet(2), "phase": phaseSet(2), "lag": lagSet(2), "matched-rate": sweepSet(2), "sweep": sweepSet(2), "rate-distortion": sweepSet(2), "frontier": sweepSet(2), "rank": sweepSet(2)}
	pilots := pilotSet(2)
	deep := copied(pilots) // a bar of a million nats, and an axis of some
	changeAll(deep, func(row *record.Row) {
		if v := row.Vectors["kl_dim"]; len(v) > 0 {
			v[0] = -1e6
		}
	})
	if err := survives("kl-dims", deep, true); err != nil {
		t.Error(err)
	}
	for _, name := range Figures.Names() {
		base := bases[name]
		if base == nil {
			base = pilots
		}
		for i := range times {
			r := rand.New(rand.NewPCG(uint64(i), 12))
			set := copied(base)
			how := mutate(set, r)
			if err := survives(name, set, i%25 == 0); err != nil {
				t.Errorf("%s, rows %d (%s): %v", name, i, strings.Join(how, "; "), err)
				break
			}
		}
	}
}
