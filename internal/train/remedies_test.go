package train

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// readers are small settings of the models whose decoders read words.
var readers = map[string]models.Model{
	"lstm":        models.LSTM{LatentDim: 3, EmbedDim: 4, EncHidden: 5, DecHidden: 6, DropoutIn: 0.3, DropoutOut: 0.3, Init: "pytorch"},
	"transformer": models.Transformer{LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 1, DecLayers: 1, FF: 2, Dropout: 0.2, Pooling: "mean", ZEnters: "both", Memory: 1},
}

// TestOldNames: settings of lstm that are older names of variants, and the variants, train to the same bytes.
func TestOldNames(t *testing.T) {
	lstm := models.LSTM{LatentDim: 4, EmbedDim: 12, EncHidden: 12, DecHidden: 10, DropoutIn: 0.2, DropoutOut: 0.2, Init: "bn-vae"}
	settings := Defaults
	settings.Epochs, settings.LogEvery = 2, 3
	bytesOf := func(m models.LSTM, methods ...vae.Method) []byte {
		trial, set := small(t, 12, settings, methods...)
		trial.Model = m
		dir := t.TempDir()
		if err := Run(context.Background(), trial, set, dir, Hooks{}); err != nil {
			t.Fatal(err)
		}
		return append(read(t, filepath.Join(dir, record.RowsFile)), read(t, filepath.Join(dir, ModelFile))...)
	}
	plain := bytesOf(lstm)
	for name, c := range map[string]struct {
		old    func(m *models.LSTM)
		method vae.Method
	}{
		"word dropout": {func(m *models.LSTM) { m.WordDropout = 0.4 }, variants.WordDropout{Share: 0.4}},
		"inputless":    {func(m *models.LSTM) { m.Inputless = true }, variants.Inputless{}},
		"skip":         {func(m *models.LSTM) { m.Skip = true }, variants.Skip{Init: "he19"}},
		"skip pytorch": {func(m *models.LSTM) { m.Skip, m.Init = true, "pytorch" }, variants.Skip{Init: "pytorch"}},
		"bow":          {func(m *models.LSTM) { m.BagOfWords = 0.5 }, variants.BagOfWords{Weight: 0.5, Hidden: 10, Init: "he19"}},
		"bow pytorch":  {func(m *models.LSTM) { m.BagOfWords, m.Init = 2, "pytorch" }, variants.BagOfWords{Weight: 2, Hidden: 10, Init: "pytorch"}},
	} {
		old := lstm
		c.old(&old)
		now := lstm
		now.Init = old.Init
		a, b := bytesOf(old), bytesOf(now, c.method)
		if !bytes.Equal(a, b) || bytes.Equal(a, plain) {
			t.Errorf("%s: the old name gives the bytes of the variant: %t, those of no remedy: %t", name, bytes.Equal(a, b), bytes.Equal(a, plain))
		}
	}
}

// logits are what a decoder predicts for a batch under fixed z, in evaluation.
func logits(m *vae.Model, x *vae.Batch) []nn.Float {
	tape := &grad.Tape{NoGrad: true}
	z, rng := tape.Zeros(x.B(), m.D), stream.New(1, "z")
	for i := range z.Data {
		z.Data[i] = nn.Float(rng.NormFloat64())
	}
	return slices.Clone(m.Decoder.(vae.Predictor).Predict(&nn.Pass{Tape: tape}, z, x).Data)
}

