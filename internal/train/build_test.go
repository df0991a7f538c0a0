package train

import (
	"slices"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestBuildKnowsTheMemory: a model for which the machine is too small is an error before its weights take any; one that
// just fits is made, and nothing is refused where the memory is not known.
func TestBuildKnowsTheMemory(t *testing.T) {
	huge := models.LSTM{LatentDim: 2, EmbedDim: 4, EncHidden: 4, DecHidden: 1 << 20, EncLayers: 1, DecLayers: 1, Init: "pytorch", Pooling: "last"}
	space := vae.Space{Kind: vae.Text, V: 50, MaxLen: 5}
	_, err := build(huge, nil, nn.Full, space, data.Split{}, 1, 1<<40)
	for _, want := range []string{"the model has ", "weights, up to decoder.lstm.weight_", " GB, and this machine has ", "lower the sizes of the model"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("a model of 4·2^40 weights: %v, which does not say %q", err, want)
		}
	}
	small := huge
	small.DecHidden = 4
	m, err := build(small, nil, nn.Full, space, data.Split{}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := uint64(m.Params.Size())
	if _, err := build(small, nil, nn.Full, space, data.Split{}, 1, size*nn.WeightBytes); err != nil {
		t.Errorf("a model that just fits: %v", err)
	}
	if _, err := build(small, nil, nn.Full, space, data.Split{}, 1, size*nn.WeightBytes-1); err == nil {
		t.Error("a model that does not fit was made")
	}
}

// A curious method asks for all that a Builder has: the distance of z from the posteriors of three examples, and what a
// second encoder and decoder make of the batch.
type curious struct{ got *vae.Batch }

func (c *curious) Build(b vae.Builder) vae.Variant {
	enc, dec := b.Encoder("second"), b.Decoder("second")
	c.got = b.Data(3)
	return vae.Variant{Auxiliary: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
		own := b.Model.Posterior(p, c.got).Mean().ColMeans()
		m, _ := enc.Encode(p, t.X)
		rec := dec.LogProb(p, m, t.X).Mean().Neg()
		return own.Sub(t.Z.ColMeans()).Square().Sum().Add(rec)
	}}}
}

// TestBuilder: a method can make a second encoder and decoder, which learn beside the first, ask the model itself and read
// examples of training, the same for the same seed. Without data there are none; too few are an error that names the
// variant. Nothing changes for other methods.
func TestBuilder(t *testing.T) {
	asks := &curious{}
	trial, set := small(t, 6, Defaults, asks)
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	if asks.got.B() != 3 || !slices.ContainsFunc(set.Train.Seqs, func(s []int32) bool { return slices.Equal(s, asks.got.Seqs[0]) }) {
		t.Errorf("examples %v are not three of training", asks.got.Seqs)
	}
	plainTrial, _ := small(t, 6, Defaults)
	plain, err := New(plainTrial, set)
	if err != nil {
		t.Fatal(err)
	}
	n := len(plain.learnt)
	if len(tr.learnt) != 2*n {
		t.Fatalf("%d parameters beside %d", len(tr.learnt)-n, n)
	}
	for i, p := range plain.learnt {
		if q := tr.learnt[i]; q.Name != p.Name || !slices.Equal(q.Data, p.Data) {
			t.Errorf("%s has become %s, or begins otherwise", p.Name, q.Name)
		}
		side, rest, _ := strings.Cut(p.Name, ".")
		q := tr.Model.Params.Get(side + ".second." + rest)
		if q == nil || !slices.Equal(q.Shape, p.Shape) || len(q.Data) > 8 && slices.Equal(q.Data, p.Data) {
			t.Errorf("%s has no second one with values of its own: %v", p.Name, q)
		}
	}
	if err := tr.TrainStep(); err != nil {
		t.Fatal(err)
	}
	for _, p := range tr.learnt {
		still := strings.Contains(p.Name, "encoder.second.linear") // its s is not read
		if !still && !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
			t.Errorf("%s has no gradient", p.Name)
		}
	}
	first := asks.got.Seqs
	for seed, same := range map[int]bool{trial.Seed: true, trial.Seed + 1: false} {
		again := trial
		again.Seed = seed
		if _, err := New(again, set); err != nil || slices.EqualFunc(asks.got.Seqs, first, slices.Equal) != same {
			t.Errorf("seed %d: %v; the examples are those of seed %d: %t, want %t", seed, err, trial.Seed, !same, same)
		}
	}
	if _, err := Build(trial.Model, trial.Methods, set.Space(), data.Split{}, 1); err != nil || asks.got != nil {
		t.Errorf("without data: %v, %v", asks.got, err)
	}
	two := set.Train.Pick([]int{0, 1})
	if _, err := Build(trial.Model, trial.Methods, set.Space(), two, 1); err == nil || !strings.Contains(err.Error(), "takes 3 examples of the training split, which has 2") {
		t.Errorf("of two examples: %v", err)
	}
}
