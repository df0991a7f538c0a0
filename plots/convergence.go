package plots

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/converge"
	"vaelab/internal/record"
)

func init() { Figures.Add("convergence", Convergence{}) }

// Convergence shows the validation objective against the step up to the end of training, and what it still falls there.
//
// The objective is what training minimises, at the final KL weight. At weight 1, without another term, it is the NELBO. A line is
// the median over seeds, a band the range, a dot the last evaluation of a seed. Where the weights with the lowest objective are
// tested (train.report: best), a triangle marks their evaluation. The first fall may be cut off, so that the end can be seen.
//
// Below there is a row for each group and a point for each trial: the fall over the last steps and the fall per epoch over the
// last quarter of the training, both from lines of least squares, with standard errors. A trial has converged if fall and error
// together do not exceed the tolerance, the dashed line. Points of other trials are hollow.
type Convergence struct{}

// Draw implements Figure.
func (Convergence) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := slices.DeleteFunc(finishedOf(all), func(g record.Group) bool { return len(descentOf(set, g).line.X) == 0 })
	if len(groups) == 0 {
		return nil, fmt.Errorf("convergence: no valid row has a finite %q, or %q and %q; there are: %s", "objective", "rec", "kl", known(all, "valid"))
	}
	some, note := firstOf(groups, mostLines, "groups")
	pg := page{table: [][]string{{"group", "quantity", "seed", "step", "value", "low", "high", "seeds"}}}
	counts := map[string]int{}
	styles := groupStyles(some)
	var ds []descent
	for i, g := range some {
		d := descentOf(set, g)
		d.style = styles[i]
		ds = append(ds, d)
		counts[g.Label] = d.line.N
		pg.table = append(pg.table, d.rows()...)
	}
	pg.finding = descentFinding(ds)
	pg.caption = append([]string{"Validation split: " + objectiveNote(ds), strings.Replace(seedsNote(counts), "means", "medians", 1)}, pg.descents(ds)...)
	slices.SortStableFunc(ds, fallsMore)
	pg.caption = append(pg.caption, pg.falls(ds)...)
	pg.caption = append(append(append(pg.caption, note...), lacking("a finite validation objective", all, groups)...), doubts(set, all)...)
	return pg.drawing(), nil
}

// A descent is the objective of a group's trials, and how far they have come.
type descent struct {
	group  record.Group
	style  draw.LineStyle
	by     converge.Settings
	line   series // the median over seeds, and the range
	trials []arrival
	nelbo  bool    // the objective is the NELBO
	stop   float64 // the last step of training
}

// An arrival is how far a trial has come.
type arrival struct {
	seed int
	converge.State
	done      bool
	end, best converge.Evaluation // best is the zero value unless its weights are tested
}

// descentOf is a group's.
func descentOf(set *record.Set, g record.Group) descent {
	d := descent{group: g, by: converge.For(set, g.Runs[0]), nelbo: true}
	at := map[int][]float64{}
	for _, run := range g.Runs {
		a := arrival{seed: run.Seed, State: stateOf(set, run), done: run.State == record.Done}
		var mine []converge.Evaluation
		for _, e := range converge.Evaluations(run) {
			if !finite(e.Objective) {
				continue
			}
			mine = append(mine, e)
			if e.Counts && run.Config["train.report"] == "best" && (a.best == converge.Evaluation{} || e.Objective < a.best.Objective) {
				a.best = e
			}
		}
		for i, e := range mine {
			if a.end = e; i == len(mine)-1 || mine[i+1].Step != e.Step {
				at[e.Step] = append(at[e.Step], e.Objective)
			}
		}
		if len(mine) == 0 {
			continue
		}
		if nelbo, ok := record.Last(run, "valid", "nelbo"); !ok || !(math.Abs(nelbo-a.end.Objective) <= 1e-3*max(1, math.Abs(nelbo))) {
			d.nelbo = false
		}
		for _, row := range run.Rows {
			d.stop = math.Max(d.stop, float64(row.Step))
		}
		d.line.N++
		d.trials = append(d.trials, a)
	}
	for _, step := range slices.Sorted(maps.Keys(at)) {
		m := middleOf(at[step])
		_, lo, hi := record.Range(at[step])
		d.line.X, d.line.Mean, d.line.Lo, d.line.Hi = append(d.line.X, float64(step)), append(d.line.Mean, m.median), append(d.line.Lo, lo), append(d.line.Hi, hi)
	}
	return d
}

