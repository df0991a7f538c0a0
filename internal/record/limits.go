package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// NearCap is the share of its cap from which a metric tells nothing of differences: an estimate of
// I(x; z) from N examples cannot exceed ln N, and falls short of the truth where it comes near.
const NearCap = 0.9

// caps are the metrics that a cap in the same row limits: what has to be below it, and the cap.
var caps = map[string]struct{ value, cap string }{
	"mi":          {"mi", "mi_cap"},
	"mi_batch":    {"mi_batch", "mi_batch_cap"},
	"mi_dim":      {"mi_dim", "mi_cap"},
	"marginal_kl": {"mi", "mi_cap"}, // kl - mi is as much too large as mi is too small
}

// AtCap tells whether a metric of a row is, or is made of, a number within 10 % of its cap, and returns the
// cap in nats. A vector is if its largest element is.
func AtCap(r Entry, metric string) (limit float64, at bool) {
	c, ok := caps[metric]
	if !ok {
		return 0, false
	}
	value, ok := r.Value(c.value)
	if v, _ := r.Vector(c.value); len(v) > 0 {
		value, ok = slices.Max(v), true
	}
	limit, capped := r.Value(c.cap)
	return limit, ok && capped && value > NearCap*limit
}

// LastAtCap is AtCap for the last row of a split that has the metric.
func LastAtCap(run Run, split, metric string) (limit float64, at bool) {
	row, ok := lastRow(run, split, metric)
	if !ok {
		return 0, false
	}
	return AtCap(row, metric)
}

// OldGap tells whether the last gap on a split is of the old definition: with the z of the next example of
// the batch, so that it depends on the order of the file. Its row lacks gap_se.
func OldGap(run Run, split string) bool {
	row, ok := lastRow(run, split, "gap")
	if !ok {
		return false
	}
	_, se := row.Value("gap_se")
	return !se
}

// MixedGaps tells whether runs measured a gap on a split by two definitions, which do not compare.
func MixedGaps(runs []Run, split string) bool {
	old, all := 0, 0
	for _, r := range runs {
		if Has(r, split, "gap") {
			all++
			if OldGap(r, split) {
				old++
			}
		}
	}
	return old > 0 && old < all
}

// lastRow is the last row of a split that has a metric.
func lastRow(run Run, split, metric string) (Entry, bool) {
	for _, row := range slices.Backward(run.Rows) {
		if row.Split != split {
			continue
		}
		if _, ok := row.Value(metric); ok || row.HasVector(metric) {
			return row, true
		}
	}
	return Entry{}, false
}

// CapNote is a sentence about the trials of groups whose metric is at its cap, "" if there are none. Tables and
// figures that show the metric carry it.
func CapNote(groups []Group, split, metric string) string {
	lowest, highest := math.Inf(1), math.Inf(-1)
	n, where := tally(groups, func(r Run) bool {
		limit, at := LastAtCap(r, split, metric)
		if at {
			lowest, highest = min(lowest, limit), max(highest, limit)
		}
		return at
	})
	if n == "" {
		return ""
	}
	limit := fmt.Sprintf("%.2f", lowest)
	if high := fmt.Sprintf("%.2f", highest); high != limit {
		limit += " to " + high
	}
	c, why := caps[metric], "it is within"
	if c.value != metric {
		why = c.value + " is within"
	}
	of := "examples"
	if metric == "mi_batch" {
		of = "examples in a batch"
	}
	return fmt.Sprintf("%s cannot show differences in %s trials (%s): %s 10 %% of its cap of %s, the logarithm of the number of %s. Use more examples.",
		metric, n, where, why, limit, of)
}

// GapNote is a sentence about the trials of groups whose gap is of the old definition, "" if there are none.
func GapNote(groups []Group, split string) string {
	n, where := tally(groups, func(r Run) bool { return OldGap(r, split) })
	if n == "" {
		return ""
	}
	return fmt.Sprintf("The gap has the old definition in %s trials (%s): z of the next example, so it depends on the order of the data. "+
		"Trials of this version take z from a random other example; do not compare the two.", n, where)
}

// tally counts the runs that a property holds for, "4 of 6", and names their groups, up to four of them; both are
// "" for none.
func tally(groups []Group, has func(Run) bool) (n, where string) {
	count, all := 0, 0
	var labels []string
	for _, g := range groups {
		here := 0
		for _, r := range g.Runs {
			all++
			if has(r) {
				here++
			}
		}
		if here > 0 {
			labels = append(labels, g.Label)
		}
		count += here
	}
	if count == 0 {
		return "", ""
	}
	where = strings.Join(labels, ", ")
	if len(labels) > 4 {
		where = fmt.Sprintf("%d groups", len(labels))
	}
	return fmt.Sprintf("%d of %d", count, all), where
}
