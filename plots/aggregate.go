package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("aggregate", Aggregate{}) }

// Aggregate shows the density of the aggregate posterior q(z) over two latent dimensions, beside that of the prior.
//
// The dimensions are the two of which the mutual information with x is the largest. One panel per
// group, of its first seed, since dimensions of different seeds have nothing to do with each
// other. The circles are the prior's at one, two and three standard deviations, which hold 39, 86 and
// 99 % of it: samples of the prior fall into white within them where q has a hole, and the
// decoder has never seen such a z. Two dimensions tell nothing of holes in the others; the
// number over a panel is KL(p(z) || q(z)) over all of them.
//
// Source: Zhang, Bai, Lin, Wang & Rong 2022, "Improving variational autoencoders with density
// gap-based regularization" (arXiv 2211.00321).
type Aggregate struct{}

// Draw implements Figure.
func (Aggregate) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split := withVector(finishedOf(all), "aggregate")
	if len(groups) == 0 {
		return nil, errors.New("aggregate: no row has the vector \"aggregate\"; test rows of Gaussian posteriors with two latent dimensions or more have it")
	}
	without := lacking("this density", finishedOf(all), groups)
	pg := page{table: [][]string{{"group", "seed", "dim_a", "dim_b", "z_a", "z_b", "density"}}}
	groups, pg.caption = firstOf(groups, mostPanels-1, "groups") // one is the prior's
	top := 0.0
	add := func(d density, second, group, seed, a, b string) headed {
		d.Top = &top
		for k, v := range d.Cells {
			top = max(top, finiteOr(v, 0))
			x, y := d.centre(k)
			pg.table = append(pg.table, []string{group, seed, a, b, num(x), num(y), num(v)})
		}
		p := headedPanel(group, second)
		p.X.Tick.Marker = plot.TickerFunc(linearTicks)
		p.Add(d)
		return p
	}
	var cells []headed
	var gaps []sample
	for _, g := range groups {
		run := firstWith(g, split, "aggregate")
		grid, _ := record.LastVector(run, split, "aggregate")
		d, ok := densityOf(grid)
		dims, _ := record.LastVector(run, split, "aggregate_dims")
		if !ok || len(dims) != 2 {
			return nil, fmt.Errorf("aggregate: %s seed %d: the vector \"aggregate\" has %d numbers, no square, or \"aggregate_dims\" not 2", plain(g.Label), run.Seed, len(grid))
		}
		a, b := num(dims[0]), num(dims[1])
		second := "(" + a + ", " + b + ")"
		if gap, ok := record.Last(run, split, "density_gap"); ok {
			second += " " + cents(gap) + " nats"
			gaps = append(gaps, sampleOf(g.Label, []float64{gap}))
		}
		cells = append(cells, add(d, second, g.Label, strconv.Itoa(run.Seed), a, b))
	}
	prior := add(priorDensity(int(math.Sqrt(float64(len(pg.table)/len(cells))))), "N(0, I)", "prior", "", "", "")
	key := func(c draw.Canvas) { heatKey(draw.Crop(c, 12, 0, 0, 0), top, "density") }
	pg.blocks = []block{trellis{cells: append([]headed{prior}, cells...), x: "z of dimension a", y: "z of dimension b", sharedX: true, sharedY: true, square: true, right: 56, beside: key}}
	pg.finding = sentence("KL(p(z) || q(z)) %s.", spread(gaps, " nats"))
	lead := []string{splitNames[split] + " split, last row of one seed (n = 1) each: density of q(z) = E over x of q(z|x) over a and b, the two latent dimensions with the highest MI (numbered from 0), square-root scaled.",
		"Headings: (a, b), and KL(p(z) || q(z)) over all dimensions; large where q(z) has holes. Circles: one, two and three standard deviations of the prior."}
	if capped := record.CapNote(groups, split, "mi_dim"); capped != "" {
		lead = append(lead, capped)
	}
	pg.caption = append(append(append(lead, pg.caption...), without...), doubts(set, all)...)
	return pg.drawing(), nil
}

// A density is one on a grid of n by n cells over the square from -4 to 4, row by row from the lowest.
type density struct {
	N     int
	Cells []float64
	Top   *float64 // that of the darkest colour, common to all panels
}

// densityOf makes densities of the probabilities of a square number of cells.
func densityOf(probabilities []float64) (d density, ok bool) {
	d.N = int(math.Round(math.Sqrt(float64(len(probabilities)))))
	for _, p := range probabilities {
		d.Cells = append(d.Cells, p/(d.width()*d.width()))
	}
	return d, d.N > 0 && d.N*d.N == len(probabilities)
}

// priorDensity is the mean of the standard normal density over each of n by n cells.
func priorDensity(n int) density {
	d := density{N: n, Cells: make([]float64, n*n)}
	along := func(at float64) float64 {
		return (math.Erf((at+d.width()/2)/math.Sqrt2) - math.Erf((at-d.width()/2)/math.Sqrt2)) / (2 * d.width())
	}
	for k := range d.Cells {
		x, y := d.centre(k)
		d.Cells[k] = along(x) * along(y)
	}
	return d
}

// width is that of a cell.
func (m density) width() float64 { return 2 * record.AggregateReach / float64(m.N) }

// centre is that of cell k.
func (m density) centre(k int) (x, y float64) {
	return -record.AggregateReach + m.width()*(float64(k%m.N)+0.5), -record.AggregateReach + m.width()*(float64(k/m.N)+0.5)
}

// Plot implements plot.Plotter.
func (m density) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const seam = 0.4 // each cell reaches under the next, or the page shines through
	for k, v := range m.Cells {
		at, up := m.centre(k)
		l, r := x(at-m.width()/2), min(x(at+m.width()/2)+seam, c.Max.X)
		b, t := y(up-m.width()/2), min(y(up+m.width()/2)+seam, c.Max.Y)
		fillIn(c, heat(v, *m.Top), vg.Point{X: l, Y: b}, vg.Point{X: r, Y: b}, vg.Point{X: r, Y: t}, vg.Point{X: l, Y: t})
	}
	for sd := 1.0; sd <= 3; sd++ {
		var circle []vg.Point
		for k := range 73 {
			angle := 2 * math.Pi * float64(k) / 72
			circle = append(circle, vg.Point{X: x(sd * math.Cos(angle)), Y: y(sd * math.Sin(angle))})
		}
		// White under black shows on white and on the darkest blue.
		strokeIn(c, draw.LineStyle{Color: fade(color.White, 0.6), Width: 1.4}, circle...)
		strokeIn(c, draw.LineStyle{Color: ink, Width: 0.6, Dashes: floorDashes}, circle...)
	}
}

// DataRange implements plot.DataRanger.
func (m density) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -record.AggregateReach, record.AggregateReach, -record.AggregateReach, record.AggregateReach
}
