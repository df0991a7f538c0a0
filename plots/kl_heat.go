package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-heat", KLHeat{}) }

// KLHeat shows the KL of each latent dimension against the epoch.
//
// One panel per group, of its first seed, since dimensions of different seeds have nothing
// to do with each other. The dimensions are sorted by their last KL, the largest on top.
type KLHeat struct{}

// heatColumns is the most columns of a panel. Rows that fall into one column are averaged.
const heatColumns = 60

// A heatMap is one run's KL: Cells[d][i] is dimension d between Edges[i] and Edges[i+1] epochs.
type heatMap struct {
	Edges []float64
	Dims  []int // from top to bottom
	Cells [][]float64
	Top   *float64 // the KL of the darkest colour, common to all panels
}

// Draw implements Figure.
func (KLHeat) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split := withVector(all, "kl_dim")
	if len(groups) == 0 {
		return nil, errors.New("kl-heat: no row has the vector \"kl_dim\"; rows of posteriors on a sphere, of flows and of mixture priors have none")
	}
	without := lacking("kl_dim", all, groups)
	pg := page{table: [][]string{{"group", "seed", "dim", "epoch_from", "epoch_to", "kl"}}}
	groups, pg.caption = firstOf(groups, mostPanels, "groups")
	top := 0.0
	var cells []headed
	var tallies []tally
	for _, g := range groups {
		run := firstWith(g, split, "kl_dim")
		h := heatOf(run, split)
		h.Top = &top
		var last []float64
		for k, d := range h.Dims {
			last = append(last, h.Cells[k][len(h.Cells[k])-1])
			for i, v := range h.Cells[k] {
				top = max(top, finiteOr(v, 0))
				pg.table = append(pg.table, []string{g.Label, strconv.Itoa(run.Seed), strconv.Itoa(d), num(h.Edges[i]), num(h.Edges[i+1]), num(v)})
			}
		}
		tallies = append(tallies, tallyOf(g.Label, [][]float64{last}))
		p := headedPanel(g.Label, fmt.Sprintf("seed %d", run.Seed))
		p.Add(h)
		p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0.5, Label: "1"}, {Value: float64(len(h.Dims)) - 0.5, Label: strconv.Itoa(len(h.Dims))}}
		if len(h.Dims) == 1 {
			p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0.5, Label: "1"}}
		}
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
		cells = append(cells, p)
	}
	key := func(c draw.Canvas) { heatKey(draw.Crop(c, 12, 0, 0, 0), top, "KL, nats") }
	pg.blocks = []block{trellis{cells: cells, x: "epoch", y: "dimension", right: 56, beside: key}}
	pg.finding = idleDims(tallies)
	lead := []string{splitNames[split] + " rows: KL(q(z|x) || p(z)) of each latent dimension, nats, mean over examples; one seed (n = 1) each, dimensions sorted by their last KL.",
		"The colour is square-root scaled. Grey: not a number."}
	pg.caption = append(append(append(lead, pg.caption...), without...), doubts(set, all)...)
	return pg.drawing(), nil
}

// heatOf gathers a run's vectors into columns. A row stands for the time since the row before
// it, which for the training split is what it is the mean of.
func heatOf(run record.Run, split string) heatMap {
	var ends []float64
	var vectors [][]float64
	D := 0
	for _, row := range run.Rows {
		if row.Split != split || len(ends) > 0 && row.Epoch <= ends[len(ends)-1] {
			continue
		}
		if v, ok := row.Vector("kl_dim"); ok {
			ends, vectors, D = append(ends, row.Epoch), append(vectors, v), max(D, len(v))
		}
	}
	width := (len(ends) + heatColumns - 1) / heatColumns // rows in a column
	h := heatMap{Edges: []float64{0}, Cells: make([][]float64, D)}
	for i := 0; i < len(ends); i += width {
		to := min(i+width, len(ends))
		h.Edges = append(h.Edges, ends[to-1])
		for d := range D {
			mean, _, _ := record.Range(column(vectors[i:to], d))
			h.Cells[d] = append(h.Cells[d], mean)
		}
	}
	last := func(d int) float64 {
		for _, v := range slices.Backward(h.Cells[d]) {
			if !math.IsNaN(v) {
				return v
			}
		}
		return math.Inf(-1)
	}
	for d := range D {
		h.Dims = append(h.Dims, d)
	}
	slices.SortStableFunc(h.Dims, func(a, b int) int { return cmp.Compare(last(b), last(a)) })
	sorted := make([][]float64, D)
	for k, d := range h.Dims {
		sorted[k] = h.Cells[d]
	}
	h.Cells = sorted
	return h
}

// Plot implements plot.Plotter.
func (m heatMap) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const seam = 0.4 // each cell reaches under the next, or the page shines through
	for k, values := range m.Cells {
		for i, v := range values {
			l, r := x(m.Edges[i]), min(x(m.Edges[i+1])+seam, c.Max.X)
			t, b := y(float64(k)), max(y(float64(k+1))-seam, c.Min.Y)
			fillIn(c, heat(v, *m.Top), vg.Point{X: l, Y: t}, vg.Point{X: r, Y: t}, vg.Point{X: r, Y: b}, vg.Point{X: l, Y: b})
		}
	}
}

// DataRange implements plot.DataRanger.
func (m heatMap) DataRange() (xmin, xmax, ymin, ymax float64) {
	return 0, m.Edges[len(m.Edges)-1], 0, float64(len(m.Cells))
}
