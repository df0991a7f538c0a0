package train

import (
	"context"
	"maps"
	"math"
	"sync"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/grad"
	"vaelab/internal/metrics"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// A Depth says how much Measure computes.
type Depth int

// The depths. Each has all of the one before.
const (
	Quick Depth = iota // what every evaluation has, the gap from one partner
	Final              // what the test row has
	Full               // probes too, wherever the data have labels
)

// trueExamples is how many sentences the true likelihood of a text generator is computed for:
// each takes about 7 ms.
const trueExamples = 100

// Measure is every metric of a model on a split, under running statistics, by name. What depends on
// which examples come together is drawn from streams named by the seed: partners, batches and
// halves. So another order of the split's examples changes a metric by its error only. If ctx ends, Measure stops
// before the next batch and returns ctx's error.
func Measure(ctx context.Context, m *vae.Model, trial Trial, set *data.Set, split data.Split, depth Depth) (values map[string]float64, vectors map[string][]float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			end, ok := r.(interruption)
			if !ok {
				panic(r)
			}
			values, vectors, err = nil, nil, end.error
		}
	}()
	writer := m
	m = stoppable(ctx, m)
	settings, seed := trial.Train, uint64(trial.Seed)
	s := &metrics.Split{
		Model: m, Batches: split.Batches(settings.BatchSize, settings.Batching, nil), Batching: settings.Batching, Partners: 1,
		Beta: trial.weigher(m.Variant).Goal(), Samples: settings.IWSamples, Seed: seed,
		Drawn: func() []*vae.Batch {
			return split.Batches(settings.BatchSize, settings.Batching, stream.New(seed, "statistics"))
		},
		Learn: func() metrics.Labelled { return probeLabels(m, trial, set) },
		Write: func() (written, references [][]int32) {
			return responses(ctx, writer, set, split, seed), split.Seqs
		},
	}
	if depth > Quick {
		s.Partners = metrics.GapDraws
	}
	s.Encoded = metrics.Encode(m, s.Batches, seed)
	facts := trial.facts(m.Variant)
	facts.Probe = (settings.Probe || depth == Full) && split.Labels != nil
	row := metrics.Measure(s, facts, depth > Quick)
	if depth > Quick {
		addTruth(trial, set, split, row.Values)
	}
	return row.Values, row.Vectors, nil
}

// An interruption is the error of a context that ended while a model was measured.
type interruption struct{ error }

// until panics with an interruption once a context has ended.
func until(ctx context.Context) {
	if err := ctx.Err(); err != nil {
		panic(interruption{err})
	}
}

// stoppable returns a model of the same parameters that panics with an interruption once ctx has ended. The
// metrics are a dozen passes over a split that know nothing of contexts; each batch of each goes through here.
func stoppable(ctx context.Context, m *vae.Model) *vae.Model {
	s := *m
	s.Encoder, s.Decoder = stoppableEncoder{m.Encoder, ctx}, stoppableDecoder{m.Decoder, ctx}
	return &s
}

type stoppableEncoder struct {
	vae.Encoder
	ctx context.Context
}

func (e stoppableEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	until(e.ctx)
	return e.Encoder.Encode(p, x)
}

// EncodeSteps is that of an encoder that has it.
func (e stoppableEncoder) EncodeSteps(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	until(e.ctx)
	return e.Encoder.(vae.StepsEncoder).EncodeSteps(p, x)
}

type stoppableDecoder struct {
	vae.Decoder
	ctx context.Context
}

func (d stoppableDecoder) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	until(d.ctx)
	return d.Decoder.LogProb(p, z, x)
}

// responses are sentences for the conditions of a split's examples, in its order: the likeliest word at each step, for one z
// that is drawn from the prior given the condition.
func responses(ctx context.Context, m *vae.Model, set *data.Set, split data.Split, seed uint64) (all [][]int32) {
	d, ok := generate.Conditional(m)
	if !ok {
		panic("train: responses: the decoder cannot write")
	}
	space := set.Space()
	const chunk = 500
	for first := 0; first < split.N(); first += chunk {
		until(ctx)
		rows := make([]int, min(chunk, split.N()-first))
		for i := range rows {
			rows[i] = first + i
		}
		some := split.Pick(rows)
		z := generate.PriorGiven(m, some, first, seed)
		for _, s := range generate.Greedy(d, generate.Beside(z, generate.Given(m, some)), generate.Words{V: space.V, Max: space.MaxLen - 2}) {
			all = append(all, s.Seq)
		}
	}
	return all
}

