package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// What findings have in common. A finding is the first sentence of a caption: what the figure shows of these rows, with
// a number. A figure's own file makes it of what the figure has drawn.
//
// A finding claims no more than the rows support. Numbers are means over seeds. A difference is named only where each of
// two groups has two seeds or more and their ranges over seeds do not overlap; where they overlap, the sentence says
// so. With one seed there are numbers only. Parts that cannot be said, such as a number that is not finite, are "", and
// make the whole sentence "".

// sentence fills the parts into the format. It is "" if one of them is.
func sentence(format string, parts ...string) string {
	all := make([]any, len(parts))
	for i, part := range parts {
		if part == "" {
			return ""
		}
		all[i] = part
	}
	return fmt.Sprintf(format, all...)
}

// name is a group's label in a sentence, "" if it cannot be printed as it is.
func name(label string) string {
	const most = 80
	label = strings.TrimSpace(label)
	if plain(printable(label)) != label || strings.Contains(label, "?") {
		return ""
	}
	return clip(label, most)
}

// figures writes two numbers that are compared with two or three digits each, and with up to two more where they would
// otherwise look equal; what is not finite is "". Both are 0.00 below 0.005.
func figures(a, b float64) [2]string {
	with := func(more int) (texts [2]string) { return [2]string{figure(a, more), figure(b, more)} }
	if math.Abs(a) >= 0.005 || math.Abs(b) >= 0.005 {
		for more := range 3 {
			if texts := with(more); texts[0] != texts[1] {
				return texts
			}
		}
	}
	return with(0)
}

// figure writes a number with two or three digits, and more decimals: 0.83, 4.8, 12.3, 1,234.
func figure(v float64, more int) string {
	a := math.Abs(v)
	decimals := more
	switch {
	case !finite(v):
		return ""
	case a >= 1e7:
		return strings.NewReplacer("-", "−", "+", "").Replace(strconv.FormatFloat(v, 'g', 3+more, 64))
	case a < 0.995:
		decimals = more + 2
	case a < 99.95:
		decimals = more + 1
	}
	text := strconv.FormatFloat(a, 'f', decimals, 64)
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return ""
	}
	text = thousands(n)
	if part != "" {
		text += "." + part
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		text = "−" + text
	}
	return text
}

// A sample is what the seeds of a group have of a quantity.
type sample struct {
	label        string
	mean, lo, hi float64
	n            int
	median       float64 // 0 if it is not known
	note         string  // follows the label: " (floor 3.4)"
}

// sampleOf makes one of a value for each seed.
func sampleOf(label string, values []float64) sample {
	mean, lo, hi := record.Range(values)
	s := sample{label: label, mean: mean, lo: lo, hi: hi, n: len(values)}
	if s.known() {
		s.median = stats.Median(values)
	}
	return s
}

// named is its label with what is noted.
func (s sample) named() string {
	if label := name(s.label); label != "" {
		return label + strings.Replace(s.skew()+s.note, ") (", ", ", 1)
	}
	return ""
}

// skew is the median, if a seed or two have moved the mean far from it.
func (s sample) skew() string {
	if s.n > 2 && s.mean >= 0.1 && s.median > 0 && (s.mean > 2*s.median || s.mean < s.median/2) && figure(s.median, 0) != figure(s.mean, 0) {
		return " (median " + figure(s.median, 0) + ")"
	}
	return ""
}

// known tells whether all of it are numbers.
func (s sample) known() bool { return s.n > 0 && finite(s.mean) && finite(s.lo) && finite(s.hi) }

// separated tells whether the second is above the first with every seed, of which there are two at least.
func separated(low, high sample) bool { return low.n > 1 && high.n > 1 && low.hi < high.lo }

// overlapping tells whether every two of the samples overlap. With less than two seeds that is not known.
func overlapping(samples []sample) bool {
	from, to := math.Inf(-1), math.Inf(1)
	for _, s := range samples {
		if s.n < 2 {
			return false
		}
		from, to = max(from, s.lo), min(to, s.hi)
	}
	return from <= to
}