// rows are those of the table.
func (d descent) rows() (rows [][]string) {
	label := d.group.Label
	for i, x := range d.line.X {
		rows = append(rows, []string{label, "objective", "median", num(x), num(d.line.Mean[i]), num(d.line.Lo[i]), num(d.line.Hi[i]), fmt.Sprint(d.line.N)})
	}
	for _, t := range d.trials {
		add := func(quantity string, step int, v, se float64) {
			rows = append(rows, []string{label, quantity, fmt.Sprint(t.seed), num(float64(step)), num(v), num(v - se), num(v + se), ""})
		}
		add(fmt.Sprintf("fall over %d steps", d.by.Steps), t.Steps, t.Fall, t.FallSE)
		add("fall per epoch", t.Steps, t.Falling, t.FallingSE)
		if t.best != (converge.Evaluation{}) {
			add("lowest objective", t.best.Step, t.best.Objective, math.NaN())
		}
		add("converged", t.Steps, float64(btoi(t.Converged)), math.NaN())
	}
	return rows
}

// objectiveNote says what the objective is.
func objectiveNote(ds []descent) string {
	var other []string
	for _, d := range ds {
		if !d.nelbo {
			other = append(other, d.group.Label)
		}
	}
	switch {
	case len(other) == 0:
		return "the objective that training minimises, here the NELBO, nats per example."
	case len(other) == len(ds):
		return "the objective that training minimises, rec + kl.beta times the method's penalty, nats per example."
	}
	where := strings.Join(other, ", ")
	if len(other) > 4 {
		where = fmt.Sprintf("%d groups", len(other))
	}
	return "the objective that training minimises, nats per example: the NELBO, but for " + where + " rec + kl.beta times the method's penalty."
}

// converged is how many of the trials that are done have converged.
func (d descent) converged() (converged, done int) {
	for _, t := range d.trials {
		done, converged = done+btoi(t.done), converged+btoi(t.done && t.Converged)
	}
	return converged, done
}

// view is the range of the objective after the first quarter of the training: what lies above is the first fall.
func (d descent) view() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for i, x := range d.line.X {
		if x >= d.stop/4 {
			lo, hi = math.Min(lo, finiteOr(d.line.Lo[i], lo)), math.Max(hi, finiteOr(d.line.Mean[i], hi))
		}
	}
	return lo, hi
}

// window is where the last steps begin, over which a trial has to be flat; NaN if no trial is long enough.
func (d descent) window() float64 {
	if slices.ContainsFunc(d.trials, func(t arrival) bool { return t.Told }) {
		return d.stop - float64(d.by.Steps)
	}
	return math.NaN()
}

// layer is what a panel shows of it.
func (d descent) layer() layer {
	l := layer{label: d.group.Label, line: curve{d.line.X, d.line.Mean, d.style}}
	if d.line.N > 1 {
		l.under = append(l.under, band{d.line.X, d.line.Lo, d.line.Hi, fade(d.style.Color, 0.2)})
	}
	ends := dots{GlyphStyle: draw.GlyphStyle{Color: d.style.Color, Radius: 1.8, Shape: draw.CircleGlyph{}}}
	bests := dots{GlyphStyle: draw.GlyphStyle{Color: d.style.Color, Radius: 3, Shape: draw.PyramidGlyph{}}}
	for _, t := range d.trials {
		ends.X, ends.Y = append(ends.X, float64(t.end.Step)), append(ends.Y, t.end.Objective)
		if t.best != (converge.Evaluation{}) {
			bests.X, bests.Y = append(bests.X, float64(t.best.Step)), append(bests.Y, t.best.Objective)
		}
	}
	l.over = []plot.Plotter{ends}
	if len(bests.X) > 0 {
		l.over = append(l.over, bests)
	}
	return l
}

// The lines of the figure: where the last steps begin, and the tolerance.
var (
	windowLine    = draw.LineStyle{Color: grey, Width: thinWidth, Dashes: []vg.Length{1, 2}}
	toleranceLine = draw.LineStyle{Color: ink, Width: thinWidth, Dashes: []vg.Length{4, 2}}
)

// mostDescents is the most groups with a panel of their own.
const mostDescents = 15

