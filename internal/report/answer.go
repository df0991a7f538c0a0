package report

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// mostQuoted is how many claims of an outcome the answer quotes.
const mostQuoted = 2

// answers say, for each experiment, what came out: its verdicts with their numbers or, if no claim has been judged, which group
// has the highest MI at which KL; and how many trials had not converged. An answer is never yes or no, because nothing says
// which verdicts would be a yes to the question.
func answers(s Source, groups []record.Group) (texts []string) {
	for _, e := range s.Experiments {
		var own []record.Group
		for _, g := range groups {
			if g.Runs[0].Experiment == e.Name {
				own = append(own, g)
			}
		}
		var verdicts []Verdict
		for _, v := range s.Verdicts {
			if v.Experiment == e.Name || v.Experiment == "" && len(s.Experiments) == 1 {
				verdicts = append(verdicts, v)
			}
		}
		text := byVerdicts(verdicts)
		if text == "" {
			text = byNumbers(own, s.Experiments)
		}
		if text == "" {
			continue
		}
		text += open(own, s.Experiments, verdicts)
		if len(s.Experiments) > 1 {
			text = e.Name + ": " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// byVerdicts is the answer that judged claims give, "" if there are none.
func byVerdicts(all []Verdict) string {
	if len(all) == 0 {
		return ""
	}
	by := map[string][]Verdict{}
	intervals := false
	for _, v := range all {
		by[v.Outcome] = append(by[v.Outcome], v)
	}
	list := func(outcome string) string {
		var parts []string
		for i, v := range by[outcome] {
			if i == mostQuoted && len(by[outcome]) > mostQuoted {
				parts = append(parts, fmt.Sprintf("and %d more", len(by[outcome])-mostQuoted))
				break
			}
			parts = append(parts, v.quote())
			intervals = intervals || v.Estimate != nil && v.Lo != nil && v.Hi != nil
		}
		return strings.Join(parts, "; ")
	}
	n := len(all)
	var sentences []string
	say := func(outcome, one, many, alone, every string) {
		k := len(by[outcome])
		var text string
		switch {
		case k == 0:
			return
		case n == 1:
			text = "The only claim " + alone
		case k == n:
			text = every
		case outcome == "holds":
			text = fmt.Sprintf("%d of %d claims %s", k, n, agree(k, one, many))
		case sentences == nil:
			text = fmt.Sprintf("None of %d claims holds. %d %s", n, k, agree(k, one, many))
		default:
			text = fmt.Sprintf("%d %s", k, agree(k, one, many))
		}
		sentences = append(sentences, text+": "+list(outcome)+".")
	}
	say("holds", "holds", "hold", "holds", allOf(n)+" claims hold")
	say("does not hold", "does not hold", "do not hold", "does not hold", fmt.Sprintf("None of %d claims holds", n))
	say("undecided", "is undecided", "are undecided", "is undecided", allOf(n)+" claims are undecided")
	text := strings.Join(sentences, " ")
	if intervals {
		text += " In brackets: CI of the median over seeds."
	}
	return text
}

// agree chooses the verb for a number.
func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// keyPath is the path of a setting, of which a sentence has the last word: variant.bn.gamma=0.5 is gamma=0.5.
var keyPath = regexp.MustCompile(`(?:[\w-]+\.)+([\w-]+=)`)

// hyphen is one that stands for a minus sign.
var hyphen = regexp.MustCompile(`(^| )-(\d)`)

// quote is a claim with what was measured: “KL vanishes” (test kl of vanilla: 0.004 [0.003, 0.006]).
func (v Verdict) quote() string {
	text := "“" + strings.TrimSuffix(v.Say, ".") + "”"
	switch {
	case v.Estimate == nil && v.Outcome == "undecided" && v.Reason != "":
		return text + " (" + v.Reason + ")"
	case v.Estimate == nil:
		return text
	}
	number := rounded(*v.Estimate)
	if v.Lo != nil && v.Hi != nil {
		number += fmt.Sprintf(" [%s,"+fixed+"%s]", rounded(*v.Lo), rounded(*v.Hi))
	}
	if v.What != "" {
		number = keyPath.ReplaceAllString(v.What, "$1") + ": " + number
	}
	if v.Wanted != "" && !strings.HasSuffix(v.Wanted, " than 0") { // that a difference is above 0 or below, the claim says itself
		number += ", claimed " + hyphen.ReplaceAllString(v.Wanted, "${1}−$2")
	}
	return text + " (" + number + ")"
}

// rounded is a number for a sentence: three digits, and none after the point from 100 on.
func rounded(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100 && size < 1e7:
		return decimal(v, 0)
	case size != 0 && size < 1e-3:
		return minus(strconv.FormatFloat(v, 'g', 2, 64))
	}
	return minus(strconv.FormatFloat(v, 'g', 3, 64))
}

// A place is a group that has a metric.
type place struct {
	i, n int     // its place in the groups, and seeds
	mean float64 // over them
}

// placesWith are the groups that have a metric.
func placesWith(groups []record.Group, split, metric string) (places []place) {
	for i, s := range samplesOf(groups, split, metric) {
		if len(s) > 0 {
			places = append(places, place{i, len(s), mean(s.numbers())})
		}
	}
	return places
}

// coreColumn is the column of a core metric.
func coreColumn(metric string) column {
	return core[slices.IndexFunc(core, func(c column) bool { return c.metric == metric })]
}

// byNumbers is the answer that the tables give where no claim has been judged: the group with the highest MI or, if that is not
// measured, KL; how far a test tells it from the baseline; and the group with the best likelihood. Groups on other data are not
// compared: each data set has a sentence. It is "" if nothing has been evaluated.
func byNumbers(groups []record.Group, experiments []Experiment) string {
	split, metrics := measured(groups)
	if split == "" {
		return ""
	}
	var order []string
	by := map[string][]record.Group{}
	for _, g := range groups {
		data := g.Runs[0].Data
		if by[data] == nil {
			order = append(order, data)
		}
		by[data] = append(by[data], g)
	}
	var sentences []string
	for _, data := range order {
		where := ""
		if len(order) > 1 {
			where = "On " + cmp.Or(by[data][0].Runs[0].Config["data"], "data "+data) + ": "
		}
		if text := ranking(by[data], split, metrics, experiments); text != "" {
			sentences = append(sentences, where+text)
		}
		if len(sentences) == 3 && len(order) > 3 {
			sentences = append(sentences, fmt.Sprintf("The tables have %d more data sets.", len(order)-3))
			break
		}
	}
	if sentences == nil {
		return ""
	}
	return "No claim has been judged. " + strings.Join(sentences, " ")
}

// ranking says who leads among groups on the same data.
func ranking(groups []record.Group, split string, metrics []string, experiments []Experiment) string {
	main := coreColumn("mi")
	if len(placesWith(groups, split, "mi")) == 0 {
		main = coreColumn("kl")
	}
	all := placesWith(groups, split, main.metric)
	if len(all) == 0 {
		return ""
	}
	var with []place // without those at the cap, whose numbers say nothing about differences
	var unranked []string
	for _, s := range all {
		if capped(groups[s.i], split, main.metric) {
			unranked = append(unranked, groups[s.i].Label)
		} else {
			with = append(with, s)
		}
	}
	if with == nil {
		with, unranked = all, nil
	}
	best, least, most := with[0], with[0], with[0]
	seeds := map[int]bool{}
	for _, s := range with {
		seeds[s.n] = true
		if s.mean > best.mean {
			best = s
		}
		if s.n < least.n {
			least = s
		}
		if s.n > most.n {
			most = s
		}
	}
	number := func(s place, metric string) string {
		c := coreColumn(metric)
		return decimal(mean(sampleOf(groups[s.i], split, metric).numbers()), c.decimals)
	}
	at := func(s place) string {
		if main.metric == "kl" {
			return ""
		}
		return ", at a KL of " + number(s, "kl")
	}
	of := fmt.Sprintf(" (%s split, nats", strings.ToLower(splitNames[split]))
	switch {
	case most.n == 1:
		of += ", one seed)"
	case least.n == most.n:
		of += fmt.Sprintf(", means over %d seeds)", most.n)
	default:
		of += fmt.Sprintf(", means over %d to %d seeds)", least.n, most.n)
	}
	label, top := groups[best.i].Label, number(best, main.metric)
	shown, left := top, ""
	if capped(groups[best.i], split, main.metric) {
		shown += " (at its cap)"
	}
	if unranked != nil {
		left = fmt.Sprintf(" Not ranked, because their %s is at its cap: %s.", main.title, strings.Join(some(unranked), ", "))
	}
	if len(with) == 1 {
		return fmt.Sprintf("%s has %s %s%s%s.", label, article(main.title), shown, at(best), of) + left
	}
	same := 0
	for _, s := range with {
		if number(s, main.metric) == top {
			same++
		}
	}
	var text string
	switch {
	case same == len(with):
		return fmt.Sprintf("%s groups have %s %s%s.", allOf(same), article(main.title), shown, of) + left
	case same > 1:
		text = fmt.Sprintf("The highest %s is %s, that of %s and of %d more%s", main.title, top, label, same-1, of)
	default:
		text = fmt.Sprintf("%s has the highest %s, %s%s%s", label, main.title, shown, at(best), of)
	}
	b := baselines(groups, experiments)
	if places := bases(b); len(places) == 1 && places[0] != best.i {
		base := place{i: places[0]}
		text += fmt.Sprintf("; the baseline %s has %s%s", groups[base.i].Label, number(base, main.metric), at(base))
	}
	text += "." + left + paired(groups, split, main, b)
	return text + likeliest(groups, split, metrics)
}

// article is a metric's title behind an article.
func article(title string) string {
	if title == "MI" {
		return "an MI of"
	}
	return "a " + title + " of"
}

// paired says how the groups compare with their baselines in a metric, or how many seeds that takes.
func paired(groups []record.Group, split string, c column, b baseline) string {
	if len(b.of) == 0 {
		return ""
	}
	higher, lower, level, open := 0, 0, 0, 0
	for _, d := range differences(groups, split, c.metric, b) {
		switch {
		case d.mark() == "~":
			level++
		case d.mark() != "*":
			open++
		case d.Median > 0:
			higher++
		default:
			lower++
		}
	}
	n := higher + lower + level
	if n == 0 {
		return fmt.Sprintf(" Too few seeds to test a difference: %d are needed.", stats.SeedsFor(confidence))
	}
	text := fmt.Sprintf(" Against the baseline the %s is higher in %d of %s, lower in %d, without a detected difference in %d", c.title, higher, count(n, "group"), lower, level)
	if open > 0 {
		text += fmt.Sprintf(", not tested in %d more", open)
	}
	return text + "."
}

// likeliest says which group has the lowest NELBO, or importance-weighted NLL if all have one. Densities of different decoders
// do not compare, so it says nothing if the models differ.
func likeliest(groups []record.Group, split string, metrics []string) string {
	for _, g := range groups {
		if context(g, anyVariant) != context(groups[0], anyVariant) {
			return ""
		}
	}
	for _, metric := range []string{"iw_nll", "nelbo"} {
		with := placesWith(groups, split, metric)
		if len(with) < len(groups) || len(with) < 2 {
			continue
		}
		best := with[0]
		for _, s := range with {
			if s.mean < best.mean {
				best = s
			}
		}
		c := coreColumn(metric)
		kl := sampleOf(groups[best.i], split, "kl").numbers()
		if len(kl) == 0 {
			return ""
		}
		return fmt.Sprintf(" The lowest %s is %s, that of %s, at a KL of %s.", c.title, decimal(best.mean, c.decimals), groups[best.i].Label, decimal(mean(kl), 2))
	}
	return ""
}

// allOf begins a sentence about each of several.
func allOf(n int) string {
	if n == 2 {
		return "Both"
	}
	return fmt.Sprintf("All %d", n)
}
