package plots

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The body of a page is blocks, one below the other. A block is laid out to the width of the page: a figure says which panels
// there are, and the block how many of them stand side by side.

// A block is a part of a page's body.
type block interface {
	// lay returns the height that the block takes at a width, and draws it on a canvas of that size.
	lay(width vg.Length) (height vg.Length, draw func(draw.Canvas))
}

// The widths below which a panel moves to the next row, points; with leastNamed it has no numbers on its left.
const (
	leastPanel = vg.Length(108)
	leastNamed = vg.Length(70)
)

// A matrix is rows of panels with equal data areas. A row that the page has no room for continues below.
type matrix struct {
	rows   [][]*plot.Plot // as long as each other; nil leaves a place empty
	height vg.Length      // of a row
	left   vg.Length      // room on the left for the names of lines that all panels share; 0 if each has a y axis of its own
	right  vg.Length      // room on the right for what marks write there
	least  vg.Length      // the width below which a panel moves to the next row; 0 is the usual
}

// lay implements block.
func (m matrix) lay(width vg.Length) (vg.Length, func(draw.Canvas)) {
	least := leastPanel
	switch {
	case m.least > 0:
		least = m.least
	case m.left > 0:
		least = leastNamed
	}
	side := max(1, int((width-m.left-m.right)/least))
	given := m.rows
	if n := len(given); m.left == 0 && 1 < n && n <= side && side < len(given[0]) { // rows that fit as columns leave no place empty
		given = transposed(given)
	}
	var rows [][]*plot.Plot
	for _, row := range given {
		n := (len(row) + side - 1) / side // rows that it takes
		columns := (len(row) + n - 1) / n
		for len(row) > 0 {
			part := make([]*plot.Plot, columns)
			row = row[copy(part, row):]
			if m.left > 0 {
				nameFirst(part)
			}
			rows = append(rows, part)
		}
	}
	height := m.height
	if room := (width - m.right) / vg.Length(len(rows[0])); m.left == 0 && room < 2*vg.Inch && len(m.rows[0]) < 4 { // no panel is much higher than it is wide
		height = min(height, max(1.5*vg.Inch, 1.3*room))
	}
	return height * vg.Length(len(rows)), func(c draw.Canvas) { drawPanels(rows, draw.Crop(c, 0, -m.right, 0, 0)) }
}

// transposed has the rows as columns.
func transposed(rows [][]*plot.Plot) (columns [][]*plot.Plot) {
	for i := range rows[0] {
		var column []*plot.Plot
		for _, row := range rows {
			column = append(column, row[i])
		}
		columns = append(columns, column)
	}
	return columns
}

// nameRoom is the room for the names of rows, in lines of that width.
const nameRoom = vg.Length(115)

// namedRows are panels side by side in which each label has a row, the first at the top, at height 0, 1 and so on. A row is at
// least so high.
func namedRows(side []*plot.Plot, labels []string, least vg.Length) matrix {
	names := make(plot.ConstantTicks, len(labels))
	for i, label := range labels {
		lines := foldTo(sans(captionSize), printable(label), nameRoom, 3)
		names[i] = plot.Tick{Value: float64(i), Label: strings.Join(lines, "\n")}
		least = max(least, vg.Length(3.5+captionSize*1.15*float64(len(lines))))
	}
	for _, p := range side {
		p.Y.Min, p.Y.Max = -0.7, float64(len(labels))-0.3
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
		p.Y.Tick.LineStyle.Width = 0 // there are the grid's
		p.Y.Tick.Marker = names
		restyle(&p.Y.Tick.Label, sans(captionSize))
		restyle(&p.X.Label.TextStyle, sans(tickSize))
		restyle(&p.X.Tick.Label, sans(captionSize))
	}
	return matrix{rows: [][]*plot.Plot{side}, left: nameRoom, height: 0.5*vg.Inch + least*vg.Length(max(4, len(labels)))}
}

// nameFirst takes the labels of the y axis from all panels of a row but the first.
func nameFirst(row []*plot.Plot) {
	for i, p := range row {
		if i > 0 && p != nil {
			q := *p
			q.Y.Tick.Marker = unlabelled(q.Y.Tick.Marker)
			row[i] = &q
		}
	}
}

// single is the block of one panel.
func single(p *plot.Plot, height vg.Length) matrix {
	return matrix{rows: [][]*plot.Plot{{p}}, height: height}
}

// A headed panel is one of a trellis, with two lines above it; the second may be empty.
type headed struct {
	*plot.Plot
	first, second string
}

// headedPanel is an empty one.
func headedPanel(first, second string) headed {
	return headed{newPanel("", ""), printable(first), second}
}

