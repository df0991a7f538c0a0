package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

func init() { Figures.Add("rank", Rank{}) }

// Rank shows how much better or worse than the baseline each method is at one rate.
//
// A row is a method over its dial, the setting that moves its rate. Left is the difference of its likelihood bound from the
// baseline's, right that of its gap, in nats. The methods with the largest gap are on top. A dot is the median over paired seeds, a
// bar the 95 % CI. The numbers are those of vaelab rank and of the claim matched: with each seed both methods are read off at the
// rate on straight lines between their points, and nothing is extrapolated. Only seeds with a finished trial at every value of the
// dial count. A method that differs from the baseline in more than its own settings is left out, unless a claim compares the two
// and names those settings.
//
// The likelihood is the importance-weighted one, or the NELBO if the method or the baseline lacks it. Rate and baseline are those of
// most of the experiment's matched claims. Without such claims the baseline is vanilla over its dial, or else the first method that
// has one, and the rate is the round one that most methods reach with every seed. Each data set has panels of its own.
type Rank struct{}

// Draw implements Figure.
func (Rank) Draw(set *record.Set) (*Drawing, error) {
	var digests []string
	byDigest := map[string]*record.Set{}
	for _, run := range set.Runs {
		own := byDigest[run.Data]
		if own == nil {
			own = &record.Set{Knobs: set.Knobs, Flat: set.Flat, Compared: set.Compared}
			byDigest[run.Data], digests = own, append(digests, run.Data)
		}
		own.Runs = append(own.Runs, run)
	}
	digests, more := firstOf(digests, mostPanels, "data sets")
	pg := page{table: [][]string{{"method", "data", "baseline", "rate", "metric", "split", "median", "low", "high", "seeds", "excludes_0"}}}
	var refused, notes, splits []string
	var groups []record.Group
	counts, filled, hollow := map[string]int{}, false, false
	for _, digest := range digests {
		own := byDigest[digest]
		data := own.Runs[0].Config["data"]
		c, err := contestOf(own)
		if err != nil {
			refused = append(refused, plain(err.Error()))
			continue
		}
		finding := c.finding()
		if len(digests) > 1 {
			finding = sentence("Data %s: %s", name(data), finding)
			pg.blocks = append(pg.blocks, title("data: "+printable(data)))
			notes = append(notes, fmt.Sprintf("Data %s:", data))
		}
		switch {
		case len(splits) == 0:
			pg.finding = finding
		case len(splits) < mostFindings && finding != "":
			pg.caption = append(pg.caption, finding)
		}
		notes, splits = append(append(notes, c.notes()...), c.more...), append(splits, splitNames[c.split])
		pg.blocks = append(pg.blocks, c.panels())
		groups = append(groups, c.compared()...)
		for _, r := range c.rows {
			for _, d := range r.apart {
				if !d.made {
					continue
				}
				counts[r.label] = max(counts[r.label], len(d.Values))
				filled, hollow = filled || d.Shown(), hollow || !d.Shown()
				pg.table = append(pg.table, []string{r.label, data, c.base.label, num(c.rate), d.metric, c.split, num(d.Median), num(d.Interval.Lo), num(d.Interval.Hi), num(float64(len(d.Values))), fmt.Sprint(d.Shown())})
			}
		}
	}
	if len(splits) == 0 {
		return nil, errors.New("rank: " + cmp.Or(strings.Join(slices.Compact(refused), "; "), "there are no trials"))
	}
	slices.Sort(splits)
	pg.caption = append(pg.caption, strings.Join(slices.Compact(splits), " and ")+" split, nats per example: the method minus the baseline, seed by seed at the same KL. "+
		"A lower likelihood bound is better; a larger gap shows a decoder that uses z more. "+mediansNote("Dots", "bars", counts))
	pg.legend = []entry{{label: "the baseline", line: vanillaLine}}
	dot := draw.GlyphStyle{Color: grey, Radius: crossSize, Shape: draw.CircleGlyph{}}
	if filled {
		pg.legend = append(pg.legend, entry{label: "the 95 % CI excludes 0", glyph: dot})
	}
	if hollow {
		dot.Shape = draw.RingGlyph{}
		pg.legend = append(pg.legend, entry{label: "it contains 0, or there are too few seeds for one", glyph: dot})
	}
	pg.caption = append(append(append(pg.caption, notes...), more...), settledNote(set, groups)...)
	pg.caption = append(append(pg.caption, withoutNote("a comparison", slices.Compact(refused))...), doubts(set, set.Groups())...)
	return pg.drawing(), nil
}

