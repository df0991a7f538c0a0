package plots

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// A page is a figure from top to bottom: a legend on its own strip, the blocks, the
// caption. Nothing is ever drawn over the data, and the page is as high as it has to be.
type page struct {
	legend  []entry
	blocks  []block
	finding string   // what the figure shows of these rows, a sentence with a number; "" if that cannot be said
	caption []string // sentences: how to read it
	table   [][]string
}

const (
	margin = vg.Length(6)
	swatch = vg.Length(22) // width of a legend's line

	betweenBlocks = vg.Length(8)
)

// drawing is the figure, in the default layout.
func (p page) drawing() *Drawing {
	for _, row := range p.table {
		for i := range row {
			row[i] = plain(row[i])
		}
	}
	d := &Drawing{Finding: printable(minus(p.finding)), Table: p.table, page: p}
	d.Caption = strings.TrimSpace(d.Finding + " " + printable(minus(strings.Join(p.caption, " ")))) // which has no control characters
	return d.As(Layout{})
}

// As is the figure in a layout.
func (d *Drawing) As(l Layout) *Drawing {
	l = l.completed()
	scale := vg.Length(l.scale())
	width := l.Width / scale
	var caption []string
	foot := vg.Length(0)
	if !l.NoCaption {
		caption = wrap(d.Caption, width-2*margin)
		foot = vg.Length(float64(len(caption))*captionSize*leading) + 4
	}
	key := newLegend(d.page.legend, width-2*margin)
	height := 2*margin + key.height + foot
	var heights []vg.Length
	var bodies []func(draw.Canvas)
	for i, b := range d.page.blocks {
		h, body := b.lay(width - 2*margin)
		if i < len(d.page.blocks)-1 {
			h += betweenBlocks
		}
		height, heights, bodies = height+h, append(heights, h), append(bodies, body)
	}
	out := &Drawing{Finding: d.Finding, Caption: d.Caption, Table: d.Table, Width: l.Width, Height: height * scale, page: d.page, layout: l}
	out.draw = func(c draw.Canvas) {
		c = draw.Crop(draw.NewCanvas(scaledTo(c.Canvas, scale), width, height), margin, -margin, margin, -margin)
		key.draw(c)
		top := c.Max.Y - key.height
		for i, body := range bodies {
			part := c
			part.Max.Y, part.Min.Y = top, top-heights[i]
			if i < len(bodies)-1 {
				part.Min.Y += betweenBlocks
			}
			body(part)
			top -= heights[i]
		}
		style := sans(captionSize)
		style.YAlign = draw.YTop
		for i, line := range caption {
			y := c.Min.Y + foot - 4 - vg.Length(float64(i)*captionSize*leading)
			c.FillText(style, vg.Point{X: c.Min.X, Y: y}, line)
		}
	}
	return out
}

// mostPanels is the most panels of a trellis; more could not be told apart.
const mostPanels = 24

// mostLines is the most rows of a figure with one for each group, and the most entries of a legend. Some thousands would make
// a picture that no memory holds.
const mostLines = 120

// firstOf are the groups, or whatever, that a figure has room for, at most so many, and a sentence if that
// is not all.
func firstOf[T any](all []T, most int, what string) (first []T, note []string) {
	if n := len(all); n > most {
		return all[:most], []string{fmt.Sprintf("The first %d of %d %s.", most, n, what)}
	}
	return all, nil
}

// sampled are the groups of a figure with lines for each: all or, if they are more than a page has panels for, as many as it
// has, at equal distances in their order.
func sampled(all []record.Group) (some []record.Group, note []string) {
	return atMost(mostPanels, all)
}

// atMost is sampled for a figure with room for so many groups.
func atMost(most int, all []record.Group) (some []record.Group, note []string) {
	n := len(all)
	if n <= most {
		return all, nil
	}
	for i := range most {
		some = append(some, all[i*(n-1)/(most-1)])
	}
	return some, []string{fmt.Sprintf("%d of %s groups, at equal distances in their order; vaelab plot with the folders of some trials draws those.", most, thousands(n))}
}

// A cell is a panel and its place.
type cell struct {
	plot     *plot.Plot
	row, col int
	canvas   draw.Canvas
}

// align gives each panel the canvas at which its data area has the same size as all others,
// in line with its row and its column.
func align(rows [][]*plot.Plot, c draw.Canvas) []cell {
	var cells []cell
	for j, row := range rows {
		for i, p := range row {
			if p != nil {
				cells = append(cells, cell{p, j, i, draw.Tiles{Rows: len(rows), Cols: len(row)}.At(c, i, j)})
			}
		}
	}
	if !settle(cells, len(rows), len(rows[0]), c) { // the names of rows are wider than the first tile
		for n := range cells {
			cells[n].canvas = c
		}
		settle(cells, len(rows), len(rows[0]), c)
	}
	return cells
}

// padX and padY are between panels.
const padX, padY = 14, 8

