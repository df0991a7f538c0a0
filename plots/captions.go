package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"vaelab/internal/record"
)

// What captions say of the runs.

// mostFindings is the most data sets that a caption begins with.
const mostFindings = 4

// splitNames are for captions.
var splitNames = map[string]string{"train": "Training", "valid": "Validation", "test": "Test"}

// seedsNote says how many seeds there are and what the band is. Counts is by group.
func seedsNote(counts map[string]int) string {
	ns := slices.Compact(slices.Sorted(maps.Values(counts)))
	switch {
	case len(ns) == 1 && ns[0] == 1:
		return "n = 1 seed, hence no bands."
	case len(ns) == 1:
		return fmt.Sprintf("Lines are means over n = %d seeds, bands the range over seeds (smallest to largest).", ns[0])
	}
	if len(counts) > 12 {
		return fmt.Sprintf("Lines are means over n = %d to %d seeds, bands the range over seeds (smallest to largest).", ns[0], ns[len(ns)-1])
	}
	var each []string
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		each = append(each, fmt.Sprintf("%s %d", label, counts[label]))
	}
	return "Lines are means over seeds, bands the range over seeds (smallest to largest); n: " + strings.Join(each, ", ") + "."
}

// barsNote is seedsNote for bars.
func barsNote(counts map[string]int) string { return meansNote("Bars", "whiskers", counts) }

// meansNote says how many seeds there are, what shows their mean and what their range.
func meansNote(mean, spread string, counts map[string]int) string {
	lo, hi := math.MaxInt, 0
	for _, n := range counts {
		lo, hi = min(lo, n), max(hi, n)
	}
	n := fmt.Sprint(hi)
	switch {
	case hi == 1:
		return "n = 1 seed."
	case lo < hi:
		n = fmt.Sprintf("%d to %d", lo, hi)
	}
	return fmt.Sprintf("%s are means over n = %s seeds, %s the range over seeds (smallest to largest).", mean, n, spread)
}

// perPoint says how many seeds stand behind a point.
func perPoint(groups []record.Group) string {
	lo, hi := len(groups[0].Runs), 0
	for _, g := range groups {
		lo, hi = min(lo, len(g.Runs)), max(hi, len(g.Runs))
	}
	if lo == hi {
		return fmt.Sprintf("n = %d per point", hi)
	}
	return fmt.Sprintf("n = %d to %d per point", lo, hi)
}

// withoutNote is a sentence for the caption about groups that lack something, if there are any.
func withoutNote(what string, labels []string) []string {
	if len(labels) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Without %s: %s.", what, strings.Join(listed(labels), ", "))}
}

// listed are labels in a sentence: some and a number if there are more than a legend has room for.
func listed(labels []string) []string {
	if n := len(labels); n > mostLines {
		return append(labels[:mostPanels:mostPanels], fmt.Sprintf("and %d more", n-mostPanels))
	}
	return labels
}

// lacking is withoutNote about the groups that are not among those with what.
func lacking(what string, all, with []record.Group) []string {
	var labels []string
	for _, g := range all {
		if !slices.ContainsFunc(with, func(w record.Group) bool { return w.Label == g.Label }) {
			labels = append(labels, g.Label)
		}
	}
	return withoutNote(what, labels)
}

// doubts lists what a reader should know about the runs: those that are not done, and the
// warnings of Load. More than four of a kind are counted only.
func doubts(set *record.Set, groups []record.Group) []string {
	var unfinished, failed, warnings []string
	for _, g := range groups {
		for _, run := range g.Runs {
			name := fmt.Sprintf("%s seed %d", g.Label, run.Seed)
			switch run.State {
			case record.Unfinished:
				step := 0
				if len(run.Rows) > 0 {
					step = run.Rows[len(run.Rows)-1].Step
				}
				unfinished = append(unfinished, fmt.Sprintf("%s (at step %d)", name, step))
			case record.Failed:
				reason, _, _ := strings.Cut(run.Reason, "\n")
				failed = append(failed, fmt.Sprintf("%s (%s)", name, clip(reason, 80)))
			}
		}
	}
	for _, w := range slices.Concat(set.Damage, set.Warnings) {
		warnings = append(warnings, clip(w.Error(), 160))
	}
	var sentences []string
	for _, kind := range []struct {
		what  string
		items []string
	}{{"Unfinished", unfinished}, {"Failed", failed}, {"Warnings", warnings}} {
		if n := len(kind.items); n > 4 {
			kind.items = append(kind.items[:3:3], fmt.Sprintf("and %d more", n-3))
		}
		if len(kind.items) > 0 {
			sentences = append(sentences, kind.what+": "+strings.Join(kind.items, ", ")+".")
		}
	}
	return sentences
}
