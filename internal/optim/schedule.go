package optim

import (
	"embed"
	"math"
	"sort"

	"vaelab/internal/registry"
)

//go:embed *.go
var source embed.FS

// Source is where the settings of this package are explained.
var Source = source

// A Schedule is a shape of the KL weight over time. It reads its settings from KLSchedule; a setting that a new schedule
// adds there needs the tag neutral.
type Schedule interface {
	// At is the weight at a share t of the warm-up, in [0, 1). Afterwards it is Beta.
	At(k KLSchedule, t float64) float64
	// Last is the time, of a warm-up of length w, from which the weight comes to Beta once, and stays: 0 if it never
	// leaves it again.
	Last(k KLSchedule, w float64) float64
	// Reads are the settings that it reads beside beta.
	Reads() []string
	// Check says which of its settings do not go together.
	Check(k KLSchedule) error
}

// Schedules are all schedules by name.
var Schedules = registry.New[Schedule]("schedule", source)

// KLSchedule is the weight of the penalty at each step t. W is the length of the warm-up, in
// steps or epochs as Unit says. The schedules are registered kinds: vaelab list schedules.
type KLSchedule struct {
	// Schedule is the shape of the weight over time.
	Schedule string `yaml:"schedule" registry:"schedule"`
	// Beta is the final weight; with a value other than 1 the model is a beta-VAE.
	Beta float64 `yaml:"beta" range:"[0,inf)" alias:"lambda_kl" knob:"falls"`
	// Start is the weight at step 0 of a linear schedule.
	Start float64 `yaml:"start" range:"[0,inf)" alias:"kl_start"`
	// WarmUp is W, the time until Beta is reached (constant ignores it).
	WarmUp float64 `yaml:"warm_up" range:"[0,inf)" alias:"warmup|warm_up_epochs|warmup_epoch|n_epochs_kl_warmup"`
	// Unit says what WarmUp counts.
	Unit string `yaml:"unit" choice:"epochs|steps"`
	// Cycles is M, the number of cycles of a cyclical schedule within WarmUp.
	Cycles int `yaml:"cycles" range:"[1,inf)" alias:"n_cycle"`
	// Ratio is the fraction of a cycle in which the weight rises.
	Ratio float64 `yaml:"ratio" range:"(0,1]" alias:"ratio_increase"`
	// Zero is the fraction of a cycle at weight 0, at its start.
	Zero float64 `yaml:"zero" range:"[0,1)" alias:"ratio_zero"`
}

// DefaultKL is weight 1 from the first step; the other settings take effect with the
// schedules that read them.
var DefaultKL = KLSchedule{Schedule: "constant", Beta: 1, WarmUp: 10, Unit: "epochs", Cycles: 4, Ratio: 0.5, Zero: 0.25}

// Weight is the weight at a step, counted from 0, given the number of steps in an epoch.
func (k KLSchedule) Weight(step, stepsPerEpoch int) float64 {
	w := k.WarmUp
	if k.Unit == "epochs" {
		w *= float64(stepsPerEpoch)
	}
	if w == 0 || float64(step) >= w {
		return k.Beta
	}
	return k.shape().At(k, float64(step)/w)
}

// Final is the first step, counted from 0, from which on the weight is Beta for good. For a
// cyclical schedule it is the beginning of the last cycle's plateau.
func (k KLSchedule) Final(stepsPerEpoch int) int {
	w := k.WarmUp
	if k.Unit == "epochs" {
		w *= float64(stepsPerEpoch)
	}
	shape := k.shape()
	if k.Beta == 0 && shape.At(k, 0) == 0 {
		return 0
	}
	from := shape.Last(k, w) // within what begins here the weight comes to Beta once, and stays
	first, end := int(min(math.Ceil(from), maxStep)), int(min(math.Ceil(w), maxStep))
	return first + sort.Search(end-first, func(i int) bool { return k.Weight(first+i, stepsPerEpoch) == k.Beta })
}

// Saw ignores what a step has seen: a schedule is no controller.
func (k KLSchedule) Saw(kl, rec float64) {}

// Goal is Beta, the weight of the objective.
func (k KLSchedule) Goal() float64 { return k.Beta }

// shape is the registered schedule. It panics on a name that no YAML file can have.
func (k KLSchedule) shape() Schedule {
	s, err := Schedules.Get(k.Schedule)
	if err != nil {
		panic(err)
	}
	return s
}

// maxStep is a step that no training reaches.
const maxStep = 1 << 40
