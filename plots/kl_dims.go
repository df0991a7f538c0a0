package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"vaelab/internal/record"
)

func init() { Figures.Add("kl-dims", KLDims{}) }

// KLDims shows the KL of each latent dimension at the end of training.
//
// Each seed's dimensions are sorted by their KL before the mean over seeds is taken, since
// dimension 3 of one seed has nothing to do with dimension 3 of another.
type KLDims struct{}

// Draw implements Figure.
func (KLDims) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, havingVector("kl_dim"))
	if split == "" {
		return nil, fmt.Errorf("kl-dims: no valid or test row has the vector \"kl_dim\"; rows of posteriors on a sphere, of flows and of mixture priors have none")
	}
	pg := page{table: [][]string{{"group", "rank", "kl_mean", "kl_min", "kl_max", "seeds"}}}
	groups, pg.caption = firstOf(groups, mostPanels, "groups")
	counts := map[string]int{}
	var cells []headed
	var drawn []bars
	var without []string
	top := 0.0
	for i, style := range groupStyles(groups) {
		g := groups[i]
		mean, lo, hi, n := rankedKL(g.Runs, split)
		if n == 0 {
			without = append(without, g.Label)
			continue
		}
		counts[g.Label] = n
		total := 0.0
		for r := range mean {
			total += mean[r]
			top = max(top, finiteOr(hi[r], 0))
			pg.table = append(pg.table, []string{g.Label, num(float64(r + 1)), num(mean[r]), num(lo[r]), num(hi[r]), num(float64(n))})
		}
		p := headedPanel(g.Label, cents(total)+" nats")
		p.X.Tick.Marker = plot.TickerFunc(rankTicks)
		cells, drawn = append(cells, p), append(drawn, bars{Mean: mean, Lo: lo, Hi: hi, Color: style.Color, Whisker: n > 1})
	}
	label := "KL (nats)"
	rooted := hidden(drawn, top)
	for i, b := range drawn {
		if rooted {
			b.Mean, b.Lo, b.Hi = roots(b.Mean), roots(b.Lo), roots(b.Hi)
			cells[i].Y.Tick.Marker = plot.TickerFunc(rootTicks)
		}
		cells[i].Add(b)
	}
	if rooted {
		top, label = math.Sqrt(top), "KL (nats, √ scale)"
	}
	shareY(cells, top)
	pg.blocks = []block{trellis{cells: cells, x: "dimension, by rank", y: label, sharedY: true}}
	pg.finding = dimsFinding(groups, split)
	lead := []string{splitNames[split] + " split, last row: KL(q(z|x) || p(z)) of each latent dimension, mean over examples, sorted within each seed.",
		"Headings give the sum over dimensions.", barsNote(counts)}
	pg.caption = append(append(append(lead, pg.caption...), withoutNote("kl_dim", without)...), doubts(set, all)...)
	return pg.drawing(), nil
}

// dimsFinding counts the dimensions that carry next to nothing.
func dimsFinding(groups []record.Group, split string) string {
	var tallies []tally
	for _, g := range groups {
		var seeds [][]float64
		for _, run := range g.Runs {
			if kl, ok := record.LastVector(run, split, "kl_dim"); ok {
				seeds = append(seeds, kl)
			}
		}
		if len(seeds) > 0 {
			tallies = append(tallies, tallyOf(g.Label, seeds))
		}
	}
	return idleDims(tallies)
}

// hidden tells whether an axis that all panels share hides the bars of some: its highest is less than a tenth of the axis, yet more
// than nothing.
func hidden(drawn []bars, top float64) bool {
	return slices.ContainsFunc(drawn, func(b bars) bool {
		_, _, _, high := rangeOf(b.Mean, b.Mean)
		return high < 0.1*top && high > 0.001*top
	})
}

// rankedKL returns the KL by rank, the largest first: mean and range over the seeds. Seeds
// with fewer dimensions count where they have one; NaN sorts last.
func rankedKL(runs []record.Run, split string) (mean, lo, hi []float64, n int) {
	var ranks [][]float64 // rank -> one value per seed
	for _, run := range runs {
		kl, ok := record.LastVector(run, split, "kl_dim")
		if !ok {
			continue
		}
		n++
		kl = slices.Clone(kl)
		slices.SortFunc(kl, func(a, b float64) int { return cmp.Compare(b, a) }) // NaN is the smallest
		for r, v := range kl {
			if r == len(ranks) {
				ranks = append(ranks, nil)
			}
			ranks[r] = append(ranks[r], v)
		}
	}
	for _, values := range ranks {
		m, l, h := record.Range(values)
		mean, lo, hi = append(mean, m), append(lo, l), append(hi, h)
	}
	return mean, lo, hi, n
}

// rankTicks marks ranks from 1 on: 1, 3, 5 or 1, 10, 20.
func rankTicks(_, hi float64) []plot.Tick {
	step := math.Max(1, niceStep(hi/5))
	ticks := []plot.Tick{{Value: 1, Label: "1"}}
	for v := step; v <= hi; v += step {
		at := v
		if step <= 2 {
			at = v + 1
		}
		if at <= hi {
			ticks = append(ticks, plot.Tick{Value: at, Label: short(at)})
		}
	}
	return ticks
}
