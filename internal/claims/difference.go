package claims

import (
	"fmt"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// A Difference is a quantity of some trials minus that of others, paired by seed.
type Difference struct {
	Values   []float64      // one for each seed that both have, in the order of the seeds
	Median   float64        // of the values
	Interval stats.Interval // for the median
	P        float64        // two-sided, of the paired test
	Test     string         // the test's name
	Decided  bool           // the interval reaches the confidence
}

// Shown reports whether the interval reaches the confidence and excludes 0. An order claim without a
// margin then holds in one of the two directions.
func (d Difference) Shown() bool { return d.Decided && (d.Interval.Lo > 0 || d.Interval.Hi < 0) }

// Compare returns the difference of a quantity between two groups of trials by the rule of an
// order claim, so that a table that shows it says what the verdict says. Each group's trials
// differ in the seed only. It returns an error where such a claim would be undecided whatever the
// values: a trial failed or is damaged, a value is not a number or at its cap, two trials have one seed, their gaps are of two
// definitions, or no seed has a finished trial of both.
func Compare(of, than []record.Run, q Quantity, confidence float64) (Difference, error) {
	var values [2]map[int]float64
	var gaps [2]int // of each definition
	for i, runs := range [][]record.Run{of, than} {
		var done []record.Run
		for _, r := range runs {
			switch r.State {
			case record.Failed, record.Damaged:
				return Difference{}, fmt.Errorf("%s: %s: %s", r.State, r.ID, r.Reason)
			case record.Done:
				done = append(done, r)
				if limit, at := q.atCap(r, false); at {
					return Difference{}, fmt.Errorf("%s: %s is at its cap, %s", r.ID, q, short(limit))
				}
				if q.Name() == "gap" && record.OldGap(r, q.Split) {
					gaps[0]++
				} else {
					gaps[1]++
				}
			}
		}
		var err error
		if values[i], err = bySeed(done, q, "one group"); err != nil {
			return Difference{}, err
		}
	}
	if gaps[0] > 0 && gaps[1] > 0 {
		return Difference{}, fmt.Errorf("gaps of two definitions")
	}
	p := paired(values[0], values[1])
	if len(p.seeds) == 0 {
		return Difference{}, fmt.Errorf("no seed has a finished trial of both")
	}
	d := Difference{Values: p.differences()}
	d.Median = stats.Median(d.Values)
	d.Interval = stats.MedianInterval(d.Values, confidence)
	d.P, d.Test = stats.Paired(d.Values)
	d.Decided = len(d.Values) >= stats.SeedsFor(confidence)
	return d, nil
}
