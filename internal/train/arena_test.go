package train

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// tiny are small settings of every registered model with a space that it fits.
var tiny = map[string]struct {
	model models.Model
	kind  vae.Kind
}{
	"linear":      {models.Linear{LatentDim: 4, Noise: 0.5}, vae.Vector},
	"lstm":        {models.LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 8, DecHidden: 8, DropoutIn: 0.2, Init: "pytorch", EncLayers: 2, DecLayers: 2, Pooling: "mean", Skip: true, BagOfWords: 1}, vae.Text},
	"mlp":         {models.MLP{LatentDim: 3, Hidden: 16, Layers: 2, Activation: "elu", Output: "position"}, vae.Image},
	"pixelcnn":    {models.PixelCNN{LatentDim: 3, EncStages: 2, EncChannels: 4, EncHidden: 8, Kernels: "5,3,3", Channels: 8, ZMaps: 2, Activation: "elu"}, vae.Image},
	"transformer": {models.Transformer{LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 2, DecLayers: 2, FF: 2, Pooling: "mean", ZEnters: "both", Memory: 2, Tied: true, Dropout: 0.1}, vae.Text},
}

// tinyBatch is five examples.
func tinyBatch(kind vae.Kind) (vae.Space, *vae.Batch) {
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
		return vae.Space{Kind: kind, V: 20, MaxLen: 9}, vae.NewBatch(seqs, tinyLabels)
	}
	s := vae.Space{Kind: kind, Height: 6, Width: 5}
	rows := make([][]float32, 5)
	for i := range rows {
		for range s.Size() {
			rows[i] = append(rows[i], float32(rng.IntN(2)))
		}
	}
	return s, vae.NewGrid(rows, tinyLabels, false)
}

// tinyLabels are those of the examples.
var tinyLabels = []int{2, 0, 1, 0, 2}

// TestNoStepReadsLeftovers: a step's loss and gradients are the same to the bit whether the tape's
// memory is fresh or full of NaN, for every model with every variant. The tape lends memory as the
// step before left it, gradients included, and whoever is first has to write it.
func TestNoStepReadsLeftovers(t *testing.T) {
	for _, name := range models.Models.Names() {
		c, ok := tiny[name]
		if !ok {
			t.Errorf("%s: give it small settings in this file's table", name)
			continue
		}
		for _, variant := range variants.Methods.Names() {
			method, _ := variants.Methods.Get(variant)
			space, x := tinyBatch(c.kind)
			if v, err := variants.Check(method); err == nil && v.Conditional {
				space.Given = vae.Condition{Kind: vae.Label, Classes: 3}
			}
			if _, err := Check(c.model, space, []vae.Method{method}); err != nil {
				continue
			}
			m, err := Build(c.model, []vae.Method{method}, space, data.Split{}, 3)
			if err != nil {
				t.Fatal(err)
			}
			loss, grads := stepOn(new(grad.Tape), m, x)
			if math.IsNaN(loss) {
				t.Fatalf("%s with %s: the loss is NaN", name, variant)
			}
			tape := grad.Tape{Poison: true}
			leftovers := tape.Zeros(1, 1<<20).Data // more than a step takes
			for i := range leftovers {
				leftovers[i] = nn.Float(math.NaN())
			}
			tape.Reset()
			again, poisoned := stepOn(&tape, m, x)
			if again != loss {
				t.Errorf("%s with %s: the loss is %v on leftovers, %v without", name, variant, again, loss)
			}
			for i, p := range m.Params.Learnt() {
				if !slices.Equal(poisoned[i], grads[i]) {
					t.Errorf("%s with %s: the gradient of %s depends on leftovers", name, variant, p.Name)
				}
			}
			if !math.IsNaN(float64(leftovers[len(leftovers)-1])) {
				t.Errorf("%s with %s: the step took all the memory; give it more leftovers", name, variant)
			}
		}
	}
}

// stepOn is the loss of a training step, and the gradients of what is learnt.
func stepOn(tape *grad.Tape, m *vae.Model, x *vae.Batch) (loss float64, grads [][]nn.Float) {
	m.Params.ZeroGrad()
	terms := m.Loss(&nn.Pass{Tape: tape, Train: true, KLWeight: 0.7, Noise: stream.New(1, "eps"), Drop: stream.New(1, "drop")}, x)
	terms.Loss.Backward()
	for _, p := range m.Params.Learnt() {
		grads = append(grads, slices.Clone(p.Grad()))
	}
	return terms.Loss.Scalar(), grads
}
