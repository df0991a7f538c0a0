package train

import (
	"math"
	"strconv"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// A Depth says how much Measure computes.
type Depth int

// The depths. Each has all of the one before.
const (
	Quick Depth = iota // what every evaluation has: metrics.All
	Final              // what the test row has: metrics.More, with what the settings ask for
	Full               // probes and the true likelihood, wherever the data have labels and a known generator
)

// trueExamples is how many sentences the true likelihood of a text generator is computed for:
// each takes about a tenth of a second.
const trueExamples = 200

// Measure is every metric of a model on a split, under running statistics, by name.
func Measure(m *vae.Model, trial Trial, set *data.Set, split data.Split, depth Depth) (map[string]float64, map[string][]float64) {
	settings, seed := trial.Train, uint64(trial.Seed)
	batches := split.Batches(settings.BatchSize, settings.Batching == "length", nil)
	e := metrics.Encode(m, batches, seed)
	values, vectors := metrics.All(e)
	if depth == Quick {
		return values, vectors
	}
	metrics.More(m, batches, e, settings.IWSamples, seed, values, vectors)
	if set.Truth != nil {
		values["mode_recovery"] = e.Recovery()
	}
	addTruth(trial, set, split, depth, values)
	if nelbo := values["nelbo"]; (settings.Probe || depth == Full) && split.Labels != nil && !math.IsNaN(nelbo) {
		for n, accuracy := range probeLabels(m, trial, set).ProbeCurve(e.Labelled()) {
			values["probe_"+strconv.Itoa(n)] = accuracy
		}
		values["probe_chance"] = e.Labelled().Chance()
	}
	return values, vectors
}

// probeLabels are posterior means of training examples, at most as many as the largest probe
// wants, in an order that depends on the seed and the data only: a smaller probe has the first
// of a larger one's.
func probeLabels(m *vae.Model, trial Trial, set *data.Set) (l metrics.Labelled) {
	order := stream.New(uint64(trial.Seed), "probe").Perm(set.Train.N())
	last := 0
	for _, n := range metrics.ProbeSizes {
		if n = min(n, len(order)); n == last {
			break
		}
		batches := set.Train.Pick(order[last:n]).Batches(trial.Train.BatchSize, trial.Train.Batching == "length", nil)
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

// A prior is a known generator that also knows the density of its z.
type prior interface{ LogPrior(z []float64) float64 }

// addTruth adds the mean true NLL of a split, the floor of every model's, where the generator is
// known: exactly for linear Gaussian data; for text, at full depth, over at most 200 sentences.
func addTruth(trial Trial, set *data.Set, split data.Split, depth Depth, values map[string]float64) {
	var nll []float64
	if source, ok := trial.Data.(data.Gaussian); ok {
		model, err := source.Model()
		if err != nil { // it could not have been loaded
			return
		}
		for _, x := range split.Values {
			nll = append(nll, model.NLL(x))
		}
	} else if p, ok := set.Truth.(prior); ok && depth == Full {
		n := min(trueExamples, split.N())
		for r := range n {
			i := r * split.N() / n
			joint := func(z []float64) float64 { return set.Truth.LogProb(z, split.Seqs[i]) + p.LogPrior(z) }
			nll = append(nll, metrics.TrueNLL(joint, split.Latents[i], stream.New(uint64(trial.Seed), "truth", i)))
		}
	}
	if len(nll) == 0 {
		return
	}
	var mean, squares float64
	for _, v := range nll {
		mean += v / float64(len(nll))
		squares += v * v / float64(len(nll))
	}
	values["true_nll"] = mean
	values["true_nll_se"] = math.Sqrt(max(0, squares-mean*mean) / float64(len(nll)))
}
