package vae

import (
	"cmp"
	"fmt"
)

// A Seam is a place where a variant can act.
type Seam struct {
	Name string
	Doc  string // what a variant does there, in a phrase
	at   func(Variant) bool
}

// Seams are all of them, in the order in which the loss meets them.
var Seams = []Seam{
	{"head", "makes the posterior q(z|x) from the encoder's outputs", Variant.MakesPosterior},
	{"refine", "improves the posterior before z is drawn", func(v Variant) bool { return v.Refine != nil }},
	{"prior", "brings the prior p(z)", func(v Variant) bool { return v.Prior != nil }},
	{"inputs", "changes what a decoder of text reads", func(v Variant) bool { return v.Inputs != nil }},
	{"logits", "adds a term to the logits of a decoder of text, or makes a decoder's predictions", func(v Variant) bool { return v.Logits != nil || v.Output != nil }},
	{"noise", "sets the variance of a decoder of vectors", func(v Variant) bool { return v.Noise != nil }},
	{"penalty", "changes the KL term of the loss", func(v Variant) bool { return v.Penalty != nil }},
	{"extra", "adds a term to the loss, without the KL weight", func(v Variant) bool { return len(v.Extras) > 0 }},
	{"auxiliary", "adds a term to the loss of training only", func(v Variant) bool { return len(v.Auxiliary) > 0 }},
	{"bound", "makes the loss of several samples", func(v Variant) bool { return v.Bound != nil }},
	{"weigher", "sets the KL weight of each step", func(v Variant) bool { return v.Weigher != nil }},
	{"regime", "plans which side learns from which batch", func(v Variant) bool { return v.Regime != nil }},
}

// Acts are the seams at which the variant acts, in the order of Seams; none for the vanilla VAE.
func (v Variant) Acts() (all []Seam) {
	for _, s := range Seams {
		if s.at(v) {
			all = append(all, s)
		}
	}
	return all
}

// name is the variant's, for messages.
func (v Variant) name() string { return cmp.Or(v.Name, "a variant without a name") }

