package train

import (
	"context"
	"math"
	"reflect"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestLagOfLinearOptimum: at the optimum of the linear VAE q(z|x) is p(z|x), whose means have the
// variance 1 - noise/L. An encoder that is then set to 0 is behind by the mean of |x|.
func TestLagOfLinearOptimum(t *testing.T) {
	const n = 400
	x := withSpectrum(n, spectrum)
	set := &data.Set{Name: "oracle", Height: 1, Width: len(spectrum), Real: true, Train: data.Split{Values: x}, Valid: data.Split{Values: x}}
	tr := trainLinear(t, set, 1, variants.Vanilla{}, 1, 500, 0.1, 0.01, 0.003)
	row := tr.Lag()
	want := math.Sqrt(1 - noise/spectrum[0])
	// Of the 400 the first 200 are measured: their deviation is known to 1/sqrt(400) of itself.
	if got := row.Values["lag_model_sd"]; math.Abs(got-want) > 0.1 || len(row.Vectors["lag_model"]) != metrics.LagExamples {
		t.Errorf("%d model posteriors with a spread of %v, want %d and %v", len(row.Vectors["lag_model"]), got, metrics.LagExamples, want)
	}
	if v := row.Values; v["lag_distance"] > 0.02 || v["lag"] > 0.02 || math.Abs(v["lag_mu_sd"]-v["lag_model_sd"]) > 0.02 {
		t.Errorf("not on the diagonal: %v", v)
	}
	for _, p := range tr.sides.Encoder {
		clear(p.Data)
	}
	var way float64
	for _, x := range row.Vectors["lag_model"] {
		way += math.Abs(x) / metrics.LagExamples
	}
	stays := tr.Lag()
	if got := stays.Values["lag"]; math.Abs(got-way) > 1e-9 || stays.Values["lag_most"] != got || stays.Values["lag_mu_sd"] != 0 {
		t.Errorf("an encoder that stays: %v, want a lag of %v", stays.Values, way)
	}
}

// TestLagRows: they stand at step 0, at every so many steps and at the end, are of the same examples,
// remember the largest lag, and change nothing else: neither rows nor weights.
func TestLagRows(t *testing.T) {
	rows := func(every int, methods ...vae.Method) []record.Row {
		settings := Defaults
		settings.Epochs, settings.LR, settings.LagEvery = 3, 0.03, every
		trial, set := small(t, 12, settings, methods...)
		trial.Model = models.LSTM{LatentDim: 1, EmbedDim: 12, EncHidden: 12, DecHidden: 12, Init: "pytorch"}
		return rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) })
	}
	isLag := func(r record.Row) bool { _, ok := r.Values["lag"]; return ok }
	var steps []int
	var others []record.Row
	most := 0.
	for _, r := range rows(7) {
		if !isLag(r) {
			others = append(others, r)
			continue
		}
		most = max(most, r.Values["lag"])
		steps = append(steps, r.Step)
		if r.Split != "valid" || r.Values["lag_most"] != most || len(r.Vectors["lag_model"]) != 60 || len(r.Vectors["lag_mu"]) != 60 {
			t.Errorf("%s row at step %d, %d and %d points: %v; the largest lag so far is %v",
				r.Split, r.Step, len(r.Vectors["lag_model"]), len(r.Vectors["lag_mu"]), r.Values, most)
		}
	}
	if want := []int{0, 7, 14, 21, 28, 30}; !reflect.DeepEqual(steps, want) || most == 0 {
		t.Errorf("measured at %v, want %v; the largest lag is %v", steps, want, most)
	}
	if plain := rows(0); !reflect.DeepEqual(plain, others) {
		t.Error("the other rows are not those of a trial that does not measure")
	}
	// Before the first step the decoder is the same under every variant.
	if a, b := rows(30)[0], rows(30, variants.BN{Gamma: 1, Eps: 1e-8, Momentum: 0.1})[0]; !reflect.DeepEqual(a.Vectors["lag_model"], b.Vectors["lag_model"]) {
		t.Error("vanilla and bn begin with different model posteriors or examples")
	}
}
