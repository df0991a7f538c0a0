package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

const lstmWords = 9

// tinyLSTM is an lstm that is quick to differentiate, with settings changed.
func tinyLSTM(change func(m *LSTM)) LSTM {
	m := LSTM{LatentDim: 2, EmbedDim: 3, EncHidden: 4, DecHidden: 3, Init: "pytorch", EncLayers: 1, DecLayers: 1, Pooling: "last"}
	change(&m)
	return m
}

func buildLSTM(m LSTM) *vae.Model {
	ps := &nn.Params{Seed: 3}
	enc, dec := m.Build(ps, vae.Space{Kind: vae.Text, V: lstmWords}, vae.MAndS)
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: m.LatentDim}
}

// lstmSentences are of three lengths: <s> 1, </s> 2, <unk> 3.
func lstmSentences() *vae.Batch {
	return vae.NewBatch([][]int32{{1, 4, 5, 6, 2}, {1, 7, 3, 8, 2}, {1, 8, 4, 2}, {1, 5, 2}}, nil)
}

var remedies = map[string]func(m *LSTM){
	"none":         func(*LSTM) {},
	"word_dropout": func(m *LSTM) { m.WordDropout = 0.4 },
	"inputless":    func(m *LSTM) { m.Inputless = true },
	"skip":         func(m *LSTM) { m.Skip = true },
	"bag_of_words": func(m *LSTM) { m.BagOfWords = 0.5 },
	"layers":       func(m *LSTM) { m.EncLayers, m.DecLayers = 2, 3 },
	"mean":         func(m *LSTM) { m.Pooling = "mean" },
	"max":          func(m *LSTM) { m.Pooling = "max" },
	"all": func(m *LSTM) {
		m.WordDropout, m.Skip, m.BagOfWords, m.EncLayers, m.DecLayers, m.Pooling = 0.4, true, 0.5, 2, 2, "max"
		m.DropoutIn, m.DropoutOut = 0.2, 0.2
	},
}

// lstmLoss is one training step's loss, with its gradients.
func lstmLoss(m *vae.Model, x *vae.Batch) float64 {
	m.Params.ZeroGrad()
	terms := m.Loss(&nn.Pass{
		Tape: &grad.Tape{}, Train: true, KLWeight: 0.7, Noise: stream.New(1, "eps"), Drop: stream.New(1, "drop"),
	}, x)
	terms.Loss.Backward()
	return terms.Loss.Scalar()
}

// TestRemediesTrain: under each setting every parameter gets a gradient, and it is that of
// central differences (in float64).
func TestRemediesTrain(t *testing.T) {
	x := lstmSentences()
	for name, change := range remedies {
		t.Run(name, func(t *testing.T) {
			m := buildLSTM(tinyLSTM(change))
			lstmLoss(m, x)
			grads := map[string][]nn.Float{}
			for _, p := range m.Params.Learnt() {
				grads[p.Name] = slices.Clone(p.Grad)
				if !slices.ContainsFunc(p.Grad, func(g nn.Float) bool { return g != 0 }) {
					t.Errorf("%s gets no gradient", p.Name)
				}
			}
			if tensor.Bits == 32 {
				return
			}
			const h = 1e-5
			for _, p := range m.Params.Learnt() {
				for i, w := range p.Data {
					p.Data[i] = w + h
					up := lstmLoss(m, x)
					p.Data[i] = w - h
					down := lstmLoss(m, x)
					p.Data[i] = w
					want, got := (up-down)/(2*h), float64(grads[p.Name][i])
					if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
						t.Errorf("%s[%d]: gradient %v, central difference %v", p.Name, i, got, want)
					}
				}
			}
		})
	}
}