// settle moves the canvases of cells until their data areas are equal and in line. It tells whether they are: a canvas that is much
// too narrow at first has no area to measure.
func settle(cells []cell, rows, cols int, c draw.Canvas) (ok bool) {
	for range 3 { // the room for labels hardly depends on the size, so this settles
		left, right := make([]vg.Length, cols), make([]vg.Length, cols)
		top, bottom := make([]vg.Length, rows), make([]vg.Length, rows)
		width, height := c.Max.X-c.Min.X-padX*vg.Length(cols-1), c.Max.Y-c.Min.Y-padY*vg.Length(rows-1)
		areas := make([]vg.Rectangle, len(cells)) // of the data; measuring them takes most of the time
		for n, k := range cells {
			data := k.plot.DataCanvas(k.canvas)
			areas[n] = data.Rectangle
			left[k.col] = max(left[k.col], data.Min.X-k.canvas.Min.X)
			right[k.col] = max(right[k.col], k.canvas.Max.X-data.Max.X)
			bottom[k.row] = max(bottom[k.row], data.Min.Y-k.canvas.Min.Y)
			top[k.row] = max(top[k.row], k.canvas.Max.Y-data.Max.Y)
		}
		w, h := (width-sum(left)-sum(right))/vg.Length(cols), (height-sum(top)-sum(bottom))/vg.Length(rows)
		ok = true
		for n, k := range cells {
			data := areas[n]
			if own := data.Max.X - data.Min.X; own < w/2 || own > 2*w {
				ok = false
			}
			x := c.Min.X + sum(left[:k.col+1]) + sum(right[:k.col]) + vg.Length(k.col)*(w+padX)
			y := c.Max.Y - sum(top[:k.row+1]) - sum(bottom[:k.row]) - vg.Length(k.row)*(h+padY)
			cells[n].canvas.Rectangle = vg.Rectangle{
				Min: vg.Point{X: x - (data.Min.X - k.canvas.Min.X), Y: y - h - (data.Min.Y - k.canvas.Min.Y)},
				Max: vg.Point{X: x + w + (k.canvas.Max.X - data.Max.X), Y: y + (k.canvas.Max.Y - data.Max.Y)},
			}
		}
	}
	return ok
}

// sum adds lengths up.
func sum(lengths []vg.Length) (total vg.Length) {
	for _, l := range lengths {
		total += l
	}
	return total
}

// wrap breaks a text into lines of the caption's type that fit the width.
func wrap(text string, width vg.Length) []string {
	style := sans(captionSize)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && style.Width(longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	return append(lines, line)
}

// printable replaces what the typeface cannot show, which would be drawn as nothing, by "?".
func printable(text string) string {
	face := font.DefaultCache.Lookup(sans(captionSize).Font, captionSize).Face
	var buf sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if i, err := face.GlyphIndex(&buf, r); err != nil || i == 0 {
			return '?'
		}
		return r
	}, text)
}

// An entry is one line of a legend.
type entry struct {
	label string
	group bool           // the label is a group's; what those of all groups share is said once
	line  draw.LineStyle // not drawn if its width is 0
	glyph draw.GlyphStyle
}

// A legend is entries laid out in rows: in one row if they fit, else in columns, read downwards.
type legend struct {
	entries []entry
	x       []vg.Length // left ends, from the left
	row     []int
	height  vg.Length
}

const legendRow = vg.Length(legendSize * 1.45)

// newLegend lays entries out on a strip of that width.
func newLegend(entries []entry, width vg.Length) legend {
	if n := len(entries); n > mostLines {
		entries = append(entries[:mostLines-1:mostLines-1], entry{label: fmt.Sprintf("and %d more", n-mostLines+1)})
	}
	entries = led(entries)
	l := legend{entries: slices.Clone(entries)}
	if len(entries) == 0 {
		return l
	}
	const space = 14 // between entries
	var sum, widest vg.Length
	var widths []vg.Length
	for i := range l.entries {
		e := &l.entries[i]
		e.label = strings.Join(foldTo(e.style(), printable(e.label), width-e.indent(), 1), "")
		w := e.indent() + e.style().Width(e.label) + space
		widths = append(widths, w)
		sum, widest = sum+w, max(widest, w)
	}
	columns := max(1, int((width+space)/widest))
	rows := (len(entries) + columns - 1) / columns
	var x vg.Length
	for i := range l.entries {
		if sum-space <= width {
			l.x, l.row = append(l.x, x), append(l.row, 0)
			x += widths[i]
			continue
		}
		l.x, l.row = append(l.x, widest*vg.Length(i/rows)), append(l.row, i%rows)
	}
	l.height = legendRow*vg.Length(slices.Max(l.row)+1) + 2
	return l
}

// draw puts the legend at the top of the canvas.
func (l legend) draw(c draw.Canvas) {
	for i, e := range l.entries {
		x, y := c.Min.X+l.x[i], c.Max.Y-legendRow*(vg.Length(l.row[i])+0.5)
		if e.line.Width > 0 {
			c.StrokeLine2(e.line, x, y, x+swatch, y)
		}
		if e.glyph.Radius > 0 {
			c.DrawGlyphNoClip(e.glyph, vg.Point{X: x + swatch/2, Y: y})
		}
		style := e.style()
		style.YAlign = draw.YCenter
		c.FillText(style, vg.Point{X: x + e.indent(), Y: y + 0.08*legendSize}, e.label)
	}
}

// led are entries whose groups' labels are without the words that all of them share, which come first.
func led(entries []entry) []entry {
	var labels []string
	for _, e := range entries {
		if e.group {
			labels = append(labels, e.label)
		}
	}
	lead, rest := shared(labels)
	if lead == "" {
		return entries
	}
	out := []entry{{label: lead + ":"}}
	for _, e := range entries {
		if e.group {
			e.label, rest = rest[0], rest[1:]
		}
		out = append(out, e)
	}
	return out
}

// title tells that an entry has no line and no glyph: it is about those that follow.
func (e entry) title() bool { return e.line.Width == 0 && e.glyph.Radius == 0 }

// indent is the room left of the label.
func (e entry) indent() vg.Length {
	if e.title() {
		return 0
	}
	return swatch + 5
}

// style is the label's.
func (e entry) style() text.Style {
	if e.title() {
		return bold(legendSize)
	}
	return sans(legendSize)
}
