package variants

import (
	"math"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Aggressive trains the encoder alone for many updates before each update of the decoder. So q(z|x) does not lag behind the
// model's own posterior while the decoder changes. In its first phase a step is
//
//	inner updates of the encoder:  the first on the step's own batch, then on batches drawn from the epoch's,
//	                               at most most - 1, but at least one
//	then one of the decoder alone: on the step's own batch
//
// After every `every` inner updates the mean loss per symbol over these is compared with that of the `every` before. If it is
// higher, the decoder's turn comes. After each epoch the MI of the validation split is measured. After `patience` epochs in a
// row below the highest MI so far the first phase ends, and both sides learn from each batch. Inner updates are no steps: they
// move neither the epoch nor the schedule of the KL weight. Both sides have gradients and are clipped by the norm of both.
//
// It bounds no KL, and has no setting for it; kl.beta moves the rate. Any head, penalty and weigher goes with it. An epoch of
// the first phase takes up to `most` times as long. Rows have first_phase, phase_end and the inner updates of a step.
//
// Public code: for images every is 10 and patience 5, and all epochs below the highest MI count, not those in a row.
//
// Source: He et al. 2019, "Lagging inference networks and posterior collapse in variational autoencoders" (arXiv 1901.05534),
// with most 100 and, for text, every 15 and patience 1.
type Aggressive struct {
	// Every is the number of inner updates whose mean loss is compared with that of as many before.
	Every int `yaml:"every" range:"[1,10000]"`
	// Most is the largest number of updates in a step, the decoder's included. 1 and 2 both alternate: one of each.
	Most int `yaml:"most" range:"[1,10000]"`
	// Patience is the number of epochs in a row with an MI below the highest so far that ends the first phase.
	Patience int `yaml:"patience" range:"[1,10000]"`
}

func init() { Methods.Add("aggressive", Aggressive{Every: 15, Most: 100, Patience: 1}) }

// RateBound says that nothing bounds the rate.
func (Aggressive) RateBound() string { return "none" }

// Build makes regime.aggressive.over and regime.aggressive.mi.
func (v Aggressive) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Regime: &pursuit{Aggressive: v,
		over: b.Params.Counter(vae.RegimeMemory + "aggressive.over"), mi: newStreak(b, vae.RegimeMemory+"aggressive.mi")}}
}

// A pursuit remembers whether the first phase is over and the MI of its epochs; and within a step how many inner updates it
// had, their loss and symbols since the last comparison, and the mean of the block before.
type pursuit struct {
	Aggressive
	over *nn.Param
	mi   streak

	inner               int
	loss, words, before float64
}

func (r *pursuit) Next(h vae.Seen) vae.Plan {
	if mi, ok := h.Valid["mi"]; ok && r.mi.after(mi) >= r.Patience {
		r.over.Data[0] = 1
	}
	switch {
	case r.over.Data[0] != 0:
		return vae.Plan{}
	case r.inner == 0:
		r.loss, r.words, r.before = 0, 0, math.Inf(1)
	case r.enough(h):
		r.inner = 0
		return vae.Plan{Only: vae.DecoderSide}
	}
	r.inner++
	return vae.Plan{Only: vae.EncoderSide, Inner: true, Random: r.inner > 1}
}

// enough tells whether the inner update just made is the step's last.
func (r *pursuit) enough(h vae.Seen) (rose bool) {
	r.loss += h.Loss * float64(h.Examples)
	r.words += float64(h.Tokens)
	if r.inner%r.Every == 0 {
		mean := r.loss / r.words
		rose = mean > r.before
		r.loss, r.words, r.before = 0, 0, mean
	}
	return rose || r.inner >= r.Most-1
}

func (r *pursuit) Phase() vae.Phase {
	p := vae.Phase{Least: r.Patience + 1}
	if p.First = r.over.Data[0] == 0; p.First {
		p.Ask = "mi"
	}
	return p
}
