package train

import (
	"math"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestOneStepIsVanilla: with the z of the last step, and that step charged, the loss and each gradient of lstm are vanilla's.
// Memory of an earlier step changes nothing.
func TestOneStepIsVanilla(t *testing.T) {
	space, x := tinyBatch(vae.Text)
	step := func(method vae.Method, tape *grad.Tape) (float64, [][]nn.Float) {
		m, err := Build(readers["lstm"], []vae.Method{method}, space, data.Split{}, 3)
		if err != nil {
			t.Fatal(err)
		}
		return stepOn(tape, m, x)
	}
	loss, grads := step(variants.Vanilla{}, new(grad.Tape))
	tape := grad.Tape{Poison: true}
	leftovers := tape.Zeros(1, 1<<20).Data
	for i := range leftovers {
		leftovers[i] = nn.Float(math.NaN())
	}
	tape.Reset()
	again, same := step(variants.TWRVAE{Charge: "last1", Z: "last"}, &tape)
	if math.Abs(again-loss) > 1e-5*loss {
		t.Errorf("loss %v, vanilla's %v", again, loss)
	}
	for i, g := range grads {
		for j, want := range g {
			if got := same[i][j]; !(math.Abs(float64(got-want)) <= 1e-4*(1+math.Abs(float64(want)))) {
				t.Fatalf("gradient %d of parameter %d: %v, vanilla's %v", j, i, got, want)
			}
		}
	}
	if other, _ := step(variants.TWRVAE{Charge: "all", Z: "last"}, new(grad.Tape)); math.Abs(other-loss) < 1e-3 {
		t.Errorf("all steps charged: loss %v, vanilla's %v", other, loss)
	}
}

// TestEncodersWithoutSteps: the error says what a method needs of the encoder, and what to choose.
func TestEncodersWithoutSteps(t *testing.T) {
	pooled := readers["lstm"].(models.LSTM)
	pooled.Pooling = "mean"
	for name, c := range map[string]struct {
		model models.Model
		kind  vae.Kind
		want  string // "" for none
	}{
		"lstm":        {readers["lstm"], vae.Text, ""},
		"pooled":      {pooled, vae.Text, "model.lstm.pooling: mean makes one vector of all states; set pooling: last"},
		"transformer": {readers["transformer"], vae.Text, "reads the encoder's outputs after each symbol, and the model's encoder has those of whole examples only; choose lstm"},
		"images":      {models.MLP{LatentDim: 2, Hidden: 3, Layers: 1, Activation: "elu"}, vae.Image, "acts on examples of the kind text, and the data are of the kind image"},
	} {
		_, err := Check(c.model, vae.Space{Kind: c.kind}, []vae.Method{variants.TWRVAE{Charge: "all", Z: "last"}})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestStepsAreMeasured: metrics encode step by step as training does, and rows have the rate beside what is charged.
func TestStepsAreMeasured(t *testing.T) {
	for _, charge := range []string{"all", "last1"} {
		trial, set := tinyText(t, variants.TWRVAE{Charge: charge, Z: "last"})
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		row := tr.Evaluate("valid", set.Valid)
		kl, penalty := row.Values["kl"], row.Values["penalty"]
		x := set.Valid.Batches(set.Valid.N(), vae.Mixed, nil)[0]
		terms := tr.Model.Loss(&nn.Pass{Tape: &grad.Tape{}, Noise: stream.New(1, "eps")}, x)
		if want := terms.KL.RowSums().Mean().Scalar(); math.Abs(kl-want) > 1e-5*want {
			t.Errorf("%s: KL %v, of a loss %v", charge, kl, want)
		}
		if want := terms.Penalty.Scalar(); math.Abs(penalty-want) > 1e-5*want {
			t.Errorf("%s: penalty %v, of a loss %v", charge, penalty, want)
		}
		if same := math.Abs(kl-penalty) < 1e-5*kl; same != (charge == "last1") {
			t.Errorf("%s: KL %v, penalty %v", charge, kl, penalty)
		}
	}
}