// TestRemediesAddParameters: what a setting adds carries its own name, in PyTorch's way and
// with PyTorch's shapes, and what there was before keeps its name, shape and initial value.
func TestRemediesAddParameters(t *testing.T) {
	plain := buildLSTM(tinyLSTM(remedies["none"]))
	for name, want := range map[string]string{
		"word_dropout": "", "inputless": "", "mean": "", "max": "",
		"skip":         "decoder.skip_linear.weight [9 2]",
		"bag_of_words": "decoder.bag_hidden.weight [3 2] decoder.bag_linear.weight [9 3]",
		"layers": "encoder.lstm.weight_ih_l1 [16 4] encoder.lstm.weight_hh_l1 [16 4] encoder.lstm.bias_ih_l1 [16] encoder.lstm.bias_hh_l1 [16] " +
			"decoder.lstm.weight_ih_l1 [12 3] decoder.lstm.weight_hh_l1 [12 3] decoder.lstm.bias_ih_l1 [12] decoder.lstm.bias_hh_l1 [12] " +
			"decoder.lstm.weight_ih_l2 [12 3] decoder.lstm.weight_hh_l2 [12 3] decoder.lstm.bias_ih_l2 [12] decoder.lstm.bias_hh_l2 [12]",
	} {
		var added []string
		with := buildLSTM(tinyLSTM(remedies[name]))
		for _, p := range with.Params.All() {
			if plain.Params.Get(p.Name) == nil {
				added = append(added, fmt.Sprint(p.Name, " ", p.Shape))
			}
		}
		if got := strings.Join(added, " "); got != want {
			t.Errorf("%s adds %q, want %q", name, got, want)
		}
		for _, p := range plain.Params.All() {
			if q := with.Params.Get(p.Name); q == nil || !slices.Equal(p.Data, q.Data) {
				t.Errorf("%s changes %s", name, p.Name)
			}
		}
	}
	for _, p := range buildLSTM(tinyLSTM(func(m *LSTM) { m.Skip, m.DecLayers = true, 2 })).Params.All() {
		if p.Name == "decoder.lstm.weight_ih_l1" && !slices.Equal(p.Shape, []int{12, 5}) {
			t.Errorf("skip leads z past the second layer: its input weights have shape %v", p.Shape)
		}
	}
}

// TestWordDropout: <unk> takes the share of the words asked for, at random, but neither <s>
// nor anything in evaluation.
func TestWordDropout(t *testing.T) {
	seqs := make([][]int32, 400)
	for i := range seqs {
		seqs[i] = []int32{1, 4, 5, 6, 7, 8, 4, 5, 6, 7, 8, 2}
	}
	x := vae.NewBatch(seqs, nil)
	d := buildLSTM(tinyLSTM(func(m *LSTM) { m.WordDropout = 0.3 })).Decoder.(*lstmDecoder)
	in, gone := d.inputs(&nn.Pass{Train: true, Drop: stream.New(1, "drop")}, x), 0
	for i, w := range in {
		switch {
		case w == vae.Unk && x.In[i] != 1:
			gone++
		case w != x.In[i]:
			t.Fatalf("row %d: %d was replaced by %d", i, x.In[i], w)
		}
	}
	n := float64(len(in) - x.B())
	if share := float64(gone) / n; math.Abs(share-0.3) > 4*math.Sqrt(0.3*0.7/n) {
		t.Errorf("%.3f of the words are gone, want 0.3", share)
	}
	if got := d.inputs(&nn.Pass{}, x); !slices.Equal(got, x.In) {
		t.Error("evaluation drops words")
	}
	if slices.Contains(x.In, vae.Unk) {
		t.Error("the batch itself was changed")
	}
}

// lstmLogits are what a decoder predicts for a batch under a fixed z, in evaluation.
func lstmLogits(m *vae.Model, x *vae.Batch) tensor.Matrix {
	tape := &grad.Tape{NoGrad: true}
	z := tape.Zeros(x.B(), m.D)
	for i := range z.Data {
		z.Data[i] = nn.Float(i%m.D) - 0.3
	}
	return m.Decoder.(vae.Predictor).Predict(&nn.Pass{Tape: tape}, z, x).Matrix
}

// TestInputless: an inputless decoder's predictions do not depend on the words before, in
// evaluation either; others' do.
func TestInputless(t *testing.T) {
	one, other := vae.NewBatch([][]int32{{1, 4, 5, 6, 2}}, nil), vae.NewBatch([][]int32{{1, 8, 7, 7, 2}}, nil)
	m := buildLSTM(tinyLSTM(remedies["inputless"]))
	if a, b := lstmLogits(m, one), lstmLogits(m, other); !slices.Equal(a.Data, b.Data) {
		t.Error("an inputless decoder reads words")
	}
	m = buildLSTM(tinyLSTM(remedies["none"]))
	if a, b := lstmLogits(m, one), lstmLogits(m, other); slices.Equal(a.Data, b.Data) {
		t.Error("a decoder does not read words; the test does not test that")
	}
}

