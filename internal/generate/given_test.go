package generate_test

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// given is a model of sentences or images with conditions, whose prior is N(c_1 + c_2 + ..., 0.01) in each dimension.
func given(settings models.Model, s vae.Space) *vae.Model {
	ps := &nn.Params{Seed: 5}
	of := models.NewGiven(settings, ps, s)
	m := &vae.Model{Params: ps, D: settings.Latent(), Given: of}
	m.Encoder, m.Decoder = models.NewEncoder(settings, ps, s, vae.Variant{}, of), of.Decoder(models.NewDecoder(settings, ps, s, vae.Variant{}))
	for _, p := range ps.Learnt() {
		if p.Name[:7] == "decoder" {
			for i := range p.Data {
				p.Data[i] *= 4
			}
		}
	}
	m.Variant.Prior = vae.GaussianPrior(func(p *nn.Pass, x *vae.Batch) vae.Gaussian {
		mu := of.Of(p, x).RowSums()
		wide := mu
		for range m.D - 1 {
			wide = wide.Beside(mu)
		}
		return vae.FromLogvar(wide, wide.Scale(0).Shift(generate.Float(math.Log(0.01))))
	})
	return m
}

// pairs is examples with contexts of other lengths, of which the first and the fourth are the same.
var pairs = data.Split{
	Seqs:  [][]int32{{1, 5, 2}, {1, 9, 6, 5, 2}, {1, 4, 2}, {1, 7, 7, 2}},
	Given: [][]int32{{1, 4, 5, 2}, {1, 6, 2}, {1, 10, 9, 8, 7, 2}, {1, 4, 5, 2}},
}

// TestConditional: each sentence is written for z and the condition of its row; its probability is that which the model gives
// it with the condition; z of the prior depends on seed, row and condition.
func TestConditional(t *testing.T) {
	space := sentences
	space.Given = vae.Condition{Kind: vae.Text, MaxLen: 7}
	for name, settings := range writers {
		m := given(settings, space)
		d, ok := generate.Conditional(m)
		if !ok {
			t.Fatal("no predictor")
		}
		c := generate.Given(m, pairs)
		z := generate.PriorGiven(m, pairs, 0, 1)
		if !slices.Equal(c.Row(0), c.Row(3)) || slices.Equal(c.Row(0), c.Row(1)) || slices.Equal(z.Row(0), z.Row(3)) {
			t.Errorf("%s: c %v, z %v", name, c, z)
		}
		for i := range z.Rows {
			var mean float64
			for _, v := range c.Row(i) {
				mean += float64(v)
			}
			for _, v := range z.Row(i) {
				if math.Abs(float64(v)-mean) > 0.6 {
					t.Errorf("%s: z of example %d is %v, drawn around %v", name, i, z.Row(i), mean)
				}
			}
		}
		if later := generate.PriorGiven(m, pairs.Pick([]int{2, 3}), 2, 1); !slices.Equal(later.Data, z.RowRange(2, 4).Data) {
			t.Errorf("%s: rows depend on the first", name)
		}
		for way, write := range ways {
			var split data.Split
			got := write(d, generate.Beside(z, c), generate.Words{V: 11, Max: 6})
			for _, s := range got {
				split.Seqs = append(split.Seqs, s.Seq)
			}
			split.Given = pairs.Given
			for i, want := range generate.LogProbs(m, split, z) {
				if math.Abs(got[i].LogProb-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("%s, %s: ln p of %v is %v, the model has %v", name, way, got[i].Seq, got[i].LogProb, want)
				}
			}
		}
	}
}

// TestConditionalPixels: probabilities of pixels are those of the decoder for the label of each image.
func TestConditionalPixels(t *testing.T) {
	space := vae.Space{Kind: vae.Image, Height: 2, Width: 3, Given: vae.Condition{Kind: vae.Label, Classes: 3}}
	m := given(models.MLP{LatentDim: 3, Hidden: 16, Layers: 1, Activation: "tanh"}, space)
	split := data.Split{Values: [][]float32{make([]float32, 6), make([]float32, 6)}, Labels: []int{2, 0}}
	d, _ := generate.Conditional(m)
	z := tensor.New(2, 3)
	got := generate.PixelMeans(d, generate.Beside(z, generate.Given(m, split)), 6)
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	logits := m.Decoder.(vae.Predictor).Predict(p, p.Tape.Const(z), vae.NewGrid(split.Values, split.Labels, false))
	if slices.Equal(got[0], got[1]) || generate.Autoregressive(d) {
		t.Errorf("two labels have the image %v", got[0])
	}
	for i, image := range got {
		for j, v := range image {
			if want := 1 / (1 + math.Exp(-float64(logits.Row(i)[j]))); math.Abs(float64(v)-want) > 1e-5 {
				t.Errorf("pixel %d of image %d: %v, want %v", j, i, v, want)
			}
		}
	}
}

// TestUnconditional: without conditions there is nothing beside z, and the decoder is the model's own.
func TestUnconditional(t *testing.T) {
	m, d := build(writers["lstm"], sentences, 1)
	z := tensor.New(2, 3)
	own, ok := generate.Conditional(m)
	if c := generate.Given(m, data.Split{}); !ok || c.Cols != 0 || generate.Beside(z, c).Cols != 3 {
		t.Errorf("beside z is %v", c)
	}
	w := generate.Words{V: 11, Max: 3}
	for i, s := range generate.Greedy(own, z, w) {
		if !slices.Equal(s.Seq, generate.Greedy(d, z, w)[i].Seq) {
			t.Errorf("%v", s.Seq)
		}
	}
}
