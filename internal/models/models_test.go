package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// small are settings of every registered model that make it quick to test; it is tested on all
// kinds of examples that it fits. A model that is not here fails TestAllModelsAreTested.
var small = map[string][]Model{
	"linear": {Linear{LatentDim: 4, Noise: 0.5}},
	"lstm": {
		LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 8, DecHidden: 8, Init: "pytorch", EncLayers: 1, DecLayers: 1, Pooling: "last"},
		LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 8, DecHidden: 8, Init: "pytorch", EncLayers: 2, DecLayers: 2, Pooling: "mean", Skip: true},
	},
	"mlp": {
		MLP{LatentDim: 3, Hidden: 16, Layers: 2, Activation: "elu", Noise: 0.5, Output: "position"},
		MLP{LatentDim: 3, Hidden: 16, Layers: 1, Activation: "tanh", Noise: 2, Output: "bag"},
	},
	"pixelcnn": {
		PixelCNN{LatentDim: 3, EncStages: 2, EncChannels: 4, EncHidden: 8, Kernels: "5,3,3", Channels: 8, ZMaps: 2, Activation: "elu"},
	},
	"transformer": {
		Transformer{LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 1, DecLayers: 2, FF: 2, Pooling: "mean", ZEnters: "both", Memory: 2},
		Transformer{LatentDim: 3, EmbedDim: 8, Heads: 1, EncLayers: 2, DecLayers: 1, FF: 4, Pooling: "first-token", ZEnters: "memory", Memory: 1, Tied: true},
		Transformer{LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 1, DecLayers: 1, FF: 2, Pooling: "max", ZEnters: "both", Memory: 1},
		Transformer{LatentDim: 3, EmbedDim: 12, Heads: 3, EncLayers: 1, DecLayers: 1, FF: 2, Positions: 12, Pooling: "mean", ZEnters: "add", Memory: 1},
	},
}

// examples are a batch of every kind with its space.
func examples(kind vae.Kind) (vae.Space, *vae.Batch) {
	rng := stream.New(5, "examples", string(kind))
	if kind == vae.Text {
		var seqs [][]int32
		for _, n := range []int{9, 7, 7, 5, 2} { // symbols, the longest first as a batch has them
			seq := []int32{1}
			for len(seq) < n-1 {
				seq = append(seq, int32(4+rng.IntN(16)))
			}
			seqs = append(seqs, append(seq, 2))
		}
		return vae.Space{Kind: kind, V: 20, MaxLen: 9}, vae.NewBatch(seqs, nil)
	}
	s := vae.Space{Kind: kind, Height: 1, Width: 7}
	if kind == vae.Image {
		s.Height, s.Width = 6, 5
	}
	rows := make([][]float32, 5)
	for i := range rows {
		for range s.Size() {
			x := float32(rng.NormFloat64())
			if kind == vae.Image {
				x = float32(rng.IntN(2))
			}
			rows[i] = append(rows[i], x)
		}
	}
	return s, vae.NewGrid(rows, nil, false)
}

// only is the batch of example i alone.
func only(x *vae.Batch, i int) *vae.Batch {
	if x.Seqs != nil {
		return vae.NewBatch([][]int32{x.Seqs[i]}, nil)
	}
	return &vae.Batch{Values: x.Values.RowRange(i, i+1)}
}

// A pair is a model built for examples, without a variant.
type pair struct {
	*vae.Model
	settings Model
	space    vae.Space
	x        *vae.Batch
}

func build(settings Model, kind vae.Kind, seed uint64) pair {
	return buildFor(settings, kind, seed, vae.Variant{})
}

func buildFor(settings Model, kind vae.Kind, seed uint64, v vae.Variant) pair {
	space, x := examples(kind)
	ps := &nn.Params{Seed: seed}
	enc, dec := Build(settings, ps, space, v)
	return pair{&vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: settings.Latent()}, settings, space, x}
}

