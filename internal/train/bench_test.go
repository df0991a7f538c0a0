package train

import (
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
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

// BenchmarkStep is one training step of the quickstart's model.
func BenchmarkStep(b *testing.B) {
	source := data.Synthetic{Train: 320, Valid: 60, Test: 60, Length: 10, Vocab: 1000, Hidden: 20, Embed: 20, Seed: 7}
	set, err := source.Load()
	if err != nil {
		b.Fatal(err)
	}
	trial, _ := small(b, 50, Defaults, variants.BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1})
	t, err := New(trial, set)
	if err != nil {
		b.Fatal(err)
	}
	tokens := 0
	for b.Loop() {
		if t.Batch == len(t.batches) {
			t.Batch = 0
			t.Epoch++
			t.load(t.Epoch)
		}
		tokens += t.batches[t.Batch].Tokens()
		if err := t.TrainStep(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
