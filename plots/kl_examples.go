package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-examples", KLExamples{}) }

// KLExamples shows a histogram over examples of the KL for each method, at the end of training.
//
// A method that normalises over a batch fixes the mean KL and leaves each example its own; one
// whose posteriors have one shape has the same KL for every x. Rows hold quantiles of the KL, at equal
// steps of probability; between two of them it is taken to be spread evenly. The histogram is
// that of all seeds together, thin outlines are the seeds. The bins are equal on the square-root
// axis, and each method is drawn to its own highest bin: heights are shares of examples, to be
// compared within a method.
type KLExamples struct{}

// exampleBins is how many bins the axis has.
const exampleBins = 60

// Draw implements Figure.
func (KLExamples) Draw(set *record.Set) (*Drawing, error) {
	const vector = "kl_quantiles"
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, havingVector(vector))
	if split == "" {
		return nil, errors.New("kl-examples: no valid or test row has the vector \"kl_quantiles\"")
	}
	pg := page{table: [][]string{{"group", "kl_from", "kl_to", "share_mean", "share_min", "share_max", "seeds", "kl_mean", "kl_sd", "floor"}}}
	groups, more := firstOf(groups, mostLines, "groups")
	quantiles, top := make([][][]float64, len(groups)), 0.0 // group -> seed -> level
	for i, g := range groups {
		for _, run := range g.Runs {
			if q, ok := record.LastVector(run, split, vector); ok && allFinite(q) {
				quantiles[i], top = append(quantiles[i], q), max(top, q[len(q)-1])
			}
		}
	}
	if top == 0 {
		top = 1
	}
	edges := make([]float64, exampleBins+1) // of KL, nats
	for b := range edges {
		root := math.Sqrt(top) * 1.001 * float64(b) / exampleBins // the largest KL lies within the last bin
		edges[b] = root * root
	}
	p := newPanel("KL of an example (nats)", "")
	p.X.Tick.Marker = plot.TickerFunc(rootTicks)
	counts := map[string]int{}
	floors := false
	var without []string
	var names plot.ConstantTicks
	for i, style := range groupStyles(groups) {
		g := groups[i]
		if len(quantiles[i]) == 0 {
			without = append(without, g.Label)
			continue
		}
		counts[g.Label] = len(quantiles[i])
		r := ridge{
			Row: len(names), Edges: roots(edges), Color: style.Color,
			Mean: meanOfLast(g, split, "kl"), SD: meanOfLast(g, split, "kl_sd"), Floor: meanOfLast(g, split, "floor"),
		}
		floors = floors || !math.IsNaN(r.Floor)
		for _, q := range quantiles[i] {
			r.Seeds = append(r.Seeds, shares(q, edges))
		}
		for b := range exampleBins {
			mean, lo, hi := record.Range(column(r.Seeds, b))
			r.Share = append(r.Share, mean)
			if mean > 0 {
				pg.table = append(pg.table, []string{g.Label, num(edges[b]), num(edges[b+1]), num(mean), num(lo), num(hi), num(float64(len(r.Seeds))), num(r.Mean), num(r.SD), num(r.Floor)})
			}
		}
		p.Add(r)
		names = append(names, plot.Tick{Value: -float64(r.Row), Label: clip(printable(g.Label), 34)})
	}
	p.Y.Tick.Marker, p.Y.Tick.Length = names, 0
	p.Y.LineStyle.Width = 0
	p.X.Min, p.X.Max = 0, math.Sqrt(edges[exampleBins])
	p.Y.Min, p.Y.Max = 0.85-float64(len(names)), 1
	pg.blocks = []block{matrix{rows: [][]*plot.Plot{{p}}, right: ridgeNotes, height: vg.Length(0.6+0.42*float64(len(names))) * vg.Inch}}
	pg.finding = examplesFinding(groups, split)
	lead := []string{splitNames[split] + " split, last row: KL(q(z|x) || p(z)) of each example, summed over latent dimensions; the axis is square-root scaled. Each histogram is scaled to its tallest bin.",
		"Numbers: mean and standard deviation over examples.", histogramNote(counts)}
	if floors {
		lead = append(append(lead, "Dashed: theoretical lower bound of the mean KL under batch statistics (floor)."), floorNotes(groups, split, true)...)
	}
	lead = append(append(lead, more...), withoutNote(vector, without)...)
	pg.caption = append(lead, doubts(set, all)...)
	return pg.drawing(), nil
}