// A trellis is one panel for each group, with the axes' labels at its edges only. What the headings share is said once,
// above them.
type trellis struct {
	cells   []headed
	x, y    string              // labels of the axes
	sharedX bool                // the numbers of the x axes stand below the lowest panels only
	sharedY bool                // those of the y axes left of the first ones
	most    int                 // panels side by side, 4 if 0
	height  vg.Length           // of a row; 0 is the usual
	square  bool                // data areas are as high as they are wide
	right   vg.Length           // room on the right
	beside  func(c draw.Canvas) // draws there
}

// lay implements block.
func (t trellis) lay(width vg.Length) (vg.Length, func(draw.Canvas)) {
	var firsts []string
	for _, cell := range t.cells {
		firsts = append(firsts, cell.first)
	}
	lead, firsts := shared(firsts)
	columns, headings, lines := t.head(firsts, width)
	rows := arrange(t.cells, columns)
	columns = len(rows[0])
	two := slices.ContainsFunc(t.cells, func(h headed) bool { return h.second != "" })
	out := make([][]*plot.Plot, len(rows))
	k := 0
	for j, row := range rows {
		out[j] = make([]*plot.Plot, columns)
		for i, cell := range row {
			if cell.Plot == nil {
				continue
			}
			p := *cell.Plot // which may be laid out again
			p.Title.Text, p.Title.TextStyle = strings.TrimSuffix(strings.Repeat(" \n", lines+btoi(two)), "\n"), sans(tickSize)
			p.Add(heading{headings[k], cell.second})
			k++
			if i > 0 && t.sharedY {
				p.Y.Tick.Marker = unlabelled(p.Y.Tick.Marker)
			}
			if lowest := j == len(rows)-1 || rows[j+1][i].Plot == nil; !lowest && t.sharedX {
				p.X.Tick.Marker = unlabelled(p.X.Tick.Marker)
			}
			out[j][i] = &p
		}
	}
	top := vg.Length(0)
	if lead != "" {
		top = labelSize*leading + 2
	}
	height, used := t.heights(columns, len(rows), width, lines+btoi(two))
	return height + top, func(c draw.Canvas) {
		if lead != "" {
			style := bold(labelSize)
			style.YAlign = draw.YTop
			c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y}, lead)
			c = draw.Crop(c, 0, 0, 0, -top)
		}
		if t.beside != nil {
			t.beside(draw.Crop(c, used, 0, 0, 0))
		}
		drawPanels(out, edgeLabels(draw.Crop(c, 0, used-width, 0, 0), t.x, t.y))
	}
}

// edgeLabels draws the labels of axes that panels share, once for all, and returns what is left of the canvas.
func edgeLabels(c draw.Canvas, x, y string) draw.Canvas {
	const line = vg.Length(labelSize*leading) + 2
	lines := func(label string, length vg.Length) []string { return foldTo(sans(labelSize), label, length, 2) }
	below := lines(x, c.Max.X-c.Min.X)
	beside := lines(y, c.Max.Y-c.Min.Y-line*vg.Length(len(below)))
	inner := draw.Crop(c, line*vg.Length(len(beside)), 0, line*vg.Length(len(below)), 0)
	style := sans(labelSize)
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	for i, text := range slices.Backward(below) {
		c.FillText(style, vg.Point{X: inner.Center().X, Y: c.Min.Y + line*vg.Length(len(below)-1-i)}, text)
	}
	style.Rotation, style.YAlign = math.Pi/2, draw.YTop
	for i, text := range beside {
		c.FillText(style, vg.Point{X: c.Min.X + line*vg.Length(i), Y: inner.Center().Y}, text)
	}
	return inner
}

// head are the headings in lines, the number of panels side by side for which none is cut if there is one, and the most lines.
func (t trellis) head(firsts []string, width vg.Length) (columns int, headings [][]string, lines int) {
	const most = 3 // lines
	for columns = t.columns(width); ; columns-- {
		room := (width-t.right)/vg.Length(columns) - 16
		headings, lines = nil, 1
		whole := true
		for _, first := range firsts {
			heading := foldTo(bold(tickSize), first, room, most)
			headings, lines = append(headings, heading), max(lines, len(heading))
			whole = whole && strings.Join(heading, " ") == strings.Join(strings.Fields(first), " ")
		}
		if whole || columns == 1 {
			return columns, headings, lines
		}
	}
}

// columns is how many panels stand side by side at most.
func (t trellis) columns(width vg.Length) int {
	most := t.most
	if most == 0 {
		most = 4
	}
	least := leastPanel
	if t.sharedY {
		least = 82 // they have no numbers but the first
	}
	columns := max(1, min(most, int((width-t.right)/least)))
	for columns > 1 && slices.ContainsFunc(t.cells, func(h headed) bool { return sans(tickSize).Width(h.second) > (width-t.right)/vg.Length(columns)-10 }) {
		columns-- // second lines are not broken
	}
	return columns
}

