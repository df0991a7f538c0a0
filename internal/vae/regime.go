package vae

import "strings"

// Sides are encoder, decoder, or both.
type Sides int

// The sides of z.
const (
	EncoderSide Sides = 1 << iota // parameters and buffers whose names begin with "encoder.", the variant's among them
	DecoderSide                   // those whose names begin with "decoder."
)

// Has tells whether a parameter or buffer of that name belongs to the sides. The memory of a Regime, whose name begins with
// "regime.", belongs to neither.
func (s Sides) Has(name string) bool {
	return s&EncoderSide != 0 && strings.HasPrefix(name, "encoder.") || s&DecoderSide != 0 && strings.HasPrefix(name, "decoder.")
}

// A Regime says what the next update of the weights is. It never makes one. What it remembers it keeps in buffers of the
// model's parameters, named "regime.", so that a resumed trial goes on as an uninterrupted one.
type Regime interface {
	// Next is asked once before each update.
	Next(seen Seen) Plan
	// Counts tells whether evaluations count by now: for train.stop, train.decay and report: best.
	Counts() bool
}

// Seen is what a Regime is told before an update.
type Seen struct {
	Step, StepsPerEpoch, Epoch int // steps and epochs done; inner updates do not count
	Inner                      int // inner updates done

	Loss, Rec, KL    float64 // of the last update, nats per example; 0 before the first
	Examples, Tokens int     // of its batch

	// Valid has the metric that the last Plan asked for, in the first update after an epoch; otherwise it is nil.
	Valid map[string]float64
}

// A Plan is one update. The zero Plan is the vanilla one: both sides learn from the step's batch.
type Plan struct {
	Only   Sides   // the side that learns; 0 for both. The gradient is clipped by the norm of both.
	Inner  bool    // it is no step: the step's batch, the epoch and the schedules stay, and rows do not average it
	Random bool    // of an inner update: it reads a batch that is drawn from the epoch's, not the step's
	Reset  Sides   // the sides that are drawn anew before the update, as those of a new model with that seed
	Fixed  bool    // Weight is the KL weight, whatever the schedule says
	Weight float64 // if Fixed
	Ask    string  // a metric of the validation split to be told after each epoch from now on
}
