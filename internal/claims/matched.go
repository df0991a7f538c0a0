package claims

import (
	"fmt"
	"math"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// Matched says that a metric of one method is greater, or less, than that of another at equal rates, by more than a margin.
//
// A selection is a method with several values of its dial, the setting that moves the rate. Its trials differ in the dial and
// the seed only; the dial is found, whichever setting it is. With each seed the metric of both methods is read off at the
// rate R, the KL in nats on the split: with a and b those trials of the seed whose rates are next to R,
//
//	value(R) = (1 - t) value_a + t value_b,   t = (R - KL_a) / (KL_b - KL_a).
//
// Nothing is extrapolated: if a seed does not reach R, the claim is undecided, and says what it spans. Only seeds with a
// finished trial at every value of the dial count. The value of a seed is the difference of the two methods. The claim holds
// if the interval for the median difference lies beyond the margin, and does not hold if none of it does. The verdict also has the
// level of each method, its median over these seeds.
type Matched struct {
	Quantity `yaml:",inline"`
	// Of is the trials of the method that it is about, over its dial.
	Of Selection `yaml:"of"`
	// Is says on which side they are.
	Is string `yaml:"is" choice:"greater|less"`
	// Than is the trials of the method that it is compared with, over its dial.
	Than Selection `yaml:"than"`
	// Rate is the KL at which they are compared, in nats.
	Rate float64 `yaml:"rate" range:"[0,inf)"`
	// Margin is how much greater or less they are at least.
	Margin float64 `yaml:"margin" range:"[0,inf)"`
}

func init() {
	Kinds.Add("matched", Matched{Quantity: Quantity{Split: "test"}, Is: "greater", Rate: math.NaN()})
}

// Check refuses to compare a selection with itself, and at no rate.
func (m Matched) Check() error {
	if err := unlike(m.Of, m.Than, "than"); err != nil {
		return err
	}
	if err := rated(m.Rate); err != nil {
		return err
	}
	return m.named()
}

// Uses returns what it selects.
func (m Matched) Uses() []Use {
	return []Use{{Key: "of", Selection: m.Of, Dial: true}, {Key: "than", Selection: m.Than, Dial: true}}
}

func (m Matched) judge(e evidence) Verdict {
	q := e.clocked(m.Quantity)
	of, err := e.spanOf(m.Of, q)
	if err != nil {
		return undecided("%v", err)
	}
	than, err := e.spanOf(m.Than, q)
	if err != nil {
		return undecided("%v", err)
	}
	p, err := frontier.PairsAt(of, than, m.Rate)
	if err != nil {
		return undecided("%v", err)
	}
	if len(p.Seeds) == 0 {
		return undecided("no seed has finished trials of both %s and %s", of.Name, than.Name)
	}
	v := decidePairs(p, beyond(m.Is, m.Margin), e.confidence)
	v.Levels = &Levels{Of: stats.Median(p.A), Than: stats.Median(p.B)}
	v.What = fmt.Sprintf("%s of %s minus %s at a KL of %s nats", q, of.Name, than.Name, short(m.Rate))
	return v
}

// restsOn are the trials that it is read off from.
func (m Matched) restsOn(e evidence) []record.Run {
	return append(e.readOff(m.Of, m.Split, m.Rate), e.readOff(m.Than, m.Split, m.Rate)...)
}
