package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// A column of a table is a metric and how it is printed.
type column struct {
	title, metric string
	decimals      int
}

// core are the metrics that every comparison is about, in this order.
var core = []column{
	{"KL", "kl", 2}, {"floor", "floor", 2}, {"MI", "mi", 2}, {"gap", "gap", 2}, {"AU", "au", 1}, {"codes", "code_perplexity", 1},
	{"rec", "rec", 2}, {"NELBO", "nelbo", 2}, {"IW-NLL", "iw_nll", 2}, {"PPL", "ppl", 1},
}

// untested are the metrics in which a difference is by construction, or none at all.
var untested = map[string]bool{"floor": true, "mi_cap": true, "mi_se": true}

// results is the section of tables.
func results(s Source, groups []record.Group) Section {
	section := Section{Title: "Results", Command: "vaelab report " + s.Folder}
	split, metrics := measured(groups)
	if split == "" {
		section.Text = []string{"No trial has been evaluated yet."}
		return section
	}
	section.Text = []string{splitNames[split] + " split, running statistics, last row of each trial; nats per example.", glossary(metrics)}
	section.Text = append(section.Text, truths(groups, split)...)
	section.Text = append(section.Text, phases(groups)...)
	b := baselines(groups, s.Experiments)
	main, rest := divided(groups, split, metrics)
	several := slices.ContainsFunc(groups, func(g record.Group) bool { return len(g.Runs) > 1 })
	tables := func(columns []column) (all []Table) {
		all = append(all, meanTable(groups, split, columns, b))
		if len(b.of) > 0 {
			all = append(all, differenceTables(groups, split, columns, b)...)
		}
		if several {
			all = append(all, medianTable(groups, split, columns))
		}
		return all
	}
	for _, t := range tables(main) {
		t.Folded = t.Name == "p-values"
		section.Tables = append(section.Tables, t)
	}
	if len(rest) > 0 {
		for _, t := range tables(rest) {
			t.Name, t.Caption, t.Folded = t.Name+"-more", "More columns. "+t.Caption, true
			section.Tables = append(section.Tables, t)
		}
	}
	return section
}

// divided are the core metrics that the question of an experiment is about, few enough to fit a page, and the others: KL, floor,
// MI, gap, units or codes, and one likelihood. That is the importance-weighted one if every group has it, and else the NELBO.
func divided(groups []record.Group, split string, metrics []string) (main, rest []column) {
	likelihood := "nelbo"
	if len(placesWith(groups, split, "iw_nll")) == len(groups) {
		likelihood = "iw_nll"
	}
	use := "au"
	if !slices.Contains(metrics, use) {
		use = "code_perplexity"
	}
	for _, c := range coreOf(metrics) {
		switch c.metric {
		case "kl", "floor", "mi", "gap", use, likelihood:
			main = append(main, c)
		default:
			rest = append(rest, c)
		}
	}
	return main, rest
}

var splitNames = map[string]string{"test": "Test", "valid": "Validation"}

// measured returns the split that tables are about, test if any trial has been tested, else
// valid, and its metrics in alphabetical order.
func measured(groups []record.Group) (split string, metrics []string) {
	for _, split := range []string{"test", "valid"} {
		names := map[string]bool{}
		for _, g := range groups {
			for _, r := range g.Runs {
				for _, row := range r.Rows {
					if row.Split != split {
						continue
					}
					for k := range row.Values() {
						names[k] = true
					}
				}
			}
		}
		if len(names) > 0 {
			return split, sorted(names)
		}
	}
	return "", nil
}

// coreOf are the core metrics among those measured.
func coreOf(metrics []string) []column {
	return slices.DeleteFunc(slices.Clone(core), func(c column) bool { return !slices.Contains(metrics, c.metric) })
}

