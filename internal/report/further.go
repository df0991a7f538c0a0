package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
)

// mostGroups is how many groups a page has room for side by side, and mostMetrics how many metrics.
const (
	mostGroups  = 6
	mostMetrics = 5
)

// stateNames are the names of the numbers that rows have as state; see metrics.State.
var stateNames = []string{"healthy", "collapsing", "ignores z", "collapsed"}

// further is the section of all metrics beside the core: those that tell groups apart in tables, and the others in words.
func further(s Source, groups []record.Group) Section {
	section := Section{Title: "Further metrics"}
	split, metrics := measured(groups)
	var columns []column
	var same []string
	for _, m := range metrics {
		isCore := slices.ContainsFunc(core, func(c column) bool { return c.metric == m })
		if isCore || m == "state" || strings.HasPrefix(m, "true_") { // results has the generator's
			continue
		}
		if v, ok := constant(groups, split, m); ok && len(s.Set.Runs) > 1 {
			same = append(same, m+" "+digits(v))
			continue
		}
		columns = append(columns, column{m, m, decimalsFor(groups, split, m)})
	}
	section.Text = stands(groups, split)
	if len(same) > 0 {
		section.Text = append(section.Text, "Equal in all trials: "+strings.Join(same, ", ")+".")
	}
	switch {
	case len(columns) == 0:
	case len(groups) <= mostGroups && len(columns) > len(groups):
		section.Tables = []Table{upright(groups, split, columns)}
	default:
		n := 0
		for part := range slices.Chunk(columns, mostMetrics) {
			t := meanTable(groups, split, part, baseline{})
			n++
			t.Name, t.Caption, t.Notes = fmt.Sprintf("further-%d", n), "Mean ± 95 % CI: "+part[0].title+" to "+part[len(part)-1].title, caveats(groups, split, part, mean)
			section.Tables = append(section.Tables, t)
		}
	}
	for i := range section.Tables {
		section.Tables[i].Folded = true
	}
	if len(columns) > 0 {
		section.Text = append(section.Text, splitNames[split]+" split, last row of each trial. vaelab list metrics says what each metric is.")
	}
	return section
}

// constant returns the value that a metric has in every trial, if it is one and not a cap.
func constant(groups []record.Group, split, metric string) (value float64, ok bool) {
	value = math.NaN()
	for i, s := range samplesOf(groups, split, metric) {
		if len(s) == 0 || capped(groups[i], split, metric) {
			return 0, false
		}
		for _, v := range s {
			if !math.IsNaN(value) && v != value {
				return 0, false
			}
			value = v
		}
	}
	return value, !math.IsNaN(value)
}

// stands says in words how the models of the groups end: the state is a category, of which no mean makes sense.
func stands(groups []record.Group, split string) []string {
	in := map[int][]string{} // state -> groups
	for i, s := range samplesOf(groups, split, "state") {
		n := map[int]int{}
		for _, v := range s {
			n[int(v)]++
		}
		for k, trials := range n {
			label := groups[i].Label
			if trials < len(s) {
				label = fmt.Sprintf("%s (%d of %d)", label, trials, len(s))
			}
			in[k] = append(in[k], label)
		}
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(in)) {
		name := "state " + strconv.Itoa(k)
		if k >= 0 && k < len(stateNames) {
			name = stateNames[k]
		}
		parts = append(parts, name+": "+strings.Join(in[k], ", "))
	}
	if parts == nil {
		return nil
	}
	return []string{"State at the end. " + strings.Join(parts, "; ") + "."}
}

// upright is a table of many metrics of few groups: a metric a row.
func upright(groups []record.Group, split string, columns []column) Table {
	t := Table{Name: "further", Left: 1, Header: []string{"metric"}}
	counts := map[string]bool{}
	for _, g := range groups {
		counts[seedCount(g, split)] = true
	}
	t.Caption = "Mean ± 95 % CI"
	if len(counts) == 1 {
		t.Caption += ", n = " + seedCount(groups[0], split)
	}
	for _, g := range groups {
		label := g.Label
		if len(counts) > 1 {
			label += ", n = " + seedCount(g, split)
		}
		t.Header = append(t.Header, label)
	}
	for _, c := range columns {
		row := plain(c.title)
		for i, s := range samplesOf(groups, split, c.metric) {
			cell := Cell{Text: "–"}
			if len(s) > 0 {
				mean, half := meanOf(s)
				cell.Text = spread(mean, half, len(s), c.decimals)
				if half == 0 && len(s) > 1 {
					cell.Text = digits(mean)
				}
			}
			if capped(groups[i], split, c.metric) {
				cell.Mark = atCap
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = caveats(groups, split, columns, mean)
	return t
}
