package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/frontier"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/stats"
)

// A Ranking is the methods that were trained on one data set, compared at one rate, best first.
type Ranking struct {
	Data     string // as the settings call it
	Digest   string // of its content
	Split    string
	Rate     float64 // KL in nats
	Baseline string  // the method that the others are compared with; "" for none
	Methods  []Ranked
	Notes    []string
}

// A Ranked is a method over its dial, the setting that moves its rate. What is not known is NaN.
type Ranked struct {
	Method    string  // its label without the dial: "bn"
	Dial      string  // full key, "variant.bn.gamma"; "" without one
	Base      bool    // others are compared with it
	Points    int     // values of the dial
	Seeds     int     // those with a finished trial at every value
	Trials    int     // of all states
	Done      int     // finished
	Failed    int     // failed or damaged
	Open      int     // finished ones that have not converged
	Low, High float64 // the rates that every seed reaches
	// DialError is |achieved/asked - 1| of the KL, the median over trials, and DialWorst the largest; NaN unless the method steers the
	// KL to a number of nats.
	DialError, DialWorst float64
	Reached              bool               // by every seed
	State                string             // what keeps it from being compared, or is to be known; "" for nothing
	Values               map[string]float64 // of RankedMetrics at the rate: the median over seeds
	Capped               bool               // the mi is at its cap
	Likelihood           string             // the metric of the first of Differences: iw_nll, or nelbo where one of the two lacks it
	Differences          [2]RankedDifference
}

// A RankedDifference is the difference of a method from the baseline at the rate, paired by seed.
type RankedDifference struct {
	stats.Difference
	Made bool
	Holm float64 // P, corrected for the methods of this metric
}

// Mark is * if the CI excludes 0, ~ if it contains 0, and "" with too few seeds for one.
func (d RankedDifference) Mark() string { return difference{Difference: d.Difference}.mark() }

// RankedMetrics are what a ranking reads off at the rate.
var RankedMetrics = []string{"iw_nll", "nelbo", "gap", "mi", "density_gap", "probe_100", "probe_1000", "cpu_seconds"}

// A lineage is a method's groups over its dial.
type lineage struct {
	label   string
	dial    string
	groups  []record.Group
	dialled frontier.Dialled
}

// lineages are the methods of trials on one data set.
func lineages(set *record.Set) (all []lineage) {
	for _, g := range set.Groups() {
		label := g.Family()
		i := slices.IndexFunc(all, func(l lineage) bool { return l.label == label })
		if i < 0 {
			i = len(all)
			all = append(all, lineage{label: label})
		}
		all[i].groups = append(all[i].groups, g)
		if k, ok := g.Knob(); ok && len(all[i].groups) > 1 {
			all[i].dial = k.Key
		}
	}
	for i, l := range all {
		all[i].dialled = frontier.Over(l.groups)
	}
	return all
}

// apart names the settings beside their own and their dials in which two methods differ, with their values.
func (l lineage) apart(set *record.Set, other lineage) (keys []string) {
	for _, k := range frontier.Apart(set, l.groups, other.groups) {
		keys = append(keys, fmt.Sprintf("%s (%s and %s)", k, shown(l.groups[0].Runs[0].Config[k]), shown(other.groups[0].Runs[0].Config[k])))
	}
	return keys
}

// is reports whether a name on the command line means the method.
func (l lineage) is(name string) bool {
	return l.label == name || claims.Selection{"variant": name}.Has(l.groups[0].Runs[0].Trial)
}

