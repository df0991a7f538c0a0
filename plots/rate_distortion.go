package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("rate-distortion", RateDistortion{}) }

// RateDistortion shows -ln p(x|z) (distortion) against the KL (rate) at the end of training.
//
// One line per method goes through the means over seeds at each value of its knob, the setting
// that moves its rate, which stands beside the point; a method without one is a single point. On a thin diagonal line
// NELBO = rec + KL is the same everywhere: methods that differ along it only do not differ
// in their bound. Lower left is better.
//
// Where the generator of the data is known, a star is the generator itself, whose rate is the
// mutual information of x and its own z, and the thick grey diagonal through it is the true NLL: no
// model can be below.
//
// Source: Alemi et al. 2018, "Fixing a Broken ELBO" (arXiv 1711.00464).
type RateDistortion struct{}

// Draw implements Figure.
func (RateDistortion) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split, err := withPairs("rate-distortion", all, "kl", "rec")
	if err != nil {
		return nil, err
	}
	pg := page{table: [][]string{{"group", "knob", "x", "split", "seed", "kl", "rec"}}}
	known := false
	byKnob, flat := families(groups)
	var rows [][]*plot.Plot
	sets, note := firstOf(byData(allFamilies(byKnob, flat)), mostPanels, "data sets")
	for _, d := range sets {
		p := newPanel("KL: the rate (nats per example)", "−ln p(x|z): the distortion (nats)")
		p.Title.Text, p.Title.TextStyle = " ", sans(captionSize) // room for the numbers of the diagonals
		if len(sets) > 1 {
			p.Title.Text, p.Title.TextStyle = " \n ", sans(tickSize)
			p.Add(heading{first: []string{"data: " + printable(d.name)}, second: " "}) // above the numbers
		}
		if at, ok := truthOf(d.families, split); ok {
			known = true
			p.Add(at)
			pg.table = append(pg.table, []string{"generator of " + d.name, "", "", split, "true", num(at.rate), num(at.nll - at.rate)})
		}
		drawFrontiers(&pg, p, d.families, split)
		rows = append(rows, []*plot.Plot{p})
	}
	body := matrix{rows: rows, right: 28, height: 3.4 * vg.Inch}
	if len(rows) > 1 {
		body.height = 2.6 * vg.Inch
	}
	pg.blocks = []block{body}
	pg.finding = boundFinding(sets, split)
	pg.caption = []string{splitNames[split] + " split, last row.",
		"Small dots are seeds, large ones their means; " + perPoint(groups) + "; a line joins a method's values of its setting, in their order; they stand at the points where there is room.",
		"Along a thin diagonal NELBO = KL + distortion is constant; the numbers at the edge are its nats."}
	pg.caption = append(pg.caption, dialNote(allFamilies(byKnob, nil))...)
	if known {
		pg.legend = append(pg.legend, entry{label: "the data's generator", line: truthLine, glyph: draw.GlyphStyle{Color: grey, Radius: 4, Shape: star{}}})
		pg.caption = append(pg.caption, "Star: the generator with its own z, at the mutual information of x and z; on the thick grey diagonal NELBO is the true NLL; a model is below it by chance only.")
	}
	pg.caption = append(append(pg.caption, note...), doubts(set, all)...)
	return pg.drawing(), nil
}

// boundFinding compares the NELBO of the points on the first of the data sets, of which it names its own if there are several.
func boundFinding(sets []dataset, split string) string {
	var nelbos []sample
	for _, f := range sets[0].families {
		for _, g := range f.groups {
			var values []float64
			for _, v := range pairsOf(g, split, "kl", "rec") {
				values = append(values, v.x+v.y)
			}
			nelbos = append(nelbos, sampleOf(g.Label, values))
		}
	}
	what := "The NELBO"
	if len(sets) > 1 {
		what = sentence("On %s the NELBO", name(sets[0].name))
	}
	return sentence("%s, KL + distortion, %s.", what, spread(nelbos, " nats"))
}

// truthLine is the line of what is known of the generator.
var truthLine = draw.LineStyle{Color: grey, Width: curveWidth}

// A truth is the generator's place between rate and distortion.
type truth struct{ rate, nll float64 }

// truthOf returns that of the data that families share; ok is false if no row has it.
func truthOf(fs []family, split string) (t truth, ok bool) {
	for _, f := range fs {
		for _, g := range f.groups {
			if pairs := pairsOf(g, split, "true_mi", "true_nll"); len(pairs) > 0 {
				return truth{pairs[0].x, pairs[0].y}, true
			}
		}
	}
	return truth{}, false
}

// Plot implements plot.Plotter.
func (m truth) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	from, to := math.Max(p.X.Min, m.nll-p.Y.Max), math.Min(p.X.Max, m.nll-p.Y.Min)
	if from < to {
		strokeIn(c, truthLine, vg.Point{X: x(from), Y: y(m.nll - from)}, vg.Point{X: x(to), Y: y(m.nll - to)})
	}
	glyphIn(c, draw.GlyphStyle{Color: grey, Radius: 4, Shape: star{}}, vg.Point{X: x(m.rate), Y: y(m.nll - m.rate)})
}

