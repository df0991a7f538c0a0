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
	{"KL", "kl", 2}, {"floor", "floor", 2}, {"MI", "mi", 2}, {"gap", "gap", 2}, {"AU", "au", 1},
	{"rec", "rec", 2}, {"NELBO", "nelbo", 2}, {"IW-NLL", "iw_nll", 2}, {"PPL", "ppl", 1},
}

// untested are the metrics in which a difference is by construction, or none at all.
var untested = map[string]bool{"floor": true, "mi_cap": true, "mi_se": true}

// columnsPerTable keeps further metrics on a page.
const columnsPerTable = 7

// results is the section of tables.
func results(s Source, groups []record.Group) Section {
	section := Section{Title: "Results", Command: "vaelab report " + s.Folder}
	split, metrics := measured(groups)
	if split == "" {
		section.Text = []string{"No trial has been evaluated yet."}
		return section
	}
	section.Text = []string{fmt.Sprintf("%s split, running statistics, the last row of each trial; nats per example. KL: KL(q(z|x) || p(z)); floor: what the method guarantees of it; "+
		"MI: I(x; z); gap: how many nats reconstruction loses with another example's z; AU: active units; rec: −ln p(x|z); PPL: a bound, from NELBO.", splitNames[split])}
	section.Text = append(section.Text, truths(groups, split)...)
	b := baselines(groups, s.Experiments)
	main := coreOf(metrics)
	var further []column
	for _, m := range metrics {
		if !slices.ContainsFunc(core, func(c column) bool { return c.metric == m }) {
			further = append(further, column{m, m, decimalsFor(groups, split, m)})
		}
	}
	section.Tables = append(section.Tables, meanTable(groups, split, main, b))
	if len(b.of) > 0 {
		section.Tables = append(section.Tables, differenceTable(groups, split, main, b))
	}
	if slices.ContainsFunc(groups, func(g record.Group) bool { return len(g.Runs) > 1 }) {
		section.Tables = append(section.Tables, medianTable(groups, split, main))
	}
	for part := range slices.Chunk(further, columnsPerTable) {
		t := meanTable(groups, split, part, baseline{})
		t.Caption, t.Notes = "Further metrics: mean ± 95 % interval", nil
		section.Tables = append(section.Tables, t)
	}
	return section
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
					for k := range row.Values {
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
// caption says which. A metric that fewer seeds of a group have has their number there instead. Bold and ~
// are those of the report's tables; the notes call bold *. It has no rows if nothing has been evaluated.
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
	compared := 0
	for _, c := range columns {
		t.Header = append(t.Header, c.title)
		samples := samplesOf(groups, split, c.metric)
		diff := tested(c, samples, b)
		compared = max(compared, len(diff))
		for i, s := range samples {
			first, second := brief(s, c.decimals, medians)
			cell := Cell{Text: first}
			if d, ok := diff[i]; ok {
				cell.mark(d)
			}
			t.Rows[step*i] = append(t.Rows[step*i], cell)
			if medians {
				t.Rows[step*i+1] = append(t.Rows[step*i+1], Cell{Text: second})
			}
		}
	}
	what := "one seed a setting, hence no intervals"
	switch {
	case medians:
		what = "median over n seeds and, below it, its distribution-free 95 % interval"
	case most > 1:
		what = fmt.Sprintf("mean ± standard deviation over n seeds (an interval for the median takes %d)", stats.SeedsFor(confidence))
	}
	t.Caption = fmt.Sprintf("%s split, running statistics, nats per example (PPL is a bound, from NELBO); %s", splitNames[split], what)
	t.Notes = append(legend(groups, split, b, compared, "*"), truths(groups, split)...)
	return t
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

// meanTable is mean ± interval of each group, bold where the difference from its baseline is shown.
func meanTable(groups []record.Group, split string, columns []column, b baseline) Table {
	t := Table{Caption: "Mean ± 95 % interval", Left: 1, Header: []string{"group", "n"}}
	for i, g := range groups {
		t.Rows = append(t.Rows, plain(g.Label+baseMark(b, i), seedCount(g, split)))
	}
	compared := 0
	for _, c := range columns {
		t.Header = append(t.Header, c.title)
		samples := samplesOf(groups, split, c.metric)
		diff := tested(c, samples, b)
		compared = max(compared, len(diff))
		for i, s := range samples {
			cell := Cell{Text: "–"}
			if len(s) > 0 {
				mean, half := meanOf(s)
				cell.Text = spread(mean, half, len(s), c.decimals)
			}
			if d, ok := diff[i]; ok {
				cell.mark(d)
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	t.Notes = append([]string{"n is the number of seeds. The interval is Student's, which supposes normally distributed values."},
		legend(groups, split, b, compared, "Bold")...)
	return t
}

// tested is the differences of a column's samples from their baselines, if they can be tested.
func tested(c column, samples []sample, b baseline) map[int]difference {
	if untested[c.metric] {
		return nil
	}
	return differences(samples, b)
}

// mark makes the cell say whether the difference is shown.
func (c *Cell) mark(d difference) {
	c.Bold = d.shown
	if !d.shown {
		c.Text += fixed + "~"
	}
}

// legend says what the marks stand for, if a column compares any groups, and whether there are seeds
// enough for a difference to be shown.
func legend(groups []record.Group, split string, b baseline, compared int, shown string) (notes []string) {
	for _, name := range b.missing {
		notes = append(notes, "The baseline that the experiment's file declares, "+name+", is not among these trials.")
	}
	if compared == 0 {
		return notes
	}
	notes = append(notes, against(groups, b)+" "+shown+": the paired test shows a difference at 5 % after Holm's correction over the groups of the column; ~: it shows none.")
	if n, needed := mostPairs(groups, split, b), seedsToShow(compared); n < needed {
		notes = append(notes, fmt.Sprintf("With %s no difference can be shown in a column of %s, however large; that needs %d seeds.",
			count(n, "seed"), count(compared, "comparison"), needed))
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

// against says what the baselines are.
func against(groups []record.Group, b baseline) string {
	places := bases(b)
	text := "Each group is compared with the baseline of the same settings and data, over the seeds that both have."
	if len(places) == 1 {
		text = fmt.Sprintf("The baseline is %s; tests are over the seeds that both have.", groups[places[0]].Label)
	}
	if b.factor != "" {
		text += " The factor is " + b.factor + "."
	}
	if b.declared {
		text += " The experiment's file declares it."
	}
	if left := len(groups) - len(b.of) - len(places); left > 0 {
		text += fmt.Sprintf(" %s: nothing to compare with, since all others differ in more than what is compared.", count(left, "group"))
	}
	return text
}

// mostPairs is the largest number of seeds that a group shares with its baseline.
func mostPairs(groups []record.Group, split string, b baseline) (n int) {
	samples := samplesOf(groups, split, "kl")
	for i, base := range b.of {
		n = max(n, len(samples[i].minus(samples[base])))
	}
	return n
}

// differenceTable is the paired differences from the baseline, with their p.
func differenceTable(groups []record.Group, split string, columns []column, b baseline) Table {
	t := Table{Caption: "Paired differences from the baseline: mean ± 95 % interval (p after Holm's correction)", Left: 1, Header: []string{"group"}}
	tests := map[string]bool{}
	rows := map[int][]Cell{}
	for _, c := range columns {
		if untested[c.metric] {
			continue
		}
		t.Header = append(t.Header, c.title)
		diff := differences(samplesOf(groups, split, c.metric), b)
		for i := range b.of {
			cell := Cell{Text: "–"}
			if d, ok := diff[i]; ok {
				mean, half := meanOf(d.of)
				cell = Cell{Text: fmt.Sprintf("%s (%s)", spread(mean, half, len(d.of), c.decimals), pValue(d.holm)), Bold: d.shown}
				tests[d.test] = true
			}
			rows[i] = append(rows[i], cell)
		}
	}
	for _, i := range sorted(rows) {
		t.Rows = append(t.Rows, append(plain(groups[i].Label), rows[i]...))
	}
	if len(tests) > 0 {
		t.Notes = []string{"Two-sided paired test: " + strings.Join(sorted(tests), ", ") + "."}
	}
	return t
}

// medianTable is the median of each group with its distribution-free interval.
func medianTable(groups []record.Group, split string, columns []column) Table {
	t := Table{Caption: "Median [95 % interval], free of assumptions on the distribution", Left: 1, Header: []string{"group", "n"}}
	levels := map[int]float64{} // by n, where 95 % is not reached
	for _, g := range groups {
		t.Rows = append(t.Rows, plain(g.Label, seedCount(g, split)))
	}
	for _, c := range columns {
		if untested[c.metric] {
			continue
		}
		t.Header = append(t.Header, c.title)
		for i, s := range samplesOf(groups, split, c.metric) {
			text := "–"
			if len(s) > 0 {
				interval := stats.MedianInterval(s.numbers(), confidence)
				if interval.Level < confidence {
					levels[len(s)] = interval.Level
				}
				text = decimal(stats.Median(s.numbers()), c.decimals)
				if len(s) > 1 {
					text += fmt.Sprintf(" [%s,"+fixed+"%s]", decimal(interval.Lo, c.decimals), decimal(interval.Hi, c.decimals))
				}
			}
			t.Rows[i] = append(t.Rows[i], Cell{Text: text})
		}
	}
	for _, n := range sorted(levels) {
		if n > 1 {
			t.Notes = append(t.Notes, fmt.Sprintf("n = %d: the interval is the range and reaches %.3g %%; 95 %% needs %d seeds.", n, 100*levels[n], stats.SeedsFor(confidence)))
		}
	}
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

// pValue is "p 0.031".
func pValue(p float64) string {
	if p < 0.001 {
		return "p" + fixed + "<" + fixed + "0.001"
	}
	return "p" + fixed + strconv.FormatFloat(p, 'g', 2, 64)
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
