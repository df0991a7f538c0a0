package sweep

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/data"
	"vaelab/internal/train"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A length is how many steps a trial has.
type length struct{ perEpoch, steps int }

// lengthOf counts a trial's steps, and keeps the count for the trials that have the same.
func lengthOf(t train.Trial, set *data.Set, known map[string]length) length {
	s := t.Train
	key := fmt.Sprintf("%p %d %s %d %d", set, s.BatchSize, s.Batching, s.Epochs, s.MaxSteps)
	if _, ok := known[key]; !ok {
		perEpoch, steps := train.Length(t, set)
		known[key] = length{perEpoch, steps}
	}
	return known[key]
}

// noteAll notes what a trial, by its index, is to be known of before it trains. It is the same for all seeds.
func (e *Experiment) noteAll(i int, t train.Trial, set *data.Set, lengths map[string]length) {
	e.noteShort(i, t, set, lengths)
	e.noteFreeBits(i, t)
	e.noteMasks(i, t)
	e.noteUncertain(i, t)
	e.noteTarget(i, t, set)
	e.noteCodes(i, t, set)
}

// noteShort notes what a trial, by its index, is too short for: an evaluation, the first phase of a training regime, the end
// of the schedule of its KL weight, the start of a variant that weighs, or train.stop. Without the final KL weight the trial
// never trains at kl.beta, and nothing that waits for that weight happens.
func (e *Experiment) noteShort(i int, t train.Trial, set *data.Set, lengths map[string]length) {
	v, err := variants.Check(t.Methods...)
	own := err == nil && v.Weigher != nil // the weight is the variant's, not the schedule's
	var phase vae.Phase
	if err == nil && v.Regime != nil {
		phase = v.Regime.Phase()
	}
	if set.Train.N() == 0 || set.Valid.N() == 0 && t.KL.Schedule == "constant" && !own && phase.Least == 0 {
		return
	}
	n := lengthOf(t, set, lengths)
	k, each := t.KL, t.Train.EvalEvery*n.perEpoch
	final := k.Final(n.perEpoch)
	if own {
		final = v.Weigher.Final(n.perEpoch)
	}
	before := 0 // steps that the weight does not count, at least
	if phase.Void {
		before = phase.Least * n.perEpoch
	}
	final += before
	switch {
	case n.steps == 0:
		return
	case set.Valid.N() > 0 && each > n.steps:
		e.note(e.file, "train: the validation split is never evaluated: training ends at step %d, and the first evaluation is at step %d (train.eval_every, in epochs); figures of validation rows cannot be drawn", n.steps, each)
	case set.Valid.N() > 0 && t.Train.Stop.Patience > 0 && final < n.steps:
		// An evaluation at the last step ends nothing; the first one that counts is the best so far.
		counted := (n.steps-1)/each - max(0, final-1)/each
		if updates := (n.steps-1)/each*each - before; updates < t.Train.Stop.MinUpdates {
			e.note(e.entries[i], "train.stop: has no effect: min_updates is %d, and the last evaluation before the end comes after %d updates of the decoder at most; lower min_updates, or train longer", t.Train.Stop.MinUpdates, updates)
		} else if counted <= t.Train.Stop.Patience {
			e.note(e.entries[i], "train.stop: has no effect: patience %d needs %d evaluations at the final KL weight before the last step, %d, and there are %d; lower patience or train.eval_every, or train longer", t.Train.Stop.Patience, t.Train.Stop.Patience+1, n.steps, counted)
		}
	}
	if e.noteFirstPhase(i, t, phase, n) {
		return
	}
	if own && final >= n.steps {
		e.note(e.entries[i], "variant: %s needs %d steps to come to its target, and the training has %d (train.epochs, train.max_steps); until then train.stop, train.decay and report: best do not count an evaluation; train longer, or %s",
			t.Variant, final, n.steps, variants.Hurry(t.Methods, n.steps))
	} else if k.Schedule != "constant" && final >= n.steps {
		e.note(e.entries[i], "kl: the training is shorter than the %s schedule of the KL weight: its last step, %d, has weight %.3g, and from step %d on it is kl.beta %.3g; until then train.stop, train.decay and report: best do not count an evaluation",
			k.Schedule, n.steps, k.Weight(n.steps-1-before, n.perEpoch), final+1, k.Beta)
	}
}