// each runs a test for every model and every kind of examples that it fits.
func each(t *testing.T, test func(t *testing.T, settings Model, kind vae.Kind)) {
	for _, name := range Models.Names() {
		for i, settings := range small[name] {
			for _, kind := range []vae.Kind{vae.Text, vae.Image, vae.Vector} {
				if settings.Fits(vae.Space{Kind: kind}) != nil {
					continue
				}
				t.Run(fmt.Sprintf("%s %d on %s", name, i, kind), func(t *testing.T) { test(t, settings, kind) })
			}
		}
	}
}

// training is a pass whose noise is always the same.
func training(tape *grad.Tape) *nn.Pass {
	return &nn.Pass{Tape: tape, Train: true, KLWeight: 1, Noise: rand.New(rand.NewPCG(1, 2)), Drop: rand.New(rand.NewPCG(3, 4))}
}

// fixed is a z for every example, (B, D).
func (m pair) fixed(tape *grad.Tape) *grad.Value {
	z := tape.Zeros(m.x.B(), m.D)
	rng := stream.New(6, "z")
	for i := range z.Data {
		z.Data[i] = nn.Float(rng.NormFloat64())
	}
	return z
}

func close(a, b, tol float64) bool { return math.Abs(a-b) <= tol*(1+math.Abs(b)) }

func TestAllModelsAreTested(t *testing.T) {
	for _, name := range Models.Names() {
		fits := 0
		for _, settings := range small[name] {
			for _, kind := range []vae.Kind{vae.Text, vae.Image, vae.Vector} {
				if settings.Fits(vae.Space{Kind: kind}) == nil {
					fits++
				}
			}
		}
		if fits == 0 {
			t.Errorf("%s: give it small settings in this file's table, for examples that it fits", name)
		}
		if m, _ := Models.Get(name); m.Latent() < 1 {
			t.Errorf("%s: %d latent dimensions by default", name, m.Latent())
		}
	}
	for name := range small {
		if _, err := Models.Get(name); err != nil {
			t.Error(err)
		}
	}
}

// TestEveryParameterLearns: a step of training has a gradient for every parameter, and a loss
// that is a number.
func TestEveryParameterLearns(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		var tape grad.Tape
		terms := m.Loss(training(&tape), m.x)
		terms.Loss.Backward()
		if v := terms.Loss.Scalar(); math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("loss %v", v)
		}
		for _, p := range m.Params.Learnt() {
			if !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
				t.Errorf("%s %v has no gradient", p.Name, p.Shape)
			}
		}
	})
}

// TestMOnly: an encoder of m alone gives the m of one of m and s, and makes no number that m does not learn from.
func TestMOnly(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		both, alone := build(settings, kind, 1), buildFor(settings, kind, 1, vae.Variant{Raw: vae.MOnly})
		var tape grad.Tape
		want, _ := both.Encoder.Encode(training(&tape), both.x)
		m, s := alone.Encoder.Encode(training(&tape), alone.x)
		if s != nil || m.Cols != settings.Latent() {
			t.Fatalf("m is %v, s %v", m.Matrix, s)
		}
		for i := range m.Rows {
			for j, v := range m.Row(i) {
				if !close(float64(v), float64(want.Row(i)[j]), 1e-5) {
					t.Errorf("m of example %d is %v, with s %v", i, m.Row(i), want.Row(i))
				}
			}
		}
		m.Square().Sum().Backward()
		for _, p := range alone.Params.Learnt() {
			if strings.HasPrefix(p.Name, "encoder.") && !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
				t.Errorf("%s %v has no gradient", p.Name, p.Shape)
			}
		}
	})
}

// TestGradientAlongALine compares the whole model's gradient with the central difference along a
// random direction of all parameters.
func TestGradientAlongALine(t *testing.T) {
	h, tol := 1e-5, 1e-7
	if tensor.Bits == 32 {
		h, tol = 3e-3, 3e-2
	}
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		loss := func(along float64, back bool) float64 {
			rng := stream.New(9, "direction")
			for _, p := range m.Params.Learnt() {
				for i := range p.Data {
					p.Data[i] += nn.Float(along * rng.NormFloat64() / math.Sqrt(float64(m.Params.Size())))
				}
			}
			var tape grad.Tape
			l := m.Loss(training(&tape), m.x).Loss
			if back {
				l.Backward()
			}
			return l.Scalar()
		}
		loss(0, true)
		got, rng := 0.0, stream.New(9, "direction")
		for _, p := range m.Params.Learnt() {
			for _, g := range p.Grad() {
				got += float64(g) * rng.NormFloat64() / math.Sqrt(float64(m.Params.Size()))
			}
		}
		up := loss(h, false)
		down := loss(-2*h, false)
		if want := (up - down) / (2 * h); !close(got, want, tol) {
			t.Errorf("derivative %v, central difference %v", got, want)
		}
	})
}

