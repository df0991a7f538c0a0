package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/metrics"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// ErrDiverged says that a loss or a gradient stopped being a finite number.
var ErrDiverged = errors.New("training diverged")

// A Trainer is a trial in progress. Everything the next step depends on is in its model,
// its optimiser and its progress; the data order and the noise are drawn from streams
// named by epoch and step.
type Trainer struct {
	Model *vae.Model

	trial   Trial
	set     *data.Set
	learnt  []*nn.Param
	sides   metrics.Sides // of learnt
	opts    []sided       // of both sides together; with a regime one for each side
	weigher vae.Weigher
	tape    grad.Tape
	batches []*vae.Batch // of the current epoch, in order
	epoch   int          // the epoch those batches belong to, or -1
	best    []safetensors.Tensor
	pass    nn.Pass
	eps     *stream.Stepper
	dropout *stream.Stepper
	pixels  *stream.Stepper
	inner   [4]*stream.Stepper // eps, dropout, pixels and batch of inner updates
	unread  []float64          // the KL by part of an inner update, which no row has
	hooks   Hooks
	resumed bool // from a checkpoint
	alone   bool // the checkpoints of earlier owners of the folder have been removed
	progress
}

// progress is what a checkpoint keeps beside tensors.
type progress struct {
	Step    int           // steps done
	Epoch   int           // epochs done
	Batch   int           // batches of the current epoch done
	LR      float64       // the current learning rate
	Plateau optim.Plateau // memory of the decay
	Waiting optim.Waiting // memory of train.stop
	Sum     sums          // what the next row of split train averages
	Monitor metrics.Monitor
	Seen    vae.Seen   // what a regime is told next
	LagMost float64    // the largest inference lag so far
	Rows    record.Sum // of the part of rows.jsonl that this progress stands for

	Unweighed int // steps at a KL weight of the regime's, which the weigher does not count
	PhaseEnd  int // steps done when the regime left its first phase; 0 before
	Updates   int // of the decoder, since it was drawn
}

// The metrics that a row of split train averages; see has.
const (
	loss = iota
	rec
	kl
	nelbo
	klWeight
	lr
	gradNorm
	gradEncoder
	gradDecoder
	clipped
	penalty
	extra
	mu2
	sigma2
	moment
	klMu
	floor
	slack
	inner
	counted
	klTarget
	recTarget
	firstPhase
	numSums
)

var sumNames = [numSums]string{
	"loss", "rec", "kl", "nelbo", "kl_weight", "lr", "grad_norm", "grad_encoder", "grad_decoder", "clipped", "penalty", "extra",
	"mu2", "sigma2", "moment", "kl_mu", "floor", "slack", "inner", "counts", "kl_target", "rec_target",
	"first_phase",
}

// sums adds up a step's numbers until they become a row.
type sums struct {
	Steps    int
	Values   []float64 // numSums; nil before the first step
	KLDim    []float64
	SlackMin float64 // the smallest slack of these steps; 0 before the first
}

// New builds a trial's model, not trained yet.
func New(trial Trial, set *data.Set) (*Trainer, error) {
	m, err := trial.Build(set.Space(), set.Train)
	if err != nil {
		return nil, err
	}
	t := &Trainer{Model: m, trial: trial, set: set, learnt: m.Params.Learnt(), epoch: -1}
	t.sides = metrics.SidesOf(t.learnt)
	t.LR, t.weigher = trial.Train.LR, trial.weigher(m.Variant)
	t.eps = stream.NewStepper(uint64(trial.Seed), "eps")
	t.dropout = stream.NewStepper(uint64(trial.Seed), "dropout")
	t.pixels = stream.NewStepper(uint64(trial.Seed), "pixels")
	optimizer, err := optim.Optimizers.Get(trial.Train.Optimizer)
	if err != nil {
		return nil, err
	}
	t.opts = []sided{{0, optim.Weights(t.learnt), optimizer.Make(t.learnt, trial.Train.Momentum)}}
	if m.Variant.Regime != nil {
		t.opts = nil
		for side, params := range map[vae.Sides][]*nn.Param{vae.EncoderSide: t.sides.Encoder, vae.DecoderSide: t.sides.Decoder} {
			t.opts = append(t.opts, sided{side, optim.Weights(params), optimizer.Make(params, trial.Train.Momentum)})
		}
		slices.SortFunc(t.opts, func(a, b sided) int { return int(a.side - b.side) })
		for i, purpose := range []string{"inner eps", "inner dropout", "inner pixels", "inner batch"} {
			t.inner[i] = stream.NewStepper(uint64(trial.Seed), purpose)
		}
	}
	t.load(0)
	if len(t.batches) == 0 && trial.Train.Epochs > 0 {
		return nil, fmt.Errorf("nothing to train on: the training split of %s has no batch of two or more examples; use a train.batch_size of at least 2, batching: near, or more data", set.Name)
	}
	if trial.Train.Stop.Patience > 0 && set.Valid.N() == 0 {
		return nil, fmt.Errorf("train.stop needs a validation split, and %s has none; add one, or set train.stop.patience to 0", set.Name)
	}
	if regime := m.Variant.Regime; regime != nil && regime.Phase().Ask != "" && set.Valid.N() == 0 {
		return nil, fmt.Errorf("the training regime of %s needs %s of a validation split, and %s has none; add one, or choose another variant", trial.Variant, regime.Phase().Ask, set.Name)
	}
	return t, nil
}

