package train

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// small is a trial on little data, for tests and benchmarks: text, or vectors for methods that act on these.
func small(t testing.TB, hidden int, settings Settings, methods ...vae.Method) (Trial, *data.Set) {
	t.Helper()
	source, load := smallData, smallSet
	if v, err := variants.Check(methods...); err == nil && v.Conditional {
		source, load = halvesData, halvesSet
	}
	set, err := load()
	if err != nil {
		t.Fatal(err)
	}
	own := *set // tests may give it other splits
	trial := Trial{
		Trial:   record.Trial{Format: record.Format, Experiment: "test", ID: "test", Variant: "test", Seed: 3},
		Data:    source,
		Model:   models.LSTM{LatentDim: 4, EmbedDim: hidden, EncHidden: hidden, DecHidden: hidden, DropoutIn: 0.2, DropoutOut: 0.2, Init: "pytorch"},
		Methods: methods,
		KL:      optim.DefaultKL,
		Train:   settings,
	}
	if v, err := variants.Check(methods...); err == nil && v.Kind == vae.Vector {
		vectors := data.Gaussian{Train: 320, Valid: 60, Test: 60, Dims: 6, Spectrum: "5 2", Noise: 0.5, Seed: 7}
		set, err := vectors.Load()
		if err != nil {
			t.Fatal(err)
		}
		trial.Data, trial.Model = vectors, models.Linear{LatentDim: 4, Noise: 1}
		return trial, set
	}
	return trial, &own
}

var (
	smallData = data.Synthetic{Train: 320, Valid: 60, Test: 60, Length: 10, Vocab: 200, Hidden: 20, Embed: 20, Seed: 7}
	smallSet  = sync.OnceValues(smallData.Load) // training changes no data

	halvesData = data.Synthetic{Train: 320, Valid: 60, Test: 60, Length: 10, Vocab: 200, Hidden: 20, Embed: 20, Seed: 7, Given: "half"}
	halvesSet  = sync.OnceValues(halvesData.Load) // what methods with conditions are trained on
)

// A size is a text VAE as the field trains it, and the batch B.
type size struct {
	name             string
	E, H, D, V, T, B int
}

var sizes = []size{
	{"small", 64, 128, 16, 2000, 16, 32},
	{"snli", 128, 512, 32, 9990, 12, 32},
	{"ptb", 256, 256, 32, 10000, 23, 32},
	{"yelp", 512, 1024, 32, 20000, 98, 32},
}

// ragged are sizes that tiles and vectors do not divide, each behind a round one.
var ragged = []size{
	{"batch-8", 64, 128, 16, 2000, 16, 8}, {"batch-7", 64, 128, 16, 2000, 16, 7},
	{"batch-32", 64, 128, 16, 2000, 16, 32}, {"batch-31", 64, 128, 16, 2000, 16, 31}, {"batch-33", 64, 128, 16, 2000, 16, 33},
	{"hidden-104", 64, 104, 16, 2000, 16, 32}, {"hidden-100", 64, 100, 16, 2000, 16, 32},
	{"hidden-128", 64, 128, 16, 2000, 16, 32}, {"hidden-124", 64, 124, 16, 2000, 16, 32},
	{"hidden-256", 128, 256, 32, 10000, 12, 32}, {"hidden-250", 128, 250, 32, 10000, 12, 32},
	{"hidden-304", 128, 304, 32, 10000, 12, 32}, {"hidden-300", 128, 300, 32, 10000, 12, 32},
	{"words-10000", 128, 256, 32, 10000, 12, 32}, {"words-9990", 128, 256, 32, 9990, 12, 32}, {"words-10001", 128, 256, 32, 10001, 12, 32},
}

// trainer builds a model of that size with a few batches of random sentences of one length.
func (s size) trainer(b *testing.B) *Trainer {
	settings := Defaults
	settings.Optimizer, settings.LR, settings.BatchSize = "sgd", 0.5, s.B
	trial, set := small(b, 8, settings)
	trial.Model = models.LSTM{LatentDim: s.D, EmbedDim: s.E, EncHidden: s.H, DecHidden: s.H, DropoutIn: 0.5, DropoutOut: 0.5, Init: "bn-vae"}
	words := make([]string, s.V-4)
	for i := range words {
		words[i] = fmt.Sprint("w", i)
	}
	set.Vocab = data.NewVocab(words)
	rng := stream.New(1, "benchmark")
	set.Train = data.Split{}
	for range s.B * 4 {
		seq := make([]int32, s.T+1)
		for t := range seq {
			seq[t] = int32(4 + rng.IntN(s.V-4))
		}
		set.Train.Seqs = append(set.Train.Seqs, seq)
	}
	t, err := New(trial, set)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// onAllCores runs a benchmark for each size on as many cores as -cpu says. The function
// returns the symbols that one round predicts, and the operations of the products for each:
// what is reported is their rate, and its share of the multiply-add ceiling of those cores.
func onAllCores(b *testing.B, sizes []size, f func(b *testing.B, s size) (tokens int, flops float64)) {
	ceiling := tensor.Ceiling(time.Now)
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			cores := runtime.GOMAXPROCS(0)
			tensor.SetProcs(cores)
			tensor.SetClock(time.Now) // as the program does
			defer tensor.SetProcs(1)
			b.ReportAllocs()
			tokens, flops := f(b, s)
			rate := float64(tokens*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "tokens/s")
			if ceiling > 0 {
				b.ReportMetric(100*rate*flops/ceiling/float64(cores), "%ceiling")
			}
		})
	}
}

// BenchmarkStep is one training step, SGD with clipping.
func BenchmarkStep(b *testing.B) { benchmarkSteps(b, sizes) }

// BenchmarkRagged is one step with sizes that tiles and vectors do not divide, beside round ones.
func BenchmarkRagged(b *testing.B) { benchmarkSteps(b, ragged) }

func benchmarkSteps(b *testing.B, sizes []size) {
	onAllCores(b, sizes, func(b *testing.B, s size) (int, float64) {
		t := s.trainer(b)
		step := func() {
			t.Batch = t.Step % len(t.batches)
			if err := t.TrainStep(); err != nil {
				b.Fatal(err)
			}
		}
		step()
		for b.Loop() {
			step()
		}
		return s.B * s.T, t.trial.Model.(models.Counter).FlopsPerToken(t.set.Space())
	})
}

// BenchmarkIWNLL is the importance-weighted likelihood with 500 samples of z for each of four
// sentences: the decoder forward, and next to nothing else.
func BenchmarkIWNLL(b *testing.B) {
	const K, B = 500, 4
	onAllCores(b, sizes[:3], func(b *testing.B, s size) (int, float64) {
		t := s.trainer(b)
		four := []*vae.Batch{vae.NewBatch(t.set.Train.Seqs[:B], nil)}
		for b.Loop() {
			metrics.IWNLL(t.Model, four, K, 1)
		}
		E, H, D, V := float64(s.E), float64(s.H), float64(s.D), float64(s.V)
		return K * B * s.T, 8*H*(E+D+H) + 2*H*V
	})
}
