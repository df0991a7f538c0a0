package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
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
	const most = 60
	label = strings.TrimSpace(label)
	if plain(printable(label)) != label || strings.Contains(label, "?") {
		return ""
	}
	return clip(label, most)
}

// figures writes numbers that are compared with two or three digits each, and with up to two more where they would
// otherwise look equal; what is not finite is "". Below 0.005 all are 0.00.
func figures(values ...float64) []string {
	texts := make([]string, len(values))
	for more := range 3 {
		for i, v := range values {
			texts[i] = figure(v, more)
		}
		if !slices.ContainsFunc(values, func(v float64) bool { return math.Abs(v) >= 0.005 }) || !repeats(texts) {
			break
		}
	}
	return texts
}

// repeats tells whether two texts that follow each other are the same.
func repeats(texts []string) bool {
	for i := 1; i < len(texts); i++ {
		if texts[i] == texts[i-1] {
			return true
		}
	}
	return false
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
	note         string // follows the label: " (floor 3.4)"
}

// sampleOf makes one of a value for each seed.
func sampleOf(label string, values []float64) sample {
	mean, lo, hi := record.Range(values)
	return sample{label: label, mean: mean, lo: lo, hi: hi, n: len(values)}
}

// named is its label with what is noted.
func (s sample) named() string {
	if label := name(s.label); label != "" {
		return label + s.note
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
		if over := figures(low.lo, low.hi); low.n > 1 {
			count = sentence(", %s to %s over%s seeds", over[0], over[1], strings.TrimPrefix(count, ","))
		}
		return sentence("is %s with %s%s", figure(low.mean, 0)+unit, low.named(), count)
	}
	texts := figures(low.mean, high.mean)
	if texts[0] == "" || texts[1] == "" {
		return ""
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
		return sentence("is %s with %s, %s", a, groups, count)
	case n > 2 && overlapping(known):
		return sentence("is %s to %s with %s, %s", texts[0], b+unit, groups, count+no)
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
	const most = 1 << 53
	switch {
	case !(e.first >= 0 && e.first <= e.last && e.last <= most):
		return ""
	case e.first == e.last:
		return "At step " + thousands(int(e.last))
	}
	return fmt.Sprintf("In the last rows (steps %s to %s)", thousands(int(e.first)), thousands(int(e.last)))
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
		return fmt.Sprintf(" (within %g %% of its floor)", 100*onFloor)
	case below(kl, floor):
		return " (below its floor of " + figure(floor, 0) + ")"
	case figure(kl, 0) == figure(floor, 0) && kl > floor:
		return fmt.Sprintf(" (%.1f %% above its floor)", 100*(kl/floor-1))
	}
	return " (floor " + figure(floor, 0) + ")"
}