// load makes the batches of an epoch, counted from 0. A batch of one sentence is left
// out, for every variant alike, so that all see the same data.
func (t *Trainer) load(epoch int) {
	if t.epoch == epoch {
		return
	}
	t.epoch, t.batches = epoch, t.batches[:0]
	order := stream.New(uint64(t.trial.Seed), "order", epoch)
	for _, x := range t.set.Train.Batches(t.trial.Train.BatchSize, t.trial.Train.Batching, order) {
		if x.B() > 1 {
			t.batches = append(t.batches, x)
		}
	}
}

// StepsPerEpoch is the number of training steps in an epoch.
func (t *Trainer) StepsPerEpoch() int { return len(t.batches) }

// Steps is the number of training steps of the whole trial, if neither train.stop nor the last
// decay ends it earlier.
func (t *Trainer) Steps() int {
	n := t.trial.Train.Epochs * t.StepsPerEpoch()
	if m := t.trial.Train.MaxSteps; m > 0 {
		n = min(n, m)
	}
	return n
}

// Length is the number of training steps in an epoch and in the whole trial, without a model.
func Length(trial Trial, set *data.Set) (perEpoch, steps int) {
	t := &Trainer{trial: trial, set: set, epoch: -1}
	t.load(0)
	return t.StepsPerEpoch(), t.Steps()
}

// FirstPhase is how many of the steps the first phase of the regime takes at least and at most, and how many updates of the
// weights a step has had so far; without a regime 0, 0 and 1.
func (t *Trainer) FirstPhase() (least, most int, updates float64) {
	if t.Model.Variant.Regime == nil {
		return 0, 0, 1
	}
	phase := t.Model.Variant.Regime.Phase()
	least, most = min(t.Steps(), phase.Least*t.StepsPerEpoch()), t.Steps()
	if phase.Most > 0 {
		most = min(most, phase.Most*t.StepsPerEpoch())
	}
	return least, most, 1 + float64(t.Seen.Inner)/float64(max(1, t.Step))
}

// NextTokens is the number of symbols that the next step will predict.
func (t *Trainer) NextTokens() int {
	t.load(t.Epoch)
	return t.batches[t.Batch].Tokens()
}

// MeanTokens is the mean number of symbols that a step of the present epoch predicts.
func (t *Trainer) MeanTokens() float64 {
	t.load(t.Epoch)
	n := 0
	for _, x := range t.batches {
		n += x.Tokens()
	}
	return float64(n) / float64(max(1, len(t.batches)))
}

// mostInner is how many inner updates may come before a step: a regime with more never ends.
const mostInner = 100000

