package plots

import (
	"fmt"
	"strings"

	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// Whether trials have converged, as the report's table of convergence has it.

// stateOf is how far a trial has come.
func stateOf(set *record.Set, run record.Run) converge.State {
	return converge.Of(run, converge.For(set, run))
}

// unsettled is how many finished trials of groups have not converged, of how many, and which groups they are of.
func unsettled(set *record.Set, groups []record.Group) (open, all int, labels []string) {
	for _, g := range groups {
		n := 0
		for _, r := range g.Runs {
			if r.State != record.Done {
				continue
			}
			if all++; !stateOf(set, r).Converged {
				n++
			}
		}
		if n > 0 {
			labels = append(labels, fmt.Sprintf("%s %d", g.Label, n))
		}
		open += n
	}
	return open, all, labels
}

// settledNote says whether the trials have converged.
func settledNote(set *record.Set, groups []record.Group) []string {
	open, all, labels := unsettled(set, groups)
	switch {
	case all == 0:
		return nil
	case open == 0:
		return []string{fmt.Sprintf("All %d finished trials have converged.", all)}
	case open == all:
		return []string{fmt.Sprintf("None of %d finished trials has converged.", all)}
	}
	where := ""
	if len(labels) <= 4 {
		where = " (" + strings.Join(labels, ", ") + ")"
	}
	return []string{fmt.Sprintf("Not converged: %d of %d finished trials%s.", open, all, where)}
}
