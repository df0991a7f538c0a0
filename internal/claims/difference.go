package claims

import (
	"fmt"
	"slices"

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
	var done []record.Run
	for i, runs := range [][]record.Run{of, than} {
		own := finished(runs)
		if err := lost(runs); err != nil {
			return Difference{}, err
		}
		var err error
		if values[i], err = bySeed(own, q, "one group"); err != nil {
			return Difference{}, err
		}
		done = append(done, own...)
	}
	return compare(values[0], values[1], done, q, confidence)
}

// CompareAt is Compare for two methods at a rate, by the rule of a matched claim. It returns an error also if a seed of one does
// not reach the rate.
func CompareAt(of, than Dialled, q Quantity, rate, confidence float64) (Difference, error) {
	var values [2]map[int]float64
	for i, d := range []Dialled{of, than} {
		if err := lost(slices.Concat(d...)); err != nil {
			return Difference{}, err
		}
		s, err := SpanOf([]string{"the one", "the other"}[i], d, q)
		if err != nil {
			return Difference{}, err
		}
		if values[i], err = s.At(rate); err != nil {
			return Difference{}, err
		}
	}
	return compare(values[0], values[1], append(of.ReadOff(q.Split, rate), than.ReadOff(q.Split, rate)...), q, confidence)
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

// compare compares numbers of seeds that rest on some finished trials.
func compare(a, b map[int]float64, runs []record.Run, q Quantity, confidence float64) (Difference, error) {
	old := 0
	for _, r := range runs {
		if limit, at := q.atCap(r, false); at {
			return Difference{}, fmt.Errorf("%s: %s is at its cap, %s", r.ID, q, short(limit))
		}
		if q.Name() == "gap" && record.OldGap(r, q.Split) {
			old++
		}
	}
	if old > 0 && old < len(runs) {
		return Difference{}, fmt.Errorf("gaps of two definitions")
	}
	p := paired(a, b)
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
