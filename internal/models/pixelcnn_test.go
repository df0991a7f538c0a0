package models

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// TestPixelCNNIsCausal: a pixel changes no logit at or before it in raster order, and each of the
// logits depends on some pixel before it, if there is one, on z, and on no other image.
func TestPixelCNNIsCausal(t *testing.T) {
	for _, kernels := range []string{"3", "3,1", "5,3,3", "9,7"} {
		settings := PixelCNN{LatentDim: 2, EncStages: 1, EncChannels: 2, EncHidden: 2, Kernels: kernels, Channels: 4, ZMaps: 1, Activation: "elu"}
		m := build(settings, vae.Image, 3)
		z := m.fixed(&grad.Tape{}).Matrix
		tape := grad.Tape{NoGrad: true}
		logits := func() []nn.Float {
			tape.Reset() // so that all lies where it lay: without kernels, sums depend on alignment
			return slices.Clone(m.Decoder.(vae.Predictor).Predict(&nn.Pass{Tape: &tape}, tape.Const(z), m.x).Data)
		}
		before, P := logits(), m.space.Size()
		depends := make([]bool, P)
		for i := range P { // of the second image
			pixel := &m.x.Values.Row(1)[i]
			*pixel = 1 - *pixel
			for j, l := range logits() {
				if l == before[j] {
					continue
				}
				if j < P+i+1 || j >= 2*P {
					t.Fatalf("kernels %s: pixel %d of image 1 changes logit %d of image %d", kernels, i, j%P, j/P)
				}
				depends[j-P] = true
			}
			*pixel = 1 - *pixel
		}
		for j := 1; j < P; j++ {
			if !depends[j] {
				t.Errorf("kernels %s: no pixel changes logit %d", kernels, j)
			}
		}
		z.Row(1)[0]++
		for j, l := range logits() {
			if (l != before[j]) != (j/P == 1) {
				t.Errorf("kernels %s: z of image 1 and logit %d of image %d: from %v to %v", kernels, j%P, j/P, before[j], l)
			}
		}
	}
}

func TestPixelCNNKernels(t *testing.T) {
	defaults, err := Models.Get("pixelcnn")
	if err != nil {
		t.Fatal(err)
	}
	for kernels, want := range map[string]string{
		"7,5,3": "", "3": "", " 3, 1 ": "",
		"": `""`, "7 5": `"7 5"`, "7,": `""`, "4": `"4"`, "-3": `"-3"`, "101": `"101"`, "1,3": "the first",
	} {
		m := defaults.(PixelCNN)
		m.Kernels = kernels
		err := m.Fits(vae.Space{Kind: vae.Image})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("kernels %q: got %v, want %q", kernels, err, want)
		}
	}
}

// TestPixelCNNFlops counts what the weights of a built model meet.
func TestPixelCNNFlops(t *testing.T) {
	m := build(small["pixelcnn"][0], vae.Image, 1)
	enc, dec := m.Encoder.(*resNet), m.Decoder.(*pixelCNN)
	P := m.space.Size()
	n := len(enc.hidden.Weight.Data) + len(enc.linear.Weight.Data) + len(dec.maps.Weight.Data)
	for _, stage := range enc.stages {
		for _, c := range []nn.Conv{stage.first, stage.second, stage.direct} {
			height, width := c.Window.Out()
			n += height * width * len(c.Weight.Data)
		}
	}
	for _, c := range append([]nn.Conv{dec.image, dec.z}, dec.blocks...) {
		n += P * len(c.Weight.Data)
	}
	n += P * (len(dec.hidden.Weight.Data) + len(dec.linear.Weight.Data))
	if got := m.settings.(Counter).FlopsPerToken(m.space) * float64(P); !close(got, 6*float64(n), 1e-9) {
		t.Errorf("%v operations an image, want %v", got, 6*n)
	}
}

// BenchmarkPixelCNN is one pass of training, forward and backward, on 50 images of 28 x 28. It
// gives the share of the multiply-add ceiling of one core, counting the products only.
func BenchmarkPixelCNN(b *testing.B) {
	ceiling := tensor.Ceiling(time.Now)
	defaults, _ := Models.Get("pixelcnn")
	reference := defaults.(PixelCNN)
	few := reference
	few.Kernels, few.EncChannels, few.EncHidden = "7,5,3", 32, 128
	space := vae.Space{Kind: vae.Image, Height: 28, Width: 28}
	rng := stream.New(1, "benchmark")
	rows := make([][]float32, 50)
	for i := range rows {
		rows[i] = make([]float32, space.Size())
		for j := range rows[i] {
			rows[i][j] = float32(rng.IntN(2))
		}
	}
	x := vae.NewGrid(rows, nil, false)
	for _, c := range []struct {
		name     string
		settings PixelCNN
	}{{"few layers", few}, {"reference", reference}} {
		b.Run(c.name, func(b *testing.B) {
			ps := &nn.Params{Seed: 1}
			enc, dec := Build(c.settings, ps, space, vae.Variant{})
			m := vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: c.settings.LatentDim}
			var tape grad.Tape
			step := func() {
				m.Loss(training(&tape), x).Loss.Backward()
				tape.Reset()
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			pixels := float64(x.Tokens()*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(pixels/float64(space.Size()), "images/s")
			if ceiling > 0 {
				b.ReportMetric(100*pixels*c.settings.FlopsPerToken(space)/ceiling, "%ceiling")
			}
		})
	}
}