// TestLogProbIsALogProbability: finite, one for each example, and of discrete data at most 0.
func TestLogProbIsALogProbability(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		var tape grad.Tape
		rec := m.Decoder.LogProb(&nn.Pass{Tape: &tape}, m.fixed(&tape), m.x)
		if rec.Rows != m.x.B() || rec.Cols != 1 {
			t.Fatalf("ln p has shape %v for %d examples", rec.Matrix, m.x.B())
		}
		for i, v := range rec.Data {
			if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) || v > 0 && kind != vae.Vector {
				t.Errorf("example %d: ln p = %v", i, v)
			}
		}
	})
}

// mapped is a model whose output map is a variant's: a matrix of sizes in and out, which sees r.
func mapped(t *testing.T, settings Model, kind vae.Kind, see func(r *grad.Value)) (m pair, in, out int) {
	t.Helper()
	variant := vae.Variant{Output: func(i, o int) (vae.Output, error) {
		in, out = i, o
		w := tensor.New(o, i)
		for k := range w.Data {
			w.Data[k] = nn.Float(math.Sin(float64(k)))
		}
		return func(p *nn.Pass, r *grad.Value) (rows, weights *grad.Value) {
			see(r)
			return r, p.Tape.Const(w)
		}, nil
	}}
	m = buildFor(settings, kind, 1, variant)
	var err error
	if m.Decoder, err = variant.Decode(m.Decoder); err != nil {
		t.Fatal(err)
	}
	return m, in, out
}

// TestBare: a model without its output map has the other parameters as they are with it, and each learns. The map that a
// variant brings gets z, at the end of r, and makes all predictions. It is there but for pixelcnn.
func TestBare(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		if _, ok := settings.(Bare); !ok {
			if _, ok := settings.(PixelCNN); !ok {
				t.Errorf("%T makes no bare decoder", settings)
			}
			return
		}
		if lstm, ok := settings.(LSTM); ok && lstm.Skip { // refused
			return
		}
		var last *grad.Value
		m, in, out := mapped(t, settings, kind, func(r *grad.Value) { last = r })
		whole := build(settings, kind, 1)
		if kind == vae.Text && out != m.space.V || kind != vae.Text && out != m.space.Size() {
			t.Errorf("%d predictions", out)
		}
		for _, p := range m.Params.All() {
			if w := whole.Params.Get(p.Name); w == nil || !slices.Equal(w.Data, p.Data) {
				t.Errorf("%s is not that of the whole model", p.Name)
			}
		}
		tied, _ := settings.(Transformer)
		if m.Params.Size() >= whole.Params.Size() && !tied.Tied {
			t.Errorf("%d weights, of the whole model %d", m.Params.Size(), whole.Params.Size())
		}
		var tape grad.Tape
		terms := m.Loss(training(&tape), m.x)
		if last.Cols != in {
			t.Fatalf("r is %v, but has %d columns", last.Matrix, in)
		}
		for i := range last.Rows {
			b := i
			if last.Rows != m.x.B() { // of text, step by step
				b = i - m.x.Predict.Offset[slices.IndexFunc(m.x.Predict.Offset, func(o int) bool { return o > i })-1]
			}
			if got := last.Row(i)[in-m.D:]; !slices.Equal(got, terms.Z.Row(b)) {
				t.Errorf("row %d ends in %v, z of its example is %v", i, got, terms.Z.Row(b))
			}
		}
		terms.Loss.Backward()
		for _, p := range m.Params.Learnt() {
			if !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
				t.Errorf("%s %v has no gradient", p.Name, p.Shape)
			}
		}
	})
}

