package claims

import (
	"errors"
	"fmt"
	"math"
)

// Published says that a metric comes out as a paper prints it, within a tolerance.
//
// The value of a seed is that of the last row of the split. The claim holds if the interval for
// the median over seeds lies within the tolerance around the paper's number, and does not
// hold if all of it lies outside.
type Published struct {
	// Metric is a name of the rows' values; the last row of the split counts.
	Metric string `yaml:"metric"`
	// Split is the part of the data.
	Split string `yaml:"split" choice:"train|valid|test"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Value is the paper's number, in the metric's unit.
	Value float64 `yaml:"value"`
	// Tolerance is how far from it still counts as the same.
	Tolerance float64 `yaml:"tolerance" range:"(0,inf)"`
}

func init() { Kinds.Add("published", Published{Split: "test", Value: math.NaN()}) }

// Check refuses a claim without the number.
func (p Published) Check() error {
	if math.IsNaN(p.Value) {
		return errors.New("has no value; give the number that the paper prints")
	}
	if err := tolerated(p.Tolerance); err != nil {
		return err
	}
	return named(p.Metric)
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
	values, err := e.last(p.Of, p.Split, p.Metric)
	if err != nil {
		return undecided("%v", err)
	}
	v := decide(ordered(values), region{lo: p.Value - p.Tolerance, hi: p.Value + p.Tolerance}, e.confidence)
	v.What = fmt.Sprintf("%s %s of %s", p.Split, p.Metric, p.Of)
	return v
}
