package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"vaelab/internal/models"
	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

// A Size is a model that both sides have, and the batches that it is trained on.
type Size struct {
	Name    string
	Scripts map[string]string // the other side, of each framework that has it
	Model   model
	Space   vae.Space
	Batch   int     // B
	Loud    float64 // how much noise the check adds to weights, see Work.loud
}

// A model is ours, and can say how much work it is.
type model interface {
	models.Model
	models.Counter
}

// sizes are the LSTM with the sizes of the field's text sets, and the others as they are
// by default, without dropout; those with tiny in their names are for tests.
var sizes = []Size{
	withJAX(lstm("small", 64, 128, 16, 2_000, 16)),
	lstm("snli", 128, 512, 32, 9_990, 12),
	withJAX(lstm("ptb", 256, 256, 32, 10_000, 23)),
	lstm("h1024", 512, 1024, 32, 10_000, 12),
	lstm("yelp", 512, 1024, 32, 20_000, 98),
	{"transformer", torch("transformer.py"), models.Transformer{
		LatentDim: 32, EmbedDim: 256, Heads: 4, EncLayers: 4, DecLayers: 4, FF: 4, Pooling: "mean", ZEnters: "both", Memory: 1,
	}, text(10_000, 24), 32, 1},
	{"pixelcnn", torch("pixelcnn.py"), models.PixelCNN{
		LatentDim: 32, EncStages: 3, EncChannels: 64, EncHidden: 512,
		Kernels: "9,9,9,7,7,7,5,5,5,3,3,3", Channels: 32, ZMaps: 4, Activation: "elu",
	}, vae.Space{Kind: vae.Image, Height: 28, Width: 28}, 50, 0.5},
	withJAX(lstm("tiny", 8, 12, 4, 50, 5)),
	{"tiny-transformer", torch("transformer.py"), models.Transformer{
		LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 1, DecLayers: 2, FF: 2, Pooling: "mean", ZEnters: "both", Memory: 2,
	}, text(50, 5), 4, 1},
	{"tiny-pixelcnn", torch("pixelcnn.py"), models.PixelCNN{
		LatentDim: 3, EncStages: 2, EncChannels: 4, EncHidden: 6, Kernels: "5,3,1", Channels: 4, ZMaps: 2, Activation: "elu",
	}, vae.Space{Kind: vae.Image, Height: 7, Width: 6}, 4, 1},
}

// lstm is the LSTM VAE of batches of 32.
func lstm(name string, E, H, D, V, T int) Size {
	return Size{name, torch("lstm_vae.py"), models.LSTM{
		LatentDim: D, EmbedDim: E, EncHidden: H, DecHidden: H, Init: "he19", EncLayers: 1, DecLayers: 1, Pooling: "last",
	}, text(V, T), 32, 2}
}

func torch(script string) map[string]string { return map[string]string{"torch": script} }

// withJAX adds the LSTM in JAX.
func withJAX(s Size) Size {
	s.Scripts["jax"] = "jax_lstm_vae.py"
	return s
}

// text is sentences of which T symbols are predicted each.
func text(V, T int) vae.Space { return vae.Space{Kind: vae.Text, V: V, MaxLen: T + 1} }

// sizesByName reads a list such as "small,ptb".
func sizesByName(list string) ([]Size, error) {
	by := map[string]Size{}
	var known []string
	for _, s := range sizes {
		by[s.Name] = s
		known = append(known, s.Name)
	}
	var out []Size
	for name := range strings.SplitSeq(list, ",") {
		s, ok := by[name]
		if !ok {
			return nil, fmt.Errorf("-sizes: %w", registry.Unknown("size", name, known))
		}
		out = append(out, s)
	}
	return out, nil
}

// Flop is the number of floating-point operations of a training step for each symbol or
// pixel predicted: see models.Counter, and each model for what it leaves out.
func (s Size) Flop() float64 { return s.Model.FlopsPerToken(s.Space) }

// Tokens is the number of symbols or pixels predicted in a batch.
func (s Size) Tokens() int {
	if s.Space.Kind == vae.Image {
		return s.Batch * s.Space.Size()
	}
	return s.Batch * (s.Space.MaxLen - 1)
}

// MarshalJSON is what a script is told: one object, the model's settings under their
// names in YAML among the rest.
func (s Size) MarshalJSON() ([]byte, error) {
	all := map[string]any{
		"name": s.Name, "batch": s.Batch, "tokens": s.Tokens(), "vocab": s.Space.V,
		"length": s.Space.MaxLen - 1, "height": s.Space.Height, "width": s.Space.Width,
	}
	m := reflect.ValueOf(s.Model)
	for i := range m.NumField() {
		all[m.Type().Field(i).Tag.Get("yaml")] = m.Field(i).Interface()
	}
	return json.Marshal(all)
}

// draw makes a random example, a row of the file that both sides read: the sentence
// <s> w_1 ... w_{T-1} </s>, or pixels that are 0 or 1.
func (s Size) draw(rng *rand.Rand) []float64 {
	if s.Space.Kind == vae.Image {
		row := make([]float64, s.Space.Size())
		for i := range row {
			row[i] = float64(rng.IntN(2))
		}
		return row
	}
	const start, end, firstWord = 1, 2, 4
	row := []float64{start}
	for range s.Space.MaxLen - 2 {
		row = append(row, float64(firstWord+rng.IntN(s.Space.V-firstWord)))
	}
	return append(row, end)
}

// batch makes a batch of such rows.
func (s Size) batch(rows [][]float64) *vae.Batch {
	if s.Space.Kind == vae.Image {
		return vae.NewGrid(convert[float32](rows), nil, false)
	}
	return vae.NewBatch(convert[int32](rows), nil)
}

func convert[T int32 | float32](rows [][]float64) [][]T {
	out := make([][]T, len(rows))
	for i, row := range rows {
		for _, x := range row {
			out[i] = append(out[i], T(x))
		}
	}
	return out
}
