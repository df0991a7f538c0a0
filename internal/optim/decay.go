package optim

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