// seeds says how many there are: "n = 3".
func seeds(samples []sample) string {
	lo, hi := math.MaxInt, 0
	for _, s := range samples {
		lo, hi = min(lo, s.n), max(hi, s.n)
	}
	if lo < hi {
		return fmt.Sprintf("n = %d to %d", lo, hi)
	}
	return fmt.Sprintf("n = %d", hi)
}

// extremes are the samples with the smallest and the largest mean, of those that are known.
func extremes(samples []sample) (known []sample, low, high sample) {
	for _, s := range samples {
		if s.known() {
			known = append(known, s)
		}
	}
	for i, s := range known {
		if i == 0 || s.mean < low.mean {
			low = s
		}
		if i == 0 || s.mean > high.mean {
			high = s
		}
	}
	return known, low, high
}

// spread is the part of a sentence that says what a quantity is: of one group, of two, or from the group with the
// smallest mean to that with the largest. The unit, " nats" or "", follows the first number. It is "" if no group is known.
func spread(samples []sample, unit string) string {
	known, low, high := extremes(samples)
	n := len(known)
	if n == 0 {
		return ""
	}
	if n == 2 { // in the order of the figure
		low, high = known[0], known[1]
	}
	groups := fmt.Sprintf("%d groups", n)
	if n < len(samples) {
		groups = fmt.Sprintf("%d of %d groups", n, len(samples))
	}
	count := seeds(known)
	if n < 3 && n < len(samples) {
		count = groups + ", " + count
	}
	if n == 1 {
		count = ", " + count
		if over := fromTo(low.lo, low.hi); low.n > 1 && over != figure(low.mean, 0) {
			count = sentence(", %s over%s seeds", over, strings.TrimPrefix(count, ","))
		}
		return sentence("is %s with %s%s", withUnit(figure(low.mean, 0), unit), low.named(), count)
	}
	texts := figures(low.mean, high.mean)
	if texts[0] == "" || texts[1] == "" || low.label != high.label && name(low.label) == name(high.label) && name(low.label) != "" {
		return "" // no numbers, or names that differ only where they are cut off
	}
	a, b, with := texts[0]+unit, texts[1], low.named()
	if tied := zeros(known); n > 2 && texts[0] == "0.00" && len(tied) == 2 {
		with = sentence("%s and %s", tied[0].named(), tied[1].named())
	} else if n > 2 && texts[0] == "0.00" && len(tied) > 2 {
		with = fmt.Sprintf("%d of them", len(tied))
	}
	const no = "; the ranges over seeds overlap, so no difference is seen here"
	switch equal := texts[0] == texts[1]; {
	case n > 2 && equal:
		return sentence("is %s with %s, %s", a, strings.Replace("all "+groups, fmt.Sprintf("all %d of", n), fmt.Sprintf("%d of", n), 1), count)
	case n > 2 && overlapping(known):
		return sentence("is %s to %s over %s, %s", texts[0]+low.skew(), b+unit+high.skew(), groups, count+no)
	case n > 2:
		if low.n > 1 && high.n > 1 && !separated(low, high) {
			count += "; the ranges over seeds of these two overlap"
		}
		return sentence("ranges over %s from %s with %s to %s with %s, %s", groups, a, with, b, high.named(), count)
	case equal && low.note == high.note:
		return sentence("is %s with %s and with %s, %s", a, name(low.label), high.named(), count)
	case overlapping(known):
		count += no
	}
	return sentence("is %s with %s and %s with %s, %s", a, low.named(), b, high.named(), count)
}

// A sampleAt is a sample at a value of a setting.
type sampleAt struct {
	x float64
	sample
}

