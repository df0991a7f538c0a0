package train

import (
	"strings"
	"testing"

	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestBuildKnowsTheMemory: a model for which the machine is too small is an error before its weights take any; one that
// just fits is made, and nothing is refused where the memory is not known.
func TestBuildKnowsTheMemory(t *testing.T) {
	huge := models.LSTM{LatentDim: 2, EmbedDim: 4, EncHidden: 4, DecHidden: 1 << 20, EncLayers: 1, DecLayers: 1, Init: "pytorch", Pooling: "last"}
	space := vae.Space{Kind: vae.Text, V: 50, MaxLen: 5}
	_, err := build(huge, nil, space, 1, 1<<40)
	for _, want := range []string{"the model has ", "weights, up to decoder.lstm.weight_", " GB, and this machine has ", "lower the sizes of the model"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("a model of 4·2^40 weights: %v, which does not say %q", err, want)
		}
	}
	small := huge
	small.DecHidden = 4
	m, err := build(small, nil, space, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := uint64(m.Params.Size())
	if _, err := build(small, nil, space, 1, size*nn.WeightBytes); err != nil {
		t.Errorf("a model that just fits: %v", err)
	}
	if _, err := build(small, nil, space, 1, size*nn.WeightBytes-1); err == nil {
		t.Error("a model that does not fit was made")
	}
}