// heights are the height of all rows, and the width that the panels take.
func (t trellis) heights(columns, rows int, width vg.Length, lines int) (height, used vg.Length) {
	head := vg.Length(lines) * tickSize * leading
	used = width - t.right
	switch {
	case t.square:
		const left, between = 26 + labelSize*leading + 2, 14
		side := min(1.9*vg.Inch, (used-left-between*vg.Length(columns-1))/vg.Length(columns))
		used = left + vg.Length(columns)*side + between*vg.Length(columns-1) + 4
		return vg.Length(rows)*(side+head+16) + 34, used
	case t.height > 0:
		return vg.Length(rows)*(t.height+head) + 24, used
	case len(t.cells) == 1:
		return 2.4 * vg.Inch, used
	}
	return vg.Length(rows)*(1.22*vg.Inch+head) + 25, used
}

// arrange puts panels into as few rows as take at most so many each, and those evenly.
func arrange(cells []headed, most int) [][]headed {
	n := (len(cells) + most - 1) / most
	columns := (len(cells) + n - 1) / n
	rows := make([][]headed, n)
	for j := range rows {
		rows[j] = make([]headed, columns)
		copy(rows[j], cells[min(j*columns, len(cells)):])
	}
	return rows
}

// shareY gives all panels one y axis from zero to top.
func shareY(cells []headed, top float64) {
	for _, p := range cells {
		p.Y.Min, p.Y.Max = 0, top
		fromZero(&p.Y)
	}
}

// btoi is 1 for true.
func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// shared are the words that all labels have, and the labels without them. There are none if a label would have nothing else.
func shared(labels []string) (lead string, rest []string) {
	if len(labels) < 2 {
		return "", labels
	}
	var common []string
	for _, word := range strings.Fields(labels[0]) {
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(strings.Fields(l), word) }) {
			common = append(common, word)
		}
	}
	for _, label := range labels {
		own := slices.DeleteFunc(strings.Fields(label), func(word string) bool { return slices.Contains(common, word) })
		if len(own) == 0 {
			return "", labels
		}
		rest = append(rest, strings.Join(own, " "))
	}
	return strings.Join(common, " "), rest
}

// foldTo breaks a text between words into lines that fit a width, at most so many, and cuts what is still too wide. A root
// stays with what follows it.
func foldTo(style text.Style, label string, width vg.Length, most int) (lines []string) {
	words := strings.Fields(label)
	for i := len(words) - 2; i >= 0; i-- {
		if words[i] == "√" {
			words = slices.Replace(words, i, i+2, words[i]+" "+words[i+1])
		}
	}
	for _, word := range words {
		last := len(lines) - 1
		if last < 0 || len(lines) < most && style.Width(lines[last]+" "+word) > width {
			lines = append(lines, word)
		} else {
			lines[last] += " " + word
		}
	}
	for i, line := range lines {
		for n := len([]rune(line)) - 1; n > 1 && style.Width(lines[i]) > width; n-- {
			lines[i] = clip(line, n)
		}
	}
	return lines
}

// drawPanels draws a matrix of panels with equal data areas. (plot.Align takes the room for labels at the first size it
// tries, and is off by some pixels.) The plots are copied, since what is laid out may be laid out again.
func drawPanels(rows [][]*plot.Plot, c draw.Canvas) {
	c = draw.Crop(c, 0, -2, 2, -4)
	copies := make([][]*plot.Plot, len(rows))
	for j, row := range rows {
		for _, p := range row {
			if p != nil {
				q := *p
				p = &q
				sound(p)
			}
			copies[j] = append(copies[j], p)
		}
	}
	tile := draw.Tiles{Rows: len(copies), Cols: len(copies[0])}.At(c, 0, 0)
	labels := map[*plot.Plot]string{}
	for _, p := range slices.Concat(copies...) {
		if p != nil { // long labels come first, since the axes become shorter by them
			foldLabel(&p.Y, tile.Max.Y-tile.Min.Y)
			labels[p], p.X.Label.Text = p.X.Label.Text, ""
		}
	}
	for _, cell := range align(copies, c) { // without labels below, which are as long as the axes then are
		data := cell.plot.DataCanvas(cell.canvas)
		cell.plot.X.Label.Text = labels[cell.plot]
		foldLabel(&cell.plot.X, data.Max.X-data.Min.X+4)
	}
	for _, cell := range align(copies, c) {
		data := cell.plot.DataCanvas(cell.canvas)
		for _, a := range []struct {
			*plot.Axis
			length  vg.Length
			upright bool
		}{{&cell.plot.X, data.Max.X - data.Min.X, false}, {&cell.plot.Y, data.Max.Y - data.Min.Y, true}} {
			a.Tick.Marker = sparse{a.Tick.Marker, a.length, a.Tick.Label, a.upright, a.Scale}
		}
	}
	for _, cell := range align(copies, c) {
		cell.plot.Draw(cell.canvas)
	}
}

