package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// measured are the metrics in a trial's rows, "split name", each with its length.
func measured(rows []record.Row) map[string]int {
	found := map[string]int{}
	for _, r := range rows {
		for name := range r.Values {
			found[r.Split+" "+name] = 0
		}
		for name, v := range r.Vectors {
			found[r.Split+" "+name] = len(v)
		}
	}
	return found
}

// A pull is a variant with an extra term of the loss, |z|² of an example.
type pull struct{}

func (pull) Build(vae.Builder) vae.Variant {
	return vae.Variant{Extras: []vae.Extra{func(_ *nn.Pass, t *vae.Terms) *grad.Value { return t.Z.Square().RowSums().Mean() }}}
}

// TestCatalogue holds the catalogue against the rows of short trials, both ways: what it says that a
// trial has is in the rows, and what is in the rows it says. Together the trials have all of it.
func TestCatalogue(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LR = 3, 0.01
	collapsing := settings
	collapsing.Epochs, collapsing.IWSamples, collapsing.Probe = 4, 2, true
	vanilla, text := small(t, 12, collapsing)
	stopping := settings
	stopping.Stop.Patience = 2
	counting := stopping
	counting.Stop.MinUpdates = 1
	bn, _ := small(t, 12, stopping, variants.BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1})
	scaler, _ := small(t, 12, counting, variants.BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.1}, variants.FreeBits{Lambda: 1})
	source := data.Gaussian{Train: 64, Valid: 30, Test: 30, Dims: 4, Spectrum: "5 2", Noise: 1, Seed: 3}
	vectors, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	linear := Trial{Data: source, Model: models.Linear{LatentDim: 2, Noise: 1}, KL: optim.DefaultKL, Train: settings}
	linear.Format, linear.Train.IWSamples = record.Format, 2

	source.Valid = metrics.LagExamples
	more, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	lagging := linear
	lagging.Data, lagging.Model, lagging.Train.LagEvery = source, models.Linear{LatentDim: 1, Noise: 1}, 2

	type tried struct {
		trial Trial
		set   *data.Set
	}
	cases := map[string]tried{"collapsing": {vanilla, text}, "stopping": {bn, text}, "bn-scaler+free-bits": {scaler, text}, "linear": {linear, vectors}, "lagging": {lagging, more}}
	pulled, _ := small(t, 12, settings, pull{})
	cases["an extra term"] = tried{pulled, text}
	alternate, _ := small(t, 12, settings, alternating{})
	cases["a regime"] = tried{alternate, text}
	sum, pairs := small(t, 12, settings, variants.CVAE{Charge: "sum", Hidden: 5})
	cases["a bound of the penalty"] = tried{sum, pairs}
	for _, name := range variants.Methods.Names() {
		trial, set := small(t, 12, settings, briefly(t, name))
		cases[name] = tried{trial, set}
	}

	seen := map[string]bool{}
	for name, c := range cases {
		found := measured(rowsOf(t, c.trial, func(dir string) error { return Run(context.Background(), c.trial, c.set, dir, Hooks{}) }))
		for at, length := range found {
			split, metric, _ := strings.Cut(at, " ")
			seen[metric] = true
			if got, err := c.trial.Length(split, metric); err != nil || got != length {
				t.Errorf("%s: %s has length %d in the rows; the catalogue says %d, %v", name, at, length, got, err)
			}
		}
		for _, m := range Metrics() {
			for _, split := range []string{"train", "valid", "test"} {
				_, there := found[split+" "+m.Name]
				if _, err := c.trial.Length(split, m.Name); err == nil && !there && !dataDecide(m.Name, c.set) {
					t.Errorf("%s: the catalogue says that split %s has %s; no row does", name, split, m.Name)
				}
			}
		}
	}
	for _, m := range Metrics() {
		if m.Doc == "" || strings.ContainsAny(m.Doc[len(m.Doc)-1:], ".:,") {
			t.Errorf("%s: %q is no line that says what it is", m.Name, m.Doc)
		}
		if strings.Contains(m.Name, ".") {
			t.Errorf("%s: a dot begins a reduction in claims", m.Name)
		}
		if !seen[m.Name] && !dataDecide(m.Name, text) {
			t.Errorf("no trial of this test measures %s", m.Name)
		}
	}
	if !seen["collapse_step"] || !seen["phase_end"] || !seen["probe_100"] {
		t.Errorf("what no settings decide was not measured: %v", slices.Sorted(maps.Keys(seen)))
	}
}