// TrainStep makes one step on the next batch, with the inner updates that a regime puts before it, and adds the step's numbers
// to the next row.
func (t *Trainer) TrainStep() error {
	t.load(t.Epoch)
	regime := t.Model.Variant.Regime
	for n := 0; ; n++ {
		var plan vae.Plan
		if regime != nil {
			before := regime.Phase()
			t.Seen.Step, t.Seen.StepsPerEpoch, t.Seen.Epoch = t.Step, len(t.batches), t.Epoch
			plan = regime.Next(t.Seen)
			t.Seen.Valid = nil
			if before.First && !regime.Phase().First {
				t.PhaseEnd = t.Step
			}
		}
		if n == mostInner {
			return fmt.Errorf("step %d has more than %d inner updates; the method's regime never leaves them", t.Step+1, mostInner)
		}
		if err := t.update(plan, n); err != nil {
			return err
		}
		if !plan.Inner {
			break
		}
		t.Seen.Inner++
	}
	t.Step++
	t.Batch++
	return nil
}

// A sided is the optimiser of a side, or of both.
type sided struct {
	side    vae.Sides   // 0 for both
	decayed []*nn.Param // those of its parameters that weight decay acts on
	opt     optim.Optimizer
}

// prefix begins the names of the optimiser's numbers in a checkpoint.
func (s sided) prefix() string {
	return [...]string{"optimizer/", "optimizer/encoder/", "optimizer/decoder/"}[s.side]
}

// draw draws sides anew. What the optimisers of both sides, the decay and the best weights remember is of a model with other
// weights, and is forgotten.
func (t *Trainer) draw(sides vae.Sides) {
	for _, p := range t.Model.Params.All() {
		if sides.Has(p.Name) {
			t.Model.Params.Redraw(p)
		}
	}
	for _, s := range t.opts {
		s.opt.Reset()
	}
	t.LR, t.Plateau, t.Waiting, t.best = t.trial.Train.LR, optim.Plateau{}, optim.Waiting{}, nil
	if sides&vae.DecoderSide != 0 {
		t.Updates = 0
	}
}

// batch is the batch of an update and its pass.
func (t *Trainer) batch(plan vae.Plan) *vae.Batch {
	x, at, eps, dropout, pixels := t.batches[t.Batch], t.Step, t.eps, t.dropout, t.pixels
	if plan.Inner {
		at, eps, dropout, pixels = t.Seen.Inner, t.inner[0], t.inner[1], t.inner[2]
		if plan.Random {
			x = t.batches[t.inner[3].At(at).IntN(len(t.batches))]
		}
	}
	t.pass = nn.Pass{
		Tape: &t.tape, Train: true,
		KLWeight: nn.Float(t.weigher.Weight(t.Step-t.Unweighed, len(t.batches))),
		Noise:    eps.At(at),
		Drop:     dropout.At(at),
	}
	if plan.Fixed {
		t.pass.KLWeight = nn.Float(plan.Weight)
	}
	if x.Grey.Data != nil {
		x.Draw(pixels.At(at))
	}
	return x
}