// Rank compares methods at rates, data set by data set in the order in which these appear: a table for each rate.
//
// A method is the groups that differ in its dial only. Each seed is read off at the rate on straight lines between its trials, as
// a matched claim reads it; nothing is extrapolated. baseline is a method's label or variant, or "" for none. A method is
// compared with it if they differ in their own settings only, or in others that a claim names which compares them (Set.Compared).
// The error says what the trials lack.
func Rank(set *record.Set, rates []float64, baseline string) (all []Ranking, err error) {
	var digests []string
	byData := map[string][]record.Run{}
	for _, r := range set.Runs {
		if byData[r.Data] == nil {
			digests = append(digests, r.Data)
		}
		byData[r.Data] = append(byData[r.Data], r)
	}
	names := dataNames(digests, byData)
	known, found := []string{}, false
	for _, digest := range digests {
		own := &record.Set{Runs: byData[digest], Knobs: set.Knobs, Flat: set.Flat, Compared: set.Compared}
		methods := lineages(own)
		split, _ := measured(own.Groups())
		if split == "" {
			continue
		}
		var bases []lineage
		for _, l := range methods {
			if known = append(known, l.label); l.is(baseline) {
				bases = append(bases, l)
			}
		}
		found = found || len(bases) > 0
		if i := slices.IndexFunc(bases, func(l lineage) bool { return l.label == baseline }); i >= 0 {
			bases = bases[i : i+1]
		}
		for _, rate := range rates {
			r := Ranking{Data: names[digest], Digest: digest, Split: split, Rate: rate}
			if err := r.rank(own, methods, bases, baseline); err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("no trial has been evaluated yet; vaelab run goes on with them")
	case baseline != "" && !found:
		slices.Sort(known)
		return nil, UnknownBaseline{registry.Unknown("method", baseline, slices.Compact(known))}
	}
	return all, nil
}

// dataNames are what the settings call data sets, with the beginning of the digest where several have one name.
func dataNames(digests []string, runs map[string][]record.Run) map[string]string {
	names, times := map[string]string{}, map[string]int{}
	for _, d := range digests {
		names[d] = cmp.Or(runs[d][0].Config["data"], "data")
		times[names[d]]++
	}
	for _, d := range digests {
		if times[names[d]] > 1 {
			names[d] += " " + d[:min(8, len(d))]
		}
	}
	return names
}

// UnknownBaseline says that no method, or more than one, has the name of a baseline.
type UnknownBaseline struct{ error }

// rank fills in the methods of one data set, and what is to know of them.
func (r *Ranking) rank(set *record.Set, methods, bases []lineage, baseline string) error {
	base := map[int]lineage{} // of those that are compared
	for i, l := range methods {
		r.Methods = append(r.Methods, r.read(set, l))
		if r.Methods[i].Base = isAmong(bases, l); r.Methods[i].Base || len(bases) == 0 {
			continue
		}
		fit := slices.DeleteFunc(slices.Clone(bases), func(b lineage) bool { return len(l.apart(set, b)) > 0 })
		switch {
		case len(fit) > 1:
			var labels []string
			for _, b := range fit {
				labels = append(labels, b.label)
			}
			return UnknownBaseline{fmt.Errorf("%q is several methods: %s; name one", baseline, strings.Join(labels, ", "))}
		case len(fit) == 1:
			base[i] = fit[0]
		default:
			r.Notes = append(r.Notes, fmt.Sprintf("%s: not compared with %s, because they also differ in %s.", l.label, bases[0].label, strings.Join(l.apart(set, bases[0]), ", ")))
		}
	}
	if len(bases) > 0 {
		r.Baseline = baseline
		for _, b := range bases {
			if !r.reached(b.label) {
				r.Notes = append(r.Notes, fmt.Sprintf("%s is not read off at %g nats, so no method is compared with it there.", b.label, r.Rate))
			}
		}
	} else if baseline != "" {
		r.Notes = append(r.Notes, fmt.Sprintf("The baseline %s was not trained on these data.", baseline))
	}
	r.missing()
	r.compare(methods, base)
	r.caution(methods)
	slices.SortStableFunc(r.Methods, func(a, b Ranked) int {
		for _, metric := range []string{"iw_nll", "nelbo"} {
			x, okX := a.Values[metric]
			y, okY := b.Values[metric]
			if okX != okY {
				return cmp.Compare(btoi(okY), btoi(okX))
			}
			if c := cmp.Compare(x, y); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Method, b.Method)
	})
	return nil
}

func isAmong(all []lineage, l lineage) bool {
	return slices.ContainsFunc(all, func(other lineage) bool { return other.label == l.label })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// quantity is a metric on the ranking's split.
func (r *Ranking) quantity(metric string) claims.Quantity {
	return claims.Quantity{Metric: metric, Split: r.Split}
}

// number is what a trial has of it.
func (r *Ranking) number(metric string) record.Number { return r.quantity(metric).Of }

// read is one method at the rate.
func (r *Ranking) read(set *record.Set, l lineage) Ranked {
	nan := math.NaN()
	m := Ranked{Method: l.label, Dial: l.dial, Points: len(l.groups), Low: nan, High: nan, DialError: nan, DialWorst: nan, Values: map[string]float64{}}
	var states []string
	var errs []float64
	why := ""
	for _, run := range slices.Concat(l.dialled...) {
		m.Trials++
		switch run.State {
		case record.Failed, record.Damaged:
			if m.Failed++; why == "" {
				why = run.Reason
			}
		case record.Done:
			m.Done++
			m.Open += btoi(!converge.Of(run, converge.For(set, run)).Converged)
			target, steers := record.Last(run, "train", "kl_target")
			if kl, ok := record.Last(run, r.Split, "kl"); steers && ok && target > 0 {
				errs = append(errs, math.Abs(kl/target-1))
			}
		}
	}
	if m.Failed > 0 {
		states = append(states, fmt.Sprintf("failed: %d of %s (%s)", m.Failed, count(m.Trials, "trial"), why))
	}
	if len(errs) > 0 {
		m.DialError, m.DialWorst = stats.Median(errs), slices.Max(errs)
	}
	kl, err := frontier.SpanOf(l.label, l.dialled, r.number("kl"), r.number("kl"))
	m.Seeds = len(kl.Lines)
	switch {
	case l.dial == "" && err == nil:
		var rates []float64
		for _, line := range kl.Lines {
			lo, _ := line.Span()
			rates = append(rates, lo)
		}
		states = append(states, fmt.Sprintf("no dial: one rate, KL %s", decimal(stats.Median(rates), 2)))
	case err != nil:
		states = append(states, err.Error())
	default:
		m.Low, m.High = frontier.Shared(kl.Lines)
		if _, err := kl.At(r.Rate); err != nil {
			states = append(states, r.missed(kl))
			break
		}
		m.Reached = true
		r.values(&m, l)
	}
	if n := m.Trials - m.Done - m.Failed; n > 0 {
		states = append(states, fmt.Sprintf("unfinished: %d of %s", n, count(m.Trials, "trial")))
	}
	if m.Open > 0 {
		states = append(states, fmt.Sprintf("not converged: %d of %s", m.Open, count(m.Done, "finished trial")))
	}
	m.State = strings.Join(states, "; ")
	return m
}

// missed says that some seeds do not reach the rate, and what each spans at most.
func (r *Ranking) missed(kl frontier.Span) string {
	lo, hi, n := math.Inf(1), math.Inf(-1), 0
	for _, line := range kl.Lines {
		from, to := line.Span()
		lo, hi, n = min(lo, from), max(hi, to), n+btoi(!line.Reaches(r.Rate))
	}
	return fmt.Sprintf("%g not reached in %d of %s (spans %s to %s)", r.Rate, n, count(len(kl.Lines), "seed"), frontier.Beside(lo, r.Rate), frontier.Beside(hi, r.Rate))
}

// values reads the metrics off that all of a method's trials have.
func (r *Ranking) values(m *Ranked, l lineage) {
	for _, metric := range RankedMetrics {
		s, err := frontier.SpanOf(l.label, l.dialled, r.number("kl"), r.number(metric))
		if err != nil {
			continue
		}
		at, err := s.At(r.Rate)
		if err != nil {
			continue
		}
		m.Values[metric] = stats.Median(slices.Collect(maps.Values(at)))
	}
	m.Capped = slices.ContainsFunc(l.dialled.ReadOff(r.number("kl"), r.Rate), func(run record.Run) bool {
		_, at := record.LastAtCap(run, r.Split, "mi")
		return at
	})
}

// compare compares methods with their baselines in likelihood and gap. Holm's correction is over the methods of a metric: each
// metric is a question of its own.
func (r *Ranking) compare(methods []lineage, base map[int]lineage) {
	var fewest []string
	for k := range (Ranked{}).Differences {
		var p []float64
		var places []int
		for _, i := range sorted(base) {
			m := &r.Methods[i]
			if !m.Reached || !r.reached(base[i].label) {
				continue
			}
			metric := "gap"
			if k == 0 {
				metric = r.likelihood(m, base[i])
				m.Likelihood = metric
			}
			d, err := claims.CompareAt(methods[i].dialled, base[i].dialled, r.quantity(metric), r.Rate, confidence)
			if err != nil {
				r.Notes = append(r.Notes, fmt.Sprintf("%s: no difference in %s from %s: %v.", m.Method, metric, base[i].label, err))
				continue
			}
			m.Differences[k] = RankedDifference{Difference: d, Made: true}
			p, places = append(p, d.P), append(places, i)
		}
		for j, q := range stats.Holm(p) {
			r.Methods[places[j]].Differences[k].Holm = q
		}
		if note := r.power(places, k); note != "" && !slices.Contains(fewest, note) {
			fewest = append(fewest, note)
		}
	}
	r.Notes = append(r.Notes, fewest...)
}

// reached reports whether a method was read off.
func (r *Ranking) reached(label string) bool {
	return slices.ContainsFunc(r.Methods, func(m Ranked) bool { return m.Method == label && m.Reached })
}

// likelihood is the metric in which two methods are compared: the NELBO if one of them has no importance-weighted likelihood.
func (r *Ranking) likelihood(m *Ranked, base lineage) string {
	for _, of := range r.Methods {
		if _, ok := of.Values["iw_nll"]; !ok && (of.Method == m.Method || of.Method == base.label) {
			return "nelbo"
		}
	}
	return "iw_nll"
}

// missing adds to the states which metrics a method lacks that others have.
func (r *Ranking) missing() {
	some := map[string]bool{}
	for _, m := range r.Methods {
		for metric := range m.Values {
			some[metric] = true
		}
	}
	for i := range r.Methods {
		m := &r.Methods[i]
		var lacks []string
		for _, metric := range RankedMetrics {
			if _, ok := m.Values[metric]; m.Reached && some[metric] && !ok {
				lacks = append(lacks, metric)
			}
		}
		if len(lacks) > 0 {
			m.State = strings.TrimPrefix(m.State+"; no "+strings.Join(lacks, ", ")+": not all of its trials have it", "; ")
		}
	}
}

// power says what p-values the seeds of the comparisons in a metric let come out.
func (r *Ranking) power(places []int, k int) (note string) {
	n := 0
	for _, i := range places {
		n = max(n, len(r.Methods[i].Differences[k].Values))
	}
	if n == 0 || n > fewSeeds {
		return ""
	}
	least := math.Pow(2, float64(1-n))
	note = fmt.Sprintf("With %s no two-sided p can be below %s (1/%.0f).", count(n, "seed"), pValue(least), 1/least)
	if corrected := least * float64(len(places)); corrected > 1-confidence {
		note += fmt.Sprintf(" Holm's correction over %s makes it %s or more, so no corrected p can reach %.2f. Marks rest on the CI.",
			count(len(places), "method"), pValue(min(1, corrected)), 1-confidence)
	}
	return note
}

// fewSeeds is the most seeds at which the least possible p is worth a note: it is 0.002 with 10.
const fewSeeds = 10

// caution adds what is to know of the methods' numbers.
func (r *Ranking) caution(methods []lineage) {
	var groups []record.Group
	var runs []record.Run
	for i, l := range methods {
		if r.Methods[i].Reached {
			groups, runs = append(groups, l.groups...), append(runs, slices.Concat(l.dialled...)...)
		}
	}
	r.Notes = append(r.Notes, caveats(groups, r.Split, []column{{"gap", "gap", 2}, {"IW-NLL", "iw_nll", 2}}, stats.Median)...)
	r.Notes = append(r.Notes, refined(groups, r.Split, stats.Median)...)
	if seen := claims.Machines(runs); len(seen) > 1 {
		r.Notes = append(r.Notes, "CPU times do not compare: the trials ran on different machines: "+strings.Join(seen, "; ")+".")
	}
}

// Table is the ranking for a reader.
func (r Ranking) Table() Table {
	t := Table{
		Name: "rank", Left: 1, Header: []string{"method", "n", "reach"},
		Caption: fmt.Sprintf("%s at a KL of %g nats. %s split, median over seeds of what is read off between a seed's trials, nats per example, best first.", r.Data, r.Rate, splitNames[r.Split]),
	}
	for _, m := range r.Methods {
		reach := "–"
		if !math.IsNaN(m.Low) {
			reach = decimal(m.Low, 2) + " to " + decimal(m.High, 2)
			if m.Low > m.High {
				reach = "none in common"
			}
		}
		label := m.Method
		if m.Base {
			label += " (baseline)"
		}
		t.Rows = append(t.Rows, plain(label, fmt.Sprint(m.Seeds), reach))
	}
	add := func(title string, cell func(m Ranked) (Cell, bool)) {
		some := false
		var column []Cell
		for _, m := range r.Methods {
			c, ok := cell(m)
			if !ok {
				c = Cell{Text: "–"}
			}
			some = some || ok
			column = append(column, c)
		}
		if some {
			t.Header = append(t.Header, title)
			for i, c := range column {
				t.Rows[i] = append(t.Rows[i], c)
			}
		}
	}
	value := func(title, metric string, decimals int) {
		add(title, func(m Ranked) (c Cell, ok bool) {
			v, ok := m.Values[metric]
			if c.Text = decimal(v, decimals); ok && metric == "mi" && m.Capped {
				c.Mark = atCap
			}
			return c, ok
		})
	}
	levels := levels{}
	against := func(title string, k, decimals int) {
		add("Δ "+title, func(m Ranked) (Cell, bool) {
			d := m.Differences[k]
			if !d.Made {
				return Cell{}, false
			}
			text := median(d.Values, decimals, levels)
			if k == 0 && m.Likelihood == "nelbo" {
				text = "NELBO" + fixed + text
			}
			return Cell{Text: text, Mark: d.Mark()}, true
		})
		add("p", func(m Ranked) (Cell, bool) { return Cell{Text: pValue(m.Differences[k].P)}, m.Differences[k].Made })
		add("Holm", func(m Ranked) (Cell, bool) { return Cell{Text: pValue(m.Differences[k].Holm)}, m.Differences[k].Made })
	}
	add("dial error", func(m Ranked) (Cell, bool) {
		return Cell{Text: fmt.Sprintf("%.0f"+fixed+"%%", 100*m.DialError)}, !math.IsNaN(m.DialError)
	})
	value("IW-NLL", "iw_nll", 2)
	if slices.ContainsFunc(r.Methods, func(m Ranked) bool { _, weighted := m.Values["iw_nll"]; return m.Reached && !weighted }) {
		value("NELBO", "nelbo", 2)
	}
	against("NLL", 0, 2)
	value("gap", "gap", 2)
	against("gap", 1, 2)
	value("MI", "mi", 2)
	add("MI/KL", func(m Ranked) (c Cell, ok bool) {
		mi, ok := m.Values["mi"]
		if c.Text = decimal(mi/r.Rate, 2); m.Capped {
			c.Mark = atCap
		}
		return c, ok && r.Rate > 0
	})
	value("density gap", "density_gap", 2)
	value("probe 100", "probe_100", 3)
	value("probe 1000", "probe_1000", 3)
	value("CPU s", "cpu_seconds", 1)
	add("state", func(m Ranked) (Cell, bool) { return Cell{Text: m.State}, m.State != "" })
	t.Words = t.Header[len(t.Header)-1] == "state"
	t.Notes = append(levels.notes(), r.Notes...)
	return t
}

// Legend explains the columns and marks of tables.
func Legend(all []Ranking) (notes []string) {
	for _, r := range all {
		for _, note := range r.legend() {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return notes
}

// legend is that of one table.
func (r Ranking) legend() (notes []string) {
	notes = append(notes, "n: seeds with a finished trial at every value of the dial, the setting that moves the KL. Reach: the KL that all of them span; nothing is extrapolated.")
	if slices.ContainsFunc(r.Methods, func(m Ranked) bool { return !math.IsNaN(m.DialError) }) {
		notes = append(notes, "Dial error: |KL/target - 1|, median over trials of methods that steer the KL to a target.")
	}
	if r.Baseline != "" {
		notes = append(notes, fmt.Sprintf("Δ: difference from %s, paired by seed: median [95 %% CI]; the CI excludes 0 (*) or contains 0 (~), no mark: fewer than %d common seeds. NLL: IW-NLL, or NELBO where one of the two has no other. p is that of the paired test; Holm: corrected over the methods of the column.",
			r.Baseline, stats.SeedsFor(confidence)))
	} else {
		notes = append(notes, "--baseline METHOD adds paired differences.")
	}
	if slices.ContainsFunc(r.Methods, func(m Ranked) bool { return m.Capped }) {
		notes = append(notes, "^: the MI is within 10 % of its cap ln N in a trial next to the rate, so it is too low.")
	}
	return notes
}