// examplesFinding says how much the KL differs between examples.
func examplesFinding(groups []record.Group, split string) string {
	var sds []sample
	for _, g := range groups {
		if values := numbers(finals(g, split, "kl_sd")); len(values) > 0 {
			s := sampleOf(g.Label, values)
			s.note = sentence(" (mean %s)", figure(meanOfLast(g, split, "kl"), 0))
			sds = append(sds, s)
		}
	}
	return sentence("The standard deviation of the KL over examples %s.", spread(sds, " nats"))
}

// histogramNote is seedsNote for histograms with an outline for each seed.
func histogramNote(counts map[string]int) string {
	lo, hi := math.MaxInt, 0
	for _, n := range counts {
		lo, hi = min(lo, n), max(hi, n)
	}
	switch {
	case hi == 1:
		return "n = 1 seed."
	case lo == hi:
		return fmt.Sprintf("Filled: all of n = %d seeds; thin outlines: each seed.", hi)
	}
	return fmt.Sprintf("Filled: all of n = %d to %d seeds; thin outlines: each seed.", lo, hi)
}

// shares returns the probability of each bin [edges_b, edges_b+1), of quantiles at equal steps of
// probability from 0 to 1. What lies below the first edge counts in the first bin: rounding leaves
// a collapsed posterior a KL of -1e-8.
func shares(quantiles, edges []float64) []float64 {
	below := func(x float64) float64 { // probability of less than x
		k := sort.SearchFloat64s(quantiles, x) // the first that is not less
		switch {
		case k == 0:
			return 0
		case k == len(quantiles):
			return 1
		}
		step := (x - quantiles[k-1]) / (quantiles[k] - quantiles[k-1])
		return (float64(k-1) + step) / float64(len(quantiles)-1)
	}
	p := make([]float64, len(edges)-1)
	last := 0.0
	for b := range p {
		next := below(edges[b+1])
		p[b], last = next-last, next
	}
	return p
}

// A ridge is a method's histogram on a line of its own.
type ridge struct {
	Row             int // from the top
	Edges           []float64
	Share           []float64   // of each bin, all seeds together
	Seeds           [][]float64 // the same of each seed
	Mean, SD, Floor float64     // nats; NaN if not known
	Color           color.Color
}

// ridgeNotes is the room right of the panel.
const ridgeNotes = vg.Length(64)

// Plot implements plot.Plotter.
func (m ridge) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	base, highest := -float64(m.Row), 0.0
	for _, s := range append([][]float64{m.Share}, m.Seeds...) {
		highest = max(highest, slices.Max(s))
	}
	outline := func(share []float64) (line []vg.Point) { // from the first bin that is not empty to the last
		occupied := func(v float64) bool { return v > 0 }
		first, last := slices.IndexFunc(share, occupied), len(share)-1
		for share[last] == 0 {
			last--
		}
		line = []vg.Point{{X: x(m.Edges[first]), Y: y(base)}}
		for b := first; b <= last; b++ {
			at := y(base + 0.85*share[b]/highest)
			line = append(line, vg.Point{X: x(m.Edges[b]), Y: at}, vg.Point{X: x(m.Edges[b+1]), Y: at})
		}
		return append(line, vg.Point{X: x(m.Edges[last+1]), Y: y(base)})
	}
	strokeIn(c, draw.LineStyle{Color: rule, Width: thinWidth}, vg.Point{X: c.Min.X, Y: y(base)}, vg.Point{X: c.Max.X, Y: y(base)})
	all := outline(m.Share)
	fillIn(c, fade(m.Color, 0.3), all...)
	if len(m.Seeds) > 1 {
		for _, s := range m.Seeds {
			strokeIn(c, draw.LineStyle{Color: fade(m.Color, 0.5), Width: 0.4}, outline(s)...)
		}
	}
	strokeIn(c, draw.LineStyle{Color: m.Color, Width: thinWidth}, all...)
	if at := math.Sqrt(m.Floor); at <= p.X.Max { // NaN is not
		strokeIn(c, draw.LineStyle{Color: ink, Width: thinWidth, Dashes: floorDashes}, vg.Point{X: x(at), Y: y(base)}, vg.Point{X: x(at), Y: y(base + 0.9)})
	}
	style := sans(captionSize)
	style.YAlign = draw.YCenter
	note := cents(m.Mean) + " ± " + cents(m.SD)
	c.FillText(style, vg.Point{X: c.Max.X + 6, Y: y(base + 0.3)}, note)
}

// DataRange implements plot.DataRanger.
func (m ridge) DataRange() (xmin, xmax, ymin, ymax float64) {
	return 0, m.Edges[len(m.Edges)-1], -float64(m.Row), 1 - float64(m.Row)
}
