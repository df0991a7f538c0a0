package claims

import (
	"fmt"
	"maps"
	"math"
)

// Order says that a metric of one selection is greater, or less, than that of another, by more
// than a margin.
//
// The value of a seed is the difference of the two trials with that seed, which share their
// initial weights, their data order and their noise. The claim holds if the interval for the median
// difference lies beyond the margin, and does not hold if none of it does.
type Order struct {
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Is says on which side they are.
	Is string `yaml:"is" choice:"greater|less"`
	// Than is the trials that they are compared with.
	Than Selection `yaml:"than"`
	// Margin is how much greater or less they are at least.
	Margin float64 `yaml:"margin" range:"[0,inf)"`
}

func init() { Kinds.Add("order", Order{Quantity: Quantity{Split: "test"}, Is: "greater"}) }

// Check refuses to compare a selection with itself.
func (o Order) Check() error {
	if err := unlike(o.Of, o.Than, "than"); err != nil {
		return err
	}
	return o.named()
}

// unlike refuses a selection that is compared with itself.
func unlike(a, b Selection, key string) error {
	if len(a) > 0 && maps.Equal(a, b) {
		return fmt.Errorf("compares %s with itself; of and %s must differ", a, key)
	}
	return nil
}

// Uses returns what it selects.
func (o Order) Uses() []Use {
	return []Use{{Key: "of", Selection: o.Of}, {Key: "than", Selection: o.Than}}
}

func (o Order) judge(e evidence) Verdict {
	return e.differences(o.Of, o.Than, o.Quantity, beyond(o.Is, o.Margin))
}

// beyond are the differences that are greater, or less, by more than a margin.
func beyond(is string, margin float64) region {
	if is == "less" {
		return region{lo: math.Inf(-1), hi: -margin, open: true}
	}
	return region{lo: margin, hi: math.Inf(1), open: true}
}
