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
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Rows says whether the last row counts, or every row.
	Rows   string `yaml:"rows" choice:"last|every"`
	Bounds `yaml:",inline"`
}

func init() {
	Kinds.Add("bound", Bound{Quantity: Quantity{Split: "test"}, Rows: "last", Bounds: unbounded})
}

// Bounds are the least and the most that a number is, both included.
type Bounds struct {
	// AtLeast is the lower bound; -Inf is none.
	AtLeast float64 `yaml:"at_least"`
	// AtMost is the upper bound; +Inf is none.
	AtMost float64 `yaml:"at_most"`
}

var unbounded = Bounds{AtLeast: math.Inf(-1), AtMost: math.Inf(1)}

func (b Bounds) region() region { return region{lo: b.AtLeast, hi: b.AtMost} }

// check refuses bounds that no number keeps, and none at all.
func (b Bounds) check() error {
	switch {
	case b == unbounded:
		return errors.New("has no bound; give at_least, at_most, or both")
	case b.AtLeast > b.AtMost:
		return fmt.Errorf("contradictory bounds: nothing is at least %v and at most %v", b.AtLeast, b.AtMost)
	}
	return nil
}

// Check refuses bounds that no number keeps, none at all, and rows of what is no row's.
func (b Bound) Check() error {
	if err := b.Bounds.check(); err != nil {
		return err
	}
	if b.Cost() && b.Rows == "every" {
		return fmt.Errorf("%s is a number of the whole trial, so no row has it; leave out rows: every", b.Metric)
	}
	return b.named()
}

// Uses returns what it selects.
func (b Bound) Uses() []Use { return []Use{{Key: "of", Selection: b.Of, Several: b.Rows == "every"}} }

func (b Bound) judge(e evidence) Verdict {
	if b.Rows == "every" {
		return b.everyRow(e)
	}
	return e.each(b.Of, b.Quantity, b.region())
}

// everyRow looks for the row that keeps the bounds least.
func (b Bound) everyRow(e evidence) Verdict {
	runs, err := e.done(b.Of)
	if err != nil {
		return undecided("%v", err)
	}
	v, wanted := numberless(), b.region()
	v.What, v.Wanted, v.N = fmt.Sprintf("%s of %s in every row", b.Quantity, b.Of), wanted.String(), len(runs)
	room := math.Inf(1) // between the value and the nearest bound; below 0 it is broken
	rows, where, broken := 0, "", 0
	for _, r := range runs {
		seen := rows
		for _, row := range r.Rows {
			if row.Split != b.Split {
				continue
			}
			x, ok := b.in(row)
			if !ok {
				continue
			}
			if math.IsNaN(x) {
				return undecided("%s: %s is not a number at step %d", r.ID, b.Quantity, row.Step)
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
			return undecided("%v", b.lacking(r))
		}
	}
	v.Outcome, v.Reason = Holds, fmt.Sprintf("holds in all %d rows of %d trials; closest: %s", rows, len(runs), where)
	if broken > 0 {
		v.Outcome, v.Reason = Refuted, fmt.Sprintf("violated in %d of %d rows; worst: %s", broken, rows, where)
	}
	return v
}

// place names a row.
func place(r record.Run, row record.Entry) string {
	return fmt.Sprintf("%s at step %d", r.ID, row.Step)
}