// TestWhatDecodersRead: in evaluation a decoder trained with word dropout reads all words, and an inputless one none.
func TestWhatDecodersRead(t *testing.T) {
	space := vae.Space{Kind: vae.Text, V: 20, MaxLen: 9}
	one, other := vae.NewBatch([][]int32{{1, 4, 5, 6, 2}}, nil), vae.NewBatch([][]int32{{1, 8, 7, 9, 2}}, nil)
	for name, settings := range readers {
		build := func(methods ...vae.Method) *vae.Model {
			m, err := Build(settings, methods, space, data.Split{}, 1)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		plain, dropped, inputless, skip := build(), build(variants.WordDropout{Share: 0.9}), build(variants.Inputless{}), build(variants.Skip{Init: "pytorch"})
		if !slices.Equal(logits(plain, one), logits(dropped, one)) {
			t.Errorf("%s: word dropout changes an evaluation", name)
		}
		if slices.Equal(logits(plain, one), logits(plain, other)) {
			t.Errorf("%s: the decoder reads no words", name)
		}
		if !slices.Equal(logits(inputless, one), logits(inputless, other)) {
			t.Errorf("%s: an inputless decoder reads words", name)
		}
		if slices.Equal(logits(plain, one), logits(skip, one)) {
			t.Errorf("%s: skip changes nothing", name)
		}
		terms := func(m *vae.Model) *vae.Terms {
			return m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: true, Noise: stream.New(1, "eps"), Drop: stream.New(1, "drop")}, one)
		}
		if terms(plain).Rec.Scalar() == terms(dropped).Rec.Scalar() {
			t.Errorf("%s: word dropout changes no training", name)
		}
	}
}

// TestNoMetricSeesTheBag: with the same weights, an evaluation with a bag of words is that without one; a training row has
// its loss in loss only.
func TestNoMetricSeesTheBag(t *testing.T) {
	for name, settings := range readers {
		evaluate := func(methods ...vae.Method) (record.Row, record.Row) {
			trial, set := small(t, 12, Defaults, methods...)
			trial.Model = settings
			tr, err := New(trial, set)
			if err != nil {
				t.Fatal(err)
			}
			valid := tr.Evaluate("valid", set.Valid)
			if err := tr.TrainStep(); err != nil {
				t.Fatal(err)
			}
			return valid, tr.trainRow()
		}
		plain, plainRow := evaluate()
		bag, bagRow := evaluate(variants.BagOfWords{Weight: 1, Hidden: 5, Init: "pytorch"})
		if !reflect.DeepEqual(plain, bag) {
			t.Errorf("%s: with a bag a row of valid is\n%v, without it\n%v", name, bag, plain)
		}
		for _, metric := range []string{"rec", "kl", "nelbo", "penalty"} {
			if bagRow.Values[metric] != plainRow.Values[metric] {
				t.Errorf("%s: %s is %v with a bag, %v without", name, metric, bagRow.Values[metric], plainRow.Values[metric])
			}
		}
		if bagRow.Values["loss"] < plainRow.Values["loss"]+1 {
			t.Errorf("%s: loss %v with a bag, %v without", name, bagRow.Values["loss"], plainRow.Values["loss"])
		}
	}
}

