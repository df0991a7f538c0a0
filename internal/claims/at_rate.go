package claims

import (
	"fmt"
	"math"

	"vaelab/internal/record"
)

// AtRate says that a metric of a method at a rate is at least, at most, or between.
//
// It reads one method off as a matched claim does two. The value of a seed is the metric at the rate. The claim holds if the
// interval for the median over seeds lies between the bounds, the bounds included, and does not hold if all of it lies outside.
type AtRate struct {
	Quantity `yaml:",inline"`
	// Of is the trials of the method, over its dial.
	Of Selection `yaml:"of"`
	// Rate is the KL at which it is read off, in nats.
	Rate   float64 `yaml:"rate" range:"[0,inf)"`
	Bounds `yaml:",inline"`
}

func init() {
	Kinds.Add("at-rate", AtRate{Quantity: Quantity{Split: "test"}, Rate: math.NaN(), Bounds: unbounded})
}

// Check refuses no rate, bounds that no number keeps, and none at all.
func (a AtRate) Check() error {
	if err := rated(a.Rate); err != nil {
		return err
	}
	if err := a.Bounds.check(); err != nil {
		return err
	}
	return a.named()
}

// Uses returns what it selects.
func (a AtRate) Uses() []Use { return []Use{{Key: "of", Selection: a.Of, Dial: true}} }

func (a AtRate) judge(e evidence) Verdict {
	q := e.clocked(a.Quantity)
	of, err := e.spanOf(a.Of, q)
	if err != nil {
		return undecided("%v", err)
	}
	values, err := of.At(a.Rate)
	if err != nil {
		return undecided("%v", err)
	}
	v := decide(ordered(values), a.region(), e.confidence)
	v.What = fmt.Sprintf("%s of %s at a KL of %s nats", q, of.Name, short(a.Rate))
	return v
}

// restsOn are the trials that it is read off from.
func (a AtRate) restsOn(e evidence) []record.Run { return e.readOff(a.Of, a.Split, a.Rate) }
