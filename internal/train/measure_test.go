package train

import (
	"context"
	"math"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// written returns rows as they were written.
func written(entries []record.Entry) (rows []record.Row) {
	for _, e := range entries {
		rows = append(rows, e.Row())
	}
	return rows
}

// rowsOf trains in a folder and returns its rows.
func rowsOf(t *testing.T, trial Trial, run func(dir string) error) []record.Row {
	t.Helper()
	dir := t.TempDir()
	if err := trial.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	set, err := record.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return written(set.Runs[0].Rows)
}

// TestStates: what tiny trainings end as is named in their rows and their progress.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		name    string
		beta    float64
		lr      float64
		epochs  int
		methods []vae.Method
		want    metrics.State
	}{
		{"vanilla", 1, 0.01, 4, nil, metrics.Collapsed},
		{"an autoencoder", 0, 0.01, 20, nil, metrics.Healthy},
		{"bn whose decoder has learnt nothing", 1, 1e-4, 2, []vae.Method{variants.BN{Gamma: 2, Eps: 1e-8, Momentum: 1}}, metrics.IgnoresZ},
	} {
		settings := Defaults
		settings.Epochs, settings.LR, settings.Report = c.epochs, c.lr, "last"
		trial, set := small(t, 24, settings, c.methods...)
		trial.KL.Beta = c.beta
		var last Progress
		rows := rowsOf(t, trial, func(dir string) error {
			return Run(context.Background(), trial, set, dir, Hooks{Progress: func(p Progress) { last = p }})
		})
		test := rows[len(rows)-1]
		if got := metrics.State(test.Values["state"]); got != c.want || last.State != c.want.String() {
			t.Errorf("%s: the test says %v, progress %q, want %v", c.name, got, last.State, c.want)
		}
		var first float64 // step of the first evaluation of the last collapse
		for _, r := range rows {
			if _, ok := r.Values["state"]; ok == (r.Split == "train") {
				t.Errorf("%s: a %s row has a state: %t", c.name, r.Split, ok)
			}
			if r.Split == "valid" && metrics.State(r.Values["state"]) != metrics.Collapsed {
				first = 0
			} else if r.Split == "valid" && first == 0 {
				first = float64(r.Step)
			}
		}
		if step, ok := test.Values["collapse_step"]; ok != (c.want == metrics.Collapsed) || step != first {
			t.Errorf("%s: collapsed at step %v (%t), the rows say %v", c.name, step, ok, first)
		}
	}
}

// TestTestRow: what only the last row has, with IW-NLL and probes if the settings ask for them; the
// other rows and the weights stay what they are.
func TestTestRow(t *testing.T) {
	rows := func(samples int, probe bool) []record.Row {
		settings := Defaults
		settings.Epochs, settings.LR, settings.IWSamples, settings.Probe = 2, 0.01, samples, probe
		trial, set := small(t, 12, settings, variants.BN{Gamma: 0.7, Eps: 1e-5, Momentum: 0.1})
		return rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) })
	}
	plain, more := rows(0, false), rows(5, true)
	if len(plain) != len(more) {
		t.Fatalf("%d rows, %d with more", len(plain), len(more))
	}
	last := len(plain) - 1
	for i := range plain {
		for name, v := range plain[i].Values {
			if w, ok := more[i].Values[name]; !ok || w != v {
				t.Errorf("row %d: %s is %v, with more %v", i, name, v, w)
			}
		}
		if i < last && len(plain[i].Values) != len(more[i].Values) {
			t.Errorf("row %d, no test: %v, with more %v", i, plain[i].Values, more[i].Values)
		}
		_, gap := plain[i].Values["prior_gap"]
		_, ratio := plain[i].Values["grad_ratio"]
		if gap != (i == last) || ratio != (plain[i].Split == "train") {
			t.Errorf("row %d, %s: prior gap %t, gradient ratio %t", i, plain[i].Split, gap, ratio)
		}
	}
	test := more[last].Values
	if nll := test["iw_nll"]; !(nll > 0 && nll < test["nelbo"]+0.5) || len(test) != len(plain[last].Values)+5 {
		t.Errorf("IW-NLL %v, NELBO %v; %d values instead of %d", nll, test["nelbo"], len(test), len(plain[last].Values))
	}
	if p, ok := test["probe_100"]; !ok || p < 0.1 || p > 1 { // 320 labels: no larger probe
		t.Errorf("probe %v", test)
	}
	if c := test["probe_chance"]; !(c >= 0.25 && c < 0.5) { // four modes
		t.Errorf("chance %v", c)
	}
	if r := test["mode_recovery"]; !(r >= 0 && r <= 1) {
		t.Errorf("mode recovery %v", r)
	}
	v := plain[0].Values // of split train: 10 steps, no clipping in sight
	for _, r := range plain {
		if v = r.Values; r.Split == "train" {
			break
		}
	}
	if all := math.Hypot(v["grad_encoder"], v["grad_decoder"]); !(v["grad_ratio"] > 0) || math.Abs(all/v["grad_norm"]-1) > 0.2 { // means of norms
		t.Errorf("gradients: encoder %v, decoder %v, all %v", v["grad_encoder"], v["grad_decoder"], v["grad_norm"])
	}
}

