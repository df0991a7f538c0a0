package metrics

import (
	"math"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// linearModel is a linear-Gaussian VAE of one latent dimension whose decoder is W, of the data's
// generator, with the given share of its length.
func linearModel(g *data.LinearGaussian, share float64) *vae.Model {
	P, _ := g.Axes.Dims()
	ps := &nn.Params{Seed: 1}
	enc, dec := models.Build(models.Linear{LatentDim: 1, Noise: g.Noise}, ps, vae.Space{Kind: vae.Vector, Height: 1, Width: P}, vae.Variant{})
	for _, p := range ps.All() {
		if p.Name == "decoder.linear.weight" { // (P, 1)
			for i := range p.Data {
				p.Data[i] = Float(share * g.W().At(i, 0))
			}
		}
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: 1}
}

// TestModelPosteriorOfLinear: the model posterior of x = w z + sqrt(noise) e is
// N(w'x/(noise + w'w), noise/(noise + w'w)), and the grid finds its mean where it is as wide as the
// prior, a hundredth of that, and in between. A mean that forgets the prior is found out.
func TestModelPosteriorOfLinear(t *testing.T) {
	for _, c := range []struct {
		spectrum     string
		noise, share float64
		s            float64 // the posterior's standard deviation
	}{
		{"4", 1, 0, 1}, {"4", 1, 1, 0.5}, {"101", 1, 1, 0.0995}, {"1.0001", 1e-4, 1, 0.01}, {"4", 1, -1, 0.5},
	} {
		source := data.Gaussian{Valid: 60, Dims: 6, Spectrum: c.spectrum, Noise: c.noise, Seed: 7}
		set, err := source.Load()
		if err != nil {
			t.Fatal(err)
		}
		known, err := source.Model()
		if err != nil {
			t.Fatal(err)
		}
		var ww float64
		w := make([]float64, source.Dims)
		for i := range w {
			w[i] = c.share * known.W().At(i, 0)
			ww += w[i] * w[i]
		}
		near(t, "the case's width", math.Sqrt(c.noise/(c.noise+ww)), c.s, 1e-4)

		// Alone in a batch an example has nobody whose grid is found to be too coarse.
		model := linearModel(known, c.share)
		got, alone := LagOf(model, set.Valid.Batches(25, vae.ByLength, nil)), LagOf(model, set.Valid.Batches(1, vae.ByLength, nil))
		// In float32 ln p(x|z) is wrong by 1e-7 of itself, which is noise/2 for each of the six numbers.
		var furthest, forgets float64
		for i, x := range set.Valid.Values {
			var wx float64
			for j := range w {
				wx += w[j] * float64(x[j])
			}
			want := wx / (c.noise + ww)
			furthest = max(furthest, math.Abs(got.Model[i]-want), math.Abs(alone.Model[i]-want))
			if ww > 0 {
				forgets = max(forgets, math.Abs(got.Model[i]-wx/ww))
			}
		}
		if within := tolerance * c.s; furthest > within {
			t.Errorf("%+v: a mean is off by %v, want at most %v", c, furthest, within)
		}
		if ww > 0 && forgets < 4*tolerance*c.s {
			t.Errorf("%+v: without the prior a mean is off by %v only; this case tests nothing", c, forgets)
		}
	}
}

// TestModelPosteriorOfText: the means of a text decoder are those of He et al.'s grid, 400 points
// from -20 to 20, for every example of batches with several lengths; a decoder that ignores z
// leaves the prior.
func TestModelPosteriorOfText(t *testing.T) {
	ps := &nn.Params{Seed: 3}
	enc, dec := models.Build(models.LSTM{LatentDim: 1, EmbedDim: 4, EncHidden: 5, DecHidden: 6, Init: "pytorch"}, ps, vae.Space{V: 100, MaxLen: 12}, vae.Variant{})
	for _, p := range ps.All() {
		for i := range p.Data {
			p.Data[i] *= 3 // so that it reads z
		}
	}
	m := &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: 1}
	batches := []*vae.Batch{sentences(20, 6, newRand(71)), sentences(3, 2, newRand(72)), sentences(1, 3, newRand(73))}
	got := LagOf(m, batches)
	tape := &grad.Tape{NoGrad: true}
	at, lo, hi := 0, math.Inf(1), math.Inf(-1)
	for _, x := range batches {
		logw := make([][]float64, x.B())
		for k := range 400 {
			z := tape.Zeros(x.B(), 1)
			for i := range z.Data {
				z.Data[i] = Float(-20 + 0.1*float64(k))
			}
			for i, logp := range dec.LogProb(&nn.Pass{Tape: tape}, z, x).Data {
				logw[i] = append(logw[i], float64(logp)+vae.Normal{}.Density(nil, nil)(0).LogProb([]float64{float64(z.Row(i)[0])}))
			}
			tape.Reset()
		}
		for _, w := range logw {
			var want float64
			for k := range w {
				want += math.Exp(w[k]-logSumExp(w)) * (-20 + 0.1*float64(k))
			}
			near(t, "a mean", got.Model[at], want, 1e-4)
			lo, hi = min(lo, want), max(hi, want)
			at++
		}
	}
	if at != len(got.Model) || at != len(got.Mu) || hi-lo < 0.2 {
		t.Errorf("%d means, %d mu for %d examples, means from %v to %v", len(got.Model), len(got.Mu), at, lo, hi)
	}
	ignores := &vae.Model{Encoder: enc, Decoder: uniform{5}, D: 1}
	for _, x := range LagOf(ignores, batches).Model {
		near(t, "a mean of the prior", x, 0, 1e-9)
	}
}

// TestLag by hand: what the encoder has yet to go counts, what it has gone too far or beside does not.
func TestLag(t *testing.T) {
	for _, c := range []struct {
		name             string
		x, y             []float64
		behind, distance float64
	}{
		{"the encoder stays", []float64{1, -2}, []float64{0, 0}, 1.5, math.Sqrt(2.5)},
		{"halfway", []float64{1, -2}, []float64{0.5, -1}, 0.75, math.Sqrt(0.625)},
		{"there", []float64{1, -2}, []float64{1, -2}, 0, 0},
		{"beyond", []float64{1, -2}, []float64{2, -3}, 0, 1},
		{"on the other side", []float64{1, -2}, []float64{-1, 4}, 1.5, math.Sqrt(20)},
		{"the model stays", []float64{0, 0}, []float64{1, -1}, 0, 1},
	} {
		l := Lag{Model: c.x, Mu: c.y}
		near(t, c.name+": behind", l.Behind(), c.behind, 1e-15)
		near(t, c.name+": distance", l.Distance(), c.distance, 1e-15)
	}
	model, mu := Lag{Model: []float64{1, 3}, Mu: []float64{5, 5}}.Spread()
	near(t, "the model's spread", model, 1, 1e-15)
	near(t, "the encoder's", mu, 0, 0)
	defer func() {
		if recover() == nil {
			t.Error("two latent dimensions are taken")
		}
	}()
	LagOf(&vae.Model{D: 2}, nil)
}
