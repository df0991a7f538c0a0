package metrics

import (
	"slices"

	"vaelab/internal/vae"
)

// A Metric is a name in the rows of trials, with what it means.
type Metric struct {
	Name   string
	Unit   string   // nats are per example; empty for a pure number
	Doc    string   // what it is, in one line
	Splits []string // whose rows have it
	Vector bool     // several numbers: one per latent dimension, or Size
	Size   int      // how many, if not one per latent dimension
	Need   *Need    // nil if every trial has it
}

// Needs says what a trial must have so that its rows have the metric; it is empty if all have.
func (m Metric) Needs() string {
	if m.Need == nil {
		return ""
	}
	return m.Need.What
}

// Facts are what decides whether the rows of a trial have a metric. They are known before the trial has run.
type Facts struct {
	Kind    vae.Kind    // of the examples
	Given   vae.Kind    // of their conditions, empty without any
	D       int         // latent dimensions
	Samples int         // of the importance-weighted likelihood
	Truth   Truth       // what is known of the generator of the data
	Probe   bool        // labels are probed
	Lag     bool        // the inference lag is measured
	MayEnd  bool        // training can end before its last step
	Updates bool        // updates of the decoder have a minimum
	Variant vae.Variant // at its start
}

// A Truth is what is known of the generator of the data.
type Truth int

// What is known.
const (
	NoTruth Truth = iota
	Modes         // the latents of each example, from a mixture
	Exact         // the density
)

// A Need is what a trial must have so that its rows have a metric.
type Need struct {
	What string
	Met  func(f Facts) bool // nil if it cannot be known before the trial has run
}

// The needs that several metrics have.
var (
	NeedGaussian = &Need{"a Gaussian posterior", func(f Facts) bool { return f.Variant.Gaussian() }}
	NeedDims     = &Need{"a KL of each latent dimension, which posteriors on a sphere, flows and mixture priors do not have", func(f Facts) bool { return f.Variant.KLParts == 0 }}
	NeedMarginal = &Need{"a prior without a condition", func(f Facts) bool { return !f.Variant.Conditional }}
	NeedFloor    = &Need{"a method with a floor under the KL", func(f Facts) bool { return f.Variant.Floor != nil }}
	NeedPenalty  = &Need{"a loss with a penalty, which a bound of several samples does not have", func(f Facts) bool { return f.Variant.Bound == nil }}
	NeedExtra    = &Need{"a method with an extra term of the loss", func(f Facts) bool { return f.Variant.Extras != nil }}
	NeedModes    = &Need{"synthetic data", func(f Facts) bool { return f.Truth == Modes }}
)

// The splits that groups are measured on.
var (
	Everywhere  = []string{"train", "valid", "test"}
	Evaluations = []string{"valid", "test"} // every evaluation
	Tests       = []string{"test"}          // the last one, and vaelab eval
	TrainRows   = []string{"train"}
	ValidRows   = []string{"valid"}
)

// A Group is metrics that are measured together, with what they need.
type Group struct {
	Splits  []string
	Need    *Need
	Measure func(s *Split, r Row) // nil if the rows get them otherwise: from the training loop
	Metrics []Metric
}

// A Split is an encoded split with what metrics may ask of it.
type Split struct {
	*Encoded
	Model    *vae.Model
	Batches  []*vae.Batch        // as encoded
	Drawn    func() []*vae.Batch // the examples in batches that are drawn anew
	Batching vae.Batching
	Beta     float64                                // weight of the penalty in the objective
	Partners int                                    // of each example in gap
	Samples  int                                    // of the importance-weighted likelihood
	Learn    func() Labelled                        // labelled examples of training, for probes
	Write    func() (written, references [][]int32) // a sentence for the condition of each example, and the example
	Seed     uint64
}

// A Row is where metrics are put by name.
type Row struct {
	Values  map[string]float64
	Vectors map[string][]float64
}

var groups []Group

// Register adds metrics. It panics on a name that there is already.
func Register(g Group) {
	for _, m := range g.Metrics {
		if slices.ContainsFunc(Registered(), func(o Metric) bool { return o.Name == m.Name }) {
			panic("metrics: duplicate " + m.Name)
		}
	}
	groups = append(groups, g)
}

// Registered are all metrics in the order of their registration.
func Registered() (all []Metric) {
	for _, g := range groups {
		for _, m := range g.Metrics {
			m.Splits, m.Need = g.Splits, g.Need
			all = append(all, m)
		}
	}
	return all
}

// Measure is every registered metric of a split that its facts allow, and the variant's gauges: those of every evaluation, and
// if it is final those of the last one, too.
func Measure(s *Split, f Facts, final bool) Row {
	r := Row{Values: map[string]float64{}, Vectors: map[string][]float64{}}
	for _, g := range groups {
		if g.Measure == nil || !final && !slices.Contains(g.Splits, "valid") || g.Need != nil && !g.Need.Met(f) {
			continue
		}
		g.Measure(s, r)
	}
	if v := s.Model.Variant; v.Gauges != nil {
		for _, g := range v.Gauges() {
			r.Vectors[g.Name] = g.Values
		}
	}
	return r
}

// once is what f returns, computed once for an encoded split.
func once[T any](e *Encoded, name string, f func() T) T {
	if v, ok := e.memo[name]; ok {
		return v.(T)
	}
	if e.memo == nil {
		e.memo = map[string]any{}
	}
	v := f()
	e.memo[name] = v
	return v
}
