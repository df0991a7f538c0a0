// Package vae defines posterior, variant, encoder, decoder and model, and the loss that they make together.
//
//	m, s := model.Encoder.Encode(pass, x)              // (B, D) each: raw mu and raw scale
//	q    := model.Head(pass, m, s)                     // q(z|x), a Posterior
//	q     = model.Refine(pass, x, q)                   // q itself, in most methods
//	z    := q.Sample(pass)                             // (B, D)
//	rec  := model.Decoder.LogProb(pass, z, x)          // (B, 1) ln p(x|z), nats
//	kl   := model.Prior().KL(pass, q, z, x)            // (B, J) nats, by part
//	loss := -mean(rec) + pass.KLWeight * model.Penalty(pass, terms) + sum of extras
//
// A variant changes one or more of these parts (see Variant), and sees the class of neither encoder nor decoder; an encoder
// or decoder sees no variant. So any method works with any model.
package vae

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// Float is the engine's number.
type Float = tensor.Float

// An Encoder turns examples into the raw numbers that a Head makes a posterior of: m and
// s, both (B, D). For the vanilla VAE m is mu and s is ln sigma².
type Encoder interface {
	Encode(p *nn.Pass, x *Batch) (m, s *grad.Value)
}

// A StepsEncoder is an encoder of sequences that also says what it knows after each symbol.
type StepsEncoder interface {
	// EncodeSteps gives m and s of each row of x.Steps, (N, D) both. Those of an example's last row are Encode's.
	EncodeSteps(p *nn.Pass, x *Batch) (m, s *grad.Value)
}

// Raw is what an encoder gives.
type Raw int

// The raw numbers of an encoder.
const (
	MAndS Raw = iota
	MOnly     // s is nil, and no parameter of the encoder makes it
)

// A Decoder says how well z explains examples: ln p(x|z) in nats, summed over the
// symbols of each example, shape (B, 1).
type Decoder interface {
	LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value
}