// TestPredictIsWhatLogProbSums: the logits give the same likelihood, and no vector is more
// likely than the mean. So do those of a variant's output map.
func TestPredictIsWhatLogProbSums(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		predicts(t, build(settings, kind, 1), kind)
		if _, ok := settings.(Bare); ok {
			m, _, _ := mapped(t, settings, kind, func(*grad.Value) {})
			predicts(t, m, kind)
		}
	})
}

func predicts(t *testing.T, m pair, kind vae.Kind) {
	t.Helper()
	predictor, ok := m.Decoder.(vae.Predictor)
	if !ok {
		t.Skip("the decoder predicts nothing")
	}
	var tape grad.Tape
	p := &nn.Pass{Tape: &tape}
	z := m.fixed(&tape)
	rec, logits := m.Decoder.LogProb(p, z, m.x), predictor.Predict(p, z, m.x)
	want := make([]float64, m.x.B())
	switch kind {
	case vae.Text:
		if logits.Rows != m.x.Predict.Rows() || logits.Cols != m.space.V {
			t.Fatalf("logits %v", logits.Matrix)
		}
		for s, n := range m.x.Predict.Active {
			for b := range n {
				row := m.x.Predict.Offset[s] + b
				want[b] += float64(logits.Row(row)[m.x.Out[row]]) - logSumExp(logits.Row(row))
			}
		}
	case vae.Image:
		for b := range want {
			for j, l := range logits.Row(b) {
				want[b] += float64(m.x.Values.Row(b)[j]*l) - logSumExp([]nn.Float{0, l})
			}
		}
	case vae.Vector:
		at := m.Decoder.LogProb(p, z, &vae.Batch{Values: logits.Matrix})
		for b, v := range rec.Data {
			if v >= at.Data[b] {
				t.Errorf("example %d: ln p %v, at the mean %v", b, v, at.Data[b])
			}
		}
		return
	}
	for b, v := range rec.Data {
		if !close(float64(v), want[b], 1e-5) {
			t.Errorf("example %d: ln p %v, by the logits %v", b, v, want[b])
		}
	}
}

func logSumExp(x []nn.Float) float64 {
	top, sum := float64(slices.Max(x)), 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// TestEvaluationLeavesStateAlone: no parameter, running statistic or example changes.
func TestEvaluationLeavesStateAlone(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		var before [][]nn.Float
		for _, p := range m.Params.All() {
			before = append(before, slices.Clone(p.Data))
		}
		values, symbols := slices.Clone(m.x.Values.Data), slices.Clone(m.x.Symbols)
		tape := grad.Tape{NoGrad: true}
		m.Loss(&nn.Pass{Tape: &tape, KLWeight: 1}, m.x)
		for i, p := range m.Params.All() {
			if !slices.Equal(p.Data, before[i]) {
				t.Errorf("%s changed", p.Name)
			}
		}
		if !slices.Equal(values, m.x.Values.Data) || !slices.Equal(symbols, m.x.Symbols) {
			t.Error("the examples changed")
		}
	})
}

// TestSameSeedSameResult: to the last bit, loss and gradients; another seed gives another.
func TestSameSeedSameResult(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		run := func(seed uint64) (float64, []nn.Float) {
			m := build(settings, kind, seed)
			var tape grad.Tape
			loss := m.Loss(training(&tape), m.x).Loss
			loss.Backward()
			var grads []nn.Float
			for _, p := range m.Params.Learnt() {
				grads = append(grads, p.Grad()...)
			}
			return loss.Scalar(), grads
		}
		loss, grads := run(1)
		if again, g := run(1); again != loss || !slices.Equal(g, grads) {
			t.Errorf("loss %v, again %v, or other gradients", loss, again)
		}
		if other, _ := run(2); other == loss {
			t.Errorf("loss %v whatever the seed", loss)
		}
	})
}

