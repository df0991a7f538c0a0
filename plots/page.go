package plots

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// A page is a figure from top to bottom: a legend on its own strip, the panels, the
// caption. Nothing is ever drawn over the data, and the page is as high as it has to be.
type page struct {
	legend  []entry
	body    func(draw.Canvas)
	height  vg.Length // of the body
	caption []string  // sentences
	table   [][]string
}

const (
	pageWidth = 7 * vg.Inch
	margin    = vg.Length(6)
	swatch    = vg.Length(22) // width of a legend's line
)

// drawing lays the page out.
func (p page) drawing() *Drawing {
	caption := printable(strings.Join(p.caption, " ")) // has no control characters
	lines := wrap(caption, pageWidth-2*margin)
	key := newLegend(p.legend, pageWidth-2*margin)
	foot := vg.Length(float64(len(lines))*captionSize*leading) + 4
	for _, row := range p.table {
		for i := range row {
			row[i] = plain(row[i])
		}
	}
	d := &Drawing{Caption: caption, Table: p.table, Width: pageWidth, Height: 2*margin + key.height + p.height + foot}
	d.draw = func(c draw.Canvas) {
		c = draw.Crop(c, margin, -margin, margin, -margin)
		key.draw(c)
		p.body(draw.Crop(c, 0, 0, foot, -key.height))
		style := sans(captionSize)
		style.YAlign = draw.YTop
		for i, line := range lines {
			y := c.Min.Y + foot - 4 - vg.Length(float64(i)*captionSize*leading)
			c.FillText(style, vg.Point{X: c.Min.X, Y: y}, line)
		}
	}
	return d
}

// panels draws a grid of panels with equal data areas; nil leaves a place empty. (plot.Align
// takes the room for labels at the first size it tries, and is off by some pixels.)
func panels(rows [][]*plot.Plot) func(draw.Canvas) {
	return func(c draw.Canvas) {
		for _, p := range slices.Concat(rows...) {
			if p != nil {
				sound(p)
			}
		}
		for _, cell := range align(rows, draw.Crop(c, 0, -2, 2, -4)) {
			cell.plot.Draw(cell.canvas)
		}
	}
}

// mostPanels is the most panels of a trellis; more could not be told apart.
const mostPanels = 24

// mostLines is the most lines of a figure with one for each group, and of a legend. Some thousands would make
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

// sampled are the groups of a figure with lines for each: all or, if a legend has no room for them, as many as can be
// told apart, at equal distances in their order.
func sampled(all []record.Group) (some []record.Group, note []string) {
	n := len(all)
	if n <= mostLines {
		return all, nil
	}
	for i := range mostPanels {
		some = append(some, all[i*(n-1)/(mostPanels-1)])
	}
	return some, []string{fmt.Sprintf("%d of %s groups, at equal distances in their order; vaelab plot with the folders of some trials draws those.", mostPanels, thousands(n))}
}

// headedPanel is an empty panel of a trellis, with two lines above it.
func headedPanel(first, second string) *plot.Plot {
	p := newPanel("", "")
	p.Title.Text, p.Title.TextStyle = " \n ", sans(tickSize) // room for the heading
	p.Add(heading{printable(first), second})
	return p
}

// trellis lays out one panel per group, with axis labels at the edges only.
func trellis(cells []*plot.Plot, x, y string) (rows [][]*plot.Plot, height vg.Length) {
	rows = arrange(cells)
	for j, row := range rows {
		for i, p := range row {
			if p == nil {
				continue
			}
			if i == 0 {
				p.Y.Label.Text = y
			}
			if j == len(rows)-1 || rows[j+1][i] == nil {
				p.X.Label.Text = x
			}
		}
	}
	if len(cells) == 1 {
		return rows, 2.4 * vg.Inch
	}
	return rows, vg.Length(0.35+1.55*float64(len(rows))) * vg.Inch
}

// arrange puts panels into as few rows as take at most four each, and those evenly.
func arrange(cells []*plot.Plot) [][]*plot.Plot {
	n := (len(cells) + 3) / 4
	columns := (len(cells) + n - 1) / n
	rows := make([][]*plot.Plot, n)
	for j := range rows {
		rows[j] = make([]*plot.Plot, columns)
		copy(rows[j], cells[min(j*columns, len(cells)):])
	}
	return rows
}

// shareY gives all panels one y axis from zero to top, with its numbers on the left.
func shareY(rows [][]*plot.Plot, top float64) {
	for _, row := range rows {
		for i, p := range row {
			if p == nil {
				continue
			}
			p.Y.Min, p.Y.Max = 0, top
			fromZero(&p.Y)
			if i > 0 {
				p.Y.Tick.Marker = unlabelled(p.Y.Tick.Marker)
			}
		}
	}
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
	const padX, padY = 14, 8 // between panels
	var cells []cell
	for j, row := range rows {
		for i, p := range row {
			if p != nil {
				cells = append(cells, cell{p, j, i, draw.Tiles{Rows: len(rows), Cols: len(row)}.At(c, i, j)})
			}
		}
	}
	cols := len(rows[0])
	for range 3 { // the room for labels hardly depends on the size, so this settles
		left, right := make([]vg.Length, cols), make([]vg.Length, cols)
		top, bottom := make([]vg.Length, len(rows)), make([]vg.Length, len(rows))
		width, height := c.Max.X-c.Min.X-padX*vg.Length(cols-1), c.Max.Y-c.Min.Y-padY*vg.Length(len(rows)-1)
		for _, k := range cells {
			data := k.plot.DataCanvas(k.canvas)
			left[k.col] = max(left[k.col], data.Min.X-k.canvas.Min.X)
			right[k.col] = max(right[k.col], k.canvas.Max.X-data.Max.X)
			bottom[k.row] = max(bottom[k.row], data.Min.Y-k.canvas.Min.Y)
			top[k.row] = max(top[k.row], k.canvas.Max.Y-data.Max.Y)
		}
		w, h := (width-sum(left)-sum(right))/vg.Length(cols), (height-sum(top)-sum(bottom))/vg.Length(len(rows))
		for n, k := range cells {
			data := k.plot.DataCanvas(k.canvas)
			x := c.Min.X + sum(left[:k.col+1]) + sum(right[:k.col]) + vg.Length(k.col)*(w+padX)
			y := c.Max.Y - sum(top[:k.row+1]) - sum(bottom[:k.row]) - vg.Length(k.row)*(h+padY)
			cells[n].canvas.Rectangle = vg.Rectangle{
				Min: vg.Point{X: x - (data.Min.X - k.canvas.Min.X), Y: y - h - (data.Min.Y - k.canvas.Min.Y)},
				Max: vg.Point{X: x + w + (k.canvas.Max.X - data.Max.X), Y: y + (k.canvas.Max.Y - data.Max.Y)},
			}
		}
	}
	return cells
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
	l := legend{entries: slices.Clone(entries)}
	if len(entries) == 0 {
		return l
	}
	const space = 14 // between entries
	var sum, widest vg.Length
	var widths []vg.Length
	for i := range l.entries {
		l.entries[i].label = printable(l.entries[i].label)
		w := swatch + 5 + sans(legendSize).Width(l.entries[i].label) + space
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
		style := sans(legendSize)
		style.YAlign = draw.YCenter
		c.FillText(style, vg.Point{X: x + swatch + 5, Y: y + 0.08*legendSize}, e.label)
	}
}
