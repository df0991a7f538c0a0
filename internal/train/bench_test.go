package train

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/tensor/kernel"
	"vaelab/internal/vae"
)

// small is a trial on little data, for tests and benchmarks.
func small(t testing.TB, hidden int, settings Settings, methods ...vae.Method) (Trial, *data.Set) {
	t.Helper()
	source := data.Synthetic{Train: 320, Valid: 60, Test: 60, Length: 10, Vocab: 200, Hidden: 20, Embed: 20, Seed: 7}
	set, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	return Trial{
		Trial:   record.Trial{Format: record.Format, Experiment: "test", ID: "test", Variant: "test", Seed: 3},
		Data:    source,
		Model:   models.LSTM{LatentDim: 4, EmbedDim: hidden, EncHidden: hidden, DecHidden: hidden, DropoutIn: 0.2, DropoutOut: 0.2, Init: "pytorch"},
		Methods: methods,
		KL:      optim.DefaultKL,
		Train:   settings,
	}, set
}

// BenchmarkStep is one training step, SGD with clipping, on random sentences of one length,
// at the sizes that the field trains on. It gives the share of the multiply-add ceiling of
// the cores that -cpu allows, counting the products only: 3 [8H(E+H) + 8H(E+D+H) + 2HV] operations a symbol.
func BenchmarkStep(b *testing.B) {
	ceiling := 0.0
	if kernel.Available {
		const rounds = 20_000_000
		start := time.Now()
		kernel.Ceiling(rounds)
		ceiling = kernel.CeilingFlops * rounds / time.Since(start).Seconds()
	}
	for _, size := range []struct {
		name          string
		E, H, D, V, T int
	}{
		{"small", 64, 128, 16, 2000, 16},
		{"snli", 128, 512, 32, 9990, 12},
		{"ptb", 256, 256, 32, 10000, 23},
		{"yelp", 512, 1024, 32, 20000, 98},
	} {
		b.Run(size.name, func(b *testing.B) {
			cores := runtime.GOMAXPROCS(0) // as -cpu says
			tensor.SetProcs(cores)
			defer tensor.SetProcs(1)
			settings := Defaults
			settings.Optimizer, settings.LR = "sgd", 0.5
			trial, set := small(b, 8, settings)
			trial.Model = models.LSTM{LatentDim: size.D, EmbedDim: size.E, EncHidden: size.H, DecHidden: size.H, DropoutIn: 0.5, DropoutOut: 0.5, Init: "bn-vae"}
			words := make([]string, size.V-4)
			for i := range words {
				words[i] = fmt.Sprint("w", i)
			}
			set.Vocab = data.NewVocab(words)
			rng := stream.New(1, "benchmark")
			set.Train = data.Split{}
			for range 32 * 4 {
				seq := make([]int32, size.T+1)
				for t := range seq {
					seq[t] = int32(4 + rng.IntN(size.V-4))
				}
				set.Train.Seqs = append(set.Train.Seqs, seq)
			}
			t, err := New(trial, set)
			if err != nil {
				b.Fatal(err)
			}
			step := func() {
				t.Batch = t.Step % len(t.batches)
				if err := t.TrainStep(); err != nil {
					b.Fatal(err)
				}
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			tokens := float64(32*size.T*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(tokens, "tokens/s")
			if ceiling > 0 {
				E, H, D, V := float64(size.E), float64(size.H), float64(size.D), float64(size.V)
				b.ReportMetric(100*tokens*3*(8*H*(E+H)+8*H*(E+D+H)+2*H*V)/ceiling/float64(cores), "%ceiling")
			}
		})
	}
}
