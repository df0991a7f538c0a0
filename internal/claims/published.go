package claims

import (
	"errors"
	"math"
)

// Published says that a metric comes out as a paper prints it, within a tolerance.
//
// The value of a seed is that of the last row of the split. The claim holds if the interval for
// the median over seeds lies within the tolerance around the paper's number, and does not
// hold if all of it lies outside.
type Published struct {
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Value is the paper's number, in the metric's unit.
	Value float64 `yaml:"value"`
	// Tolerance is how far from it still counts as the same.
	Tolerance float64 `yaml:"tolerance" range:"(0,inf)"`
}

func init() { Kinds.Add("published", Published{Quantity: Quantity{Split: "test"}, Value: math.NaN()}) }

// Check refuses a claim without the number.
func (p Published) Check() error {
	if math.IsNaN(p.Value) {
		return errors.New("has no value; give the number that the paper prints")
	}
	if err := tolerated(p.Tolerance); err != nil {
		return err
	}
	return p.named()
}

// tolerated refuses a tolerance that was not given.
func tolerated(t float64) error {
	if t == 0 {
		return errors.New("has no tolerance; give one in the metric's unit")
	}
	return nil
}

// Uses returns what it selects.
func (p Published) Uses() []Use { return []Use{{Key: "of", Selection: p.Of}} }

func (p Published) judge(e evidence) Verdict {
	return e.each(p.Of, p.Quantity, region{lo: p.Value - p.Tolerance, hi: p.Value + p.Tolerance})
}
