package report

import (
	"fmt"
	"slices"

	"vaelab/internal/record"
)

// phase is how a trial stands with the first phase of its method: whether it is in it at its last row, the step at which it
// ended, 0 if it has not or there is none, and the trial's steps.
func phase(r record.Run) (first bool, end, steps int) {
	for _, row := range r.Rows {
		if v, ok := row.Value("first_phase"); ok {
			first, steps = v == 1, row.Step
		}
		if v, ok := row.Value("phase_end"); ok {
			end = int(v)
		}
	}
	return first, end, steps
}

// phases are sentences that say when the first phase of the training of a group ended.
func phases(groups []record.Group) (notes []string) {
	for _, g := range groups {
		var ends []int
		steps := 0
		for _, r := range g.Runs {
			_, end, of := phase(r)
			if end > 0 {
				ends = append(ends, end)
			}
			steps = max(steps, of)
		}
		if len(ends) == 0 {
			continue
		}
		when := fmt.Sprintf("step %d", slices.Min(ends))
		if low, high := slices.Min(ends), slices.Max(ends); low < high {
			when = fmt.Sprintf("steps %d to %d", low, high)
		}
		notes = append(notes, fmt.Sprintf("%s: the first phase of training ended at %s of %d, in %d of %s.", g.Label, when, steps, len(ends), count(len(g.Runs), "trial")))
	}
	return notes
}