// Compose joins variants that act at different seams into one; two on one seam, but for extras and auxiliary terms, is an
// error, because one of them would silently have no effect.
func Compose(variants ...Variant) (Variant, error) {
	var all Variant
	owner := map[string]Variant{}         // by seam
	var needs, normal, kind, rows Variant // the first with Needs, and with NeedsNormal; the last with Kind, and with Rows
	for _, v := range variants {
		for _, s := range v.Acts() {
			if first, ok := owner[s.Name]; ok && s.Name != "extra" && s.Name != "auxiliary" {
				return Variant{}, fmt.Errorf("%s and %s both act on the %s (each %s), so one of them would have no effect; write two entries of the grid, each with one of them",
					first.name(), v.name(), s.Name, s.Doc)
			}
			owner[s.Name] = v
		}
		if !all.Needs.meets(v.Needs) {
			if !v.Needs.meets(all.Needs) {
				return Variant{}, fmt.Errorf("%s needs posteriors of the family %s, and %s those of the family %s; leave one of them out", needs.name(), all.Needs, v.name(), v.Needs)
			}
			all.Needs, needs = v.Needs, v
		}
		if v.NeedsNormal && !all.NeedsNormal {
			all.NeedsNormal, normal = true, v
		}
		if v.Kind != "" {
			if all.Kind != "" && all.Kind != v.Kind {
				return Variant{}, fmt.Errorf("%s acts on examples of the kind %s, and %s on those of the kind %s; leave one of them out", kind.name(), all.Kind, v.name(), v.Kind)
			}
			all.Kind, kind = v.Kind, v
		}
		if v.Conditional && all.Unconditional || v.Unconditional && all.Conditional {
			return Variant{}, fmt.Errorf("%s and %s cannot be combined: one reads conditions, and the other encodes examples of its own, which have none; leave one of them out", all.name(), v.name())
		}
		all.Words, all.Dropout = all.Words || v.Words, all.Dropout || v.Dropout
		all.Conditional, all.Unconditional = all.Conditional || v.Conditional, all.Unconditional || v.Unconditional
		if v.Rows != nil {
			if all.Rows != nil {
				return Variant{}, fmt.Errorf("%s and %s both compare another pass with the decoder's last one; leave one of them out", rows.name(), v.name())
			}
			all.Rows, rows = v.Rows, v
		}
		all.join(v)
	}
	if bound, penalty := owner["bound"], owner["penalty"]; all.Bound != nil && all.Penalty != nil {
		return Variant{}, fmt.Errorf("%s makes the loss of several samples, which has no KL term that %s could change; leave one of them out", bound.name(), penalty.name())
	}
	if bound, refine := owner["bound"], owner["refine"]; all.Bound != nil && all.Refine != nil {
		return Variant{}, fmt.Errorf("%s makes the loss of several samples, and %s improves the posterior by the loss of one; leave one of them out", bound.name(), refine.name())
	}
	if penalty, refine := owner["penalty"], owner["refine"]; all.Refine != nil && penalty.MakesPosterior() {
		return Variant{}, fmt.Errorf("%s charges what its head knows of the posterior, and %s makes another posterior; leave one of them out", penalty.name(), refine.name())
	}
	if bound := owner["bound"]; all.Bound != nil && all.Rows != nil {
		return Variant{}, fmt.Errorf("%s decodes several samples of each example, and %s compares two passes over one; leave one of them out", bound.name(), rows.name())
	}
	if !all.Family().meets(all.Needs) {
		head := "the vanilla VAE"
		if v, ok := owner["head"]; ok {
			head = v.name()
		}
		return Variant{}, fmt.Errorf("%s makes posteriors of the family %s, and %s needs those of the family %s; choose another head or leave %s out",
			head, all.Family(), needs.name(), all.Needs, needs.name())
	}
	if all.NeedsNormal && all.Prior != nil && all.Gaussian() {
		prior := owner["prior"]
		return Variant{}, fmt.Errorf("%s brings a prior, and %s measures z against N(0, I); leave one of them out", prior.name(), normal.name())
	}
	if all.Refine != nil || all.Prior != nil && !owner["prior"].MakesPosterior() { // it is of the head's q, and of the KL to its prior
		all.ConstantRate = false
	}
	if all.ConstantRate {
		if v, ok := owner["penalty"]; ok && !all.BeyondKL {
			return Variant{}, fmt.Errorf("%s makes posteriors of constant KL, so %s, which charges the KL, has no effect; leave one of them out", owner["head"].name(), v.name())
		}
		if v, ok := owner["weigher"]; ok {
			return Variant{}, fmt.Errorf("%s makes posteriors of constant KL, so the KL weight that %s sets has no effect; leave one of them out", owner["head"].name(), v.name())
		}
	}
	if all.Prior != nil && owner["prior"].Floor == nil || all.Refine != nil { // it is one of the head's q, and of the KL to N(0, I)
		all.Floor = nil
	}
	return all, nil
}

// join adds to a variant what another has, where only one of them acts.
func (v *Variant) join(w Variant) {
	switch {
	case v.Name == "":
		v.Name = w.Name
	case w.Name != "":
		v.Name += "+" + w.Name
	}
	if w.MakesPosterior() {
		v.Head, v.Steps, v.Floor, v.Gives, v.Raw = w.Head, w.Steps, w.Floor, w.Gives, w.Raw
		v.ConstantRate, v.Deterministic = w.ConstantRate, w.Deterministic
	}
	if w.Prior != nil {
		v.Prior = w.Prior
	}
	if w.KLParts != 0 {
		v.KLParts, v.Levels = w.KLParts, w.Levels
	}
	if w.Penalty != nil {
		v.Penalty, v.BeyondKL, v.LeastPenalty = w.Penalty, w.BeyondKL, w.LeastPenalty
	}
	if w.Refine != nil {
		v.Refine = w.Refine
	}
	if w.Bound != nil {
		v.Bound = w.Bound
	}
	if w.Inputs != nil {
		v.Inputs = w.Inputs
	}
	if w.Logits != nil {
		v.Logits = w.Logits
	}
	if w.Output != nil {
		v.Output = w.Output
	}
	if w.Noise != nil {
		v.Noise = w.Noise
	}
	if w.Regime != nil {
		v.Regime = w.Regime
	}
	if w.Weigher != nil {
		v.Weigher = w.Weigher
	}
	v.Extras = append(v.Extras, w.Extras...)
	v.Auxiliary = append(v.Auxiliary, w.Auxiliary...)
	if w.Project != nil {
		first, second := v.Project, w.Project
		v.Project = second
		if first != nil {
			v.Project = func() { first(); second() }
		}
	}
	if w.Gauges != nil {
		first, second := v.Gauges, w.Gauges
		v.Gauges = second
		if first != nil {
			v.Gauges = func() []Gauge { return append(first(), second()...) }
		}
	}
}
