package plots

import (
	"hash/fnv"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// The house style: sans type, thin axes, a light grid, and one colour per variant; where there
// is one variant only, one per model.

// Sizes in points. Printed at the width of a page, 7 in, the smallest type is 8 pt.
const (
	labelSize   = 10
	tickSize    = 9
	legendSize  = 9.5
	captionSize = 8
	curveWidth  = 1.4
	thinWidth   = 0.8
	leading     = 1.3 // line height of running text, in font sizes
)

var (
	ink  = color.NRGBA{0x22, 0x22, 0x22, 0xff} // text and axes
	grey = color.NRGBA{0x77, 0x77, 0x77, 0xff} // what belongs to no variant
	rule = color.NRGBA{0xe6, 0xe6, 0xe6, 0xff} // the grid
)

// colors are the variants' colours in every figure, from the Okabe-Ito palette, which is
// made to be told apart by colour-blind readers. Its orange and its sky blue have a contrast below leastContrast on white: a
// brown stands for the first, and its purple is a little darker.
//
// Source: Okabe & Ito 2008, "Color Universal Design".
var colors = map[string]color.NRGBA{
	"vanilla":    {0x00, 0x00, 0x00, 0xff}, // black
	"bn":         {0x00, 0x72, 0xb2, 0xff}, // blue
	"bn-scaler":  {0xd5, 0x5e, 0x00, 0xff}, // vermillion
	"ln":         {0x00, 0x9e, 0x73, 0xff}, // bluish green
	"rms-scaler": {0x6b, 0x4f, 0x1d, 0xff}, // brown
	"free-bits":  {0xc4, 0x6a, 0xa0, 0xff}, // reddish purple
}

// spare colours go to the other variants by a hash of the name.
var spare = []color.NRGBA{
	{0x7a, 0x7a, 0xf0, 0xff}, // periwinkle
	{0x88, 0x22, 0x55, 0xff}, // wine
	{0x8a, 0x8a, 0x2c, 0xff}, // olive
	{0x33, 0x22, 0x88, 0xff}, // indigo
	{0x14, 0x53, 0x4d, 0xff}, // dark teal
}

// leastContrast is that of lines and marks to white paper.
//
// Source: W3C, "Web Content Accessibility Guidelines 2.2", success criterion 1.4.11.
const leastContrast = 3

// contrast is that of a colour to white, from 1 to 21.
//
// Source: W3C, "Web Content Accessibility Guidelines 2.2", definition of contrast ratio.
func contrast(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		if t := float64(v) / 255; t > 0.04045 {
			return math.Pow((t+0.055)/1.055, 2.4)
		} else {
			return t / 12.92
		}
	}
	return 1.05 / (0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B) + 0.05)
}

// modelColors are the models' colours, in figures that compare models and not variants.
var modelColors = map[string]color.NRGBA{
	"mlp":         spare[0],
	"pixelcnn":    spare[1],
	"lstm":        spare[2],
	"transformer": spare[3],
	"linear":      spare[4],
}

