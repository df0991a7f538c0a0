package claims

import (
	"fmt"
	"math"

	"vaelab/internal/frontier"
	"vaelab/internal/stats"
)

// Reaches says that every seed of a method reaches a rate, or that none does.
//
// A selection is a method with several values of its dial, as in a matched claim. A seed reaches the rate R if R lies between
// the least and the largest KL of its trials, both included. One seed refutes the claim: one that does not reach R, or with none
// one that does. It holds if no seed does so and there are as many as the confidence needs. Else it is undecided. The
// estimate is the distance of R from the nearer end of what a seed spans, below 0 outside, of the seed that speaks most
// against the claim.
type Reaches struct {
	// Of is the trials of the method, over its dial.
	Of Selection `yaml:"of"`
	// Rate is the KL, in nats.
	Rate float64 `yaml:"rate" range:"[0,inf)"`
	// With says how many seeds reach it: every one, or none.
	With string `yaml:"with" choice:"every|none"`
	// Split is the part of the data on which the KL is measured.
	Split string `yaml:"split" choice:"train|valid|test"`
}

func init() { Kinds.Add("reaches", Reaches{Rate: math.NaN(), With: "every", Split: "test"}) }

// Check refuses no rate.
func (r Reaches) Check() error { return rated(r.Rate) }

// Measured is the rate.
func (r Reaches) Measured() Quantity { return rateOf(r.Split) }

// Uses returns what it selects.
func (r Reaches) Uses() []Use { return []Use{{Key: "of", Selection: r.Of, Dial: true}} }

func (r Reaches) judge(e evidence) Verdict {
	of, err := e.spanOf(r.Of, r.Measured())
	if err != nil {
		return undecided("%v", err)
	}
	v := numberless()
	v.N = len(of.Lines)
	v.What = fmt.Sprintf("distance of a KL of %s nats from the nearer end of what %s spans in %s", short(r.Rate), of.Name, r.Measured())
	sign, against := 1.0, "not reached"
	v.Wanted = "at least 0 with every seed"
	if r.With == "none" {
		sign, against = -1, "reached"
		v.Wanted = "less than 0 with every seed"
	}
	broken, worst := 0, math.Inf(1)
	for _, line := range of.Lines {
		lo, hi := line.Span()
		worst = min(worst, sign*min(r.Rate-lo, hi-r.Rate))
		if line.Reaches(r.Rate) == (r.With == "none") {
			broken++
		}
	}
	v.Estimate = sign * worst
	switch need := stats.SeedsFor(e.confidence); {
	case broken > 0:
		v.Outcome = Refuted
		v.Reason = fmt.Sprintf("%s in %d of %s: it spans %s", against, broken, counted(v.N, "seed"),
			of.Spans(r.Rate, func(f frontier.Frontier) bool { return f.Reaches(r.Rate) == (r.With == "none") }))
	case v.N < need:
		v.Reason = fmt.Sprintf("too few seeds: %d; %s needs %d", v.N, percent(e.confidence), need)
	default:
		v.Outcome = Holds
		v.Reason = "it spans " + of.Spans(r.Rate, func(frontier.Frontier) bool { return true })
	}
	return v
}