// dataDecide tells whether a metric is one that settings do not decide and a trial on these data
// may lack: no collapse came, the first phase of a regime did not end, or there are fewer labels than a probe wants.
func dataDecide(name string, set *data.Set) bool {
	var labels int
	_, err := fmt.Sscanf(name, "probe_%d", &labels)
	return err == nil && labels > set.Train.N() || name == "collapse_step" || name == "phase_end"
}

// TestLength: why a trial never has a metric.
func TestLength(t *testing.T) {
	trial, _ := small(t, 12, Defaults, variants.BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1})
	trial.Variant = "bn"
	vector := trial
	vector.Data = data.Gaussian{}
	english := trial
	english.Data = data.Godoc{}
	rare := trial
	rare.Train.EvalEvery = 11
	for _, c := range []struct {
		trial       Trial
		split, name string
		length      int
		says        string
	}{
		{trial, "test", "kl", 0, ""},
		{trial, "train", "beta", 4, ""},
		{trial, "valid", "collapse", len(record.CollapseEps), ""},
		{trial, "test", "kll", 0, `unknown metric "kll"; did you mean "kl"? vaelab list metrics has all`},
		{trial, "test", "sig_tehta", 0, `unknown metric "sig_tehta"; did you mean "sig_theta"?`},
		{trial, "test", "happiness", 0, `unknown metric "happiness"; vaelab list metrics has all`},
		{trial, "test", "loss", 0, "loss is not measured on split test; it is on train"},
		{trial, "train", "mi", 0, "mi is not measured on split train; it is on valid and test"},
		{trial, "valid", "bn_gap", 0, "bn_gap is not measured on split valid; it is on test"},
		{rare, "valid", "kl", 0, "split valid is never measured: train.eval_every is 11, train.epochs 10"},
		{trial, "train", "theta", 0, "trials of bn have no theta; it needs bn-scaler or rms-scaler"},
		{trial, "test", "iw_nll", 0, "trials of bn have no iw_nll; it needs train.iw_samples above 0"},
		{trial, "test", "probe_100", 0, "trials of bn have no probe_100; it needs train.probe and as many labels"},
		{vector, "test", "ppl", 0, "trials of bn have no ppl; it needs text"},
		{english, "test", "true_nll", 0, "trials of bn have no true_nll; it needs synthetic or gaussian data"},
		{trial, "valid", "lag", 0, "trials of bn have no lag; it needs one latent dimension and train.lag_every above 0"},
	} {
		length, err := c.trial.Length(c.split, c.name)
		if got := fmt.Sprint(err); length != c.length || (err == nil) != (c.says == "") || err != nil && !strings.HasPrefix(got, c.says) {
			t.Errorf("%s %s: %d, %v; want %d, %q", c.split, c.name, length, err, c.length, c.says)
		}
	}
}

// TestPenaltyAndExtra: rows have the rate and what is charged. Vanilla charges the rate; free bits never less than lambda,
// and objective has the extra, unweighted.
func TestPenaltyAndExtra(t *testing.T) {
	settings := Defaults
	settings.Epochs = 2
	for name, methods := range map[string][]vae.Method{"vanilla": {variants.Vanilla{}}, "free-bits": {variants.FreeBits{Lambda: 9, Mode: "total"}}, "extra": {pull{}}} {
		trial, set := small(t, 12, settings, methods...)
		trial.KL.Beta = 0.5
		for _, row := range rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }) {
			v := row.Values
			switch kl, penalty := v["kl"], v["penalty"]; {
			case name == "free-bits" && (kl > 8 || math.Abs(penalty-9) > 1e-5):
				t.Errorf("%s %s: KL %v, penalty %v; lambda is 9", name, row.Split, kl, penalty)
			case name != "free-bits" && math.Abs(kl-penalty) > 1e-5*(1+kl):
				t.Errorf("%s %s: KL %v, penalty %v", name, row.Split, kl, penalty)
			}
			if got, want := v["objective"], v["rec"]+0.5*v["penalty"]+v["extra"]; row.Split != "train" && math.Abs(got-want) > 1e-9 {
				t.Errorf("%s %s: objective %v, want %v", name, row.Split, got, want)
			}
			if (v["extra"] > 0) != (name == "extra") {
				t.Errorf("%s %s: extra %v", name, row.Split, v["extra"])
			}
		}
	}
}
