package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// A Versus is two sets of trials side by side: their groups in pairs, and what has no partner.
type Versus struct {
	Pairs        []Pair
	OnlyA, OnlyB []string // labels of the groups without a partner
}

// A Pair is a group of each set, of the same variant.
type Pair struct {
	A, B   record.Group
	Differ []string // the settings in which they differ: "train.lr: 0.001 in A, 0.002 in B"
}

// NewVersus pairs each group of one set with the group of the other that has the same variant and differs in the fewest
// settings, if there is one such group only. Pairs with fewer differences come first, and each group is in one pair.
func NewVersus(a, b *record.Set) Versus {
	type candidate struct {
		a, b   int
		differ []string
	}
	of, than := a.Groups(), b.Groups()
	var all []candidate
	for i, g := range of {
		for k, h := range than {
			if g.Variant == h.Variant {
				all = append(all, candidate{i, k, differing(g, h)})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int { return cmp.Compare(len(x.differ), len(y.differ)) })
	partner := map[int]candidate{}
	usedA, usedB := map[int]bool{}, map[int]bool{}
	for len(all) > 0 {
		level := len(all[0].differ)
		n := slices.IndexFunc(all, func(c candidate) bool { return len(c.differ) > level })
		if n < 0 {
			n = len(all)
		}
		timesA, timesB := map[int]int{}, map[int]int{}
		for _, c := range all[:n] {
			timesA[c.a]++
			timesB[c.b]++
		}
		for _, c := range all[:n] {
			if timesA[c.a] == 1 && timesB[c.b] == 1 {
				partner[c.a] = c
			}
			usedA[c.a], usedB[c.b] = true, true // one that fits two is compared with neither
		}
		all = slices.DeleteFunc(all[n:], func(c candidate) bool { return usedA[c.a] || usedB[c.b] })
	}
	var v Versus
	paired := map[int]bool{}
	for i, g := range of {
		c, ok := partner[i]
		if !ok {
			v.OnlyA = append(v.OnlyA, g.Label)
			continue
		}
		paired[c.b] = true
		v.Pairs = append(v.Pairs, Pair{g, than[c.b], c.differ})
	}
	for k, h := range than {
		if !paired[k] {
			v.OnlyB = append(v.OnlyB, h.Label)
		}
	}
	return v
}

// differing are the settings, data included, in which two groups differ.
func differing(a, b record.Group) (all []string) {
	x, y := facts(a), facts(b)
	for _, k := range sorted(x) {
		if other, ok := y[k]; !ok {
			all = append(all, fmt.Sprintf("%s: %s in A, no such setting in B", k, shown(x[k])))
		} else if other != x[k] {
			all = append(all, fmt.Sprintf("%s: %s in A, %s in B", k, shown(x[k]), shown(other)))
		}
	}
	for _, k := range sorted(y) {
		if _, ok := x[k]; !ok {
			all = append(all, fmt.Sprintf("%s: no such setting in A, %s in B", k, shown(y[k])))
		}
	}
	return all
}

// shown is a value in a sentence, where an empty one would leave a hole.
func shown(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

// Table compares the pairs in the core metrics of the last test rows, or of the last validation rows if nothing has been
// tested: medians over the seeds, and the median of the differences B - A paired by seed with its 95 % interval, as an order
// claim judges it. P is that of the paired test, Holm-corrected over the pairs of a metric. It has no rows if nothing
// can be compared.
func (v Versus) Table() Table {
	var groups []record.Group
	for _, p := range v.Pairs {
		groups = append(groups, p.A, p.B)
	}
	split, metrics := measured(groups)
	t := Table{
		Header: []string{"group", "metric", "A", "B", "B " + minus("-") + " A", "95 % CI", "P", "n"}, Left: 2,
		Caption: splitNames[split] + " split, last row of each trial, nats per example; medians over seeds; differences are paired by seed.",
	}
	columns := slices.DeleteFunc(coreOf(metrics), func(c column) bool { return untested[c.metric] })
	rows := map[int]map[string][]Cell{} // by pair and metric
	var undone []string
	for _, c := range columns {
		var p []float64
		var places []int
		for i, pair := range v.Pairs {
			a, b := sampleOf(pair.A, split, c.metric), sampleOf(pair.B, split, c.metric)
			if len(a) == 0 || len(b) == 0 {
				continue
			}
			line := []Cell{{}, {Text: c.title}, {Text: decimal(stats.Median(a.numbers()), c.decimals)}, {Text: decimal(stats.Median(b.numbers()), c.decimals)}, {}, {}, {}, {}}
			d, err := claims.Compare(pair.B.Runs, pair.A.Runs, claims.Quantity{Metric: c.metric, Split: split}, confidence)
			if err != nil {
				undone = append(undone, fmt.Sprintf("No difference in %s of %s: %v.", c.title, pair.A.Label, err))
			} else {
				line[4].Text, line[7].Text = decimal(d.Median, c.decimals), strconv.Itoa(len(d.Values))
				if d.Decided {
					line[4].Mark = difference{Difference: d}.mark()
					line[5].Text = "[" + decimal(d.Interval.Lo, c.decimals) + ", " + decimal(d.Interval.Hi, c.decimals) + "]"
				}
				p, places = append(p, d.P), append(places, i)
			}
			if rows[i] == nil {
				rows[i] = map[string][]Cell{}
			}
			rows[i][c.metric] = line
		}
		for k, q := range stats.Holm(p) {
			rows[places[k]][c.metric][6].Text = pValue(q)
		}
	}
	for i, pair := range v.Pairs {
		label := pair.A.Label
		for _, c := range columns {
			if line, ok := rows[i][c.metric]; ok {
				line[0].Text = label
				t.Rows = append(t.Rows, line)
				label = ""
			}
		}
	}
	t.Notes = append(v.notes(), undone...)
	return t
}

// notes say what differs, once where it is the same in all pairs, and what is left out.
func (v Versus) notes() (notes []string) {
	by := map[string][]string{} // what differs -> labels
	for _, p := range v.Pairs {
		what := strings.Join(p.Differ, "; ")
		by[what] = append(by[what], p.A.Label)
	}
	for _, what := range sorted(by) {
		where := ""
		if len(by) > 1 {
			where = " (" + strings.Join(by[what], ", ") + ")"
		}
		if what == "" {
			notes = append(notes, "Same settings and data"+where+".")
			continue
		}
		notes = append(notes, "Settings that differ"+where+": "+what+".")
	}
	if v.OnlyA != nil {
		notes = append(notes, "In A only, or like several in B: "+strings.Join(v.OnlyA, ", ")+".")
	}
	if v.OnlyB != nil {
		notes = append(notes, "In B only, or like several in A: "+strings.Join(v.OnlyB, ", ")+".")
	}
	return append(notes, fmt.Sprintf("* : the 95 %% CI of the median difference excludes 0; ~ : it contains 0; no mark: fewer than %d seeds in both. P is Holm-corrected over the pairs of a metric; n: number of seeds in both.",
		stats.SeedsFor(confidence)))
}
