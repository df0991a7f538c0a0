package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-curve", KLCurve{}) }

// KLCurve shows the KL of the training batches against the step, with each method's floor.
//
// The floor is the method's lower bound of a batch's KL under batch statistics, up to eps; the caption
// counts the trials that are below. The KL is in nats per example. Its axis is square-root scaled, so that a collapse to 0
// and a method that stays at 20 nats can both be read.
type KLCurve struct{}

// Draw implements Figure.
func (KLCurve) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, note, err := withMetric("kl-curve", all, "train", "kl")
	if err != nil {
		return nil, err
	}
	p := newPanel("training step", "KL (nats per example, √ scale)")
	pg := page{body: panels([][]*plot.Plot{{p}}), height: 3.1 * vg.Inch,
		table: [][]string{{"group", "step", "kl_mean", "kl_min", "kl_max", "floor", "seeds"}}}
	counts := map[string]int{}
	equal := map[string]int{} // floors seen at a height
	var curves, floors, bands []plot.Plotter
	for i, style := range groupStyles(groups) {
		g := groups[i]
		s := seriesOf(g.Runs, "train", "kl")
		counts[g.Label] = s.N
		curves = append(curves, curve{s.X, roots(s.Mean), style})
		if s.N > 1 {
			bands = append(bands, band{s.X, roots(s.Lo), roots(s.Hi), fade(style.Color, 0.2)})
		}
		pg.legend = append(pg.legend, entry{label: g.Label, line: style})

		f := seriesOf(g.Runs, "train", "floor")
		floorAt := map[float64]float64{}
		for j, step := range f.X {
			floorAt[step] = f.Mean[j]
		}
		if hasFloor(f.Mean) {
			height := num(f.Mean[len(f.Mean)-1])
			floors = append(floors, curve{f.X, roots(f.Mean), thin(style, equal[height])})
			equal[height]++
		}
		for j, step := range s.X {
			floor, ok := floorAt[step]
			if !ok {
				floor = math.NaN()
			}
			pg.table = append(pg.table, []string{g.Label, num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(floor), num(float64(s.N))})
		}
	}
	p.Add(bands...)
	p.Add(floors...)
	p.Add(curves...)
	stepAxis(p)
	fromZero(&p.Y)
	p.Y.Tick.Marker = plot.TickerFunc(rootTicks)

	pg.caption = []string{"Training KL(q(z|x) || p(z)), nats per example, averaged over the batches since the previous row.", seedsNote(counts)}
	if len(floors) > 0 {
		pg.legend = append(pg.legend, entry{label: "floor", line: thin(neutral, 0)})
		pg.caption = append(append(pg.caption, floorLine), floorNotes(groups, "train", false)...)
	}
	pg.caption = append(append(pg.caption, note...), doubts(set, all)...)
	return pg.drawing(), nil
}