// Summary is the core metrics on one screen. If every group has the seeds that a median's interval
// takes, it is the median with that interval in a row below it, else mean ± standard deviation; the
// caption says which. A metric that fewer seeds of a group have has their number there instead. Marks
// are those of the report's tables. It has no rows if nothing has been evaluated.
func Summary(set *record.Set, experiments ...Experiment) Table {
	groups := set.Groups()
	split, metrics := measured(groups)
	if split == "" {
		return Table{}
	}
	columns, b := coreOf(metrics), baselines(groups, experiments)
	least, most := math.MaxInt, 0
	for _, s := range samplesOf(groups, split, "kl") {
		if len(s) > 0 {
			least, most = min(least, len(s)), max(most, len(s))
		}
	}
	medians := most > 0 && least >= stats.SeedsFor(confidence)
	t := Table{Left: 1, Header: []string{"group", "n"}}
	for i, g := range groups {
		label := g.Label
		if len(bases(b)) > 1 { // a single one is named below
			label += baseMark(b, i)
		}
		t.Rows = append(t.Rows, plain(label, seedCount(g, split)))
		if medians {
			t.Rows = append(t.Rows, plain("", ""))
		}
	}
	step := len(t.Rows) / len(groups)
	var m marks
	for _, c := range columns {
		t.Header = append(t.Header, c.title)
		diff := differences(groups, split, c.metric, b)
		for i, s := range samplesOf(groups, split, c.metric) {
			first, second := brief(s, c.decimals, medians)
			t.Rows[step*i] = append(t.Rows[step*i], Cell{Text: first, Mark: m.cell(diff, i, groups[i], split, c.metric)})
			if medians {
				t.Rows[step*i+1] = append(t.Rows[step*i+1], Cell{Text: second})
			}
		}
	}
	what := "one seed per group"
	switch {
	case medians:
		what = "median over n seeds, below it its distribution-free 95 % CI"
	case most > 1:
		what = "mean ± standard deviation over n seeds"
	}
	t.Caption = fmt.Sprintf("%s split, last row of each trial, nats per example; %s.", splitNames[split], what)
	center := mean
	if medians {
		center = stats.Median
	}
	t.Notes = append(legend(groups, b, m), glossary(metrics))
	t.Notes = append(t.Notes, caveats(groups, split, columns, center)...)
	t.Notes = append(t.Notes, truths(groups, split)...)
	t.Notes = append(t.Notes, phases(groups)...)
	t.Notes = append(t.Notes, learning(groups, experiments)...)
	return t
}

// terms say what the columns are, in the order of core.
var terms = []struct{ metric, is string }{
	{"floor", "floor: the method's lower bound of the KL under batch statistics"},
	{"mi", "MI: I(x; z)"},
	{"gap", "gap: increase of −ln p(x|z) when z is taken from another example"},
	{"au", "AU: active units"},
	{"code_perplexity", "codes: values of a symbol of z that are used, as a perplexity"},
	{"rec", "rec: −ln p(x|z)"},
	{"nelbo", "NELBO: rec + KL"},
	{"iw_nll", "IW-NLL: importance-weighted NLL"},
	{"ppl", "PPL: perplexity from NELBO, an upper bound, with </s> counted as a symbol"},
}

// glossary is a sentence that says what the columns are.
func glossary(metrics []string) string {
	parts := []string{"KL: KL(q(z|x) || p(z))"}
	for _, term := range terms {
		if slices.Contains(metrics, term.metric) {
			parts = append(parts, term.is)
		}
	}
	return strings.Join(parts, "; ") + "."
}

// brief is a sample in a word or two: its median and interval, or its size if that is too small for one, or
// mean ± standard deviation.
func brief(s sample, decimals int, median bool) (first, second string) {
	values := s.numbers()
	switch {
	case len(values) == 0:
		return "–", ""
	case median:
		first = decimal(stats.Median(values), decimals)
		if len(values) < stats.SeedsFor(confidence) {
			return first, fmt.Sprintf("n=%d", len(values))
		}
		i := stats.MedianInterval(values, confidence)
		return first, decimal(i.Lo, decimals) + ".." + decimal(i.Hi, decimals)
	}
	mean, deviation := stats.MeanDeviation(values)
	if len(values) == 1 {
		return decimal(mean, decimals), ""
	}
	return decimal(mean, decimals) + " ±" + decimal(deviation, decimals), ""
}

// samplesOf are a metric's samples, by the group's place.
func samplesOf(groups []record.Group, split, metric string) []sample {
	samples := make([]sample, len(groups))
	for i, g := range groups {
		samples[i] = sampleOf(g, split, metric)
	}
	return samples
}