// trend is the part of a sentence that says what a quantity does from the smallest value of a setting to the largest:
// it rises or falls only if all means do and the ranges over seeds of the two ends do not overlap. It is "" with fewer
// than two places that are known.
func trend(places []sampleAt, setting, unit string) string {
	var known []sampleAt
	var samples []sample
	up, down := true, true
	places = slices.SortedStableFunc(slices.Values(places), func(a, b sampleAt) int { return cmp.Compare(a.x, b.x) })
	for _, p := range places {
		if !p.known() || !finite(p.x) {
			continue
		}
		if n := len(known); n > 0 {
			up, down = up && p.mean >= known[n-1].mean, down && p.mean <= known[n-1].mean
		}
		known, samples = append(known, p), append(samples, p.sample)
	}
	if len(known) < 2 {
		return ""
	}
	first, last := known[0], known[len(known)-1]
	texts, verb := figures(first.mean, last.mean), ""
	at := func(p sampleAt) string {
		if strings.Contains(setting, " ") {
			return fmt.Sprintf("a %s of %s", setting, short(p.x)) + p.skew()
		}
		return fmt.Sprintf("%s = %s", setting, short(p.x)) + p.skew()
	}
	switch {
	case texts[0] == texts[1]:
	case up && separated(first.sample, last.sample):
		verb = "rises"
	case down && separated(last.sample, first.sample):
		verb = "falls"
	}
	if verb != "" {
		return sentence("%s from %s at %s to %s at %s, %s", verb, withUnit(texts[0], unit), at(first), texts[1], at(last), seeds(samples))
	}
	note := ""
	if overlapping(samples) {
		note = "; the ranges over seeds overlap, so no difference is seen here"
	}
	return sentence("is %s at %s and %s at %s, %s", withUnit(texts[0], unit), at(first), texts[1], at(last), seeds(samples)+note)
}

// A swept line is a method at the values of a setting.
type swept struct {
	label, setting string
	places         []sampleAt // in the order of the setting
}

// reach is how far the means are apart.
func (s swept) reach() float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range s.places {
		if p.known() {
			lo, hi = min(lo, p.mean), max(hi, p.mean)
		}
	}
	return hi - lo
}

// onFloor tells whether the KL is on its floor everywhere.
func (s swept) onFloor() bool {
	return !slices.ContainsFunc(s.places, func(p sampleAt) bool { return p.note != onItsFloor })
}

// trends is a sentence about one or two lines, or the one of several whose means reach farthest.
func trends(what string, lines []swept) string {
	lines = slices.DeleteFunc(slices.Clone(lines), func(s swept) bool { return trend(s.places, s.setting, "") == "" })
	if len(lines) == 0 {
		return ""
	}
	said := func(s swept) string {
		text := trend(s.places, s.setting, " nats")
		if s.onFloor() {
			text += ", everywhere within 1 % of its floor"
		}
		return text
	}
	first, of, more := lines[0], "", ""
	switch n := len(lines); {
	case n == 2:
		more = sentence("; with %s it %s", name(lines[1].label), said(lines[1]))
		if more == "" {
			return ""
		}
	case n > 2:
		for _, s := range lines {
			if s.reach() > first.reach() {
				first = s
			}
		}
		of = fmt.Sprintf(", the line of %d that reaches farthest,", n)
	}
	return sentence("With %s"+of+" %s %s.", name(first.label), what, said(first)+more)
}

// withUnit is a number with its unit, "" if there is no number.
func withUnit(text, unit string) string {
	if text == "" {
		return ""
	}
	return text + unit
}

// A tally is how many dimensions of a group fulfil a condition: from lo to hi over the seeds, of all.
type tally struct {
	label       string
	lo, hi, all int
	n           int
}

// tallyOf counts the KLs of dimensions below idle, seed by seed. It has no seeds unless all have as many dimensions, and all
// KLs are numbers.
func tallyOf(label string, seeds [][]float64) tally {
	t := tally{label: label, lo: math.MaxInt, n: len(seeds)}
	for i, kls := range seeds {
		if i > 0 && len(kls) != t.all || len(kls) == 0 || !allFinite(kls) {
			return tally{label: label}
		}
		count := 0
		for _, kl := range kls {
			if kl < idle {
				count++
			}
		}
		t.all, t.lo, t.hi = len(kls), min(t.lo, count), max(t.hi, count)
	}
	return t
}

