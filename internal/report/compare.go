package report

import (
	"fmt"
	"maps"
	"math"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// confidence of all intervals, and 1 - confidence is the level of the tests.
const confidence = 0.95

// A baseline says which group each group is compared with.
type baseline struct {
	of map[int]int // by the group's place; a baseline itself is not in it
	// factor is the setting that tells the groups apart, if it is neither the variant nor declared.
	factor   string
	declared bool     // by a file
	missing  []string // those declared that no group is
}

// anyVariant is what baselines are by where no file says otherwise.
var anyVariant = claims.Selection{"variant": ""}

// baselines pairs each group with the one that has the declared settings and is otherwise equal, data
// included. Where nothing is declared, that is vanilla or, where no vanilla has been run, the
// first group that differs in the variant only. Groups that differ in more have no comparison:
// whatever came out could be due to either. If nothing is declared and no two groups have the settings
// beside the variant in common, but all differ in one setting only, it is the factor, and
// the first group the baseline.
func baselines(groups []record.Group, experiments []Experiment) baseline {
	b := baseline{of: map[int]int{}}
	by := map[string]claims.Selection{}
	for _, e := range experiments {
		if e.Baseline != nil {
			by[e.Name] = e.Baseline
		}
	}
	first := map[string]int{}
	found := map[string]bool{} // whether a group is what is declared
	contexts := make([]string, len(groups))
	for i, g := range groups { // vanilla comes first
		s, declared := by[g.Runs[0].Experiment]
		if !declared {
			s = anyVariant
		}
		contexts[i] = context(g, s)
		is := !declared || s.Has(g.Runs[0].Trial)
		if _, ok := first[contexts[i]]; !ok && is {
			first[contexts[i]] = i
		}
		if declared {
			b.declared = true
			found[s.String()] = found[s.String()] || is
		}
	}
	for _, name := range sorted(found) {
		if !found[name] {
			b.missing = append(b.missing, name)
		}
	}
	for i := range groups {
		if base, ok := first[contexts[i]]; ok && base != i {
			b.of[i] = base
		}
	}
	if len(b.of) > 0 || len(groups) < 2 || b.declared {
		return b
	}
	differ := map[string]bool{}
	for _, g := range groups[1:] {
		for k, v := range facts(g) {
			if w, ok := facts(groups[0])[k]; !ok || v != w {
				differ[k] = true
			}
		}
	}
	if len(differ) == 1 {
		b.factor = sorted(differ)[0]
		for i := range groups[1:] {
			b.of[i+1] = 0
		}
	}
	return b
}

// context is everything that two groups must share to be compared in the settings of a selection;
// a variant's own settings come and go with it.
func context(g record.Group, s claims.Selection) string {
	var text strings.Builder
	text.WriteString(s.String())
	_, variants := s["variant"]
	all := facts(g)
	for _, k := range sorted(all) {
		if _, compared := s[k]; !compared && !(variants && strings.HasPrefix(k, "variant.")) {
			fmt.Fprintf(&text, "\n%s=%s", k, all[k])
		}
	}
	return text.String()
}

// facts are a group's settings with its data.
func facts(g record.Group) map[string]string {
	all := maps.Clone(g.Runs[0].Config)
	if all == nil {
		all = map[string]string{}
	}
	delete(all, "seed")
	all["variant"], all["data digest"] = g.Variant, g.Runs[0].Data
	return all
}

// A sample is one metric of one group: a finite value for each seed that has one.
type sample map[int]float64

// sampleOf takes the last values of the runs that have not failed.
func sampleOf(g record.Group, split, metric string) sample {
	values := sample{}
	for _, r := range g.Runs {
		v, ok := record.Last(r, split, metric)
		if ok && r.State != record.Failed && !math.IsNaN(v) && !math.IsInf(v, 0) {
			values[r.Seed] = v
		}
	}
	return values
}

// numbers are the values in the order of the seeds.
func (s sample) numbers() (values []float64) {
	for _, seed := range sorted(s) {
		values = append(values, s[seed])
	}
	return values
}

// A difference is a group against its baseline in one metric, paired by seed.
type difference struct {
	stats.Difference
	holm   float64 // P, corrected for the groups compared in this metric
	capped bool    // one of the two has the metric at its cap
}

// differences compares every group with its baseline in one metric, as an order claim would. A group
// that has the metric but cannot be compared has a difference without values. Holm's correction is
// over the groups of the metric: each metric is a question of its own, the groups are not.
func differences(groups []record.Group, split, metric string, b baseline) map[int]difference {
	if untested[metric] {
		return nil
	}
	all := map[int]difference{}
	var places []int
	var p []float64
	for _, i := range sorted(b.of) {
		d, err := claims.Compare(groups[i].Runs, groups[b.of[i]].Runs, claims.Quantity{Metric: metric, Split: split}, confidence)
		if err != nil {
			if len(sampleOf(groups[i], split, metric)) > 0 {
				all[i] = difference{capped: capped(groups[i], split, metric) || capped(groups[b.of[i]], split, metric)}
			}
			continue
		}
		all[i] = difference{Difference: d}
		places, p = append(places, i), append(p, d.P)
	}
	for k, q := range stats.Holm(p) {
		all[places[k]] = difference{Difference: all[places[k]].Difference, holm: q}
	}
	return all
}

// mark is what the cell of a group that is compared carries: * if its difference from the baseline is shown, ~
// if the interval contains 0, ^ if the metric is at its cap, and nothing if there is no such interval.
func (d difference) mark() string {
	switch {
	case d.capped:
		return atCap
	case !d.Decided:
		return ""
	case d.Shown():
		return "*"
	}
	return "~"
}

// meanOf returns a sample's mean and the half width of its t interval; it is 0 for one value, which has
// none.
func meanOf(s sample) (mean, half float64) {
	mean, i := stats.MeanInterval(s.numbers(), confidence)
	if len(s) < 2 {
		return mean, 0
	}
	return mean, (i.Hi - i.Lo) / 2
}