// colorOf returns the colour of a variant or model, which does not depend on the figure.
func colorOf(name string) color.NRGBA {
	if c, ok := colors[name]; ok {
		return c
	}
	if c, ok := modelColors[name]; ok {
		return c
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return spare[h.Sum32()%uint32(len(spare))]
}

// colored returns what each group has its colour by: its variant, or its model if all groups
// are of one variant, whose one colour would tell nothing, and of several models.
func colored(groups []record.Group) []string {
	variants, models := make([]string, len(groups)), make([]string, len(groups))
	oneVariant := true
	for i, g := range groups {
		variants[i], models[i] = g.Variant, g.Varying["model"]
		oneVariant = oneVariant && g.Variant == groups[0].Variant
	}
	if oneVariant && !slices.Contains(models, "") {
		return models
	}
	return variants
}

// dashes tell apart the lines that share a colour. The dashes of a floor are shorter.
var dashes = [][]vg.Length{nil, {7, 2}, {7, 2, 1.5, 2}, {4, 2}, {9, 2, 1.5, 2, 1.5, 2}}

// floorDashes leave room between them for those of a second floor at the same height.
var floorDashes = []vg.Length{2.6, 4}

// lineStyles returns one style per variant or model. Lines of one colour, which are the knob
// values of one (or, rarely, two variants that the hash threw together), go from light to
// dark and differ in their dashes, the darkest being solid.
func lineStyles(names []string) []draw.LineStyle {
	total, used := map[color.NRGBA]int{}, map[color.NRGBA]int{}
	for _, name := range names {
		total[colorOf(name)]++
	}
	styles := make([]draw.LineStyle, len(names))
	for i, name := range names {
		c := colorOf(name)
		n, k := total[c], used[c]
		used[c]++
		styles[i] = draw.LineStyle{Color: shade(c, k, n), Width: curveWidth, Dashes: dashes[(n-1-k)%len(dashes)]}
	}
	return styles
}

// groupStyles is lineStyles for groups.
func groupStyles(groups []record.Group) []draw.LineStyle { return lineStyles(colored(groups)) }

// shade returns the k-th of n shades of a colour, from light to dark. The lightest is as light as its contrast allows, half way
// to white at most.
func shade(c color.NRGBA, k, n int) color.NRGBA {
	if n == 1 {
		return c
	}
	mix := func(light, dark float64) color.NRGBA {
		of := func(v uint8) uint8 { return uint8(math.Round((float64(v) + (255-float64(v))*light) * (1 - dark))) }
		return color.NRGBA{of(c.R), of(c.G), of(c.B), c.A}
	}
	light := 0.5
	for light > 0 && contrast(mix(light, 0)) < leastContrast {
		light = max(0, light-0.02)
	}
	t := float64(k) / float64(n-1)
	return mix(light*(1-t), 0.5*t*(1-light))
}

// dark is a colour in which text can be read on white.
func dark(c color.Color) color.Color {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	for _, v := range []*uint8{&n.R, &n.G, &n.B} {
		*v = uint8(0.65 * float64(*v))
	}
	return n
}

// fade returns the colour with an opacity between 0 and 1.
func fade(c color.Color, opacity float64) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = uint8(math.Round(opacity * float64(n.A)))
	return n
}

// thin returns the style for the floor or limit of what is drawn in style s. Where two
// floors are equal, i is 0 for one and 1 for the other, and their dashes alternate.
func thin(s draw.LineStyle, i int) draw.LineStyle {
	period := floorDashes[0] + floorDashes[1]
	return draw.LineStyle{Color: s.Color, Width: thinWidth, Dashes: floorDashes, DashOffs: period / 2 * vg.Length(i%2)}
}

// neutral is the line of a legend entry that is about all colours.
var neutral = draw.LineStyle{Color: grey, Width: curveWidth}

// sans is the house's typeface at a size in points.
func sans(size float64) text.Style {
	return text.Style{
		Color:   ink,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Length(size)),
		Handler: plot.DefaultTextHandler,
	}
}

// bold is sans, bold.
func bold(size float64) text.Style {
	s := sans(size)
	s.Font.Weight = xfont.WeightBold
	return s
}

// newPanel returns an empty panel with the house's axes.
func newPanel(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		restyle(&a.Label.TextStyle, sans(labelSize))
		restyle(&a.Tick.Label, sans(tickSize))
		a.Label.Padding = 3
		a.LineStyle = draw.LineStyle{Color: ink, Width: 0.6}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3
		a.Tick.Marker = plot.TickerFunc(linearTicks)
		a.Padding = 0
	}
	p.Add(grid{})
	return p
}

// restyle gives an axis text the house's type, and leaves it its place.
func restyle(old *text.Style, s text.Style) {
	old.Font, old.Color, old.Handler = s.Font, s.Color, s.Handler
}

// stepAxis makes x the axis of training steps, from 0 on.
func stepAxis(p *plot.Plot) {
	p.X.Min = 0
	p.X.Max = math.Max(finiteOr(p.X.Max, 1), 1)
	p.X.Tick.Marker = plot.TickerFunc(stepTicks)
}