// A contest is the methods on one data set at one rate.
type contest struct {
	split string
	rate  float64
	base  front    // the baseline's KL
	rows  []rival  // those with the largest gap first
	out   []absent // the others
	more  []string // what there was no room for
	bound string   // the names of the likelihood bounds; "" if there are none
}

// A rival is a method with its differences from the baseline, in the likelihood bound and in the gap.
type rival struct {
	family
	apart [2]offset
}

// An offset is a method minus the baseline in a metric.
type offset struct {
	metric string
	stats.Difference
	made bool
}

// contestOf compares the methods of a set with one data set.
func contestOf(set *record.Set) (c contest, err error) {
	groups := set.Groups()
	byKnob, flat := families(groups)
	fs := allFamilies(byKnob, flat)
	c.split = finalSplit(groups, func(r record.Run, split string) bool { return r.State == record.Done && having("kl")(r, split) })
	if c.split == "" {
		return c, errors.New("no finished trial has the metric \"kl\" in a valid or test row")
	}
	fit, unfit := fitting(fs, c.split)
	c.out = unfit
	if c.base, c.rate, err = basis(set, fs, fit); err != nil {
		return c, err
	}
	if c.base.lo > c.rate || c.rate > c.base.hi {
		return c, fmt.Errorf("not every seed of the baseline %s reaches a KL of %s nats", plain(c.base.label), short(c.rate))
	}
	for _, f := range fit {
		if keys := frontier.Apart(set, f.groups, c.base.groups); f.label == c.base.label {
			continue
		} else if len(keys) > 0 {
			c.leave("With other settings, too ("+strings.Join(keys, ", ")+")", f.label)
			continue
		}
		if f.lo > c.rate || c.rate > f.hi {
			c.leave("Not reached", f.label)
			continue
		}
		r := rival{family: f.family, apart: [2]offset{c.between(f.family, "iw_nll"), c.between(f.family, "gap")}}
		if !r.apart[0].made {
			r.apart[0] = c.between(f.family, "nelbo")
		}
		if !r.apart[0].made && !r.apart[1].made {
			c.leave("Without a seed, a likelihood or a gap in common with the baseline", f.label)
			continue
		}
		c.rows = append(c.rows, r)
	}
	if len(c.rows) == 0 {
		return c, fmt.Errorf("no method is compared with %s at a KL of %s nats: %s", plain(c.base.label), short(c.rate), plain(strings.Join(c.notes(), " ")))
	}
	slices.SortStableFunc(c.rows, func(a, b rival) int {
		x, y := a.apart[1], b.apart[1]
		return cmp.Or(cmp.Compare(btoi(y.made), btoi(x.made)), cmp.Compare(y.Median, x.Median), cmp.Compare(a.label, b.label))
	})
	c.rows, c.more = firstOf(c.rows, mostLines, "methods")
	var bounds []string
	for _, r := range c.rows {
		if d := r.apart[0]; d.made {
			bounds = append(bounds, map[string]string{"iw_nll": "IW-NLL", "nelbo": "NELBO"}[d.metric])
		}
	}
	slices.Sort(bounds)
	c.bound = strings.Join(slices.Compact(bounds), " or ")
	return c, nil
}

// leave notes why a method is not compared.
func (c *contest) leave(why, label string) { c.out = append(c.out, absent{why, label}) }

// basis are the baseline and the rate of a comparison: those of the claims, or else the usual ones.
func basis(set *record.Set, fs []family, fit []front) (base front, rate float64, err error) {
	f, rate, known := claimed(set, fs)
	if !known {
		return usual(set, fit)
	}
	i := slices.IndexFunc(fit, func(other front) bool { return other.label == f.label })
	if i < 0 {
		return base, 0, fmt.Errorf("the baseline %s has failed trials, or no seed with a finished trial at every value of its dial", plain(f.label))
	}
	return fit[i], rate, nil
}

// between is the difference of a method from the baseline in a metric; it is not made if one of them lacks the metric, or if the
// gaps that it rests on are of two definitions.
func (c contest) between(f family, metric string) offset {
	d := offset{metric: metric}
	of, ok := completeFront(f, c.split, metric)
	than, okBase := completeFront(c.base.family, c.split, metric)
	if !ok || !okBase {
		return d
	}
	kl := lastFinite(c.split, "kl")
	rests := append(frontier.Over(f.groups).ReadOff(kl, c.rate), frontier.Over(c.base.groups).ReadOff(kl, c.rate)...)
	if metric == "gap" && record.MixedGaps(rests, c.split) {
		return d
	}
	p, err := frontier.PairsAt(of.Span, than.Span, c.rate)
	if err != nil || len(p.Seeds) == 0 {
		return d
	}
	d.Difference = p.Difference(confidence)
	d.made = !slices.ContainsFunc(d.Values, func(v float64) bool { return !finite(v) })
	return d
}

