package metrics

import "math"

func init() {
	Register(Group{
		Splits: Evaluations,
		Metrics: []Metric{
			{Name: "state", Doc: "0 healthy, 1 collapsing, 2 ignores z, 3 collapsed"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Evaluations, Need: needCollapse,
		Metrics: []Metric{
			{Name: "collapse_step", Unit: "steps", Doc: "step at which the collapse was first detected"},
		},
	})
}

// A State is how a model stands with posterior collapse, as far as an evaluation tells. Rows
// hold its number.
type State int

// The states, from good to bad.
const (
	Healthy    State = iota // the decoder uses what the encoder says
	Collapsing              // rate and use have both fallen below half of what they were, or the rate goes unused and falls
	IgnoresZ                // the KL stands, on its floor or elsewhere, but the decoder ignores z
	Collapsed               // q(z|x) is the prior for every x
)

func (s State) String() string {
	return [...]string{"healthy", "collapsing", "ignores z", "collapsed"}[s]
}

// The thresholds of a Monitor.
const (
	collapsedKL  = 0.1  // nats of KL below which a model has collapsed; it recovers at twice that
	collapsedMI  = 0.02 // nats of MI below which all posteriors are one, unless there is a floor
	ignoredShare = 0.05 // shuffled-z gap as a share of the KL below which the decoder ignores z
	fallen       = 0.5  // of its peak, below which the KL above its floor, or the gap, has fallen
	onFloor      = 1.1  // times the floor, plus collapsedKL, up to which the KL stands on it
)

// A Reading is what one evaluation says: KL, MI and Gap as in the rows, in nats, and the
// method's Floor under the KL, 0 if it has none. Gap may be NaN if it is not known.
type Reading struct{ KL, MI, Gap, Floor float64 }

// A Monitor follows evaluations of one model and names its state. The zero Monitor has seen none.
//
//	collapsed    KL < 0.1 (0.2 once collapsed), or MI < 0.02 without a floor
//	ignores z    gap < KL/20, and the KL is within 1.1 floor + 0.1 or not falling
//	collapsing   gap < KL/20, and the KL falls; or KL - floor and gap are both below half of
//	             their peaks, and the KL falls
//	healthy      otherwise
//
// The gap is what tells: a batch-normalised posterior keeps KL and MI by construction, whatever
// the decoder does. While the KL weight is near 0 a model is healthy. The thresholds are ours.
type Monitor struct {
	State    State
	Since    int     // the step of the evaluation at which the state was first seen
	Readings int     // evaluations seen
	LastKL   float64 // of the last one
	PeakFree float64 // highest KL above the floor
	PeakGap  float64 // highest gap
}

// Next is the monitor after one more evaluation.
func (m Monitor) Next(step int, r Reading) Monitor {
	free := r.KL - r.Floor
	next := m.judge(r, free)
	if next != m.State || m.Readings == 0 {
		m.Since = step
	}
	m.State, m.LastKL = next, r.KL
	m.Readings++
	if free > m.PeakFree { // NaN is no peak
		m.PeakFree = free
	}
	if r.Gap > m.PeakGap && !math.IsInf(r.Gap, 0) {
		m.PeakGap = r.Gap
	}
	return m
}

func (m Monitor) judge(r Reading, free float64) State {
	limit := collapsedKL
	if m.State == Collapsed {
		limit *= 2
	}
	falls := m.Readings > 0 && r.KL < m.LastKL
	switch {
	case r.KL < limit || r.Floor == 0 && r.MI < collapsedMI:
		return Collapsed
	case r.Gap < ignoredShare*r.KL && falls && r.KL > onFloor*r.Floor+collapsedKL:
		return Collapsing
	case r.Gap < ignoredShare*r.KL:
		return IgnoresZ
	case falls && free < fallen*m.PeakFree && r.Gap < fallen*m.PeakGap:
		return Collapsing
	}
	return Healthy
}

var needCollapse = &Need{What: "a collapse"}
