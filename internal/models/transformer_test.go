package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// sentences are random ones of the given numbers of symbols, the longest first.
func sentences(V int, lengths ...int) [][]int32 {
	rng := stream.New(8, "sentences")
	var seqs [][]int32
	for _, n := range lengths {
		seq := []int32{1}
		for len(seq) < n-1 {
			seq = append(seq, int32(4+rng.IntN(V-4)))
		}
		seqs = append(seqs, append(seq, 2))
	}
	return seqs
}

// TestTransformerSeesNoFuture: another symbol at t leaves every prediction of symbols up to
// t as it was, to the bit, and changes the next.
func TestTransformerSeesNoFuture(t *testing.T) {
	space := vae.Space{Kind: vae.Text, V: 20, MaxLen: 60}
	for _, settings := range small["transformer"] {
		m := settings.(Transformer)
		m.Positions = 0
		_, dec := Build(m, &nn.Params{Seed: 1}, space, vae.Variant{})
		seqs := sentences(space.V, 60, 53, 4)
		var tape grad.Tape
		p := &nn.Pass{Tape: &tape}
		z := tape.Zeros(len(seqs), m.LatentDim)
		before := vae.NewBatch(seqs, nil)
		was := dec.(vae.Predictor).Predict(p, z, before)
		for _, at := range []int{1, 20, 51} {
			changed := slices.Clone(seqs)
			changed[1] = slices.Clone(seqs[1])
			changed[1][at] = 4 + (changed[1][at]-3)%16
			is := dec.(vae.Predictor).Predict(p, z, vae.NewBatch(changed, nil))
			for s, n := range before.Predict.Active {
				for b := range n {
					row := before.Predict.Offset[s] + b
					same := slices.Equal(was.Row(row), is.Row(row))
					if want := b != 1 || s < at; same != want { // row s predicts symbol s+1
						t.Errorf("%+v: symbol %d of sentence 1: prediction %d of sentence %d same %t, want %t", m, at, s+1, b, same, want)
					}
				}
			}
		}
	}
}

// TestTransformerEncoderSeesAll: any symbol changes m.
func TestTransformerEncoderSeesAll(t *testing.T) {
	for _, settings := range small["transformer"] {
		x := build(settings, vae.Text, 1)
		tape := grad.Tape{NoGrad: true}
		p := &nn.Pass{Tape: &tape}
		was, _ := x.Encoder.Encode(p, x.x)
		for at := range x.x.Seqs[0] {
			changed := slices.Clone(x.x.Seqs)
			changed[0] = slices.Clone(changed[0])
			changed[0][at] = 19 - changed[0][at]
			is, _ := x.Encoder.Encode(p, vae.NewBatch(changed, nil))
			if slices.Equal(was.Row(0), is.Row(0)) {
				t.Errorf("%+v: symbol %d changes nothing", settings, at)
			}
		}
	}
}

func TestTransformerFits(t *testing.T) {
	text := func(longest int) vae.Space { return vae.Space{Kind: vae.Text, V: 20, MaxLen: longest} }
	ok := small["transformer"][0].(Transformer)
	with := func(heads, positions int) Transformer {
		m := ok
		m.Heads, m.Positions = heads, positions
		return m
	}
	for _, c := range []struct {
		m     Transformer
		space vae.Space
		want  string // part of the error, or nothing
	}{
		{ok, text(500), ""},
		{with(2, 30), text(30), ""},
		{with(2, 30), text(0), ""},
		{with(2, 30), text(31), "set positions to 31"},
		{with(3, 0), text(30), "3 heads do not divide the width 8"},
		{ok, vae.Space{Kind: vae.Image, Height: 2, Width: 2}, "reads text data"},
	} {
		err := c.m.Fits(c.space)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v on %v: %v, want %q", c.m, c.space, err, c.want)
		}
	}
}

// TestTransformerInit: the spread of each weight matrix is GPT-2's, and the untrained decoder
// knows nothing of the words: each costs about ln V.
func TestTransformerInit(t *testing.T) {
	m := Transformer{LatentDim: 8, EmbedDim: 64, Heads: 4, EncLayers: 2, DecLayers: 8, FF: 4, Pooling: "mean", ZEnters: "both", Memory: 1}
	space := vae.Space{Kind: vae.Text, V: 500, MaxLen: 30}
	ps := &nn.Params{Seed: 1}
	_, dec := Build(m, ps, space, vae.Variant{})
	for name, want := range map[string]float64{
		"encoder.wte.weight":             0.02,
		"encoder.h.1.attn.c_attn.weight": 0.02,
		"encoder.h.1.mlp.c_proj.weight":  0.02 / math.Sqrt(4),
		"decoder.h.7.attn.c_proj.weight": 0.02 / math.Sqrt(16),
		"decoder.h.0.mlp.c_proj.weight":  0.02 / math.Sqrt(16),
		"decoder.h.0.mlp.c_fc.weight":    0.02,
		"decoder.memory.7.weight":        0.02,
		"decoder.h.0.attn.c_attn.bias":   0,
		"decoder.lm_head.weight":         0.02,
	} {
		p := ps.Get(name)
		if got := math.Sqrt(tensor.SumSquares(p.Data) / float64(len(p.Data))); math.Abs(got-want) > 0.1*want {
			t.Errorf("%s: root mean square %v, want %v", name, got, want)
		}
	}
	x := vae.NewBatch(sentences(space.V, 30, 20, 10), nil)
	var tape grad.Tape
	rec := dec.LogProb(&nn.Pass{Tape: &tape}, tape.Zeros(3, 8), x).Sum().Scalar()
	if got, want := -rec/float64(x.Tokens()), math.Log(500); math.Abs(got-want) > 0.1 {
		t.Errorf("a word costs %v nats untrained, want about ln V = %v", got, want)
	}
}