// noteFirstPhase notes a training that ends in the first phase of its regime, or may.
func (e *Experiment) noteFirstPhase(i int, t train.Trial, phase vae.Phase, n length) bool {
	takes, epochs := "takes at least", phase.Least
	switch {
	case phase.Least == 0:
		return false
	case phase.Least*n.perEpoch >= n.steps:
		if phase.Least == phase.Most {
			takes = "takes"
		}
	case phase.Most*n.perEpoch >= n.steps:
		takes, epochs = "may take", phase.Most
	default:
		return false
	}
	e.note(e.entries[i], "variant: the first phase of %s %s %d epochs, %d steps, and the training has %d; train longer, or change the variant's settings",
		t.Variant, takes, epochs, epochs*n.perEpoch, n.steps)
	return true
}

// noteFreeBits notes free bits that the posterior of a trial makes idle.
func (e *Experiment) noteFreeBits(i int, t train.Trial) {
	if lambda, bound, idle := variants.IdleFreeBits(t.Methods, t.Model.Latent()); idle {
		e.note(e.entries[i], "variant.free-bits.lambda: has no effect: it is %.4g nats, and %s keeps the KL at or above %.4g nats; raise lambda, or leave free-bits out", lambda, t.Variant, bound)
	}
}

// noteMasks notes free bits whose objective misleads what judges evaluations by it.
func (e *Experiment) noteMasks(i int, t train.Trial) {
	judged := t.Train.Stop.Patience > 0 && t.Train.Stop.Metric == "objective" || t.Train.Decay.Patience > 0 || t.Train.Report == "best"
	for _, m := range t.Methods {
		if bits, ok := m.(variants.FreeBits); ok && judged && bits.Masks() {
			e.note(e.entries[i], "variant.free-bits.mode: %s charges nothing below lambda, so the objective falls by up to %.4g nats where the KL falls to lambda, and train.stop, train.decay and report: best may take a collapse for progress; use mode dim, total or example-total with them", bits.Mode, bits.Lambda*t.KL.Beta)
		}
	}
}

// noteUncertain notes du-vae under a schedule whose KL weight never is 1, where its floor and dropout begin.
func (e *Experiment) noteUncertain(i int, t train.Trial) {
	for _, m := range t.Methods {
		if _, ok := m.(variants.DUVAE); !ok || t.KL.Beta >= 1 {
			continue
		}
		if v, err := variants.Check(t.Methods...); err == nil && v.Weigher == nil {
			e.note(e.entries[i], "variant.du-vae: alpha and dropout have no effect: they begin when the KL weight is 1, and kl.beta is %.4g; set kl.beta to 1, or use bn", t.KL.Beta)
		}
	}
}

// noteTarget notes a controller of the KL whose target the trial cannot reach, or reaches without more MI.
func (e *Experiment) noteTarget(i int, t train.Trial, set *data.Set) {
	target, controller, ok := variants.TargetKL(t.Methods)
	if !ok {
		return
	}
	if least, head := variants.LeastKL(t.Methods, t.Model.Latent()); target < least {
		e.note(e.entries[i], "variant.%s.c: the target %.4g nats cannot be reached: %s keeps the KL at or above %.4g nats; raise c, or lower the bound of %s", controller, target, head, least, head)
	}
	if n := set.Train.N(); n > 0 && !set.Grey && target > math.Log(float64(n)) { // grey pixels are drawn anew: x is one of more than n
		e.note(e.entries[i], "variant.%s.c: the target %.4g nats is above ln %d = %.4g, the most that a decoder can learn from z about which of the %d training examples x is; the rest of the KL is the distance of q(z) from the prior; lower c, or train on more examples", controller, target, n, math.Log(float64(n)), n)
	}
}

// noteCodes notes a codebook that is larger than the data.
func (e *Experiment) noteCodes(i int, t train.Trial, set *data.Set) {
	n := set.Train.N()
	for _, m := range t.Methods {
		if vq, ok := m.(variants.VQ); ok && vq.K > n && !set.Grey {
			e.note(e.entries[i], "variant.vq.k: of %d codes at most %d can be used, one for each training example; lower k", vq.K, n)
		}
	}
}

// tooFewExamples is the fault of a prior that is made of more examples than there are; "" without one.
func (e *Experiment) tooFewExamples(i int, t train.Trial, set *data.Set) string {
	n := set.Train.N()
	for _, m := range t.Methods {
		if p, ok := m.(variants.MixturePrior); ok && p.Components == "data" && p.K > n {
			return fmt.Sprintf("%s: variant.mixture-prior.k: takes %d examples of the training split, which has %d; lower k, or use more data", e.entries[i], p.K, n)
		}
	}
	return ""
}

// note adds a note about a place in the file, once: many trials may share it.
func (e *Experiment) note(place, format string, args ...any) {
	note := place + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(e.Notes, note) {
		e.Notes = append(e.Notes, note)
	}
}