// descents adds the panels of the objective, and returns what the caption says of them.
func (pg *page) descents(ds []descent) (notes []string) {
	label := "validation NELBO (nats)"
	if slices.ContainsFunc(ds, func(d descent) bool { return !d.nelbo }) {
		label = "validation objective (nats)"
	}
	apart := len(ds) > mostOverlaid || slices.ContainsFunc(ds, func(d descent) bool { return d.group.Runs[0].Data != ds[0].group.Runs[0].Data })
	cut := false
	// show sets the axes of a panel that shows some of them.
	show := func(p *plot.Plot, of []descent) {
		var begins []float64
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, d := range of {
			from, to := d.view()
			lo, hi = math.Min(lo, from), math.Max(hi, to)
			if at := d.window(); at > 0 && !slices.Contains(begins, at) { // NaN is not
				begins = append(begins, at)
			}
		}
		slices.Sort(begins)
		p.Add(thresholds{begins, make([]string, len(begins)), windowLine})
		stepAxis(p)
		for _, d := range of {
			p.X.Max = math.Max(p.X.Max, d.stop)
		}
		if lo < hi {
			cut = cut || p.Y.Max > hi+0.1*(hi-lo)
			p.Y.Min, p.Y.Max = lo, hi
		}
		pad(&p.Y)
	}
	if !apart {
		over := overlay{panel: newPanel("training step", label)}
		for _, d := range ds {
			over.layers = append(over.layers, d.layer())
			pg.legend = append(pg.legend, entry{label: d.group.Label, group: true, line: d.style})
		}
		show(over.spread(), ds)
		pg.overlay(2.6*vg.Inch, over)
	} else {
		shown := ds
		if len(ds) > mostDescents {
			shown = slices.SortedStableFunc(slices.Values(ds), fallsMore)[:mostDescents]
			notes = append(notes, fmt.Sprintf("The panels are the %d of %d groups that fall most over the last steps.", mostDescents, len(ds)))
		}
		t := trellis{x: "training step", y: label, most: 5, height: 0.85 * vg.Inch}
		for _, d := range shown {
			converged, done := d.converged()
			cell := headedPanel(d.group.Label, fmt.Sprintf("%d of %d converged", converged, done))
			l := d.layer()
			l.line.Dashes = nil
			cell.Add(l.under...)
			cell.Add(l.line)
			cell.Add(l.over...)
			show(cell.Plot, []descent{d})
			cell.X.Tick.Marker = plot.TickerFunc(fewStepTicks)
			cell.Y.Tick.Marker = plot.TickerFunc(fewTicks)
			t.cells = append(t.cells, cell)
		}
		pg.blocks = append(pg.blocks, t)
		notes = append(notes, "Each group has a panel and a y axis of its own.")
	}
	pg.legend = append(pg.legend, entry{label: "last evaluation of a seed", glyph: draw.GlyphStyle{Color: grey, Radius: 1.8, Shape: draw.CircleGlyph{}}})
	if slices.ContainsFunc(ds, func(d descent) bool {
		return slices.ContainsFunc(d.trials, func(t arrival) bool { return t.best != (converge.Evaluation{}) })
	}) {
		pg.legend = append(pg.legend, entry{label: "weights that are tested", glyph: draw.GlyphStyle{Color: grey, Radius: 3, Shape: draw.PyramidGlyph{}}})
	}
	if slices.ContainsFunc(ds, func(d descent) bool { return d.window() > 0 }) {
		pg.legend = append(pg.legend, entry{label: "start of the last steps", line: windowLine})
	}
	if cut {
		notes = append(notes, "The first fall is cut off.")
	}
	return notes
}

// falls adds the rows of what the objective still falls, in their order, and returns what the caption says of them.
func (pg *page) falls(ds []descent) (notes []string) {
	var side []*plot.Plot
	hollow := false
	for _, f := range []fall{lastFall, epochFall} {
		var values []float64
		for _, d := range ds {
			values = append(values, d.values(f)...)
		}
		if len(values) == 0 {
			continue
		}
		x, at := rooted(values, 0), crosses{}
		p := newPanel(f.label+" ("+x.unit()+")", "")
		for i, d := range ds {
			for k, t := range d.trials {
				v, se := f.of(t.State)
				if !finite(v) {
					continue
				}
				y := float64(i) + 0.7*((float64(k)+0.5)/float64(len(d.trials))-0.5)
				if !finite(se) { // of two evaluations
					se = 0
				}
				at.X, at.Left, at.Right = append(at.X, x.place(v)), append(at.Left, x.place(v-se)), append(at.Right, x.place(v+se))
				at.Y, at.Low, at.High = append(at.Y, y), append(at.Low, y), append(at.High, y)
				at.Colors, at.Settled = append(at.Colors, d.style.Color), append(at.Settled, t.Converged)
				hollow = hollow || !t.Converged
			}
			if f.judged {
				most := x.place(d.by.Tolerance)
				p.Add(curve{[]float64{most, most}, []float64{float64(i) - 0.5, float64(i) + 0.5}, toleranceLine})
			}
		}
		p.Add(at)
		p.X.Min, p.X.Max = math.Min(0, finiteOr(p.X.Min, 0)), math.Max(0, finiteOr(p.X.Max, 1))
		x.axis(&p.X)
		if side = append(side, p); f.judged {
			pg.legend = append(pg.legend, entry{label: "tolerance", line: toleranceLine})
		}
	}
	if len(side) == 0 {
		return notes
	}
	if hollow {
		pg.legend = append(pg.legend, entry{label: "trial that has not converged", glyph: draw.GlyphStyle{Color: grey, Radius: crossSize, Shape: draw.RingGlyph{}}})
	}
	var labels []string
	most, untold, all, rising := 0, 0, 0, 0
	var criteria, risers, short []string
	for _, d := range ds {
		converged, done := d.converged()
		labels = append(labels, fmt.Sprintf("%s (%d/%d)", d.group.Label, converged, done))
		most = max(most, len(d.trials))
		if c := fmt.Sprintf("at most %g nats over the last %s steps", d.by.Tolerance, thousands(d.by.Steps)); !slices.Contains(criteria, c) {
			criteria = append(criteria, c)
		}
		up := 0
		for _, t := range d.trials {
			if !t.done {
				continue
			}
			all, up = all+1, up+btoi(t.Rising)
			if !t.Told {
				if untold++; !slices.Contains(short, t.Why) {
					short = append(short, t.Why)
				}
			}
		}
		if rising += up; up > 0 {
			risers = append(risers, fmt.Sprintf("%s %d", d.group.Label, up))
		}
	}
	table := namedRows(side, labels, vg.Length(4+2.2*float64(most)))
	table.least = 100 // the labels of their axes are long
	pg.blocks = append(pg.blocks, table)
	notes = append(notes, "Rows: a point for each trial, with the standard error of the fitted line; in brackets how many have converged: the objective falls by "+strings.Join(criteria, ", or ")+", standard error included. Per epoch: over the last quarter of the training.")
	if untold > 0 {
		notes = append(notes, fmt.Sprintf("Too short to judge, counted as not converged: %d of %d trials (%s).", untold, all, strings.Join(firstFew(short), "; ")))
	}
	if rising > 0 {
		notes = append(notes, fmt.Sprintf("The objective rises by more than the tolerance (overfitting) in %d of %d trials: %s.", rising, all, strings.Join(firstFew(risers), ", ")))
	}
	return notes
}

