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
	enc, dec := Build(m, ps, vae.Space{Kind: vae.Text, V: lstmWords}, vae.Variant{})
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: m.LatentDim}
}

// lstmSentences are of three lengths: <s> 1, </s> 2, <unk> 3.
func lstmSentences() *vae.Batch {
	return vae.NewBatch([][]int32{{1, 4, 5, 6, 2}, {1, 7, 3, 8, 2}, {1, 8, 4, 2}, {1, 5, 2}}, nil)
}

var remedies = map[string]func(m *LSTM){
	"none":   func(*LSTM) {},
	"skip":   func(m *LSTM) { m.Skip = true },
	"layers": func(m *LSTM) { m.EncLayers, m.DecLayers = 2, 3 },
	"mean":   func(m *LSTM) { m.Pooling = "mean" },
	"max":    func(m *LSTM) { m.Pooling = "max" },
	"all": func(m *LSTM) {
		m.Skip, m.EncLayers, m.DecLayers, m.Pooling = true, 2, 2, "max"
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
				grads[p.Name] = slices.Clone(p.Grad())
				if !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
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
		"mean": "", "max": "",
		"skip": "decoder.skip_linear.weight [9 2]",
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

// lstmLogits are what a decoder predicts for a batch under a fixed z, in evaluation.
func lstmLogits(m *vae.Model, x *vae.Batch) tensor.Matrix {
	tape := &grad.Tape{NoGrad: true}
	z := tape.Zeros(x.B(), m.D)
	for i := range z.Data {
		z.Data[i] = nn.Float(i%m.D) - 0.3
	}
	return m.Decoder.(vae.Predictor).Predict(&nn.Pass{Tape: tape}, z, x).Matrix
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

// TestEncodeSteps: what the encoder says after a symbol is what it says at the end of a sentence that ends there.
func TestEncodeSteps(t *testing.T) {
	x := lstmSentences()
	m := buildLSTM(tinyLSTM(func(m *LSTM) { m.EncLayers = 2 }))
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	stepsM, stepsS := m.Encoder.(vae.StepsEncoder).EncodeSteps(p, x)
	if stepsM.Rows != len(x.Symbols) || stepsS.Rows != len(x.Symbols) {
		t.Fatalf("%d and %d rows for %d symbols", stepsM.Rows, stepsS.Rows, len(x.Symbols))
	}
	for b, seq := range x.Seqs {
		for end := 2; end <= len(seq); end++ {
			mu, s := m.Encoder.Encode(p, vae.NewBatch([][]int32{seq[:end]}, nil))
			row := x.Steps.Offset[end-1] + b
			for j := range m.D {
				if math.Abs(float64(mu.Data[j]-stepsM.Row(row)[j])) > 1e-6 || math.Abs(float64(s.Data[j]-stepsS.Row(row)[j])) > 1e-6 {
					t.Errorf("sentence %d after %d symbols: m %v s %v, a sentence that ends there %v and %v",
						b, end, stepsM.Row(row), stepsS.Row(row), mu.Data, s.Data)
				}
			}
		}
	}
}

func TestSettingsWithoutEffect(t *testing.T) {
	m := tinyLSTM(func(m *LSTM) { m.Inputless, m.WordDropout = true, 0.2 })
	if err := m.Fits(vae.Space{Kind: vae.Text}); err == nil || !strings.Contains(err.Error(), "word_dropout") {
		t.Errorf("error %v does not name word_dropout", err)
	}
}
