package claims

import (
	"fmt"
	"math"

	"vaelab/internal/stats"
)

// Ratio says how many times a metric of one selection is that of another, at least, at most, or
// between.
//
// The value of a seed is the quotient of the two trials with that seed. The claim holds if the
// interval for the median quotient lies between the bounds, the bounds included, and does not hold
// if all of it lies outside. It is for what is never 0 or less, as a cost is; where a trial has such a
// number, the claim is undecided. The paired test is that of the quotients' logarithms: whether one
// metric is as large as the other, whatever the bounds are.
type Ratio struct {
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// To is the trials by whose metric it is divided.
	To     Selection `yaml:"to"`
	Bounds `yaml:",inline"`
}

func init() { Kinds.Add("ratio", Ratio{Quantity: Quantity{Split: "test"}, Bounds: unbounded}) }

// Check refuses bounds that no ratio keeps, or every ratio, and a selection against itself.
func (r Ratio) Check() error {
	if err := unlike(r.Of, r.To, "to"); err != nil {
		return err
	}
	if err := r.Bounds.check(); err != nil {
		return err
	}
	if r.AtMost <= 0 {
		return fmt.Errorf("contradictory bounds: no ratio of numbers above 0 is at most %v", r.AtMost)
	}
	if r.AtLeast <= 0 && r.AtLeast != unbounded.AtLeast {
		return fmt.Errorf("every ratio of numbers above 0 is at least %v; leave out at_least, or give one above 0", r.AtLeast)
	}
	return r.named()
}

// Uses returns what it selects.
func (r Ratio) Uses() []Use {
	return []Use{{Key: "of", Selection: r.Of}, {Key: "to", Selection: r.To}}
}

func (r Ratio) judge(e evidence) Verdict {
	q := e.clocked(r.Quantity)
	p, err := e.pairs(r.Of, r.To, q)
	if err != nil {
		return undecided("%v", err)
	}
	var ratios, logs []float64
	for i, seed := range p.Seeds {
		if p.A[i] <= 0 || p.B[i] <= 0 {
			return undecided("no ratio: with seed %d %s is %s and %s", seed, q, short(p.A[i]), short(p.B[i]))
		}
		ratios, logs = append(ratios, p.A[i]/p.B[i]), append(logs, math.Log(p.A[i]/p.B[i]))
	}
	v := decide(ratios, r.region(), e.confidence)
	v.What = fmt.Sprintf("%s of %s over that of %s", q, r.Of, r.To)
	v.P, v.Test = stats.Paired(logs)
	v.Reason += alone(p)
	return v
}
