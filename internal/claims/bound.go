package claims

import (
	"errors"
	"fmt"
	"math"

	"vaelab/internal/record"
)

// Bound says that a metric is at least, at most, or between.
//
// With rows: last, the value of a seed is that of the last row of the split. The claim holds
// if the interval for the median over seeds lies between the bounds, the bounds included, and
// does not hold if all of it lies outside.
//
// With rows: every, the claim is a theorem about each row of each finished trial: it holds if
// none breaks a bound, and one that does refutes it, whatever the number of seeds. It may then
// select trials of several settings. The estimate is the value nearest to a bound or farthest
// beyond.
type Bound struct {
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Metric is a name of the rows' values.
	Metric string `yaml:"metric"`
	// Split is the part of the data; train has batch statistics, the others running ones.
	Split string `yaml:"split" choice:"train|valid|test"`
	// Rows says whether the last row counts, or every row.
	Rows string `yaml:"rows" choice:"last|every"`
	// AtLeast is the lower bound; -Inf is none.
	AtLeast float64 `yaml:"at_least"`
	// AtMost is the upper bound; +Inf is none.
	AtMost float64 `yaml:"at_most"`
}

func init() {
	Kinds.Add("bound", Bound{Split: "test", Rows: "last", AtLeast: math.Inf(-1), AtMost: math.Inf(1)})
}

// Check refuses bounds that no number keeps, and none at all.
func (b Bound) Check() error {
	switch {
	case math.IsInf(b.AtLeast, -1) && math.IsInf(b.AtMost, 1):
		return errors.New("has no bound; give at_least, at_most, or both")
	case b.AtLeast > b.AtMost:
		return fmt.Errorf("contradictory bounds: nothing is at least %v and at most %v", b.AtLeast, b.AtMost)
	}
	return named(b.Metric)
}

// named refuses a metric without a name.
func named(metric string) error {
	if metric == "" {
		return errors.New("names no metric, such as metric: kl")
	}
	return nil
}

// Uses returns what it selects.
func (b Bound) Uses() []Use { return []Use{{Key: "of", Selection: b.Of, Several: b.Rows == "every"}} }

func (b Bound) judge(e evidence) Verdict {
	wanted := region{lo: b.AtLeast, hi: b.AtMost}
	if b.Rows == "every" {
		return b.everyRow(e, wanted)
	}
	values, err := e.last(b.Of, b.Split, b.Metric)
	if err != nil {
		return undecided("%v", err)
	}
	v := decide(ordered(values), wanted, e.confidence)
	v.What = fmt.Sprintf("%s %s of %s", b.Split, b.Metric, b.Of)
	return v
}

// everyRow looks for the row that keeps the bounds least.
func (b Bound) everyRow(e evidence, wanted region) Verdict {
	runs, err := e.done(b.Of)
	if err != nil {
		return undecided("%v", err)
	}
	v := numberless()
	v.What, v.Wanted, v.N = fmt.Sprintf("%s %s of %s in every row", b.Split, b.Metric, b.Of), wanted.String(), len(runs)
	room := math.Inf(1) // between the value and the nearest bound; below 0 it is broken
	rows, where, broken := 0, "", 0
	for _, r := range runs {
		seen := rows
		for _, row := range r.Rows {
			x, ok := row.Values[b.Metric]
			if !ok || row.Split != b.Split {
				continue
			}
			if math.IsNaN(x) {
				return undecided("%s: %s %s is not a number at step %d", r.ID, b.Split, b.Metric, row.Step)
			}
			rows++
			if !wanted.contains(x) {
				broken++
			}
			if left := min(x-b.AtLeast, b.AtMost-x); left < room {
				room, v.Estimate, where = left, x, place(r, row)
			}
		}
		if rows == seen {
			return undecided("%v", unmeasured(r, b.Split, b.Metric))
		}
	}
	v.Outcome, v.Reason = Holds, fmt.Sprintf("kept in all %d rows of %d trials, most narrowly by %s", rows, len(runs), where)
	if broken > 0 {
		v.Outcome, v.Reason = Refuted, fmt.Sprintf("broken in %d of %d rows, most by %s", broken, rows, where)
	}
	return v
}

// place names a row.
func place(r record.Run, row record.Row) string { return fmt.Sprintf("%s at step %d", r.ID, row.Step) }
