// Package converge decides from rows whether a trial has converged.
//
// # The quantity
//
// The quantity is a trial's training objective at its final KL weight, on the validation split. Rows
// have it as objective. For older rows it is rec + kl.beta kl; the maximum of free bits is then over
// the split instead of each batch. Evaluations before the KL weight is final are ignored; the training
// rows show when that was. Where the method sets the weight, or trains in phases, the rows' own counts says it.
//
// # The rule
//
// A trial has converged if its objective is flat over its last Steps steps. With a least-squares
// line through the evaluations there,
//
//	fall = -slope Steps
//	converged:  fall + se(fall) <= Tolerance
//
// Noise counts against a trial. A trial with fewer steps at the final KL weight, or with fewer than
// three evaluations in them, has not converged. One whose objective rises is past its minimum; it
// counts as converged, with a note.
//
// The rule cannot detect a plateau longer than Steps that the training leaves later.
//
// Falling is the same slope over the last quarter of the training, per epoch.
//
// The standard errors are those of least squares. They assume independent noise around a line; a
// curved objective increases them.
//
// The package is a pure function of rows, so it also works on archives of earlier versions.
package converge

import (
	"embed"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"vaelab/internal/record"
)

// Source is where the settings of this package are explained.
//
//go:embed converge.go
var Source embed.FS

// Settings say when a trial counts as converged: if its validation objective falls by no more than
// Tolerance over its last Steps steps. They stand under converged: beside grid: and seeds:, and
// change no training.
type Settings struct {
	// Steps is the number of training steps, at the final KL weight, over which the objective must
	// be flat.
	Steps int `yaml:"steps" range:"[1,inf)"`
	// Tolerance is the largest fall over those steps, its standard error included, that counts as
	// flat, in nats.
	Tolerance float64 `yaml:"tolerance" range:"(0,inf)"`
}

// Default is long enough for the first descent to be in it where training is too short: the LSTM
// without words of decoder-strength still falls by 3 to 4 nats over 2,000 of its 2,100 steps. The
// objective of sentences scatters by 0.1 to 0.2 nats from one evaluation to the next at the end of a
// long training, so that the fall over 2,000 steps has a standard error of 0.1 to 0.2.
var Default = Settings{Steps: 2000, Tolerance: 0.5}

// For returns when a run of a set counts as converged.
func For(set *record.Set, run record.Run) Settings {
	if flat, ok := set.Flat[run.Experiment]; ok {
		return Settings(flat)
	}
	return Default
}

// fewest is the number of evaluations that a line's scatter takes.
const fewest = 3

// A State is how far a trial has come.
type State struct {
	Steps     int     // of its last evaluation; 0 if it has none
	Objective float64 // there, in nats; NaN if it has none
	Falling   float64 // what the objective loses in an epoch, over the last quarter of the training, in nats
	FallingSE float64 // its standard error; NaN, as Falling may be, with too few evaluations
	Fall      float64 // what it has lost over Settings.Steps at the end; NaN if there is too little to tell
	FallSE    float64 // its standard error
	Told      bool    // there are steps and evaluations enough to tell whether it has converged
	Converged bool
	Rising    bool   // the objective rises by more than the tolerance: the trial overfits
	Why       string // why it has not converged
}

// Of returns how far a trial has come.
func Of(run record.Run, s Settings) State {
	nan := math.NaN()
	st := State{Objective: nan, Falling: nan, FallingSE: nan, Fall: nan, FallSE: nan}
	all := objective(run)
	if len(all) == 0 {
		st.Why = "no evaluation of the validation split"
		return st
	}
	last := all[len(all)-1]
	st.Steps, st.Objective = last.step, last.value
	final, ok := countsFrom(run)
	before, onwards := "the KL weight has not reached its final value", "at the final KL weight"
	if hasCounts(run) {
		before, onwards = "no evaluation counts yet", "from the first that counts on"
	}
	if !ok || last.step < final {
		st.Why = before
		return st
	}
	all = since(all, final)
	quarter := since(all, last.step-last.step/4)
	if n := len(all); len(quarter) < fewest {
		quarter = all[max(0, n-fewest):]
	}
	slope, se := line(quarter)
	st.Falling, st.FallingSE = -slope*last.perEpoch, se*last.perEpoch
	window := since(all, last.step-s.Steps)
	switch {
	case last.step-final < s.Steps && final > 0:
		st.Why = fmt.Sprintf("evaluated for %d of %d steps %s", last.step-final, s.Steps, onwards)
	case last.step < s.Steps:
		st.Why = fmt.Sprintf("evaluated for %d of %d steps", last.step, s.Steps)
	case len(window) < fewest:
		st.Why = fmt.Sprintf("evaluated %d times in the last %d steps, fewer than %d", len(window), s.Steps, fewest)
	default:
		slope, se := line(window)
		st.Fall, st.FallSE = -slope*float64(s.Steps), se*float64(s.Steps)
		st.Told = true
		st.Converged, st.Rising = st.Fall+st.FallSE <= s.Tolerance, st.Fall+st.FallSE < -s.Tolerance
		if !st.Converged {
			st.Why = fmt.Sprintf("falls by %.2f ± %.2f nats over the last %d steps", st.Fall, st.FallSE, s.Steps)
		}
	}
	return st
}

// An Evaluation is the quantity at a step.
type Evaluation struct {
	Step      int
	Objective float64 // in nats
	Counts    bool    // the KL weight was final
}

// Evaluations returns a run's evaluations of the validation split, in the order of its rows; of two in a row at one step the
// later one.
func Evaluations(run record.Run) (all []Evaluation) {
	from, ok := countsFrom(run)
	if hasCounts(run) { // the row of that step itself says that it does not
		from++
	}
	for _, p := range objective(run) {
		all = append(all, Evaluation{Step: p.step, Objective: p.value, Counts: ok && p.step >= from})
	}
	return all
}

// Move returns how far a number of a trial's rows moves over Steps steps at the end, by the line of
// least squares, with half of its 95 % interval: Student's, with n - 2 degrees of freedom. Both are NaN
// with fewer than three rows of the split in the last Steps steps, after the KL weight is final, that
// have the number.
func Move(run record.Run, split string, value func(record.Entry) (v float64, ok bool), s Settings) (move, half float64) {
	all := points(run, split, value)
	if final, ok := countsFrom(run); ok && len(all) > 0 {
		all = since(all, max(final, all[len(all)-1].step-s.Steps))
	}
	if len(all) < fewest {
		return math.NaN(), math.NaN()
	}
	slope, se := line(all)
	t := distuv.StudentsT{Sigma: 1, Nu: float64(len(all) - 2)}.Quantile(0.975)
	return slope * float64(s.Steps), t * se * float64(s.Steps)
}
