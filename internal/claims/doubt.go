package claims

import (
	"fmt"

	"vaelab/internal/record"
)

// undecidable returns why a claim of a kind cannot be decided by its finished trials, "" if it can: the metric is at
// its cap in some, or the trials measured a gap by two definitions. remark is what to know of it anyway.
func (e evidence) undecidable(k Kind) (why, remark string) {
	q := k.Measured()
	bound, _ := k.(Bound)
	n, capped, old := 0, 0, 0
	var limit float64
	for _, r := range e.runs {
		if r.State != record.Done || !used(k.Uses(), r.Trial) {
			continue
		}
		n++
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