// TestSkip: with one layer skip adds S z to the logits and nothing else.
func TestSkip(t *testing.T) {
	x := lstmSentences()
	m := buildLSTM(tinyLSTM(remedies["skip"]))
	S := m.Params.Get("decoder.skip_linear.weight")
	with, without := lstmLogits(m, x), lstmLogits(buildLSTM(tinyLSTM(remedies["none"])), x)
	for r := range with.Rows {
		for w := range lstmWords {
			want := float64(without.Row(r)[w]) - 0.3*float64(S.Row(w)[0]) + 0.7*float64(S.Row(w)[1])
			if got := float64(with.Row(r)[w]); math.Abs(got-want) > 1e-5 {
				t.Fatalf("row %d word %d: logit %v, want %v", r, w, got, want)
			}
		}
	}
}

// TestBagOfWordsIsTrainingOnly: the auxiliary loss is in the training loss, at its weight, and
// in nothing that is measured.
func TestBagOfWordsIsTrainingOnly(t *testing.T) {
	x := lstmSentences()
	with, without := buildLSTM(tinyLSTM(remedies["bag_of_words"])), buildLSTM(tinyLSTM(remedies["none"]))
	clear(with.Params.Get("decoder.bag_linear.weight").Data) // all words alike: ln V each
	want := 0.5 * float64(x.Tokens()) / float64(x.B()) * math.Log(lstmWords)
	if got := lstmLoss(with, x) - lstmLoss(without, x); math.Abs(got-want) > 1e-4 {
		t.Errorf("the bag adds %v nats an example, want %v", got, want)
	}
	evaluate := func(m *vae.Model) (rec, loss float64) {
		terms := m.Loss(&nn.Pass{Tape: &grad.Tape{NoGrad: true}, KLWeight: 1}, x)
		return terms.Rec.Mean().Scalar(), terms.Loss.Scalar()
	}
	rec, total := evaluate(with)
	if wantRec, wantTotal := evaluate(without); rec != wantRec || total != wantTotal {
		t.Errorf("evaluation: ln p(x|z) %v and loss %v with a bag, %v and %v without", rec, total, wantRec, wantTotal)
	}
}

// TestPoolingOfEachAlone: a sentence's m and s do not depend on the lengths of its neighbours.
func TestPoolingOfEachAlone(t *testing.T) {
	x := lstmSentences()
	pooled := map[string][]nn.Float{}
	for _, pooling := range []string{"last", "mean", "max"} {
		m := buildLSTM(tinyLSTM(func(m *LSTM) { m.Pooling, m.EncLayers = pooling, 2 }))
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		mu, s := m.Encoder.Encode(p, x)
		pooled[pooling] = slices.Clone(mu.Data)
		for b, seq := range x.Seqs {
			alone, aloneS := m.Encoder.Encode(p, vae.NewBatch([][]int32{seq}, nil))
			for j := range m.D {
				if math.Abs(float64(mu.Row(b)[j]-alone.Data[j])) > 1e-6 || math.Abs(float64(s.Row(b)[j]-aloneS.Data[j])) > 1e-6 {
					t.Errorf("%s: sentence %d: m %v s %v, alone %v and %v", pooling, b, mu.Row(b), s.Row(b), alone.Data, aloneS.Data)
				}
			}
		}
	}
	if slices.Equal(pooled["last"], pooled["mean"]) || slices.Equal(pooled["mean"], pooled["max"]) || slices.Equal(pooled["last"], pooled["max"]) {
		t.Error("two ways of pooling give the same")
	}
}

func TestSettingsWithoutEffect(t *testing.T) {
	m := tinyLSTM(func(m *LSTM) { m.Inputless, m.WordDropout = true, 0.2 })
	if err := m.Fits(vae.Space{Kind: vae.Text}); err == nil || !strings.Contains(err.Error(), "word_dropout") {
		t.Errorf("error %v does not name word_dropout", err)
	}
}