// TestCheck: what cannot act on a model or data is refused before anything is built, in a line that names the setting and
// says what to do.
func TestCheck(t *testing.T) {
	lstm := func(change func(m *models.LSTM)) models.Model {
		m := models.LSTM{}
		change(&m)
		return m
	}
	dropout, skip, bag := variants.WordDropout{Share: 0.3}, variants.Skip{Init: "he19"}, variants.BagOfWords{Weight: 1, Hidden: 3}
	lidvae := variants.LIDVAE{L: 1, Hidden: 3}
	for _, c := range []struct {
		model   models.Model
		kind    vae.Kind
		methods []vae.Method
		says    string
	}{
		{models.LSTM{}, vae.Text, []vae.Method{dropout, skip, bag}, "<nil>"},
		{models.Transformer{}, vae.Text, []vae.Method{variants.Inputless{}, skip, bag}, "<nil>"},
		{models.MLP{}, vae.Text, []vae.Method{bag}, "<nil>"},
		{models.MLP{}, vae.Image, []vae.Method{bag}, "acts on examples of the kind text, and the data are of the kind image; choose other data"},
		{models.MLP{}, vae.Text, []vae.Method{skip}, "as those of lstm and transformer do"},
		{models.LSTM{}, vae.Text, []vae.Method{variants.MixturePrior{K: 2, Components: "pixels"}}, "acts on examples of the kind image, and the data are of the kind text"},
		{models.MLP{}, vae.Text, []vae.Method{variants.MixturePrior{K: 2, Components: "pixels"}, bag}, "acts on examples of the kind image, and bow on those of the kind text; leave one of them out"},
		{models.PixelCNN{}, vae.Image, []vae.Method{dropout}, "acts on examples of the kind text, and the data are of the kind image; choose other data"},
		{models.LSTM{}, vae.Text, []vae.Method{dropout, variants.Inputless{}}, "inputless both act on the inputs"},
		{models.LSTM{DropoutOut: 0.1}, vae.Text, []vae.Method{variants.Fraternal{Kappa: 1}}, "<nil>"},
		{models.Transformer{Dropout: 0.1}, vae.Text, []vae.Method{variants.Fraternal{Kappa: 1}}, "<nil>"},
		{models.LSTM{}, vae.Text, []vae.Method{variants.Fraternal{Kappa: 1}, dropout}, "set dropout_in or dropout_out of lstm, or dropout of transformer, above 0"},
		{models.MLP{}, vae.Text, []vae.Method{variants.Fraternal{Kappa: 1}}, "acts on a decoder that reads the words before each"},
		{models.Linear{Noise: 1}, vae.Vector, []vae.Method{variants.SigmaVAE{Sigma: "learnt"}}, "<nil>"},
		{models.MLP{}, vae.Image, []vae.Method{variants.SigmaVAE{Sigma: "learnt"}}, "set their binarise to none"},
		{models.Linear{LatentDim: 2, Noise: 0.5}, vae.Vector, []vae.Method{variants.SigmaVAE{Sigma: "learnt"}}, "so the model's noise has no effect"},
		{models.LSTM{}, vae.Text, []vae.Method{variants.SigmaVAE{Sigma: "learnt"}}, "acts on examples of the kind vector, and the data are of the kind text"},
		{lstm(func(m *models.LSTM) { m.WordDropout = 0.2 }), vae.Text, []vae.Method{dropout}, "model.lstm.word_dropout is another name for this variant; leave one"},
		{lstm(func(m *models.LSTM) { m.BagOfWords = 0.2 }), vae.Text, []vae.Method{bag}, "model.lstm.bag_of_words is another name"},
		{lstm(func(m *models.LSTM) { m.Inputless = true }), vae.Text, []vae.Method{variants.Inputless{}}, "model.lstm.inputless is another name"},
		{lstm(func(m *models.LSTM) { m.Inputless = true }), vae.Text, []vae.Method{dropout}, "inputless and word-dropout both act on the inputs (each changes what a decoder of text reads), so one of them would have no effect; write two entries of the grid, each with one of them (model.lstm.inputless counts as a variant)"},
		{lstm(func(m *models.LSTM) { m.Skip = true }), vae.Text, []vae.Method{skip}, "model.lstm.skip adds S z to the logits"},
		{lstm(func(m *models.LSTM) { m.Skip, m.WordDropout = true, 0.2 }), vae.Text, []vae.Method{bag}, "<nil>"},
		{lstm(func(m *models.LSTM) { m.Skip = true }), vae.Text, []vae.Method{lidvae}, "model.lstm.skip adds S z to the logits, all of which this variant makes; leave one of the two out"},
		{models.LSTM{}, vae.Text, []vae.Method{lidvae, dropout, bag}, "<nil>"},
		{models.MLP{}, vae.Text, []vae.Method{lidvae, bag}, "<nil>"},
		{models.Linear{}, vae.Vector, []vae.Method{lidvae}, "<nil>"},
		{models.PixelCNN{}, vae.Image, []vae.Method{lidvae}, "the model's decoder makes them otherwise; choose lstm, transformer, mlp or linear, or leave the variant out"},
	} {
		if _, err := Check(c.model, vae.Space{Kind: c.kind}, c.methods); !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%+v on %s: %v, want %s", c.model, c.kind, err, c.says)
		}
	}
}
