package claims

import (
	"fmt"

	"vaelab/internal/record"
)

// A reader is a kind of claim that rests on some of the trials that it selects, and not on the metric of the others.
type reader interface {
	restsOn(e evidence) []record.Run
}

// restsOn are the finished trials whose metric a claim of a kind rests on.
func (e evidence) restsOn(k Kind) (runs []record.Run) {
	if m, ok := k.(reader); ok {
		return m.restsOn(e)
	}
	for _, r := range e.runs {
		if r.State == record.Done && used(k.Uses(), r.Trial) {
			runs = append(runs, r)
		}
	}
	return runs
}

// undecidable returns why a claim of a kind cannot be decided by its finished trials, "" if it can: the metric is at
// its cap in some that it rests on, or these measured a gap by two definitions. remark is what to know of it anyway.
func (e evidence) undecidable(k Kind) (why, remark string) {
	q := k.Measured()
	bound, _ := k.(Bound)
	capped, old := 0, 0
	var limit float64
	runs := e.restsOn(k)
	n := len(runs)
	for _, r := range runs {
		if l, at := q.atCap(r, bound.Rows == "every"); at {
			capped, limit = capped+1, l
		}
		if q.Name() == "gap" && record.OldGap(r, q.Split) {
			old++
		}
	}
	switch {
	case capped > 0:
		return fmt.Sprintf("%s is within 10 %% of its cap in %d of %d trials (%s, the logarithm of the number of examples): the estimate is too low and differences mean nothing; use more examples",
			limited(q.Name()), capped, n, short(limit)), ""
	case old > 0 && old < n:
		return fmt.Sprintf("the gap has the old definition in %d of %d trials (z of the next example in the file); train them again", old, n), ""
	case old > 0:
		return "", "; the gap has the old definition: z of the next example in the file"
	}
	return "", ""
}

// limited is the metric whose cap limits another.
func limited(metric string) string {
	if metric == "marginal_kl" {
		return "mi, of which it is made,"
	}
	return metric
}

// atCap reports whether the quantity of a run is at its cap, in its last row or in any.
func (q Quantity) atCap(r record.Run, every bool) (limit float64, at bool) {
	if !every {
		return record.LastAtCap(r, q.Split, q.Name())
	}
	for _, row := range r.Rows {
		if row.Split == q.Split {
			if limit, at = record.AtCap(row, q.Name()); at {
				return limit, at
			}
		}
	}
	return 0, false
}