// fromZero lets an axis begin at zero, or below if the data do, and leaves room above.
func fromZero(a *plot.Axis) {
	a.Min = math.Min(0, finiteOr(a.Min, 0))
	a.Max = finiteOr(a.Max, 0)
	if a.Max-a.Min < 1e-9 {
		a.Max = a.Min + 1
	}
	a.Max += 0.05 * (a.Max - a.Min)
	if a.Min < 0 {
		a.Min -= 0.05 * (a.Max - a.Min)
	}
}

// pad leaves room on both sides of the data.
func pad(a *plot.Axis) {
	a.Min, a.Max = finiteOr(a.Min, 0), finiteOr(a.Max, 1)
	room := 0.05 * (a.Max - a.Min)
	if room < 1e-9 {
		room = 0.5
	}
	a.Min, a.Max = a.Min-room, a.Max+room
}

// mostOwn is the most values that are marked on an axis of their own; the labels that touch are left out.
const mostOwn = 12

// ownTicks marks an axis at the values that are drawn if they are few, else as the ticker does, and leaves room on both sides.
func ownTicks(a *plot.Axis, at []float64, label func(float64) string, many plot.Ticker) {
	at = slices.Compact(slices.Sorted(slices.Values(at)))
	width := at[len(at)-1] - at[0]
	if width == 0 {
		width = 1
	}
	a.Min, a.Max = at[0]-0.07*width, at[len(at)-1]+0.07*width
	if len(at) > mostOwn {
		a.Tick.Marker = many
		return
	}
	var ticks plot.ConstantTicks
	for _, v := range at {
		ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
	}
	a.Tick.Marker = ticks
}

// linearTicks marks the multiples of 1, 2 or 5 times a power of ten, at most six of them or so,
// without trailing zeros: 0, 0.5, 1 and not 0.00, 0.50, 1.00.
func linearTicks(lo, hi float64) []plot.Tick {
	return ticksOf(lo, hi, 0, 1, "")
}

// fewTicks is linearTicks for a narrow panel, with fewer ticks where their labels are long.
func fewTicks(lo, hi float64) []plot.Tick {
	ticks := linearTicks(lo, hi)
	if len(ticks) > 0 && len(ticks)*max(len(ticks[0].Label), len(ticks[len(ticks)-1].Label)) > 14 {
		ticks = ticksOf(lo, hi, niceStep((hi-lo)/3.5), 1, "")
	}
	return ticks
}

// stepTicks is linearTicks of whole numbers, with 10,000 written as 10k and 2,000,000 as 2M.
func stepTicks(lo, hi float64) []plot.Tick { return steps(lo, hi, 1) }

// fewStepTicks is stepTicks for one of three panels side by side.
func fewStepTicks(lo, hi float64) []plot.Tick { return steps(lo, hi, max(1, niceStep((hi-lo)/3.5))) }

// steps marks an axis of steps at multiples of at least `least`.
func steps(lo, hi, least float64) []plot.Tick {
	switch {
	case hi >= 1e6:
		return ticksOf(lo, hi, least, 1e6, "M")
	case hi >= 1e4:
		return ticksOf(lo, hi, least, 1e3, "k")
	}
	return ticksOf(lo, hi, least, 1, "")
}

