package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// images are a split of small images, drawn from probabilities if grey.
func images(n int, grey bool) (data.Split, vae.Space) {
	rng := stream.New(3, "images")
	split := data.Split{Grey: grey}
	for range n {
		row := make([]float32, 30)
		for j := range row {
			if row[j] = rng.Float32(); !grey {
				row[j] = float32(math.Round(float64(row[j])))
			}
		}
		split.Values = append(split.Values, row)
	}
	return split, vae.Space{Kind: vae.Image, Height: 6, Width: 5}
}

// TestMixtureOfImages: with learnt images and with exemplars, gradients of all parameters are those of finite differences:
// those of the images, and those of an encoder that reads them beside the batch.
func TestMixtureOfImages(t *testing.T) {
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 3e-3, 2e-2
	}
	split, space := images(9, true)
	for name, model := range map[string]models.Model{"mlp": models.MLP{LatentDim: 3, Hidden: 6, Layers: 2, Activation: "tanh"}, "pixelcnn": tiny["pixelcnn"].model} {
		for _, components := range []string{"pixels", "data"} {
			m, err := Build(model, []vae.Method{variants.MixturePrior{K: 4, Components: components}}, space, split, 1)
			if err != nil {
				t.Fatal(err)
			}
			if p := m.Params.Get("decoder.prior.pixels"); p != nil {
				for i := range p.Data { // off the clip's lower end
					p.Data[i] += nn.Float(0.3 + 0.02*float64(i%7))
				}
				p.Data[3], p.Data[4] = -0.2, 1.3 // beyond both: their gradient is 0
			}
			x := split.Batches(9, vae.Mixed, nil)[0]
			x.Draw(stream.New(1, "pixels"))
			var tape grad.Tape
			loss := func() float64 {
				tape.Reset()
				m.Params.ZeroGrad()
				terms := m.Loss(&nn.Pass{Tape: &tape, Train: true, KLWeight: 0.7, Noise: stream.New(1, "eps"), Drop: stream.New(1, "drop")}, x)
				terms.Loss.Backward()
				return terms.Loss.Scalar()
			}
			loss()
			var all [][]nn.Float
			for _, p := range m.Params.Learnt() {
				all = append(all, slices.Clone(p.Grad()))
			}
			for at, p := range m.Params.Learnt() {
				grads := all[at]
				for _, i := range []int{0, 3 % len(p.Data), 4 % len(p.Data), len(p.Data) / 2, len(p.Data) - 1} {
					w := p.Data[i]
					p.Data[i] = w + nn.Float(h)
					up := loss()
					p.Data[i] = w - nn.Float(h)
					down := loss()
					p.Data[i] = w
					if want, got := (up-down)/(2*h), float64(grads[i]); math.Abs(got-want) > tol*(1+math.Abs(want)) {
						t.Errorf("%s, %s: %s[%d]: gradient %v, central difference %v", name, components, p.Name, i, got, want)
					}
				}
				if p.Name == "decoder.prior.pixels" && (grads[3] != 0 || grads[4] != 0 || grads[5] == 0) {
					t.Errorf("%s: gradients of pixels below, above and within [0, 1]: %v", name, grads[3:6])
				}
			}
		}
	}
}

// TestAllExamplesAsPrior: with the posteriors of all examples as components, p is q(z), and the rate is the MI, to the bit of
// the samples. With fewer it is larger.
func TestAllExamplesAsPrior(t *testing.T) {
	for K, exact := range map[int]bool{320: true, 40: false} {
		trial, set := small(t, 12, Defaults, variants.LN{Gamma: 3, Eps: 1e-8}, variants.MixturePrior{K: K, Components: "data"})
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := tr.TrainStep(); err != nil {
				t.Fatal(err)
			}
		}
		values, _, err := Measure(context.Background(), tr.Model, trial, set, set.Train, Quick)
		if err != nil {
			t.Fatal(err)
		}
		if kl, mi := values["kl"], values["mi"]; mi < 0.1 || kl < mi-1e-4 || (kl-mi < 1e-4) != exact {
			t.Errorf("%d exemplars of %d: KL %v, MI %v", K, set.Train.N(), kl, mi)
		}
	}
}

// TestExemplarsAreInTheWeights: a model that is loaded without data has the prior that it was trained with; too few data
// for the components are an error.
func TestExemplarsAreInTheWeights(t *testing.T) {
	method := variants.MixturePrior{K: 7, Components: "data"}
	trial, set := small(t, 6, Defaults, method)
	trained, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Build(trial.Model, trial.Methods, set.Space(), data.Split{}, 99)
	if err != nil {
		t.Fatal(err)
	}
	logp := func(m *vae.Model) float64 {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		return m.Prior().Density(p, nil)(0).LogProb([]float64{0.1, -1, 0.4, 2})
	}
	before := logp(loaded)
	weights := &safetensors.File{Tensors: nn.Tensors(trained.Model.Params.All(), "")}
	if err := nn.LoadTensors(weights, loaded.Params.All(), ""); err != nil {
		t.Fatal(err)
	}
	if got, want := logp(loaded), logp(trained.Model); got != want || before == want {
		t.Errorf("ln p(z) is %v when loaded, %v before, %v as trained", got, before, want)
	}
	if _, err := Build(trial.Model, trial.Methods, set.Space(), set.Train.Pick([]int{1, 2, 3}), 1); err == nil || !strings.Contains(err.Error(), "takes 7 examples") {
		t.Errorf("seven exemplars of three examples: %v", err)
	}
}
