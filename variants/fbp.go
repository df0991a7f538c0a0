package variants

import (
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// FBP trains an auto-encoder first, then keeps its encoder and trains a VAE with a decoder that is drawn anew:
//
//	phase 1:  KL weight 0, z still sampled, until rec of the validation split has stopped falling, or ae_epochs
//	between:  the decoder has the initial weights of its seed; the optimisers, the learning rate and all that train.stop,
//	          train.decay and report: best remember begin anew; a head that normalises, such as bn, keeps its scale
//	          gamma, and its running statistics and its shift begin anew
//	phase 2:  the VAE; the schedule of section kl, or a controller, begins here
//
// It bounds no KL. The method of the paper adds free bits and a KL weight that rises from 0 to 1 in ten epochs:
//
//	variant: {fbp: {}, free-bits: {lambda: 8, mode: mask-dim}}
//	kl: {schedule: linear, warm_up: 10}
//
// Any head, penalty, extra and weigher goes with it. Extras are charged in phase 1, too. Evaluations of phase 1 do not count,
// because a rec without a KL is lower than any objective of phase 2. Rows have first_phase and phase_end.
//
// Source: Li et al. 2019, "A surprisingly effective fix for deep latent variable modeling of text" (arXiv 1909.00868), with
// lambda 8, and SGD with rate 0.5. In its code the phases are two runs, the first with train.decay to its end.
type FBP struct {
	// AEEpochs is the largest number of epochs of phase 1.
	AEEpochs int `yaml:"ae_epochs" range:"[1,1000000]"`
	// Patience is the number of epochs in a row with a higher rec than the lowest so far that ends phase 1; 0 waits for
	// ae_epochs.
	Patience int `yaml:"patience" range:"[0,1000000]"`
}

func init() { Methods.Add("fbp", FBP{AEEpochs: 5, Patience: 2}) }

// RateBound says that nothing bounds the rate.
func (FBP) RateBound() string { return "none" }

// Build makes regime.fbp.over and regime.fbp.rec.
func (v FBP) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Regime: pretraining{v, b.Params.Counter(vae.RegimeMemory + "fbp.over"), newStreak(b, vae.RegimeMemory+"fbp.rec")}}
}

// A pretraining remembers whether phase 1 is over, and rec of its epochs.
type pretraining struct {
	FBP
	over *nn.Param
	rec  streak
}

func (r pretraining) Next(h vae.Seen) vae.Plan {
	if r.over.Data[0] != 0 {
		return vae.Plan{}
	}
	rec, told := h.Valid["rec"]
	if flat := told && r.rec.after(-rec) >= r.Patience; flat || h.Epoch >= r.AEEpochs {
		r.over.Data[0] = 1
		return vae.Plan{Reset: vae.DecoderSide | vae.HeadNorm}
	}
	return vae.Plan{Fixed: true} // at weight 0
}

func (r pretraining) Phase() vae.Phase {
	p := vae.Phase{Least: r.AEEpochs, Most: r.AEEpochs}
	if r.Patience > 0 {
		p.Least = min(r.AEEpochs, r.Patience+1)
	}
	if first := r.over.Data[0] == 0; first {
		p.First, p.Void = true, true
		if r.Patience > 0 {
			p.Ask = "rec"
		}
	}
	return p
}