// TestExamplesAreIndependent: in evaluation an example alone has the posterior and the
// likelihood that it has in a batch.
func TestExamplesAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		tape := grad.Tape{NoGrad: true}
		p := &nn.Pass{Tape: &tape}
		mu, s := m.Encoder.Encode(p, m.x)
		if mu.Rows != m.x.B() || mu.Cols != m.D || s.Rows != m.x.B() || s.Cols != m.D {
			t.Fatalf("m %v, s %v for %d examples and %d dimensions", mu.Matrix, s.Matrix, m.x.B(), m.D)
		}
		z := m.fixed(&tape)
		rec := m.Decoder.LogProb(p, z, m.x)
		for i := range m.x.B() {
			x := only(m.x, i)
			muAlone, sAlone := m.Encoder.Encode(p, x)
			for j := range m.D {
				if !close(float64(muAlone.Data[j]), float64(mu.Row(i)[j]), 1e-5) || !close(float64(sAlone.Data[j]), float64(s.Row(i)[j]), 1e-5) {
					t.Fatalf("example %d dimension %d: alone m %v s %v, in the batch m %v s %v", i, j, muAlone.Data[j], sAlone.Data[j], mu.Row(i)[j], s.Row(i)[j])
				}
			}
			alone := m.Decoder.LogProb(p, z.Gather([]int{i}), x).Scalar()
			if !close(alone, float64(rec.Data[i]), 1e-5) {
				t.Errorf("example %d: ln p %v alone, %v in the batch", i, alone, rec.Data[i])
			}
		}
	})
}

// TestZMatters: the decoder listens to every dimension of an example's z, and to no other
// example's.
func TestZMatters(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		z := m.fixed(&grad.Tape{}).Matrix
		tape := grad.Tape{NoGrad: true}
		rec := func() []nn.Float {
			tape.Reset() // so that all lies where it lay: without kernels, sums depend on alignment
			return slices.Clone(m.Decoder.LogProb(&nn.Pass{Tape: &tape}, tape.Const(z), m.x).Data)
		}
		before := rec()
		for j := range m.D {
			was := z.Row(0)[j]
			z.Row(0)[j]++
			for i, v := range rec() {
				if (v != before[i]) != (i == 0) {
					t.Errorf("example 0's z_%d takes ln p of example %d from %v to %v", j, i, before[i], v)
				}
			}
			z.Row(0)[j] = was
		}
	})
}

// TestOverfitsOneBatch: with no price on the KL, a few hundred steps bring the likelihood of five
// examples nine tenths of the way to the best there is.
func TestOverfitsOneBatch(t *testing.T) {
	each(t, func(t *testing.T, settings Model, kind vae.Kind) {
		m := build(settings, kind, 1)
		adam := optim.NewAdam(m.Params.Learnt())
		var tape grad.Tape
		rec := func() (now, best float64) {
			defer tape.Reset()
			terms := m.Loss(&nn.Pass{Tape: &tape}, m.x)
			return terms.Rec.Mean().Scalar(), m.best(terms.Z)
		}
		first, _ := rec()
		for range 300 {
			m.Params.ZeroGrad()
			p := &nn.Pass{Tape: &tape, Train: true, Drop: rand.New(rand.NewPCG(3, 4))}
			m.Loss(p, m.x).Loss.Backward()
			adam.Step(0.01, 1)
			tape.Reset()
		}
		if last, best := rec(); last < first+0.9*(best-first) {
			t.Errorf("mean ln p from %v to %v, at best %v", first, last, best)
		}
	})
}

// best is the mean ln p(x|z) that nothing exceeds: 0, of vectors that of the mean itself, and of
// bags of words what the words' frequencies give.
func (m pair) best(z *grad.Value) float64 {
	if m.space.Kind == vae.Vector {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		mean := m.Decoder.(vae.Predictor).Predict(p, z, m.x)
		return m.Decoder.LogProb(p, z, &vae.Batch{Values: mean.Matrix}).Mean().Scalar()
	}
	if s, ok := m.settings.(MLP); !ok || s.Output != "bag" || m.space.Kind != vae.Text {
		return 0
	}
	sum := 0.0
	for _, seq := range m.x.Seqs {
		count := map[int32]float64{}
		for _, w := range seq[1:] {
			count[w]++
		}
		for _, n := range count {
			sum += n * math.Log(n/float64(len(seq)-1))
		}
	}
	return sum / float64(m.x.B())
}
