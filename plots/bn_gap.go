package plots

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("bn-gap", BNGap{}) }

// BNGap shows the KL under batch statistics minus the KL under running statistics, against the batch size.
//
// Left in nats per example; right as a share of the KL under the statistics of the batch, which
// training has seen. The weights and the batches are the same. Methods that have no statistics
// have no gap and are left out.
type BNGap struct{}

// batchKey is the setting on the axis.
const batchKey = "train.batch_size"

// Draw implements Figure.
func (BNGap) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, having("bn_gap"))
	if split == "" {
		return nil, errors.New("bn-gap: no valid or test row has the metric \"bn_gap\"")
	}
	var still []string // without statistics
	sizes := map[string]bool{}
	groups = slices.DeleteFunc(groups, func(g record.Group) bool {
		size, ok := g.Number(batchKey)
		values := numbers(finals(g, split, "bn_gap"))
		if !ok || len(values) == 0 {
			return true
		}
		if !slices.ContainsFunc(values, func(v float64) bool { return v != 0 }) {
			if label := g.Without(batchKey); !slices.Contains(still, label) {
				still = append(still, label)
			}
			return true
		}
		sizes[num(size)] = true
		return false
	})
	switch {
	case len(groups) == 0:
		return nil, errors.New("bn-gap: no trial's KL depends on the statistics of a batch; this figure needs bn, bn-scaler or rms-scaler, at several values of " + batchKey)
	case len(sizes) == 1:
		return nil, fmt.Errorf("bn-gap: all trials have batches of %s; give several values of %s", sortedKeys(sizes)[0], batchKey)
	}
	left, right := newPanel("batch size", "KL, batch − running (nats)"), newPanel("batch size", "the same, % of the KL")
	pg := page{blocks: []block{matrix{rows: [][]*plot.Plot{{left, right}}, height: 2.8 * vg.Inch}},
		table: [][]string{{"group", "batch_size", "metric", "split", "seed", "value"}}}
	var at []float64
	for _, p := range []*plot.Plot{left, right} {
		p.Add(level{0, draw.LineStyle{Color: grey, Width: thinWidth}})
	}
	for _, f := range familiesOver(groups, batchKey) {
		for _, m := range []struct {
			panel *plot.Plot
			name  string
			of    func(record.Run) (float64, bool)
		}{
			{left, "bn_gap", func(r record.Run) (float64, bool) { return record.Last(r, split, "bn_gap") }},
			{right, "bn_gap_percent", func(r record.Run) (float64, bool) {
				gap, ok := record.Last(r, split, "bn_gap")
				kl, too := record.Last(r, split, "kl") // under running statistics
				return 100 * gap / (kl + gap), ok && too
			}},
		} {
			var line series
			seeds := dots{GlyphStyle: draw.GlyphStyle{Color: fade(f.style.Color, 0.6), Radius: 2, Shape: draw.CircleGlyph{}}}
			for _, g := range f.groups {
				size, _ := g.Number(batchKey)
				var values []final
				for _, run := range g.Runs {
					if v, ok := m.of(run); ok {
						values = append(values, final{run.Seed, v})
						seeds.X, seeds.Y = append(seeds.X, size), append(seeds.Y, v)
					}
				}
				line.add(size, numbers(values))
				for _, row := range finalRows(f.label, "", num(size), m.name, split, values) {
					pg.table = append(pg.table, slices.Delete(row, 1, 2)) // without a knob
				}
			}
			seeds.X = logs(seeds.X)
			at = append(at, seeds.X...)
			m.panel.Add(curve{logs(line.X), line.Mean, f.style}, seeds)
		}
		pg.legend = append(pg.legend, entry{label: f.label, line: f.style,
			glyph: draw.GlyphStyle{Color: f.style.Color, Radius: 2, Shape: draw.CircleGlyph{}}})
	}
	for _, p := range []*plot.Plot{left, right} {
		ownTicks(&p.X, at, unlog, plot.TickerFunc(logTicks))
		pad(&p.Y)
	}
	pg.finding = batchFinding(groups, split)
	pg.caption = []string{splitNames[split] + " split, last row, the same weights and batches: KL under the statistics of each batch minus KL under running statistics. Right: the same divided by the KL under batch statistics.",
		"Dots are seeds, lines go through their means; " + perPoint(groups) + ".",
		"Where batches hold sentences of one length they may be smaller than the setting."}
	pg.caption = append(append(pg.caption, withoutNote("statistics, hence without a gap", still)...), doubts(set, all)...)
	return pg.drawing(), nil
}

// batchFinding says what the gap does with the batch size, for the line whose gap changes most.
func batchFinding(groups []record.Group, split string) string {
	var lines []swept
	for _, f := range familiesOver(groups, batchKey) {
		line := swept{label: f.label, setting: "batch size"}
		for _, g := range f.groups {
			size, _ := g.Number(batchKey)
			line.places = append(line.places, sampleAt{size, sampleOf(g.Label, numbers(finals(g, split, "bn_gap")))})
		}
		lines = append(lines, line)
	}
	return trends("the KL under batch statistics minus that under running statistics", lines)
}