// update changes the weights once; before is the number of inner updates of this step.
func (t *Trainer) update(plan vae.Plan, before int) error {
	if plan.Reset != 0 {
		t.draw(plan.Reset)
	}
	x := t.batch(plan)
	var v [numSums]float64
	if t.Model.Variant.Floor != nil {
		v[floor] = t.Model.Variant.Floor() // under the parameters that this step's KL is made with
	}
	t.Model.Params.ZeroGrad()
	terms := t.Model.Loss(&t.pass, x)
	terms.Loss.Backward()
	v[gradEncoder], v[gradDecoder] = t.sides.Norms()
	norm := math.Hypot(v[gradEncoder], v[gradDecoder])
	v[loss], v[gradNorm] = terms.Loss.Scalar(), norm
	if sum := v[loss] + norm; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("%w at step %d: loss %v, gradient norm %v; try a smaller train.lr or train.clip", ErrDiverged, t.Step+1, v[loss], norm)
	}
	scale := optim.Clip(norm, t.trial.Train.Clip)
	for _, s := range t.opts {
		if plan.Only == 0 || s.side&plan.Only != 0 {
			optim.WeightDecay(s.decayed, t.LR, t.trial.Train.WeightDecay)
			s.opt.Step(t.LR, scale)
		}
	}
	if plan.Only == 0 || plan.Only&vae.DecoderSide != 0 {
		t.Updates++
	}
	if project := t.Model.Variant.Project; project != nil && (plan.Only == 0 || plan.Only&vae.EncoderSide != 0) {
		project()
	}
	if plan.Inner {
		if t.unread == nil {
			t.unread = make([]float64, terms.KL.Cols)
		}
		t.saw(terms, x, t.unread)
		t.tape.Reset()
		return nil
	}
	v[inner] = float64(before)
	if t.Sum.KLDim == nil {
		t.Sum.KLDim = make([]float64, terms.KL.Cols)
	}
	v[mu2], v[sigma2] = t.saw(terms, x, t.Sum.KLDim)
	v[kl], v[rec] = t.Seen.KL, t.Seen.Rec
	v[nelbo] = v[rec] + v[kl]
	if t.counts() {
		v[counted] = 1
	}
	if s, ok := t.weigher.(vae.Steering); ok {
		_, v[klTarget] = s.Target()
		v[recTarget] = v[klTarget]
	}
	if regime := t.Model.Variant.Regime; regime != nil && regime.Phase().First {
		v[firstPhase] = 1
	}
	if plan.Fixed {
		t.Unweighed++
	} else {
		t.weigher.Saw(v[kl], v[rec])
	}
	if v[penalty] = terms.Penalty.Scalar(); terms.Extra != nil {
		v[extra] = terms.Extra.Scalar()
	}
	v[klWeight], v[lr] = float64(t.pass.KLWeight), t.LR
	if scale < 1 {
		v[clipped] = 1
	}
	v[moment] = v[mu2] + v[sigma2]
	v[klMu] = 0.5 * v[mu2] * float64(t.Model.D)
	v[slack] = v[kl] - v[floor]
	if t.Sum.Values == nil {
		t.Sum.Values = make([]float64, numSums)
	}
	for i := range v {
		t.Sum.Values[i] += v[i]
	}
	if t.Sum.Steps == 0 || v[slack] < t.Sum.SlackMin {
		t.Sum.SlackMin = v[slack]
	}
	t.Sum.Steps++
	t.tape.Reset()
	return nil
}

// saw keeps what a regime is told of an update, and adds the KL of each part to perDim.
func (t *Trainer) saw(terms *vae.Terms, x *vae.Batch, perDim []float64) (mu2, sigma2 float64) {
	s := &t.Seen
	s.KL, mu2, sigma2 = metrics.Moments(terms.Q, t.Model.Prior(), terms.KL, perDim)
	s.Rec, s.Loss = -terms.Rec.Mean().Scalar(), terms.Loss.Scalar()
	s.Examples, s.Tokens = x.B(), x.Tokens()
	return mu2, sigma2
}

// trainRow is the mean since the last one, with the smallest slack of a single batch, because a floor
// is a theorem about each, and the variant's gauges as they are now.
func (t *Trainer) trainRow() record.Row {
	n := float64(t.Sum.Steps)
	row := t.row("train", map[string]float64{}, map[string][]float64{})
	for i, v := range t.Sum.Values {
		if t.has(i) {
			row.Values[sumNames[i]] = v / n
		}
	}
	if t.Model.Variant.Floor != nil {
		row.Values["slack_min"] = t.Sum.SlackMin
	}
	row.Values["grad_ratio"] = metrics.GradRatio(row.Values["grad_encoder"], row.Values["grad_decoder"])
	for j := range t.Sum.KLDim {
		t.Sum.KLDim[j] /= n
	}
	switch v := t.Model.Variant; {
	case v.Levels:
		row.Vectors["kl_level"] = t.Sum.KLDim
	case v.KLParts == 0:
		row.Vectors["kl_dim"] = t.Sum.KLDim
	}
	if t.PhaseEnd > 0 {
		row.Values["phase_end"] = float64(t.PhaseEnd)
	}
	if t.Model.Variant.Gauges != nil {
		for _, g := range t.Model.Variant.Gauges() {
			row.Vectors[g.Name] = g.Values
		}
	}
	t.Sum = sums{}
	return row
}

// has tells whether the trial has a metric that rows of split train average.
func (t *Trainer) has(i int) bool {
	v := t.Model.Variant
	switch i {
	case floor, slack:
		return v.Floor != nil
	case penalty:
		return v.Bound == nil
	case extra:
		return v.Extras != nil
	case inner, firstPhase:
		return v.Regime != nil
	case counted:
		return needCounts.Met(metrics.Facts{Variant: v})
	case klTarget, recTarget:
		return steered(v) == strings.TrimSuffix(sumNames[i], "_target")
	case mu2, sigma2, moment, klMu:
		return v.Gaussian()
	}
	return true
}