// DataRange implements plot.DataRanger.
func (m truth) DataRange() (xmin, xmax, ymin, ymax float64) {
	return m.rate, m.rate, m.nll - m.rate, m.nll - m.rate
}

// drawFrontiers puts families into a panel, and their numbers into the page's table.
func drawFrontiers(pg *page, p *plot.Plot, fs []family, split string) {
	p.Add(isoELBO{})
	var lines, seeds, means []plot.Plotter
	at := tags{Room: 5}
	for _, f := range fs {
		line := curve{LineStyle: f.style}
		each := dots{GlyphStyle: draw.GlyphStyle{Color: fade(f.style.Color, 0.45), Radius: 1.7, Shape: draw.CircleGlyph{}}}
		for _, g := range f.groups {
			knob, x := knobOf(g)
			pairs := pairsOf(g, split, "kl", "rec")
			var kl, rec []float64
			for _, v := range pairs {
				kl, rec = append(kl, v.x), append(rec, v.y)
				pg.table = append(pg.table, []string{f.label, knob, x, split, fmt.Sprint(v.seed), num(v.x), num(v.y)})
			}
			each.X, each.Y = append(each.X, kl...), append(each.Y, rec...)
			meanKL, _, _ := record.Range(kl)
			meanRec, _, _ := record.Range(rec)
			line.X, line.Y = append(line.X, meanKL), append(line.Y, meanRec)
			pg.table = append(pg.table, []string{f.label, knob, x, split, "mean", num(meanKL), num(meanRec)})
			at.X, at.Y, at.Labels, at.Colors = append(at.X, meanKL), append(at.Y, meanRec), append(at.Labels, ""), append(at.Colors, dark(f.style.Color))
			if k, ok := g.Knob(); ok && len(f.groups) > 1 {
				at.Labels[len(at.Labels)-1] = short(k.Value)
			}
		}
		glyph := draw.GlyphStyle{Color: f.style.Color, Radius: 3, Shape: draw.CircleGlyph{}}
		e := entry{label: overDial(f), glyph: glyph}
		if len(f.groups) > 1 {
			e.line = f.style
			lines = append(lines, line)
		}
		seeds, means = append(seeds, each), append(means, dots{line.X, line.Y, glyph})
		pg.legend = append(pg.legend, e)
	}
	p.Add(lines...)
	p.Add(seeds...)
	p.Add(means...)
	p.Add(at)
	pad(&p.X)
	pad(&p.Y)
}

// isoELBO draws the diagonals x + y = constant, with their numbers on the right edge; of those that do not
// reach it, on the top edge, or at their lower end if they do not reach that either.
type isoELBO struct{}

// Plot implements plot.Plotter.
func (isoELBO) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	line := draw.LineStyle{Color: grey, Width: 0.5, Dashes: []vg.Length{1, 2}}
	style := sans(captionSize)
	style.Color = grey
	wide, high := p.X.Max-p.X.Min, p.Y.Max-p.Y.Min
	step := niceStep((wide + high) / 10)
	for range 2 { // numbers side by side on the top edge, and one below the other on the right one, do not touch
		widest := max(style.Width(short(math.Ceil((p.X.Min+p.Y.Min)/step)*step)), style.Width(short(math.Floor((p.X.Max+p.Y.Max)/step)*step)))
		step = niceStep(max(step, wide*float64((widest+6)/(c.Max.X-c.Min.X)), high*float64(1.3*captionSize/(c.Max.Y-c.Min.Y))))
	}
	first := math.Ceil((p.X.Min + p.Y.Min) / step)
	for i := range 2 * mostTicks {
		nelbo := (first + float64(i)) * step
		if nelbo > p.X.Max+p.Y.Max {
			break
		}
		number := short(nelbo)
		width := style.Width(number)
		from, to := math.Max(p.X.Min, nelbo-p.Y.Max), math.Min(p.X.Max, nelbo-p.Y.Min)
		strokeIn(c, line, vg.Point{X: x(from), Y: y(nelbo - from)}, vg.Point{X: x(to), Y: y(nelbo - to)})
		switch {
		case to == p.X.Max:
			style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
			c.FillText(style, vg.Point{X: c.Max.X + 4, Y: max(y(nelbo-to), c.Min.Y+captionSize/2)}, number)
		case from > p.X.Min:
			style.XAlign, style.YAlign = draw.XLeft, draw.YBottom
			c.FillText(style, vg.Point{X: min(x(from)-width/2, c.Max.X-width), Y: c.Max.Y + 3}, number)
		default: // from the left edge to the bottom
			style.XAlign, style.YAlign = draw.XLeft, draw.YBottom
			at := vg.Point{X: min(x(to)+4, c.Max.X-width), Y: c.Min.Y + 2}
			r, t := at.X+width, at.Y+captionSize*0.9
			fillIn(c, color.NRGBA{0xff, 0xff, 0xff, 0xc0}, at, vg.Point{X: r, Y: at.Y}, vg.Point{X: r, Y: t}, vg.Point{X: at.X, Y: t}) // other lines may pass
			c.FillText(style, at, number)
		}
	}
}
