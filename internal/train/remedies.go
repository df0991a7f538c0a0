package train

import (
	"fmt"
	"reflect"
	"strings"

	"vaelab/internal/models"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A remedy is a variant that a setting of a model stands for, from before there was such a variant.
type remedy struct {
	setting string
	method  vae.Method
}

// remedies are those that a model's settings ask for. The setting skip of lstm is not among them: it changes the layers of
// the LSTM as well, so the model makes it.
func remedies(m models.Model) (all []remedy) {
	lstm, ok := m.(models.LSTM)
	if !ok {
		return nil
	}
	if lstm.WordDropout > 0 {
		all = append(all, remedy{"model.lstm.word_dropout", variants.WordDropout{Share: lstm.WordDropout}})
	}
	if lstm.Inputless {
		all = append(all, remedy{"model.lstm.inputless", variants.Inputless{}})
	}
	if lstm.BagOfWords > 0 {
		bag := variants.BagOfWords{Weight: lstm.BagOfWords, Hidden: lstm.DecHidden, Init: "he19"}
		if lstm.Init == "pytorch" {
			bag.Init = "pytorch"
		}
		all = append(all, remedy{"model.lstm.bag_of_words", bag})
	}
	return all
}

// with are the methods of a trial with those that its model's settings ask for, which come first: their parameters follow
// those of the model, as they did when the model made them.
func with(m models.Model, methods []vae.Method) []vae.Method {
	var all []vae.Method
	for _, r := range remedies(m) {
		all = append(all, r.method)
	}
	return append(all, methods...)
}

// stepwise tells whether the encoder of a model is a vae.StepsEncoder.
func stepwise(m models.Model) error {
	reader, ok := m.(models.StepsReader)
	if !ok {
		return fmt.Errorf("reads the encoder's outputs after each symbol, and the model's encoder has those of whole examples only; choose lstm, or leave the variant out")
	}
	return reader.ReadsSteps()
}

// Check tells whether methods can be one variant of a model for the examples of a space, whose sizes need not be known,
// before anything is built. An error names the settings that stand in the way, but not the methods.
func Check(m models.Model, space vae.Space, methods []vae.Method) (vae.Variant, error) {
	var settings []string
	for _, r := range remedies(m) {
		settings = append(settings, r.setting)
		for _, method := range methods {
			if reflect.TypeOf(method) == reflect.TypeOf(r.method) {
				return vae.Variant{}, fmt.Errorf("%s is another name for this variant; leave one of the two out", r.setting)
			}
		}
	}
	v, err := variants.Check(with(m, methods)...)
	if err != nil && len(settings) > 0 {
		err = fmt.Errorf("%w (%s counts as a variant)", err, strings.Join(settings, ", "))
	}
	if err != nil {
		return v, err
	}
	if err := variants.Fits(methods, m.Latent()); err != nil {
		return v, err
	}
	if lstm, ok := m.(models.LSTM); ok && lstm.Skip {
		switch {
		case v.Logits != nil:
			return v, fmt.Errorf("model.lstm.skip adds S z to the logits, and so does this variant; leave one of the two out")
		case v.Output != nil:
			return v, fmt.Errorf("model.lstm.skip adds S z to the logits, all of which this variant makes; leave one of the two out")
		}
	}
	if _, bare := m.(models.Bare); v.Output != nil && !bare {
		return v, fmt.Errorf("makes the predictions of a decoder from z, or from its states and z, and the model's decoder makes them otherwise; choose lstm, transformer, mlp or linear, or leave the variant out")
	}
	switch _, words := m.(models.WordReader); {
	case v.Kind == vae.Vector && space.Kind == vae.Image:
		return v, fmt.Errorf("acts on vectors, and the data are images of pixels that are 0 or 1; set their binarise to none, which keeps grey values, or leave it out")
	case v.Kind != "" && v.Kind != space.Kind:
		return v, fmt.Errorf("acts on examples of the kind %s, and the data are of the kind %s; choose other data, or leave it out", v.Kind, space.Kind)
	case v.Noise != nil && varied(m):
		return v, fmt.Errorf("brings the variance of the decoder, so the model's noise has no effect; leave noise out, or the variant")
	case v.Conditional && space.Given.Kind == "":
		return v, fmt.Errorf("reads what is given with each example, and with these data nothing is; set given in the section data, or leave the variant out")
	case v.Unconditional && space.Given.Kind != "":
		return v, fmt.Errorf("encodes examples of its own, which have no conditions, and the data give some; set given: nothing in the section data, or choose another variant")
	case v.Steps != nil && stepwise(m) != nil:
		return v, stepwise(m)
	case v.Words && !words:
		return v, fmt.Errorf("acts on a decoder that reads the words before each, as those of lstm and transformer do, and the model's does not; choose one of them, or leave the variant out")
	case v.Dropout && words && m.(models.WordReader).DecoderDropout() == 0:
		return v, fmt.Errorf("compares two passes of the decoder that differ by its dropout, and the model's decoder has none; set dropout_in or dropout_out of lstm, or dropout of transformer, above 0, or leave the variant out")
	}
	return v, nil
}

// varied tells whether a model's own variance of vectors is another than 1, the default.
func varied(m models.Model) bool {
	switch m := m.(type) {
	case models.MLP:
		return m.Noise != 1
	case models.Linear:
		return m.Noise != 1
	}
	return false
}