// ticksOf marks an axis at multiples of at least `least` and labels it in units.
func ticksOf(lo, hi, least, unit float64, suffix string) []plot.Tick {
	step := max(niceStep((hi-lo)/5.5), least)
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step && len(ticks) < mostTicks; i++ {
		v := i * step
		label := short(v / unit)
		if label != "0" {
			label += suffix
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// mostTicks ends the axis of numbers so large that one more makes no difference.
const mostTicks = 12

// niceStep returns the smallest of 1, 2 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// roots returns the square roots, which are what a square-root axis shows: a collapse to 0
// and 20 nats can then be read in one panel. Values below zero are shown at zero.
//
// It is the data that are scaled, and not the plot.Axis: with a scale of its own,
// gonum/plot takes the axis label to stand off centre and reserves room for it there.
func roots(values []float64) []float64 {
	rs := make([]float64, len(values))
	for i, v := range values {
		rs[i] = math.NaN()
		if finite(v) {
			rs[i] = math.Sqrt(math.Max(v, 0))
		}
	}
	return rs
}

// rootTicks marks an axis of roots at 0 and at the roots of numbers of 1, 2 or 5 times a
// power of ten that are not too close.
func rootTicks(_, hi float64) []plot.Tick {
	const gap = 0.08 // of the axis
	ticks := []plot.Tick{{Value: 0, Label: "0"}}
	last := 0.0
	top := math.Log10(hi * hi)
	for e := math.Floor(top) - 2; e <= top; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if at := math.Sqrt(v); at <= hi && at-last >= gap*hi {
				ticks = append(ticks, plot.Tick{Value: at, Label: short(v)})
				last = at
			}
		}
	}
	return ticks
}

// logs returns the logarithms to base 10, which are what a logarithmic axis shows; for why it is the
// data that are scaled see roots. What is not above zero has none.
func logs(values []float64) []float64 {
	ls := make([]float64, len(values))
	for i, v := range values {
		ls[i] = math.NaN()
		if v > 0 && finite(v) {
			ls[i] = math.Log10(v)
		}
	}
	return ls
}

// logTicks marks an axis of logs at powers of ten, at 2 and 5 times those too where there are few, and at round numbers in equal
// steps where those are few as well.
func logTicks(lo, hi float64) (ticks []plot.Tick) {
	digits := []float64{1, 2, 5}
	if hi-lo > 2.5 {
		digits = digits[:1]
	}
	for e := math.Floor(lo); e <= hi; e++ {
		for _, m := range digits {
			v := m * math.Pow(10, e)
			if at := math.Log10(v); at >= lo-1e-9 && at <= hi+1e-9 {
				ticks = append(ticks, plot.Tick{Value: at, Label: short(v)})
			}
		}
	}
	if len(ticks) > 2 {
		return ticks
	}
	ticks = linearTicks(math.Pow(10, lo), math.Pow(10, hi))
	for i := range ticks {
		ticks[i].Value = math.Log10(ticks[i].Value)
	}
	return ticks
}

// unlog is the label of a value that stands on an axis of logs.
func unlog(v float64) string { return short(math.Pow(10, v)) }

// unlabelled is a ticker without labels, for a panel that shares its axis with the one
// beside it.
func unlabelled(t plot.Ticker) plot.Ticker {
	return plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		ticks := slices.Clone(t.Ticks(lo, hi)) // those of another panel, too
		for i := range ticks {
			ticks[i].Label = ""
		}
		return ticks
	})
}

// short is a number to six digits, without an exponent if it can be avoided. It is for the eye, with a minus sign: tables have num.
func short(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if rounded == 0 {
		return "0" // not -0
	}
	if a := math.Abs(rounded); a < 1e-4 || a >= 1e7 {
		return minus(strconv.FormatFloat(rounded, 'g', -1, 64))
	}
	return minus(strconv.FormatFloat(rounded, 'f', -1, 64))
}

// cents is a number with two decimals, and without the sign that rounding leaves before zero.
func cents(v float64) string {
	return minus(strconv.FormatFloat(math.Round(100*v)/100+0, 'f', 2, 64))
}

// hyphen is one that stands for a sign before a number. That of an exponent, a range or a name is none, and a setting's value is
// written as in its file.
var hyphen = regexp.MustCompile(`(^|[^\w=.)-])-(\.?\d)`)

// minus writes the signs of numbers in a text as minus signs, which are as wide as a plus.
func minus(text string) string { return hyphen.ReplaceAllString(text, "$1−$2") }

// thousands writes a step with commas: 12,000.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// clip shortens a text to n runes.
func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

// grid draws thin lines at the ticks.
type grid struct{}

// Plot implements plot.Plotter.
func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: rule, Width: 0.5}
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if at := x(t.Value); c.ContainsX(at) {
			strokeIn(c, style, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if at := y(t.Value); c.ContainsY(at) {
			strokeIn(c, style, vg.Point{X: c.Min.X, Y: at}, vg.Point{X: c.Max.X, Y: at})
		}
	}
}

// plain replaces control characters, which steer a terminal and end the lines of a table, by "?". They
// come from names of settings, data and files.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
}
