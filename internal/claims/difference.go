package claims

import (
	"errors"
	"fmt"
	"slices"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// Compare returns the difference of a quantity between two groups of trials by the rule of an
// order claim, so that a table that shows it says what the verdict says. Each group's trials
// differ in the seed only. It returns an error where such a claim would be undecided whatever the
// values: a trial failed or is damaged, a value is not a number or at its cap, two trials have one seed, their gaps are of two
// definitions, or no seed has a finished trial of both.
func Compare(of, than []record.Run, q Quantity, confidence float64) (stats.Difference, error) {
	var values [2]map[int]float64
	var done []record.Run
	for i, runs := range [][]record.Run{of, than} {
		own := record.Finished(runs)
		if err := lost(runs); err != nil {
			return stats.Difference{}, err
		}
		var err error
		if values[i], err = record.BySeed(own, q.Of, "one group"); err != nil {
			return stats.Difference{}, err
		}
		done = append(done, own...)
	}
	return compare(stats.PairsOf(values[0], values[1]), done, q, confidence)
}

// CompareAt is Compare for two methods at a rate, by the rule of a matched claim. It returns an error also if a seed of one does
// not reach the rate.
func CompareAt(of, than frontier.Dialled, q Quantity, rate, confidence float64) (stats.Difference, error) {
	kl := rateOf(q.Split).Of
	var spans [2]frontier.Span
	for i, d := range []frontier.Dialled{of, than} {
		if err := lost(slices.Concat(d...)); err != nil {
			return stats.Difference{}, err
		}
		var err error
		if spans[i], err = frontier.SpanOf([]string{"the one", "the other"}[i], d, kl, q.Of); err != nil {
			return stats.Difference{}, err
		}
	}
	p, err := frontier.PairsAt(spans[0], spans[1], rate)
	if err != nil {
		return stats.Difference{}, err
	}
	return compare(p, append(of.ReadOff(kl, rate), than.ReadOff(kl, rate)...), q, confidence)
}

// lost names the first of the runs that failed or is damaged.
func lost(runs []record.Run) error {
	for _, r := range runs {
		if r.State == record.Failed || r.State == record.Damaged {
			return fmt.Errorf("%s: %s: %s", r.State, r.ID, r.Reason)
		}
	}
	return nil
}

// compare compares pairs that rest on some finished trials.
func compare(p stats.Pairs, runs []record.Run, q Quantity, confidence float64) (stats.Difference, error) {
	for _, r := range runs {
		if limit, at := q.atCap(r, false); at {
			return stats.Difference{}, fmt.Errorf("%s: %s is at its cap, %s", r.ID, q, short(limit))
		}
	}
	if q.Name() == "gap" && record.MixedGaps(runs, q.Split) {
		return stats.Difference{}, errors.New("gaps of two definitions")
	}
	if len(p.Seeds) == 0 {
		return stats.Difference{}, errors.New("no seed has a finished trial of both")
	}
	return p.Difference(confidence), nil
}