func (t *Trainer) row(split string, values map[string]float64, vectors map[string][]float64) record.Row {
	return record.Row{
		Step: t.Step, Epoch: float64(t.Step) / float64(max(1, t.StepsPerEpoch())),
		Split: split, Values: values, Vectors: vectors,
	}
}

// Evaluate measures the model on a split under running statistics, as every evaluation does.
func (t *Trainer) Evaluate(name string, split data.Split) record.Row {
	row, _, _ := t.judge(context.Background(), name, split, Quick) // which never ends
	return row
}

// The values of stopped: what ended training.
const (
	byItself  = iota // its last step
	byStop           // train.stop
	byDecayed        // the last decay
)

// mayEnd tells whether training can end before its last step.
func (t Trial) mayEnd() bool { return t.Train.Stop.Patience > 0 || t.Train.Decay.Patience > 0 }

// ended says what ends training before its last step, or byItself.
func (t *Trainer) ended() int {
	switch {
	case t.Step >= t.Steps():
		return byItself
	case t.Waiting.Over:
		return byStop
	case t.Plateau.Decays >= max(1, t.trial.Train.Decay.Max):
		return byDecayed
	}
	return byItself
}

// counts tells whether an evaluation counts after the steps that are done: for train.stop, train.decay and report: best.
func (t *Trainer) counts() bool {
	regime := t.Model.Variant.Regime
	return t.Step-t.Unweighed >= t.weigher.Final(t.StepsPerEpoch()) && (regime == nil || !regime.Phase().Void)
}

// judge measures the model on a split and says how it stands with collapse: state is a metrics.State, and collapse_step, if it has collapsed, the step of the
// evaluation that first saw it.
func (t *Trainer) judge(ctx context.Context, name string, split data.Split, depth Depth) (record.Row, metrics.Monitor, error) {
	values, vectors, err := Measure(ctx, t.Model, t.trial, t.set, split, depth)
	if err != nil {
		return record.Row{}, t.Monitor, err
	}
	seen := t.Monitor.Next(t.Step, metrics.Reading{
		KL: values["kl"], MI: values["mi"], Gap: values["gap"], Floor: values["floor"],
	})
	if name == "valid" && needCounts.Met(metrics.Facts{Variant: t.Model.Variant}) {
		values["counts"] = 0
		if t.counts() {
			values["counts"] = 1
		}
	}
	if regime := t.Model.Variant.Regime; regime != nil {
		values["first_phase"] = 0
		if regime.Phase().First {
			values["first_phase"] = 1
		}
		if t.PhaseEnd > 0 {
			values["phase_end"] = float64(t.PhaseEnd)
		}
	}
	values["state"] = float64(seen.State)
	if seen.State == metrics.Collapsed {
		values["collapse_step"] = float64(seen.Since)
	}
	if name == "test" && t.trial.mayEnd() {
		values["stopped"] = float64(t.ended())
	}
	if name == "test" && t.trial.Train.Stop.MinUpdates > 0 {
		values["decoder_updates"] = float64(t.Updates)
	}
	return t.row(name, values, vectors), seen, nil
}

// lagRows are those examples: drawn, because the first of a file may be alike, from a stream without a
// seed, so that they are the same at every step and for all trials on the data.
func lagRows(n int) []int {
	rows := stream.New(0, "lag").Perm(n)[:min(metrics.LagExamples, n)]
	slices.Sort(rows)
	return rows
}

// Lag measures the inference lag, of the weights as they are, and the largest one so far.
func (t *Trainer) Lag() record.Row {
	l := metrics.LagOf(t.Model, t.set.Valid.Pick(lagRows(t.set.Valid.N())).Batches(t.trial.Train.BatchSize, t.trial.Train.Batching, nil))
	model, mu := l.Spread()
	t.LagMost = max(t.LagMost, l.Behind())
	return t.row("valid",
		map[string]float64{"lag": l.Behind(), "lag_most": t.LagMost, "lag_distance": l.Distance(), "lag_model_sd": model, "lag_mu_sd": mu},
		map[string][]float64{"lag_model": l.Model, "lag_mu": l.Mu})
}
