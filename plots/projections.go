package plots

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// What more than one figure makes of rows: groups, values at the end of training, series, and families of
// groups on one line. A figure's own file computes the rest, and no figure takes anything from the file of another
// (TestFiguresAreLeaves).

// finishedOf returns the groups without the runs that failed, whose last numbers are not
// final ones.
func finishedOf(groups []record.Group) []record.Group {
	var kept []record.Group
	for _, g := range groups {
		g.Runs = slices.DeleteFunc(slices.Clone(g.Runs), func(r record.Run) bool { return r.State == record.Failed })
		if len(g.Runs) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

// withMetric returns the groups that have a metric on a split, and a sentence for the
// caption about those that do not. It is an error if none has it.
func withMetric(figure string, groups []record.Group, split, metric string) (with []record.Group, note []string, err error) {
	var without []string
	for _, g := range groups {
		if slices.ContainsFunc(g.Runs, func(r record.Run) bool { return record.Has(r, split, metric) }) {
			with = append(with, g)
		} else {
			without = append(without, g.Label)
		}
	}
	if len(groups) == 0 {
		return nil, nil, fmt.Errorf("%s: no runs to draw", figure)
	}
	if len(with) == 0 {
		return nil, nil, fmt.Errorf("%s: no %s row has the metric %q; there are: %s", figure, split, metric, known(groups, split))
	}
	return with, withoutNote(metric, without), nil
}

// toGet says how a trial gets rows of a split.
var toGet = map[string]string{
	"valid": "; the validation split is evaluated after every train.eval_every epochs: train for as many at least, or lower it",
}

// known lists the metrics that the groups have on a split.
func known(groups []record.Group, split string) string {
	names := map[string]bool{}
	for _, g := range groups {
		for _, run := range g.Runs {
			for _, row := range run.Rows {
				for k := range row.Values() {
					if row.Split == split {
						names[k] = true
					}
				}
			}
		}
	}
	if len(names) == 0 {
		return "no " + split + " rows" + toGet[split]
	}
	return strings.Join(sortedKeys(names), ", ")
}

// withVector returns the groups that have a vector, and the split they have it on: the
// training rows if possible, which are the densest.
func withVector(all []record.Group, name string) (groups []record.Group, split string) {
	for _, split := range []string{"train", "valid", "test"} {
		for _, g := range all {
			if len(firstWith(g, split, name).Rows) > 0 {
				groups = append(groups, g)
			}
		}
		if len(groups) > 0 {
			return groups, split
		}
	}
	return nil, ""
}

// firstWith returns the group's first run that has a vector, or an empty run.
func firstWith(g record.Group, split, name string) record.Run {
	for _, run := range g.Runs {
		if v, ok := record.LastVector(run, split, name); ok && len(v) > 0 {
			return run
		}
	}
	return record.Run{}
}

// labels lists groups for a message.
func labels(groups []record.Group) string {
	var ls []string
	for _, g := range groups {
		ls = append(ls, plain(g.Label))
	}
	if len(ls) == 0 {
		return "no runs"
	}
	return strings.Join(listed(ls), ", ")
}

// finalSplit returns "test" if all runs that have something on valid have it on test as
// well, else "valid", so that no figure mixes the two; "" if no run has it at all.
func finalSplit(groups []record.Group, has func(r record.Run, split string) bool) string {
	valid, test, validOnly := 0, 0, 0
	for _, g := range groups {
		for _, run := range g.Runs {
			v, t := has(run, "valid"), has(run, "test")
			if v {
				valid++
			}
			if t {
				test++
			}
			if v && !t {
				validOnly++
			}
		}
	}
	switch {
	case test > 0 && validOnly == 0:
		return "test"
	case valid > 0:
		return "valid"
	}
	return ""
}

// having tells runs that have all of some metrics on a split.
func having(metrics ...string) func(r record.Run, split string) bool {
	return func(r record.Run, split string) bool {
		for _, m := range metrics {
			if _, ok := record.Last(r, split, m); !ok {
				return false
			}
		}
		return true
	}
}

// havingVector tells runs that have a vector on a split.
func havingVector(name string) func(r record.Run, split string) bool {
	return func(r record.Run, split string) bool {
		_, ok := record.LastVector(r, split, name)
		return ok
	}
}

// A final is one seed's last value.
type final struct {
	seed  int
	value float64
}

// finals returns the last values of a group's seeds.
func finals(g record.Group, split, metric string) (values []final) {
	for _, run := range g.Runs {
		if v, ok := record.Last(run, split, metric); ok {
			values = append(values, final{run.Seed, v})
		}
	}
	return values
}

// floorsOf returns the last floors of a group, from training rows if the split has none.
func floorsOf(g record.Group, split string) (at string, values []final) {
	if values := finals(g, split, "floor"); len(values) > 0 {
		return split, values
	}
	return "train", finals(g, "train", "floor")
}

// numbers drops the seeds.
func numbers(values []final) (vs []float64) {
	for _, v := range values {
		vs = append(vs, v.value)
	}
	return vs
}

// finalRows are the table's rows for one point: the seeds and their mean.
func finalRows(label, knob, x, metric, split string, values []final) (rows [][]string) {
	for _, v := range values {
		rows = append(rows, []string{label, knob, x, metric, split, fmt.Sprint(v.seed), num(v.value)})
	}
	if len(values) > 0 {
		mean, _, _ := record.Range(numbers(values))
		rows = append(rows, []string{label, knob, x, metric, split, "mean", num(mean)})
	}
	return rows
}

// meanOfLast is the mean over a group's seeds of a metric's last value, NaN if none has it.
func meanOfLast(g record.Group, split, metric string) float64 {
	mean, _, _ := record.Range(numbers(finals(g, split, metric)))
	return mean
}

// A pair is one seed's last values of two metrics.
type pair struct {
	seed int
	x, y float64
}

// withPairs returns the finished groups of which some seed has two metrics that can be drawn, and the split they are on. It is
// an error if there are none.
func withPairs(figure string, all []record.Group, x, y string) (groups []record.Group, split string, err error) {
	groups = finishedOf(all)
	if split = finalSplit(groups, having(x, y)); split == "" {
		return nil, "", fmt.Errorf("%s: no valid or test row has both metrics %q and %q", figure, x, y)
	}
	groups = slices.DeleteFunc(groups, func(g record.Group) bool { return len(pairsOf(g, split, x, y)) == 0 })
	if len(groups) == 0 {
		return nil, "", fmt.Errorf("%s: in no %s row are both metrics %q and %q finite", figure, split, x, y)
	}
	return groups, split, nil
}

// pairsOf returns the pairs of a group's seeds that can be drawn.
func pairsOf(g record.Group, split, x, y string) (pairs []pair) {
	for _, run := range g.Runs {
		a, okA := record.Last(run, split, x)
		b, okB := record.Last(run, split, y)
		if okA && okB && finite(a) && finite(b) {
			pairs = append(pairs, pair{run.Seed, a, b})
		}
	}
	return pairs
}

// column returns one dimension of vectors; NaN where a vector is too short.
func column(vectors [][]float64, d int) (values []float64) {
	for _, v := range vectors {
		if d < len(v) {
			values = append(values, v[d])
		} else {
			values = append(values, math.NaN())
		}
	}
	return values
}

// A series is one metric of one group against the step, or against what a figure's axis shows.
type series struct {
	X, Mean, Lo, Hi []float64
	N               int // seeds
}

// add appends the mean and the range of what the seeds have at x.
func (s *series) add(x float64, values []float64) {
	mean, lo, hi := record.Range(values)
	s.X, s.Mean, s.Lo, s.Hi = append(s.X, x), append(s.Mean, mean), append(s.Lo, lo), append(s.Hi, hi)
	s.N = max(s.N, len(values))
}

// at is the mean at x, NaN where there is none.
func (s series) at(x float64) float64 {
	if i, ok := slices.BinarySearch(s.X, x); ok {
		return s.Mean[i]
	}
	return math.NaN()
}

// seriesOf is record.Series with numbers that can be drawn.
func seriesOf(runs []record.Run, split, metric string) series {
	return drawable(record.Series(runs, split, metric))
}

// drawable is what record.Series returns as numbers that can be drawn.
func drawable(steps []int, mean, lo, hi []float64, n int) series {
	s := series{X: make([]float64, len(steps)), Mean: mean, Lo: lo, Hi: hi, N: n}
	for i, step := range steps {
		s.X[i] = float64(step)
	}
	return s
}

// surgery is the KL and the mutual information of a group's validation rows that have both, against the epoch.
func surgery(g record.Group) (kl, mi series) { return partOf(g, "kl"), partOf(g, "mi") }

// partOf is one of the KL, the mutual information, and what the first is more than the second (marginal_kl), of a group's validation
// rows that have both, against the epoch.
func partOf(g record.Group, name string) series {
	epochs := map[float64]float64{} // by step
	runs := slices.Clone(g.Runs)
	for i := range runs {
		var rows []record.Entry
		for _, row := range runs[i].Rows {
			_, kl := row.Value("kl")
			_, mi := row.Value("mi")
			if kl && mi && row.Split == "valid" {
				rows, epochs[float64(row.Step)] = append(rows, row), row.Epoch
			}
		}
		runs[i].Rows = record.With(rows, "marginal_kl", func(row record.Entry) (float64, bool) {
			kl, _ := row.Value("kl")
			mi, _ := row.Value("mi")
			return kl - mi, true
		})
	}
	s := seriesOf(runs, "valid", name)
	for i, step := range s.X {
		s.X[i] = epochs[step]
	}
	return s
}

// A family is the groups on one line: they differ in the knob only.
type family struct {
	label  string
	groups []record.Group // by the knob's value; a single one if there is no knob
	style  draw.LineStyle
}

// An axis is what the knobs of several variants have in common: the name, and what the KL does where it rises. alpha of
// info-vae and alpha of tc are not one.
type axis struct{ setting, rate string }

// families sorts groups into lines: by knob, in the order of the groups, and the flat ones.
func families(groups []record.Group) (byKnob map[axis][]family, flat []family) {
	byKnob = map[axis][]family{}
	var lines []*family // in the order in which styles are given out
	for _, g := range groups {
		label, knob := g.Family(), axis{}
		if k, ok := g.Knob(); ok {
			knob = axis{k.Name(), k.Rate}
		}
		i := slices.IndexFunc(byKnob[knob], func(f family) bool { return f.label == label })
		if i < 0 || knob == (axis{}) {
			i = len(byKnob[knob])
			byKnob[knob] = append(byKnob[knob], family{label: label})
		}
		byKnob[knob][i].groups = append(byKnob[knob][i].groups, g)
	}
	flat = byKnob[axis{}]
	delete(byKnob, axis{})
	for i := range flat {
		lines = append(lines, &flat[i])
	}
	for _, knob := range sortedKnobs(byKnob) {
		for i := range byKnob[knob] {
			lines = append(lines, &byKnob[knob][i])
		}
	}
	giveStyles(lines)
	for i := range flat {
		flat[i].style.Dashes = []vg.Length{5, 3}
	}
	return byKnob, flat
}

// giveStyles gives each family the style of its first group.
func giveStyles(lines []*family) {
	var first []record.Group
	for _, f := range lines {
		first = append(first, f.groups[0])
	}
	for i, style := range groupStyles(first) {
		lines[i].style = style
	}
}

// familiesOver sorts groups into lines that differ in some settings only, by full key, whatever
// else a variant's knob is.
func familiesOver(groups []record.Group, keys ...string) (fs []family) {
	for _, g := range groups {
		label := g.Without(keys...)
		i := slices.IndexFunc(fs, func(f family) bool { return f.label == label })
		if i < 0 {
			i = len(fs)
			fs = append(fs, family{label: label})
		}
		fs[i].groups = append(fs[i].groups, g)
	}
	var lines []*family
	for i := range fs {
		lines = append(lines, &fs[i])
	}
	giveStyles(lines)
	return fs
}

// sortedKnobs returns the knobs in alphabetical order.
func sortedKnobs(byKnob map[axis][]family) []axis {
	return slices.SortedFunc(maps.Keys(byKnob), func(a, b axis) int {
		return cmp.Or(cmp.Compare(a.setting, b.setting), cmp.Compare(a.rate, b.rate))
	})
}

// A dataset is the families that were trained on the same data; the likelihoods of different
// data cannot be compared.
type dataset struct {
	name     string // as the settings call it
	digest   string
	families []family
}

// byData sorts families by their data, in the order in which the data appear.
func byData(fs []family) (sets []dataset) {
	for _, f := range fs {
		run := f.groups[0].Runs[0]
		i := slices.IndexFunc(sets, func(d dataset) bool { return d.digest == run.Data })
		if i < 0 {
			i = len(sets)
			sets = append(sets, dataset{name: run.Config["data"], digest: run.Data})
		}
		sets[i].families = append(sets[i].families, f)
	}
	return sets
}

// allFamilies returns the flat families, then those of each knob.
func allFamilies(byKnob map[axis][]family, flat []family) []family {
	fs := slices.Clone(flat)
	for _, knob := range sortedKnobs(byKnob) {
		fs = append(fs, byKnob[knob]...)
	}
	return fs
}

// dial is the symbol of the family's knob with an arrow: up if the KL rises with it, down if it falls, none if that is not
// known. It is empty if it has none.
func dial(f family) string {
	k, ok := f.groups[0].Knob()
	if !ok {
		return ""
	}
	return record.Letter(k.Name()) + map[string]string{"rises": " ↑", "falls": " ↓"}[k.Rate]
}

// dialNote explains the arrows of dials, where there are any.
func dialNote(fs []family) []string {
	if slices.ContainsFunc(fs, func(f family) bool { return strings.ContainsAny(dial(f), "↑↓") }) {
		return []string{"↑: the KL rises with the setting; ↓: it falls."}
	}
	return nil
}

// overDial is a family's label with its knob.
func overDial(f family) string {
	if symbol := dial(f); symbol != "" && len(f.groups) > 1 {
		return f.label + ", over " + symbol
	}
	return f.label
}

// knobOf returns a group's knob for a table; empty if it has none.
func knobOf(g record.Group) (name, value string) {
	if k, ok := g.Knob(); ok {
		return k.Name(), num(k.Value)
	}
	return "", ""
}

// num is a number of a table; what is not finite is empty.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// sortedKeys returns the keys of a set in alphabetical order.
func sortedKeys(set map[string]bool) []string {
	var keys []string
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// generatorOf is what a metric would be of the generator of the data, if it is known.
func generatorOf(groups []record.Group, split, metric string) (value float64, ok bool) {
	name, ok := map[string]string{"kl": "true_mi", "mi": "true_mi", "iw_nll": "true_nll", "nelbo": "true_nll"}[metric]
	if !ok {
		return 0, false
	}
	for _, g := range groups {
		for _, v := range finals(g, split, name) {
			return v.value, finite(v.value)
		}
	}
	return 0, false
}

// knobScale says where the values of a knob, in their order, stand on its axis, how what stands there is labelled, and how the axis
// of very many is marked: by logarithms if they span three decades, as those of eps do, of which a linear axis would show the
// largest only.
func knobScale(at []float64) (place func([]float64) []float64, label func(float64) string, many plot.Ticker) {
	if at[0] > 0 && at[len(at)-1] >= 1000*at[0] {
		return logs, unlog, plot.TickerFunc(logTicks)
	}
	return func(x []float64) []float64 { return x }, short, plot.TickerFunc(linearTicks)
}