// A Predictor is a decoder that says what it expects: it can be asked to write. Predict
// returns logits of p(x|z) for each thing predicted: for text (M, V), a row for each of
// x.Predict's rows, of the symbol that follows; for images (B, P), of each pixel being 1
// given z and, if the decoder is autoregressive, the pixels of x before it; for vectors
// (B, P), the mean.
type Predictor interface {
	Predict(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value
}

// An Autoregressive is a Predictor of images that says whether it predicts a pixel from the
// pixels before it as well as from z; one without the method does not.
type Autoregressive interface {
	Autoregressive() bool
}

// Unk is the number of <unk> in every vocabulary: what a decoder reads in place of a word
// that is kept from it.
const Unk = 3

// A Head makes q(z|x) of the encoder's raw m and s, both (B, D).
type Head func(p *nn.Pass, m, s *grad.Value) Posterior

// A StepsHead makes q(z|x) of a StepsEncoder's raw m and s, both (N, D).
type StepsHead func(p *nn.Pass, m, s *grad.Value, x *Batch) Posterior

// A Penalty is what the loss charges for a posterior: one number (1, 1), nats per example, before it is multiplied by the
// KL weight. The vanilla one is the rate, the mean KL of the z that the decoder reads. Rows have both, as penalty and kl.
type Penalty func(p *nn.Pass, t *Terms) *grad.Value

// An Extra is a term of the loss that is not weighted by the KL schedule: one number (1, 1), nats per example. The extras
// of several variants add up.
type Extra func(p *nn.Pass, t *Terms) *grad.Value

// A Weigher is the weight of the penalty: a schedule of the step, or a controller. A controller keeps its memory in buffers
// of the model's parameters, so that a resumed trial has it.
type Weigher interface {
	// Weight is the weight at a step, counted from 0, given the number of steps in an epoch.
	Weight(step, stepsPerEpoch int) float64
	// Saw tells it the mean KL and -ln p(x|z) of the batch of the step just made, in nats.
	Saw(kl, rec float64)
	// Final is the first step, counted from 0, from which on evaluations count: for train.stop, train.decay and
	// report: best.
	Final(stepsPerEpoch int) int
	// Goal is the weight of the penalty in the validation objective.
	Goal() float64
}

// A Steering weigher sets the weight, or moves a penalty, so that a metric comes to a target.
type Steering interface {
	Weigher
	// Target is the metric, kl or rec, and its target in nats at the next step. The metric is always the same.
	Target() (metric string, nats float64)
}

// A Refine improves q(z|x) of a batch before z is drawn, in training and in evaluation. It may ask the decoder, see Inner. In
// evaluation it draws nothing from the pass's noise, and changes no state.
type Refine func(p *nn.Pass, m *Model, x *Batch, q Posterior) Posterior

// A Variant is one method against collapse. A nil seam is the vanilla VAE's, so the zero
// Variant is the vanilla VAE.
type Variant struct {
	Name string // that a file gives it, for messages

	Head    Head
	Steps   StepsHead // in place of Head
	Prior   Prior
	Penalty Penalty
	Extras  []Extra
	Refine  Refine
	Bound   *Bound
	Inputs  Inputs
	Logits  Logits
	Output  func(in, out int) (Output, error) // makes the parameters; an error says what of the sizes does not fit
	Noise   Noise
	Regime  Regime
	Weigher Weigher // nil for the schedule of section kl

	// Raw is what Head reads. An encoder makes nothing else, so that each of its parameters is learnt.
	Raw Raw

	// Auxiliary are terms of the loss like extras, but of training only: they measure nothing of p(x|z), q and p(z). So
	// neither the metric extra nor the objective has them.
	Auxiliary []Extra

	// Gives is the family of the posterior that Head makes; empty for Gaussian.
	Gives Family
	// KLParts is J, the number of parts of the KL to Prior; 0 for one for each latent dimension.
	KLParts int
	// Levels says that the parts are those of two levels of z, of z1 given z2 and of z2.
	Levels bool
	// ConstantRate says that no parameter changes the KL, so that nothing which charges the KL has an effect.
	ConstantRate bool
	// Deterministic says that sigma ends at a number that stands for 0. Importance weights of such a q(z|x) never see the
	// p(x|z) of another z.
	Deterministic bool
	// BeyondKL says that Penalty is no function of the KL alone, so that it has an effect where the KL is constant.
	BeyondKL bool
	// Needs is the only family that penalty, extras and prior can read, ContinuousFamily or DensityFamily; empty if they read any.
	Needs Family
	// NeedsNormal tells that penalty or extras measure a Gaussian z against N(0, I), so that no variant may bring another prior.
	NeedsNormal bool
	// Kind is the only kind of examples that the variant acts on; empty for any. Words tells that it acts on a decoder that
	// reads the words before each prediction, a vae.Words.
	Kind  Kind
	Words bool
	// Rows is where the decoder of text leaves what its output layer has read in its last LogProb, for a variant that compares
	// another pass with it. Dropout tells that only dropout within the decoder makes such passes differ.
	Rows    *Rows
	Dropout bool
	// Conditional tells that the variant reads conditions. Unconditional tells that it cannot act where there are some, because it
	// encodes examples of its own, which have none.
	Conditional, Unconditional bool

	// Project puts what the method has learnt back where a constraint keeps it, after each update of the encoder's side; nil
	// without a constraint.
	Project func()
	// Floor is the lower bound that the method's theorem puts under E[KL], in nats, from
	// the parameters as they are; nil if it promises nothing.
	Floor func() float64
	// LeastPenalty is the lower bound that the method's theorem puts under Penalty, in nats, for each mean of a Gaussian
	// posterior: the penalty of a batch is at least the mean over examples of its sum over dimensions. It is nil if the method
	// promises nothing.
	LeastPenalty func(mu float64) float64
	// Gauges are the method's own numbers worth drawing, one per latent dimension, from
	// the parameters as they are; nil if it has none.
	Gauges func() []Gauge
}

// Family is the family of the variant's posteriors.
func (v Variant) Family() Family {
	if v.Gives == "" {
		return GaussianFamily
	}
	return v.Gives
}

// Gaussian tells whether the variant's posteriors are Gaussian.
func (v Variant) Gaussian() bool { return v.Family() == GaussianFamily }

// Parts is J, the number of parts of the KL, given the number of latent dimensions.
func (v Variant) Parts(D int) int {
	if v.KLParts > 0 {
		return v.KLParts
	}
	return D
}

// MakesPosterior tells whether the variant brings a head.
func (v Variant) MakesPosterior() bool { return v.Head != nil || v.Steps != nil }

// OneCode tells whether each posterior is one code: nothing but its place then makes a KL.
func (v Variant) OneCode() bool { return v.Family() == CodeFamily && v.ConstantRate }

// IdleWeight tells whether no weight of the penalty changes anything.
func (v Variant) IdleWeight() bool { return v.ConstantRate && !v.BeyondKL && v.Bound == nil }

// A Gauge is a named number for every latent dimension, such as gamma_mu.
type Gauge struct {
	Name   string
	Doc    string // what it is, in one line, for vaelab list metrics
	Values []float64
}

// A Builder is what a method is built on: the place for its parameters, and what it may need of the model.
type Builder struct {
	Params *nn.Params
	D      int    // latent dimensions
	Space  Space  // of the examples
	Given  *Given // what reads their conditions; nil without any, and then no variant that is Conditional is built

	// Model is the model that is being built. It is complete when all methods are built: what Build returns may use it,
	// Build itself may not.
	Model *Model
	// Encoder and Decoder make another one like the model's, whose parameters are named encoder.name. and decoder.name. A
	// second decoder has no Inputs and Logits of variants. Where variants are checked before there is a model, they are nil.
	Encoder func(name string) Encoder
	Decoder func(name string) Decoder
	// Follower makes an encoder like the model's that learns nothing. Its numbers are buffers named encoder.name., which begin
	// as the model's. Follow moves each of them: w' <- decay w' + (1 - decay) w. Where variants are checked it is nil.
	Follower func(name string) (e Encoder, follow func(decay float64))
	// Data is a batch of n examples of the training split, drawn by the trial's seed: the same at each call. It is nil where
	// there are no data, as when weights are loaded, so what a model needs of it belongs in a buffer.
	Data func(n int) *Batch
}

// A Method is the settings of a variant; Build makes the variant and its parameters, whose names begin with "encoder.", or
// with "decoder." if the decoder's side learns them.
type Method interface {
	Build(b Builder) Variant
}

// A Model is an encoder, a decoder, a variant between them, and all their parameters.
type Model struct {
	Params  *nn.Params
	Encoder Encoder
	Decoder Decoder
	Variant Variant
	D       int
	Given   *Given // nil without conditions

	terms Terms // of the last Loss
}

// Posterior is q(z|x) of a batch.
func (m *Model) Posterior(p *nn.Pass, x *Batch) Posterior { return m.Refine(p, x, m.First(p, x)) }

// First is q(z|x) as encoder and head make it, before Refine.
func (m *Model) First(p *nn.Pass, x *Batch) Posterior {
	raw, scale := m.Raw(p, x)
	return m.Head(p, raw, scale, x)
}

// Raw is m and s of the encoder, as the head reads them: (B, D), or (N, D) for a StepsHead.
func (m *Model) Raw(p *nn.Pass, x *Batch) (raw, scale *grad.Value) {
	if m.Variant.Steps != nil {
		return m.Encoder.(StepsEncoder).EncodeSteps(p, x)
	}
	return m.Encoder.Encode(p, x)
}

// Refine applies the variant's refinement, or the vanilla one, which is none.
func (m *Model) Refine(p *nn.Pass, x *Batch, first Posterior) Posterior {
	if m.Variant.Refine == nil {
		return first
	}
	return m.Variant.Refine(p, m, x, first)
}

// Head applies the variant's head, or the vanilla one: mu = m, ln sigma² = s.
func (m *Model) Head(p *nn.Pass, raw, scale *grad.Value, x *Batch) Posterior {
	switch {
	case m.Variant.Steps != nil:
		return m.Variant.Steps(p, raw, scale, x)
	case m.Variant.Head != nil:
		return m.Variant.Head(p, raw, scale)
	}
	return FromLogvar(raw, scale)
}

// Prior is the variant's prior, or N(0, I).
func (m *Model) Prior() Prior {
	if m.Variant.Prior == nil {
		return Normal{}
	}
	return m.Variant.Prior
}

// Penalty applies the variant's penalty, or the vanilla one: the mean KL.
func (m *Model) Penalty(p *nn.Pass, t *Terms) *grad.Value {
	if m.Variant.Penalty == nil {
		return t.KL.RowSums().Mean()
	}
	return m.Variant.Penalty(p, t)
}

// Extra is the sum of the variant's extras, nil if it has none.
func (m *Model) Extra(p *nn.Pass, t *Terms) (sum *grad.Value) {
	for _, extra := range m.Variant.Extras {
		if v := extra(p, t); sum == nil {
			sum = v
		} else {
			sum = sum.Add(v)
		}
	}
	return sum
}

// Terms are the parts of one evaluation of the loss. A metric that regroups examples has neither X nor First.
type Terms struct {
	X     *Batch
	First Posterior // before Refine; Q without one
	Q     Posterior
	Z     *grad.Value // (B, D)
	Rec   *grad.Value // (B, 1) ln p(x|z)
	KL    *grad.Value // (B, J) KL(q(z|x) || p(z)) by part, nats

	Prior Prior // p(z) of these examples

	Penalty *grad.Value // (1, 1) what the loss charges, before the KL weight
	Extra   *grad.Value // (1, 1) the sum of the extras; nil without any
	Loss    *grad.Value // (1, 1)
}

// at is the whole method in a few lines: rec and penalty at a sample of a posterior, which the encoder made as first.
func (m *Model) at(p *nn.Pass, x *Batch, first, q Posterior, z *grad.Value, t *Terms) {
	rec := m.Decoder.LogProb(p, z, x)
	*t = Terms{X: x, First: first, Q: q, Z: z, Rec: rec, Prior: m.Prior(), KL: m.Prior().KL(p, q, z, x)}
	loss := rec.Mean().Neg()
	t.Penalty = m.Penalty(p, t)
	t.Loss = loss.Add(t.Penalty.Scale(p.KLWeight))
}

// Loss is the loss of a batch, in training with the auxiliary terms. The terms are those of the model's last call: the next one
// overwrites them.
func (m *Model) Loss(p *nn.Pass, x *Batch) *Terms {
	t := &m.terms
	if m.Variant.Bound != nil {
		m.bound(p, x)
	} else {
		first := m.First(p, x)
		q := m.Refine(p, x, first)
		m.at(p, x, first, q, q.Sample(p), t)
	}
	if t.Extra = m.Extra(p, t); t.Extra != nil {
		t.Loss = t.Loss.Add(t.Extra)
	}
	if p.Train {
		for _, auxiliary := range m.Variant.Auxiliary {
			t.Loss = t.Loss.Add(auxiliary(p, t))
		}
	}
	return t
}