// TestTransformerTied: one table is both the words and the output layer.
func TestTransformerTied(t *testing.T) {
	space, _ := examples(vae.Text)
	m := small["transformer"][0].(Transformer)
	size := func(tied bool) int {
		m.Tied = tied
		ps := &nn.Params{}
		Build(m, ps, space, vae.Variant{})
		return ps.Size()
	}
	if got, want := size(false)-size(true), space.V*m.EmbedDim; got != want {
		t.Errorf("tying saves %d numbers, want %d", got, want)
	}
}

// TestTransformerDropout: masks matter in training and nowhere else.
func TestTransformerDropout(t *testing.T) {
	settings := small["transformer"][0].(Transformer)
	loss := func(dropout float64, train bool) float64 {
		settings.Dropout = dropout
		m := build(settings, vae.Text, 1)
		p := training(new(grad.Tape))
		p.Train = train
		return m.Loss(p, m.x).Loss.Scalar()
	}
	if with, without := loss(0.5, true), loss(0, true); with == without {
		t.Errorf("loss %v in training with dropout and without", with)
	}
	if with, without := loss(0.5, false), loss(0, false); with != without {
		t.Errorf("loss %v in evaluation with dropout, %v without", with, without)
	}
}

// TestTransformerOnAnyProcessors: a step has the same bytes on one processor and on two.
func TestTransformerOnAnyProcessors(t *testing.T) {
	defer tensor.SetProcs(1)
	m := Transformer{LatentDim: 8, EmbedDim: 64, Heads: 4, EncLayers: 1, DecLayers: 1, FF: 4, Dropout: 0.1, Pooling: "mean", ZEnters: "both", Memory: 1}
	space := vae.Space{Kind: vae.Text, V: 50, MaxLen: 64}
	x := vae.NewBatch(sentences(space.V, 64, 64, 60, 60, 51, 40, 40, 9), nil)
	var want []nn.Float
	for procs := 1; procs <= 2; procs++ {
		tensor.SetProcs(procs)
		ps := &nn.Params{Seed: 1}
		enc, dec := Build(m, ps, space, vae.Variant{})
		var tape grad.Tape
		(&vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: 8}).Loss(training(&tape), x).Loss.Backward()
		var got []nn.Float
		for _, p := range ps.Learnt() {
			got = append(got, p.Grad()...)
		}
		if procs == 1 {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("other gradients on %d processors", procs)
		}
	}
}

// TestTransformerStepAllocatesNothing: once warm, forward and backward live on the tape.
func TestTransformerStepAllocatesNothing(t *testing.T) {
	m := build(small["transformer"][0], vae.Text, 1)
	var tape grad.Tape
	p := training(&tape)
	step := func() { // what Loss does, whose posterior is an interface value
		mu, s := m.Encoder.Encode(p, m.x)
		q := vae.FromLogvar(mu, s)
		rec := m.Decoder.LogProb(p, q.Sample(p), m.x)
		q.KL().RowSums().Mean().Sub(rec.Mean()).Backward()
		tape.Reset()
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a warm step allocates %v times", n)
	}
}

// BenchmarkTransformer is one training step, Adam, on random sentences of one length. It
// gives the share of the multiply-add ceiling of one core, counting the products only, those
// of attention too, where a causal one counts what it sees.
func BenchmarkTransformer(b *testing.B) {
	ceiling := tensor.Ceiling(time.Now)
	const B = 32
	for _, size := range []struct{ T, V int }{{20, 1000}, {40, 1000}, {80, 1000}, {20, 10000}, {40, 10000}, {80, 10000}} {
		b.Run(fmt.Sprintf("T %d V %d", size.T, size.V), func(b *testing.B) {
			d, _ := Models.Get("transformer")
			m := d.(Transformer)
			T := size.T
			space := vae.Space{Kind: vae.Text, V: size.V, MaxLen: T + 1}
			x := vae.NewBatch(sentences(size.V, slices.Repeat([]int{T + 1}, B)...), nil)
			ps := &nn.Params{Seed: 1}
			enc, dec := Build(m, ps, space, vae.Variant{})
			all := &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: m.LatentDim}
			adam := optim.NewAdam(ps.Learnt())
			var tape grad.Tape
			p := training(&tape)
			step := func() {
				ps.ZeroGrad()
				all.Loss(p, x).Loss.Backward()
				tape.Reset()
				adam.Step(1e-4, 1)
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			tokens := float64(B*T*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(tokens, "tokens/s")
			if ceiling > 0 {
				E := float64(m.EmbedDim)
				attention := 3 * 4 * E * (float64(m.EncLayers*T) + float64(m.DecLayers*T)/2)
				b.ReportMetric(100*tokens*(m.FlopsPerToken(space)+attention)/ceiling, "%ceiling")
			}
		})
	}
}
