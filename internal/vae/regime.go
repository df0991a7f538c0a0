package vae

import "strings"

// Sides are encoder, decoder, or both; HeadNorm is a part of the encoder's side.
type Sides int

// The sides of z.
const (
	EncoderSide Sides = 1 << iota // parameters and buffers whose names begin with "encoder.", the variant's among them
	DecoderSide                   // those whose names begin with "decoder."
	HeadNorm                      // of a head's normalisation layers, encoder.mu_* and encoder.sigma_*: all but the scale, named weight
)

// Has tells whether a parameter or buffer of that name belongs to the sides. The memory of a Regime belongs to none.
func (s Sides) Has(name string) bool {
	norm := strings.HasPrefix(name, "encoder.mu_") || strings.HasPrefix(name, "encoder.sigma_")
	return s&EncoderSide != 0 && strings.HasPrefix(name, "encoder.") || s&DecoderSide != 0 && strings.HasPrefix(name, "decoder.") ||
		s&HeadNorm != 0 && norm && !strings.HasSuffix(name, ".weight")
}

// RegimeMemory begins the names of the buffers in which a Regime remembers.
const RegimeMemory = "regime."

// A Regime says what the next update of the weights is. It never makes one. What it remembers from step to step it keeps in
// buffers of the model's parameters, named RegimeMemory and more, so that a resumed trial goes on as an uninterrupted one.
// Trials resume between steps only, so what it remembers within a step, between inner updates, may lie elsewhere.
type Regime interface {
	// Next is asked once before each update.
	Next(seen Seen) Plan
	// Phase is where it stands.
	Phase() Phase
}

// A Phase is where a Regime stands. The zero Phase is that of vanilla, and of a regime that has left its first phase.
type Phase struct {
	First bool   // it is in its first phase, such as training an auto-encoder
	Void  bool   // evaluations do not count yet: for train.stop, train.decay and report: best
	Ask   string // a metric of the validation split to be told after each epoch; empty for none

	// Least and Most are how many epochs the first phase takes at least and at most; 0 is no limit. They never change.
	Least, Most int
}

// Seen is what a Regime is told before an update.
type Seen struct {
	Step, StepsPerEpoch, Epoch int // steps and epochs done; inner updates do not count
	Inner                      int // inner updates done

	Loss, Rec, KL    float64 // of the last update, nats per example; 0 before the first
	Examples, Tokens int     // of its batch

	// Valid has the metric that the Phase asks for, in the first update after an epoch; otherwise it is nil.
	Valid map[string]float64
}

// A Plan is one update. The zero Plan is the vanilla one: both sides learn from the step's batch.
type Plan struct {
	Only   Sides   // the side that learns; 0 for both. The gradient is clipped by the norm of both.
	Inner  bool    // it is no step: the step's batch, the epoch and the schedules stay, and rows do not average it
	Random bool    // of an inner update: it reads a batch that is drawn from the epoch's, not the step's
	Reset  Sides   // the sides that are drawn anew before the update, as those of a new model with that seed. Training begins anew with them: no optimiser, learning rate or best evaluation of before is kept.
	Fixed  bool    // Weight is the KL weight. The Weigher neither counts nor sees the step, so it begins or goes on after it.
	Weight float64 // if Fixed
}
