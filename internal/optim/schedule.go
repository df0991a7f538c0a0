package optim

import (
	"embed"
	"math"
	"sort"
)

// Source is where the settings of this package are explained.
//
//go:embed schedule.go stop.go
var Source embed.FS

// KLSchedule is the weight of the KL term at each step t. W is the length of the warm-up, in
// steps or epochs as Unit says.
//
//	constant     beta
//	linear       start + (beta - start) min(1, t/W)                Bowman et al. 2016 (arXiv 1511.06349)
//	sigmoid      beta / (1 + e^(-10 (t/W - 1/2)))                   the same, figure 2 (slope chosen here)
//	cyclical     M cycles of length W/M; in each a linear rise over its first fraction
//	             Ratio, then beta; beta after the last               Fu et al. 2019 (arXiv 1903.10145)
//	cyclical-zero  the same after a fraction Zero of each cycle at 0; the rise takes
//	             the next fraction Ratio                             Li et al. 2020, Optimus (arXiv 2004.04092)
type KLSchedule struct {
	// Schedule is the shape of the weight over time.
	Schedule string `yaml:"schedule" choice:"constant|linear|sigmoid|cyclical|cyclical-zero"`
	// Beta is the final weight; with a value other than 1 the model is a beta-VAE.
	Beta float64 `yaml:"beta" range:"[0,inf)" alias:"lambda_kl"`
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
	if k.Schedule == "constant" || w == 0 || float64(step) >= w {
		return k.Beta
	}
	t := float64(step) / w // in [0, 1)
	switch k.Schedule {
	case "linear":
		return k.Start + (k.Beta-k.Start)*t
	case "sigmoid":
		return k.Beta / (1 + math.Exp(-10*(t-0.5)))
	}
	_, t = math.Modf(t * float64(k.Cycles)) // place within the cycle
	if k.Schedule == "cyclical-zero" {
		t -= k.Zero
	}
	return k.Beta * min(1, max(0, t/k.Ratio))
}

// Final is the first step, counted from 0, from which on the weight is Beta for good. For a
// cyclical schedule it is the beginning of the last cycle's plateau.
func (k KLSchedule) Final(stepsPerEpoch int) int {
	w := k.WarmUp
	if k.Unit == "epochs" {
		w *= float64(stepsPerEpoch)
	}
	if k.Schedule == "constant" || k.Beta == 0 && k.Schedule != "linear" {
		return 0
	}
	from := 0.0 // within what begins here the weight comes to Beta once, and stays
	if k.Schedule == "cyclical" || k.Schedule == "cyclical-zero" {
		from = w * float64(k.Cycles-1) / float64(k.Cycles)
	}
	first, end := int(min(math.Ceil(from), maxStep)), int(min(math.Ceil(w), maxStep))
	return first + sort.Search(end-first, func(i int) bool { return k.Weight(first+i, stepsPerEpoch) == k.Beta })
}

// maxStep is a step that no training reaches.
const maxStep = 1 << 40

// Decay lowers the learning rate when the validation objective stops falling, as the field's
// reference code does: after Patience evaluations in a row without a new best, and not
// before epoch From, the rate is multiplied by Factor and the best weights are reloaded;
// after Max decays training ends. Patience 0 switches it off. The objective is that at the final
// KL weight, and evaluations before the KL schedule has come to its end do not count: a loss at
// another weight is no measure of the one that is minimised. (The reference code judges the NELBO
// from the first epoch on, and has From after its warm-up.)
//
// Source: He et al. 2019, jxhe/vae-lagging-encoder (patience 2); Zhu et al. 2020,
// valdersoul/bn-vae (patience 5).
type Decay struct {
	// Factor multiplies the learning rate.
	Factor float64 `yaml:"factor" range:"(0,1)" alias:"lr_decay"`
	// Patience is how many evaluations may pass without a new best; 0 never decays.
	Patience int `yaml:"patience" range:"[0,inf)" alias:"decay_epoch"`
	// From is the first epoch at which a decay may happen.
	From int `yaml:"from" range:"[0,inf)" alias:"load_best_epoch"`
	// Max is the number of decays after which training stops.
	Max int `yaml:"max" range:"[1,inf)" alias:"max_decay"`
}

// DefaultDecay is off, with the reference code's numbers if Patience is set.
var DefaultDecay = Decay{Factor: 0.5, From: 15, Max: 5}

// Plateau is the memory of a Decay.
type Plateau struct {
	Best   float64 // the lowest loss so far
	Seen   bool    // whether there was one
	Bad    int     // evaluations since
	Decays int     // decays so far
}

// A Verdict says what to do after an evaluation.
type Verdict int

// The verdicts of a Plateau.
const (
	GoOn   Verdict = iota
	IsBest         // a new lowest loss: keep these weights
	Lower          // multiply the rate by Factor and reload the best weights
	UsedUp         // the last decay is used up: training ends
)

// Judge records the validation objective after an epoch, counted from 1.
func (p *Plateau) Judge(d Decay, epoch int, loss float64) Verdict {
	if !p.Seen || loss < p.Best {
		p.Best, p.Seen, p.Bad = loss, true, 0
		return IsBest
	}
	p.Bad++
	if d.Patience == 0 || p.Bad < d.Patience || epoch < d.From {
		return GoOn
	}
	p.Bad = 0
	p.Decays++
	if p.Decays >= d.Max {
		return UsedUp
	}
	return Lower
}