// probeLabels are posterior means of training examples, at most as many as the largest probe
// wants, drawn without replacement by the seed, so that the order of the file does not matter: a
// smaller probe has the first of a larger one's.
func probeLabels(m *vae.Model, trial Trial, set *data.Set) (l metrics.Labelled) {
	order := stream.New(uint64(trial.Seed), "probe").Perm(set.Train.N())
	last := 0
	for _, n := range metrics.ProbeSizes {
		if n = min(n, len(order)); n == last {
			break
		}
		batches := set.Train.Pick(order[last:n]).Batches(trial.Train.BatchSize, trial.Train.Batching, nil)
		for b, x := range batches {
			if x.Grey.Data != nil {
				x.Draw(stream.New(uint64(trial.Seed), "probe pixels", last, b))
			}
		}
		l.Means(m, batches)
		last = n
	}
	return l
}

// addTruth adds, where the generator is known, true_nll, the mean of -ln p(x) over a split, below which
// a model's NLL on data it has not seen is by chance only, and true_mi, what the generator's z tells of x, both in
// nats.
//
// For linear Gaussian data both are exact. For text true_nll is the mean of -ln p(x|z) over all
// sentences and their own z, which is exact and has nearly all that differs between sentences, plus
// true_mi, which is estimated from at most 100 sentences spread over the split. So the two have one
// standard error, true_nll_se, and one bias, up to 0.05 nats too large (metrics.TrueNLL). They are the
// same for every trial on these data, whose generator gives sentences no order that could matter.
func addTruth(trial Trial, set *data.Set, split data.Split, values map[string]float64) {
	if source, ok := trial.Data.(data.Gaussian); ok {
		model, err := source.Model()
		if err != nil { // it could not have been loaded
			return
		}
		for _, x := range split.Values {
			values["true_nll"] += model.NLL(x) / float64(split.N())
		}
		values["true_mi"] = model.Information()
		return
	}
	if set.Truth == nil || split.N() == 0 {
		return
	}
	known, _ := truths.LoadOrStore(examples{&split.Latents[0], split.N()}, sync.OnceValue(func() map[string]float64 { return truth(set.Truth, split) }))
	maps.Copy(values, known.(func() map[string]float64)())
}

// truths holds what truth returns for each split: trials on the same examples, side by side or in turn, compute it once.
// It would take a third of a small trial's time.
var truths sync.Map

// examples identifies those of a split by where its latents begin and how many there are.
type examples struct {
	first *[]float64
	n     int
}

// truth is addTruth's values where the generator is a Truth.
func truth(generator data.Truth, split data.Split) map[string]float64 {
	given := generator.LogProbs(split.Latents, split.Seqs) // ln p(x|z) of each
	n := min(trueExamples, split.N())
	var mi, squares, rec float64
	for r := range n {
		i := r * split.N() / n
		told := given[i] + metrics.TrueNLL(logJoint(generator, split.Seqs[i]), split.Latents[i], stream.New(0, "truth", i))
		mi += told / float64(n)
		squares += told * told / float64(n)
	}
	for _, l := range given {
		rec -= l / float64(split.N())
	}
	return map[string]float64{
		"true_nll": rec + mi, "true_mi": mi,
		"true_nll_se": math.Sqrt(max(0, squares-mi*mi) / float64(n)),
	}
}

// logJoint is ln p(x, z) of a sentence for many z.
func logJoint(truth data.Truth, seq []int32) func(z [][]float64) []float64 {
	return func(z [][]float64) []float64 {
		same := make([][]int32, len(z))
		for k := range same {
			same[k] = seq
		}
		logp := truth.LogProbs(z, same)
		for k := range logp {
			logp[k] += truth.LogPrior(z[k])
		}
		return logp
	}
}