// TestGradientsOfHalves: in a single step the two halves' squares add up to the whole's.
func TestGradientsOfHalves(t *testing.T) {
	settings := Defaults
	settings.Clip = 0.1 // it does not change what is reported
	trial, set := small(t, 12, settings)
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.TrainStep(); err != nil {
		t.Fatal(err)
	}
	v := tr.Sum.Values
	if got := math.Hypot(v[gradEncoder], v[gradDecoder]); math.Abs(got-v[gradNorm]) > 1e-6*got || v[gradEncoder] == 0 || v[gradDecoder] == 0 {
		t.Errorf("encoder %v, decoder %v, all %v", v[gradEncoder], v[gradDecoder], v[gradNorm])
	}
}

// TestTrueNLLIsTheFloor: of linear Gaussian data exactly; no bound is below it.
func TestTrueNLLIsTheFloor(t *testing.T) {
	source := data.Gaussian{Train: 64, Test: 500, Dims: 4, Spectrum: "5 2", Noise: 1, Seed: 3}
	set, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	trial := Trial{Data: source, Model: models.Linear{LatentDim: 2, Noise: 1}, KL: optim.DefaultKL, Train: Defaults}
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	known, err := source.Model()
	if err != nil {
		t.Fatal(err)
	}
	var nll, squares float64
	for _, x := range set.Test.Values {
		v := known.NLL(x)
		nll, squares = nll+v/500, squares+v*v/500
	}
	values, _ := measurement(t, tr.Model, trial, set, set.Test, Final)
	got, se := values["true_nll"], math.Sqrt((squares-nll*nll)/500)
	if math.Abs(got-nll) > 1e-9 || math.Abs(got-known.Entropy()) > 4*se || values["nelbo"] < got {
		t.Errorf("true NLL %v, want %v, entropy %v ± %v, NELBO %v", got, nll, known.Entropy(), se, values["nelbo"])
	}
	if got, want := values["true_mi"], 0.5*math.Log(5*2); math.Abs(got-want) > 1e-12 {
		t.Errorf("true MI %v, want %v", got, want)
	}
}

// TestTrueNLLOfText: of a few sentences by a fine grid over z, in every test row, and of many that
// are estimated from some of them within what it says.
func TestTrueNLLOfText(t *testing.T) {
	trial, set := small(t, 12, Defaults)
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	exact := func(seq []int32) float64 { // -ln p(x)
		const step, reach = 0.2, 6.
		var z [][]float64
		for a := -reach; a < reach; a += step {
			for b := -reach; b < reach; b += step {
				z = append(z, []float64{a, b})
			}
		}
		var p float64
		for _, l := range logJoint(set.Truth, seq)(z) {
			p += math.Exp(l) * step * step
		}
		return -math.Log(p)
	}
	set.Test = set.Test.Pick([]int{0, 1, 2, 3, 4, 5, 6, 7})
	var nll, mi float64
	for i, seq := range set.Test.Seqs {
		v := exact(seq)
		nll, mi = nll+v/8, mi+(v+set.Truth.LogProb(set.Test.Latents[i], seq))/8
	}
	values, _ := measurement(t, tr.Model, trial, set, set.Test, Final)
	near := func(what string, got, want, within float64) {
		t.Helper()
		if !(math.Abs(got-want) <= within) {
			t.Errorf("%s %v, want %v ± %v", what, got, want, within)
		}
	}
	near("true NLL", values["true_nll"], nll, 0.15) // 8 estimates, up to 0.3 nats off each
	near("true MI", values["true_mi"], mi, 0.15)
	if values["nelbo"] < values["true_nll"] || values["true_mi"] < 0.5 {
		t.Errorf("NELBO %v, %v", values["nelbo"], values)
	}
	if quick, _ := measurement(t, tr.Model, trial, set, set.Test, Quick); quick["true_nll"] != 0 {
		t.Errorf("every evaluation has it: %v", quick)
	}

	many := set.Train // 320 sentences, of which it takes 100; here 23 others
	var told, squares, rec float64
	for i := 1; i < 320; i += 14 {
		v := exact(many.Seqs[i]) + set.Truth.LogProb(many.Latents[i], many.Seqs[i])
		told, squares = told+v/23, squares+v*v/23
	}
	for i, seq := range many.Seqs {
		rec -= set.Truth.LogProb(many.Latents[i], seq) / 320
	}
	values = map[string]float64{}
	addTruth(trial, set, many, values)
	near("true NLL of 320", values["true_nll"], rec+told, 4*math.Hypot(values["true_nll_se"], math.Sqrt((squares-told*told)/23)))
	if se := values["true_nll_se"]; se <= 0 || se > 0.3 {
		t.Errorf("standard error %v", se)
	}
}

// measurement is Measure where nobody stops it.
func measurement(t *testing.T, m *vae.Model, trial Trial, set *data.Set, split data.Split, depth Depth) (map[string]float64, map[string][]float64) {
	t.Helper()
	values, vectors, err := Measure(t.Context(), m, trial, set, split, depth)
	if err != nil {
		t.Fatal(err)
	}
	return values, vectors
}