// idle is the KL, in nats, below which a dimension carries next to nothing.
const idle = 0.01

// count writes the number: "none", "8" or "6 to 8".
func (t tally) count() string {
	switch {
	case t.hi == 0:
		return "none"
	case t.lo == t.hi:
		return fmt.Sprint(t.lo)
	}
	return fmt.Sprintf("%d to %d", t.lo, t.hi)
}

// idleDims is a sentence about the groups with the most and the fewest dimensions whose KL is below idle, as a share of
// all.
func idleDims(tallies []tally) string {
	share := func(t tally) float64 { return float64(t.lo+t.hi) / float64(t.all) }
	var known []tally
	var counts []sample
	for _, t := range tallies {
		if t.n > 0 {
			known, counts = append(known, t), append(counts, sample{n: t.n})
		}
	}
	if len(known) == 0 {
		return ""
	}
	most, fewest := known[0], known[0]
	for _, t := range known {
		if share(t) > share(most) {
			most = t
		}
		if share(t) < share(fewest) {
			fewest = t
		}
	}
	groups := fmt.Sprintf("%d groups", len(known))
	if len(known) < len(tallies) {
		groups = fmt.Sprintf("%d of %d groups", len(known), len(tallies))
	}
	of := func(t tally) string { return fmt.Sprintf("of %s %s", dimensions(t.all), t.count()) }
	named := false // all groups are
	with := func(as tally) string {
		var names []string
		for _, t := range known {
			if of(t) == of(as) {
				names = append(names, name(t.label))
			}
		}
		switch n := len(names); {
		case n == 1:
			return names[0]
		case n == 2:
			return sentence("%s and %s", names[0], names[1])
		}
		named = true
		return fmt.Sprintf("%d of %s", len(names), groups)
	}
	n := seeds(counts)
	verb := "have"
	if most.hi == 0 || most.count() == "1" {
		verb = "has"
	}
	begin := fmt.Sprintf("Of %s %s %s a KL below %g nats", dimensions(most.all), most.count(), verb, idle)
	if of(most) == of(fewest) && len(known) > 2 {
		return sentence("%s with each of %s, %s.", begin, groups, n)
	}
	text := sentence("%s with %s", begin, with(most))
	switch {
	case of(most) == of(fewest):
	case most.all != fewest.all:
		text = sentence("%s, and %s with %s", text, of(fewest), with(fewest))
	default:
		text = sentence("%s and %s with %s", text, fewest.count(), with(fewest))
	}
	switch {
	case named:
	case len(known) > 2:
		n = "the extremes of " + groups + ", " + n
	case len(known) < len(tallies):
		n = groups + ", " + n
	}
	return sentence("%s, %s.", text, n)
}

// dimensions writes a number of them.
func dimensions(n int) string {
	if n == 1 {
		return "1 dimension"
	}
	return fmt.Sprintf("%d dimensions", n)
}

// mixedGaps tells whether some gaps of a split have the old definition and some have not, so that they cannot be compared.
func mixedGaps(groups []record.Group, split string) bool {
	var runs []record.Run
	for _, g := range groups {
		runs = append(runs, g.Runs...)
	}
	return record.MixedGaps(runs, split)
}

// zeros are the samples whose mean is written as 0.00.
func zeros(samples []sample) (zero []sample) {
	for _, s := range samples {
		if figure(s.mean, 0) == "0.00" {
			zero = append(zero, s)
		}
	}
	return zero
}

// An ending is when the last values of some trials were measured.
type ending struct{ first, last float64 } // steps

// when begins a sentence: "At step 4,000".
func (e ending) when() string {
	if e.first == e.last {
		return sentence("At step %s", stepText(e.last))
	}
	return sentence("In the last rows (steps %s to %s)", stepText(e.first), stepText(e.last))
}