// panels are the rows with both differences.
func (c contest) panels() matrix {
	var side []*plot.Plot
	var labels []string
	for _, r := range c.rows {
		labels = append(labels, r.label)
	}
	for k, label := range []string{"Δ " + c.bound, "Δ gap"} {
		var ends []float64
		for _, r := range c.rows {
			if d := r.apart[k]; d.made {
				ends = append(ends, d.Interval.Lo, d.Interval.Hi)
			}
		}
		if len(ends) == 0 {
			continue
		}
		x, at := rooted(ends, 0), crosses{}
		for i, r := range c.rows {
			if d := r.apart[k]; d.made {
				row := float64(i)
				at.X, at.Left, at.Right = append(at.X, x.place(d.Median)), append(at.Left, x.place(d.Interval.Lo)), append(at.Right, x.place(d.Interval.Hi))
				at.Y, at.Low, at.High = append(at.Y, row), append(at.Low, row), append(at.High, row)
				at.Colors, at.Settled = append(at.Colors, r.style.Color), append(at.Settled, d.Shown())
			}
		}
		p := newPanel(label+" ("+x.unit()+")", "")
		p.Add(thresholds{[]float64{0}, []string{""}, vanillaLine}, at)
		p.X.Max = math.Max(0, finiteOr(p.X.Max, 0))
		x.axis(&p.X)
		side = append(side, p)
	}
	return namedRows(side, labels, 0)
}

// finding says how many methods are better and worse, or with too few seeds for that, between which methods the gaps lie.
func (c contest) finding() string {
	var up, down [2]int
	decided := false
	var gaps []rival
	for _, r := range c.rows {
		for k, d := range r.apart {
			decided = decided || d.Decided
			up[k], down[k] = up[k]+btoi(d.Shown() && d.Median > 0), down[k]+btoi(d.Shown() && d.Median < 0)
		}
		if r.apart[1].made {
			gaps = append(gaps, r)
		}
	}
	rate, base, n := figure(c.rate, 0), name(c.base.label), len(c.rows)
	if decided {
		return sentence("At a KL of %s nats the gap is larger than that of %s with %s and smaller with %s; the %s is lower with %s and higher with %s (95 %% CI of the difference).",
			rate, base, fmt.Sprintf("%d of %d methods", up[1], n), fmt.Sprint(down[1]), c.bound, fmt.Sprint(down[0]), fmt.Sprint(up[0]))
	}
	if len(gaps) == 0 {
		return ""
	}
	first, last := gaps[0], gaps[len(gaps)-1]
	ends := figures(last.apart[1].Median, first.apart[1].Median)
	few := fmt.Sprintf("n = %d, too few seeds for a 95 %% CI", len(first.apart[1].Values))
	if len(gaps) == 1 {
		return sentence("At a KL of %s nats the gap minus that of %s is %s nats with %s, %s.", rate, base, ends[1], name(first.label), few)
	}
	return sentence("At a KL of %s nats the gap minus that of %s is %s nats with %s and %s with %s, the ends of %s, %s.",
		rate, base, ends[0], name(last.label), ends[1], name(first.label), fmt.Sprintf("%d methods", len(gaps)), few)
}

// compared are the groups of the baseline and of the rows.
func (c contest) compared() []record.Group {
	groups := slices.Clone(c.base.groups)
	for _, r := range c.rows {
		groups = append(groups, r.groups...)
	}
	return groups
}

// notes says which methods have no IW-NLL, and which are not compared.
func (c contest) notes() (notes []string) {
	var nelbo []string
	for _, r := range c.rows {
		if r.apart[0].metric == "nelbo" && r.apart[0].made {
			nelbo = append(nelbo, r.label)
		}
	}
	if gap := record.GapNote(c.compared(), c.split); gap != "" {
		notes = append(notes, gap)
	}
	switch {
	case c.bound == "NELBO":
		notes = append(notes, "NELBO, because no method and the baseline both have an IW-NLL.")
	case len(nelbo) > 0:
		notes = append(notes, "NELBO, because the method or the baseline has no IW-NLL: "+strings.Join(listed(nelbo), ", ")+".")
	}
	var order []string
	labels := map[string][]string{}
	for _, a := range c.out {
		if _, ok := labels[a.why]; !ok {
			order = append(order, a.why)
		}
		labels[a.why] = append(labels[a.why], a.label)
	}
	for _, why := range order {
		notes = append(notes, why+": "+strings.Join(listed(labels[why]), ", ")+".")
	}
	return notes
}