// firstFew are the first of some texts, and how many more there are.
func firstFew(texts []string) []string {
	const few = 3
	if n := len(texts); n > few {
		return append(slices.Clone(texts[:few-1]), fmt.Sprintf("and %d more", n-few+1))
	}
	return texts
}

// fallsMore compares what two groups still fall.
func fallsMore(a, b descent) int {
	return cmp.Or(descending(a.median(lastFall), b.median(lastFall)), descending(a.median(epochFall), b.median(epochFall)))
}

// descending compares numbers, the largest first and those that are none last.
func descending(a, b float64) int {
	if math.IsNaN(a) || math.IsNaN(b) {
		return btoi(math.IsNaN(a)) - btoi(math.IsNaN(b))
	}
	return cmp.Compare(b, a)
}

// A fall is one of the two that a trial has.
type fall struct {
	label  string
	of     func(converge.State) (v, se float64)
	judged bool // by the tolerance
}

var (
	lastFall  = fall{"fall over the last steps", func(s converge.State) (v, se float64) { return s.Fall, s.FallSE }, true}
	epochFall = fall{"fall per epoch", func(s converge.State) (v, se float64) { return s.Falling, s.FallingSE }, false}
)

// values are those of the trials that have it.
func (d descent) values(f fall) (values []float64) {
	for _, t := range d.trials {
		if v, _ := f.of(t.State); finite(v) {
			values = append(values, v)
		}
	}
	return values
}

// median is that of the trials that have it; NaN if none has.
func (d descent) median(f fall) float64 { return middleOf(d.values(f)).median }

// descentFinding says how many trials have converged, and which group falls most.
func descentFinding(ds []descent) string {
	converged, all := 0, 0
	var most descent
	by := lastFall
	if slices.ContainsFunc(ds, func(d descent) bool { return len(d.values(lastFall)) == 0 && len(d.values(epochFall)) > 0 }) { // too short to judge, yet it may fall most
		by = epochFall
	}
	for _, d := range ds {
		settled, done := d.converged()
		all, converged = all+done, converged+settled
		if v := d.median(by); finite(v) && (most.group.Label == "" || v > most.median(by)) {
			most = d
		}
	}
	how := fmt.Sprintf("%d of %d finished trials have converged", converged, all)
	switch {
	case all == 0:
		how = "No trial is finished"
	case converged == 0:
		how = fmt.Sprintf("None of %d finished trials has converged", all)
	case all == converged:
		how = fmt.Sprintf("All %d finished trials have converged", all)
	}
	switch v := most.median(by); {
	case most.group.Label == "":
		return how + "."
	case v <= 0:
		return how + "; in the median over trials no group falls."
	case by.judged:
		return sentence("%s; %s falls most, by %s nats over the last %s steps, %s nats an epoch (medians over trials).", how, name(most.group.Label),
			figure(v, 0), thousands(most.by.Steps), figure(most.median(epochFall), 0))
	default:
		return sentence("%s; %s falls most, by %s nats an epoch (median over trials).", how, name(most.group.Label), figure(v, 0))
	}
}