// foldLabel breaks the label of an axis that is longer than its panel into two lines, or into three if two have no room for it.
func foldLabel(a *plot.Axis, length vg.Length) {
	style, label := a.Label.TextStyle, a.Label.Text
	if style.Width(label) <= length {
		return
	}
	lines := foldTo(style, label, length, 2)
	if strings.Join(lines, " ") != label {
		lines = foldTo(style, label, length, 3)
	}
	a.Label.Text = strings.Join(lines, "\n")
}

// sparse is a ticker whose labels do not touch on an axis of a length. Of equally spaced ones it keeps every second, third or so;
// of others, and of a figure's own values, those at both ends, then powers of ten, then what has room.
type sparse struct {
	plot.Ticker
	length  vg.Length
	style   text.Style
	upright bool
	scale   plot.Normalizer
}

// A place is that of a label along an axis.
type place struct {
	tick     int // its index
	at, half vg.Length
}

// Ticks implements plot.Ticker.
func (s sparse) Ticks(lo, hi float64) []plot.Tick {
	all := slices.Clone(s.Ticker.Ticks(lo, hi))
	var labelled []place
	gap := vg.Length(3)
	for _, i := range s.order(all, lo, hi) {
		if all[i].Label == "" {
			continue
		}
		half := s.style.Width(all[i].Label) / 2
		if s.upright {
			half, gap = s.style.Font.Size*0.42, 1
		}
		labelled = append(labelled, place{i, vg.Length(s.scale.Normalize(lo, hi, all[i].Value)) * s.length, half})
	}
	_, own := s.Ticker.(plot.ConstantTicks)
	kept := everySo(labelled, gap, own)
	if !even(labelled, s.length) || own && len(kept) < 3 {
		kept = preferred(labelled, gap, func(p place) bool { return strings.Trim(all[p.tick].Label, "0.") == "1" })
	}
	for _, p := range labelled {
		if !slices.Contains(kept, p) {
			all[p.tick].Label = ""
		}
	}
	return all
}

// even tells whether places are equally spaced, up to a hundredth of the axis.
func even(places []place, length vg.Length) bool {
	for i := 2; i < len(places); i++ {
		if d := places[i].at - 2*places[i-1].at + places[i-2].at; max(d, -d) > length/100 {
			return false
		}
	}
	return true
}

// touch tells whether two labels have less than a gap between them.
func touch(a, b place, gap vg.Length) bool { return max(a.at-b.at, b.at-a.at) < a.half+b.half+gap }

// everySo is every first, second, third, ... place: the most that do not touch. It has the last, too, if ends says so.
func everySo(places []place, gap vg.Length, ends bool) (kept []place) {
	for every := 1; every <= len(places); every++ {
		if ends && (len(places)-1)%every != 0 {
			continue
		}
		kept = kept[:0]
		touching := false
		for i := 0; i < len(places); i += every {
			touching = touching || len(kept) > 0 && touch(kept[len(kept)-1], places[i], gap)
			kept = append(kept, places[i])
		}
		if !touching {
			break
		}
	}
	return kept
}

// preferred are the places that do not touch those taken before: both ends come first, then those that are better, then the rest.
func preferred(places []place, gap vg.Length, better func(place) bool) (kept []place) {
	for turn := range 3 {
		for i, p := range places {
			if end := i == 0 || i == len(places)-1; turn == 0 && !end || turn == 1 && !better(p) {
				continue
			}
			if !slices.ContainsFunc(kept, func(k place) bool { return touch(k, p, gap) }) {
				kept = append(kept, p)
			}
		}
	}
	return kept
}

// order are the indices of the ticks along the axis.
func (s sparse) order(ticks []plot.Tick, lo, hi float64) []int {
	order := make([]int, len(ticks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := s.scale.Normalize(lo, hi, ticks[a].Value), s.scale.Normalize(lo, hi, ticks[b].Value)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return order
}

// A title is a block: lines over those below.
type title string

// lay implements block.
func (t title) lay(width vg.Length) (vg.Length, func(draw.Canvas)) {
	style := bold(labelSize)
	style.YAlign = draw.YTop
	lines := foldTo(style, string(t), width, 2)
	return labelSize*leading*vg.Length(len(lines)) + 4, func(c draw.Canvas) {
		for i, line := range lines {
			c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y - labelSize*leading*vg.Length(i)}, line)
		}
	}
}