// stepText writes a step, "" if it cannot be one.
func stepText(step float64) string {
	const most = 1 << 53
	if !(step >= 0 && step <= most) {
		return ""
	}
	return thousands(int(step))
}

// fromTo writes a range.
func fromTo(lo, hi float64) string {
	from, to := figure(lo, 0), figure(hi, 0)
	if from == to {
		return from
	}
	return sentence("%s to %s", from, to)
}

// meanOfGroup is the mean that samples have of a group, "" if they have none.
func meanOfGroup(samples []sample, label string) string {
	for _, s := range samples {
		if s.label == label && s.known() {
			return figure(s.mean, 0)
		}
	}
	return ""
}

// atEnd are the last values of the trials of each group that has a metric on a split at all. Those of trials that
// failed are not final and do not count.
func atEnd(groups []record.Group, split, metric string) (samples []sample, end ending) {
	return atEndBy(groups, split, func(e record.Entry) (float64, bool) { return e.Value(metric) })
}

// atEndBy is atEnd for what a function makes of a row, if anything.
func atEndBy(groups []record.Group, split string, value func(record.Entry) (float64, bool)) (samples []sample, end ending) {
	end.first, end.last = math.Inf(1), math.Inf(-1)
	for _, g := range groups {
		var values []float64
		shown := false
		for _, run := range g.Runs {
			step, v, ok := lastBy(run, split, value)
			shown = shown || ok
			if ok && run.State != record.Failed {
				values = append(values, v)
				end.first, end.last = min(end.first, step), max(end.last, step)
			}
		}
		if shown {
			samples = append(samples, sampleOf(g.Label, values))
		}
	}
	return samples, end
}

// lastBy is the value at a run's highest step that has one, and the step.
func lastBy(run record.Run, split string, value func(record.Entry) (float64, bool)) (step, v float64, ok bool) {
	for _, row := range run.Rows {
		if row.Split != split || ok && float64(row.Step) < step {
			continue
		}
		if here, has := value(row); has {
			step, v, ok = float64(row.Step), here, true
		}
	}
	return step, v, ok
}

// onItsFloor is what floorSaid says of a KL on its floor.
const onItsFloor = " (within 1 % of its floor)"

// onFloor is how far from its floor, as a share of it, a KL may be and still count as on it.
const onFloor = 0.01

// floorsSaid notes with each KL where it is to its floor, if the group has one above zero.
func floorsSaid(samples []sample, groups []record.Group, split string) {
	for i := range samples {
		for _, g := range groups {
			if g.Label == samples[i].label {
				samples[i].note = floorSaid(g, split)
			}
		}
	}
}

// floorSaid is what a sentence says of a group's floor at the end of training: a training row's, if the split has none.
func floorSaid(g record.Group, split string) string {
	var kls, floors []float64
	on := true
	of := func(run record.Run, split, metric string) (float64, bool) {
		_, v, ok := lastBy(run, split, func(e record.Entry) (float64, bool) { return e.Value(metric) })
		return v, ok
	}
	for _, run := range g.Runs {
		kl, ok := of(run, split, "kl")
		if !ok || run.State == record.Failed {
			continue
		}
		floor, ok := of(run, split, "floor")
		if !ok {
			floor, ok = of(run, "train", "floor")
		}
		if !ok || !(floor > 0) {
			return ""
		}
		kls, floors = append(kls, kl), append(floors, floor)
		on = on && math.Abs(kl-floor) <= onFloor*floor
	}
	kl, _, _ := record.Range(kls)
	floor, _, _ := record.Range(floors)
	switch {
	case !finite(kl) || !finite(floor) || figure(floor, 0) == "0.00":
		return ""
	case on:
		return onItsFloor
	case below(kl, floor):
		return " (below its floor of " + figure(floor, 0) + ")"
	case figure(kl, 0) == figure(floor, 0) && kl > floor:
		return fmt.Sprintf(" (%.1f %% above its floor)", 100*(kl/floor-1))
	}
	return " (floor " + figure(floor, 0) + ")"
}