// meanTable is mean ± interval of each group, marked by its difference from the baseline.
func meanTable(groups []record.Group, split string, columns []column, b baseline) Table {
	t := Table{Name: "results", Caption: "Mean ± 95 % CI", Left: 1, Header: []string{"group", "n"}}
	for i, g := range groups {
		t.Rows = append(t.Rows, plain(g.Label+baseMark(b, i), seedCount(g, split)))
	}
	var m marks
	for _, c := range legible(groups, split, columns) {
		t.Header = append(t.Header, c.title)
		diff := differences(groups, split, c.metric, b)
		for i, s := range samplesOf(groups, split, c.metric) {
			cell := Cell{Text: "–", Mark: m.cell(diff, i, groups[i], split, c.metric)}
			if len(s) > 0 {
				mean, half := meanOf(s)
				cell.Text = spread(mean, half, len(s), c.decimals)
				if untested[c.metric] && strings.Trim(decimal(half, c.decimals), "0.") == "" { // a floor is a constant, if it is not learnt
					cell.Text = decimal(mean, c.decimals)
				}
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	t.Notes = append([]string{"n: number of seeds. The CI is Student's t, which assumes normally distributed values."},
		legend(groups, b, m)...)
	t.Notes = append(t.Notes, caveats(groups, split, columns, mean)...)
	return t
}

// legible are columns without decimals of numbers that have four digits before the point.
func legible(groups []record.Group, split string, columns []column) []column {
	columns = slices.Clone(columns)
	for i, c := range columns {
		if decimalsFor(groups, split, c.metric) == 0 {
			columns[i].decimals = 0
		}
	}
	return columns
}

// marks counts the cells of a table that could be compared with a baseline.
type marks struct{ given, left int }

// of returns the mark of a group's cell, "" if it is not compared.
func (m *marks) of(diff map[int]difference, group int) string {
	d, ok := diff[group]
	if !ok {
		return ""
	}
	mark := d.mark()
	switch mark {
	case atCap:
	case "":
		m.left++
	default:
		m.given++
	}
	return mark
}

// cell returns the mark of a group's own number: that of its comparison or, if it is not compared, whether it is
// at its cap.
func (m *marks) cell(diff map[int]difference, i int, g record.Group, split, metric string) string {
	if _, compared := diff[i]; !compared && capped(g, split, metric) {
		return atCap
	}
	return m.of(diff, i)
}

// legend says what the marks of a table mean, or how many seeds they need.
func legend(groups []record.Group, b baseline, m marks) (notes []string) {
	for _, name := range b.missing {
		notes = append(notes, "The baseline that the experiment's file declares, "+name+", is not among these trials.")
	}
	switch {
	case m.given > 0:
		text := against(groups, b) + " Paired by seed, the 95 % CI of the median difference from it excludes 0 (*) or contains 0 (~)."
		if m.left > 0 {
			text += fmt.Sprintf(" No mark: fewer than %d common seeds, or a failed trial.", stats.SeedsFor(confidence))
		}
		notes = append(notes, text)
	case m.left > 0:
		notes = append(notes, fmt.Sprintf("No marks: a comparison with %s needs %d finished seeds.", baselineName(groups, b), stats.SeedsFor(confidence)))
	}
	return notes
}

// baseMark marks the groups that others are compared with.
func baseMark(b baseline, i int) string {
	if slices.Contains(bases(b), i) {
		return " (baseline)"
	}
	return ""
}

// bases are the places of those that others are compared with.
func bases(b baseline) []int {
	places := map[int]bool{}
	for _, base := range b.of {
		places[base] = true
	}
	return sorted(places)
}

// baselineName is the baseline's label, or what stands for several.
func baselineName(groups []record.Group, b baseline) string {
	if places := bases(b); len(places) == 1 {
		return groups[places[0]].Label
	}
	return "a baseline"
}

// against says what the baselines are.
func against(groups []record.Group, b baseline) string {
	places := bases(b)
	text := "Each group has the baseline of the same settings and data"
	if len(places) == 1 {
		text = "The baseline is " + groups[places[0]].Label
	}
	if b.declared {
		text += " (declared by the experiment's file)"
	}
	if b.factor != "" {
		text += "; the factor is " + b.factor
	}
	text += "."
	if left := len(groups) - len(b.of) - len(places); left > 0 {
		text += fmt.Sprintf(" Without a baseline: %s, different from all others in more than what is compared.", count(left, "group"))
	}
	return text
}

// differenceTables are the paired differences from the baseline, and the p-values of their tests if there
// are seeds enough for any to count.
func differenceTables(groups []record.Group, split string, columns []column, b baseline) []Table {
	t := Table{Name: "differences", Caption: "Paired differences from the baseline: median [95 % CI]", Left: 1, Header: []string{"group"}}
	p := Table{Name: "p-values", Caption: "p-values of the paired differences, corrected by Holm over the groups of a column", Left: 1, Header: []string{"group"}}
	tests := map[string]bool{}
	levels := levels{}
	rows, values := map[int][]Cell{}, map[int][]Cell{}
	var m marks
	for _, c := range columns {
		if untested[c.metric] {
			continue
		}
		t.Header, p.Header = append(t.Header, c.title), append(p.Header, c.title)
		diff := differences(groups, split, c.metric, b)
		for i := range b.of {
			cell, value := Cell{Text: "–", Mark: m.of(diff, i)}, Cell{Text: "–"}
			if d := diff[i]; len(d.Values) > 0 {
				cell.Text = median(d.Values, c.decimals, levels)
				value.Text = pValue(d.holm)
				tests[d.Test] = true
			}
			rows[i], values[i] = append(rows[i], cell), append(values[i], value)
		}
	}
	for _, i := range sorted(rows) {
		t.Rows = append(t.Rows, append(plain(groups[i].Label), rows[i]...))
		p.Rows = append(p.Rows, append(plain(groups[i].Label), values[i]...))
	}
	t.Notes = levels.notes()
	if m.given == 0 {
		return []Table{t}
	}
	p.Notes = []string{"Two-sided paired test: " + strings.Join(sorted(tests), ", ") + ". Neither marks nor verdicts use p-values."}
	return []Table{t, p}
}

// levels are the confidence that intervals reach, by the number of seeds, where that is less than 95 %.
type levels map[int]float64

// notes says so.
func (l levels) notes() (notes []string) {
	for _, n := range sorted(l) {
		if n > 1 {
			notes = append(notes, fmt.Sprintf("n = %d: the CI is the range over seeds, with a confidence of %.3g %%; 95 %% needs %d seeds.", n, 100*l[n], stats.SeedsFor(confidence)))
		}
	}
	return notes
}

// median is "3.50 [1.00, 6.00]", the median of at least one value with its interval, if it has one.
func median(values []float64, decimals int, l levels) string {
	interval := stats.MedianInterval(values, confidence)
	if interval.Level < confidence {
		l[len(values)] = interval.Level
	}
	text := decimal(stats.Median(values), decimals)
	if len(values) > 1 {
		text += fmt.Sprintf(" [%s,"+fixed+"%s]", decimal(interval.Lo, decimals), decimal(interval.Hi, decimals))
	}
	return text
}

// medianTable is the median of each group with its distribution-free interval.
func medianTable(groups []record.Group, split string, columns []column) Table {
	t := Table{Name: "medians", Caption: "Median [95 % CI], distribution-free", Left: 1, Header: []string{"group", "n"}}
	levels := levels{}
	for _, g := range groups {
		t.Rows = append(t.Rows, plain(g.Label, seedCount(g, split)))
	}
	for _, c := range legible(groups, split, columns) {
		if untested[c.metric] {
			continue
		}
		t.Header = append(t.Header, c.title)
		for i, s := range samplesOf(groups, split, c.metric) {
			text := "–"
			if len(s) > 0 {
				text = median(s.numbers(), c.decimals, levels)
			}
			cell := Cell{Text: text}
			if capped(groups[i], split, c.metric) {
				cell.Mark = atCap
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	t.Notes = append(levels.notes(), caveats(groups, split, columns, stats.Median)...)
	return t
}

// seedCount is "6", or "4 of 6" if not all have been measured.
func seedCount(g record.Group, split string) string {
	n := len(sampleOf(g, split, "kl"))
	if n == len(g.Runs) {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d"+fixed+"of"+fixed+"%d", n, len(g.Runs))
}

// fixed is a space at which no line ends, so that a narrow column breaks before an interval
// and not within.
const fixed = "\u00a0"

// spread is "1.01 ± 0.02".
func spread(mean, half float64, n, decimals int) string {
	if n < 2 {
		return decimal(mean, decimals)
	}
	return decimal(mean, decimals) + " ±" + fixed + decimal(half, decimals)
}

// decimal is Decimal in print, with a minus sign.
func decimal(v float64, decimals int) string { return minus(Decimal(v, decimals)) }

// Decimal is a number without the sign that rounding leaves before zero; one of more than seven digits, as a
// perplexity may be, is written with three and its power of ten.
func Decimal(v float64, decimals int) string {
	if math.Abs(v) >= 1e7 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return text
}

// pValue is "0.031".
func pValue(p float64) string {
	if p < 0.001 {
		return "<" + fixed + "0.001"
	}
	return strconv.FormatFloat(p, 'g', 2, 64)
}

// decimalsFor is as many decimals as give the largest value of a metric four digits.
func decimalsFor(groups []record.Group, split, metric string) int {
	top := 0.0
	for _, s := range samplesOf(groups, split, metric) {
		for _, v := range s {
			top = max(top, math.Abs(v))
		}
	}
	if top == 0 {
		return 1
	}
	return min(6, max(0, 3-int(math.Floor(math.Log10(top)))))
}
