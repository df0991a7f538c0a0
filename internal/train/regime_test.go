package train

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// An alternating regime first updates the encoder alone, twice a step, the second time on a batch that is drawn; then the
// decoder alone. It asks for mi, and once that has been told twice it draws the decoder anew and trains as vanilla does.
type alternating struct{}

func (alternating) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Regime: alternation{b.Params.Buffer("regime.alternation", nn.Constant(0), 2)}}
}

// The memory is how many inner updates of this step are done, and how often mi was told.
type alternation struct{ memory *nn.Param }

func (a alternation) Next(h vae.Seen) (p vae.Plan) {
	inner, told := &a.memory.Data[0], &a.memory.Data[1]
	if _, ok := h.Valid["mi"]; ok {
		if *told++; *told == 2 {
			p.Reset = vae.DecoderSide
		}
	}
	if *told >= 2 {
		return p
	}
	if *inner == 2 {
		*inner = 0
		p.Only = vae.DecoderSide
		return p
	}
	p.Only, p.Inner, p.Random, p.Fixed, p.Weight = vae.EncoderSide, true, *inner == 1, true, 0.1
	*inner++
	return p
}

func (a alternation) Phase() vae.Phase {
	if a.memory.Data[1] < 2 {
		return vae.Phase{First: true, Void: true, Ask: "mi", Least: 2, Most: 2}
	}
	return vae.Phase{Least: 2, Most: 2}
}

// side is a copy of the numbers of one side.
func side(m *vae.Model, s vae.Sides) (all []nn.Float) {
	for _, p := range m.Params.All() {
		if s.Has(p.Name) {
			all = append(all, p.Data...)
		}
	}
	return all
}

// TestRegime: an inner update changes the encoder only and is no step; after a reset the decoder is that of a new model,
// the encoder stays.
func TestRegime(t *testing.T) {
	for _, optimizer := range []string{"adam", "sgd"} {
		settings := Defaults
		settings.Optimizer = optimizer
		trial, set := small(t, 12, settings, alternating{})
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		fresh := side(tr.Model, vae.DecoderSide)
		tr.load(0)
		regime := tr.Model.Variant.Regime
		for n := range 2 {
			encoder, decoder := side(tr.Model, vae.EncoderSide), side(tr.Model, vae.DecoderSide)
			if err := tr.update(regime.Next(tr.Seen), n); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(decoder, side(tr.Model, vae.DecoderSide)) || slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
				t.Errorf("%s: inner update %d: the decoder changed, or the encoder did not", optimizer, n)
			}
			if tr.Step != 0 || tr.Batch != 0 || tr.Sum.Steps != 0 || tr.pass.KLWeight != 0.1 {
				t.Errorf("%s: an inner update counts: %+v", optimizer, tr.progress)
			}
			tr.Seen.Inner++
		}
		encoder, decoder := side(tr.Model, vae.EncoderSide), side(tr.Model, vae.DecoderSide)
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(decoder, side(tr.Model, vae.DecoderSide)) || !slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
			t.Errorf("%s: the step changed the encoder, or not the decoder", optimizer)
		}
		if tr.Step != 1 || tr.Seen.Rec <= 0 || tr.Seen.Tokens == 0 {
			t.Errorf("%s: after a step %+v", optimizer, tr.progress)
		}
		tr.best, tr.LR = nn.Tensors(tr.Model.Params.All(), ""), 1
		tr.draw(vae.DecoderSide)
		if !slices.Equal(fresh, side(tr.Model, vae.DecoderSide)) || !slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) {
			t.Errorf("%s: the decoder that is drawn anew is not a new model's, or the encoder changed", optimizer)
		}
		if tr.best != nil || tr.LR != settings.LR {
			t.Errorf("%s: the best weights or the rate of before stay", optimizer)
		}
	}
}

// TestRegimeResumes: rows and weights of a trial that is stopped every few steps are those of an uninterrupted one, in and after
// the first phase, for an evaluation that the regime asks for beside those of the settings. The learning rate decays and the
// best weights are reloaded; the regime does not return to its first phase with them.
func TestRegimeResumes(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery, settings.EvalEvery, settings.Report, settings.LR = 6, 3, 2, "best", 0.03
	decaying := settings
	decaying.Epochs, decaying.EvalEvery, decaying.LR, decaying.Decay = 12, 1, 0.1, optim.Decay{Factor: 0.5, Patience: 1, From: 2, Max: 20}
	for name, c := range map[string]struct {
		method   vae.Method
		settings Settings
	}{
		"alternating":             {alternating{}, settings},
		"aggressive":              {variants.Aggressive{Every: 3, Most: 10, Patience: 1}, settings},
		"fbp":                     {variants.FBP{AEEpochs: 2, Patience: 1}, settings},
		"aggressive with a decay": {variants.Aggressive{Every: 3, Most: 10, Patience: 2}, decaying},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial, set := small(t, 12, c.settings, c.method)
			set.Truth = nil // it takes longer than the trial
			var lr, phases []float64
			steps := 0.0
			for _, row := range resumes(t, trial, set) {
				first := row.Values["first_phase"]
				if row.Split == "train" {
					lr = append(lr, row.Values["lr"])
					if (row.Values["inner"] > 0) != (first > 0 && name != "fbp") {
						t.Errorf("step %d: %v inner updates a step, %v of the steps in the first phase", row.Step, row.Values["inner"], first)
					}
					steps += first * float64(c.settings.LogEvery)
				}
				if end := row.Values["phase_end"]; (end > 0) != (first < 1) || end > float64(row.Step) {
					t.Errorf("%s, step %d: first phase %v, its end %v", row.Split, row.Step, first, end)
				} else if end > 0 && math.Abs(end-steps) > 1e-9 {
					t.Errorf("%s, step %d: the first phase ended at step %v; the rows have %v steps of it", row.Split, row.Step, end, steps)
				}
				phases = append(phases, first)
			}
			if phases[0] != 1 || phases[len(phases)-1] != 0 || !slices.IsSortedFunc(phases, func(a, b float64) int { return cmp.Compare(b, a) }) {
				t.Errorf("first_phase goes %v", phases)
			}
			if decays := lr[0] > lr[len(lr)-1]; decays != (c.settings.Decay.Patience > 0) {
				t.Errorf("the learning rate goes %v", lr)
			}
		})
	}
}

// TestPretraining: phase 1 of fbp has weight 0. At its end the encoder stays but for running statistics and shift of its
// normalisation; the decoder is a new model's; and the optimisers, the rate, the best weights and the weigher begin anew.
func TestPretraining(t *testing.T) {
	settings := Defaults
	settings.LR = 0.03
	bn := variants.BN{Gamma: 0.6, Eps: 1e-8, Momentum: 0.1}
	trial, set := small(t, 12, settings, bn, variants.FBP{AEEpochs: 2}, counter{})
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	fresh := map[string][]nn.Float{}
	for _, p := range tr.Model.Params.All() {
		fresh[p.Name] = slices.Clone(p.Data)
	}
	step := func() {
		t.Helper()
		if tr.Batch == len(tr.batches) {
			tr.Batch, tr.Epoch = 0, tr.Epoch+1
		}
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * len(tr.batches) {
		step()
		if tr.pass.KLWeight != 0 || tr.counts() || tr.pass.Noise == nil {
			t.Fatalf("step %d: weight %v, evaluations count: %v", tr.Step, tr.pass.KLWeight, tr.counts())
		}
	}
	tr.Batch, tr.Epoch = 0, 2
	tr.load(2)
	before := map[string][]nn.Float{}
	for _, p := range tr.Model.Params.All() {
		before[p.Name] = slices.Clone(p.Data)
	}
	tr.LR, tr.best, tr.Plateau.Seen, tr.Waiting.Seen = 7, nn.Tensors(tr.restored(), ""), true, true
	plan := tr.Model.Variant.Regime.Next(vae.Seen{Step: tr.Step, Epoch: 2})
	tr.draw(plan.Reset)
	new := []string{"encoder.mu_bn.bias", "encoder.mu_bn.running_mean", "encoder.mu_bn.running_var", "encoder.mu_bn.num_batches_tracked"}
	for _, p := range tr.Model.Params.All() {
		if strings.HasPrefix(p.Name, vae.RegimeMemory) {
			continue
		}
		want := before[p.Name]
		if strings.HasPrefix(p.Name, "decoder.") || slices.Contains(new, p.Name) {
			want = fresh[p.Name]
			if slices.Equal(want, before[p.Name]) {
				t.Errorf("%s was not trained", p.Name)
			}
		}
		if !slices.Equal(p.Data, want) {
			t.Errorf("%s is not what it must be after the reset", p.Name)
		}
	}
	for _, s := range tr.opts {
		for _, p := range s.opt.State() {
			if slices.ContainsFunc(p.Data, func(x nn.Float) bool { return x != 0 }) {
				t.Errorf("the optimiser remembers %s%s", s.prefix(), p.Name)
			}
		}
	}
	if tr.LR != settings.LR || tr.best != nil || tr.Plateau.Seen || tr.Waiting.Seen {
		t.Errorf("rate %v, %d best weights, %+v, %+v", tr.LR, len(tr.best), tr.Plateau, tr.Waiting)
	}
	for n := 1; n <= 3*len(tr.batches); n++ {
		step()
		if want := nn.Float(1 / float64(n)); tr.pass.KLWeight != want || tr.counts() != (n >= 2*len(tr.batches)) {
			t.Fatalf("step %d after the reset: weight %v, want %v; evaluations count: %v", n, tr.pass.KLWeight, want, tr.counts())
		}
	}
}

// TestScheduleAfterPretraining: the schedule of section kl begins with the second phase of fbp.
func TestScheduleAfterPretraining(t *testing.T) {
	settings := Defaults
	settings.Epochs, settings.LogEvery = 5, 1
	trial, set := small(t, 8, settings, variants.FBP{AEEpochs: 2})
	trial.KL.Schedule, trial.KL.WarmUp, trial.KL.Beta = "linear", 2, 0.5
	for _, row := range rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) }) {
		want := 0.5 * max(0, min(1, float64(row.Step-1-20)/20)) // 10 steps in an epoch
		if got, ok := row.Values["kl_weight"]; ok && math.Abs(got-want) > 1e-6 {
			t.Errorf("step %d: weight %v, want %v", row.Step, got, want)
		}
		if counts, ok := row.Values["counts"]; ok && row.Split == "valid" && (counts == 1) != (row.Step >= 40) {
			t.Errorf("step %d: evaluations count: %v", row.Step, counts)
		}
	}
}

// TestHeadNorm: what a reset draws anew of a head is all that the registered methods keep as running statistics, and no
// scale.
func TestHeadNorm(t *testing.T) {
	for _, name := range variants.Methods.Names() {
		method, _ := variants.Methods.Get(name)
		trial, set := small(t, 5, Defaults, method)
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tr.Model.Params.All() {
			kept := strings.Contains(p.Name, "running_") || strings.HasSuffix(p.Name, "num_batches_tracked")
			if has := vae.HeadNorm.Has(p.Name); kept && !has || has && strings.HasSuffix(p.Name, "weight") {
				t.Errorf("%s: HeadNorm has %s: %v", name, p.Name, has)
			}
		}
	}
}

// TestAggressiveAlternates: with most 1 a step is an update of the encoder and then one of the decoder, both on its batch.
// Without a first phase it is that of vanilla.
func TestAggressiveAlternates(t *testing.T) {
	settings := Defaults
	settings.LR = 0.03
	train := func(t *testing.T, method vae.Method, update func(tr *Trainer) error) []nn.Float {
		trial, set := small(t, 12, settings, method)
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			if err := update(tr); err != nil {
				t.Fatal(err)
			}
		}
		return side(tr.Model, vae.EncoderSide|vae.DecoderSide)
	}
	alternate := train(t, vanillaRegime{}, func(tr *Trainer) error {
		for _, plan := range []vae.Plan{{Only: vae.EncoderSide, Inner: true}, {Only: vae.DecoderSide}} {
			if err := tr.update(plan, 0); err != nil {
				return err
			}
			tr.Seen.Inner++
		}
		tr.Seen.Inner--
		tr.Step++
		tr.Batch++
		return nil
	})
	for _, most := range []int{1, 2} {
		if got := train(t, variants.Aggressive{Every: 15, Most: most, Patience: 1}, (*Trainer).TrainStep); !slices.Equal(got, alternate) {
			t.Errorf("most %d does not alternate", most)
		}
	}
	over := func(tr *Trainer) error {
		tr.Model.Params.Get(vae.RegimeMemory + "aggressive.over").Data[0] = 1
		return tr.TrainStep()
	}
	vanilla := train(t, vanillaRegime{}, (*Trainer).TrainStep)
	if got := train(t, variants.Aggressive{Every: 15, Most: 5, Patience: 1}, over); !slices.Equal(got, vanilla) {
		t.Error("after its first phase aggressive is not vanilla")
	}
}

// TestAggressiveSteps: an inner update of aggressive changes no byte of the decoder, and the update after them none of the
// encoder.
func TestAggressiveSteps(t *testing.T) {
	trial, set := small(t, 12, Defaults, variants.Aggressive{Every: 2, Most: 5, Patience: 1})
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[bool]int{}
	for range 20 {
		encoder, decoder := side(tr.Model, vae.EncoderSide), side(tr.Model, vae.DecoderSide)
		plan := tr.Model.Variant.Regime.Next(tr.Seen)
		if err := tr.update(plan, 0); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(encoder, side(tr.Model, vae.EncoderSide)) == plan.Inner || slices.Equal(decoder, side(tr.Model, vae.DecoderSide)) != plan.Inner {
			t.Errorf("an update, inner: %v, changed the wrong side", plan.Inner)
		}
		seen[plan.Inner]++
		tr.Seen.Inner++
	}
	if seen[true] <= seen[false] || seen[false] == 0 {
		t.Errorf("%d inner updates, %d others", seen[true], seen[false])
	}
}

// TestRegimeNeedsValidation: a regime that is told a metric after each epoch is refused without a validation split.
func TestRegimeNeedsValidation(t *testing.T) {
	for method, ok := range map[vae.Method]bool{variants.Aggressive{Every: 15, Most: 100, Patience: 1}: false, variants.FBP{AEEpochs: 1, Patience: 1}: false, variants.FBP{AEEpochs: 1}: true} {
		trial, set := small(t, 8, Defaults, method)
		set.Valid = data.Split{}
		if _, err := New(trial, set); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "of a validation split, and synthetic has none; add one, or choose another variant") {
			t.Errorf("%+v: %v", method, err)
		}
	}
}

// TestRegimeThatDoesNothing: with the zero Plan, and so with an optimiser for each side, a trial is the vanilla one.
func TestRegimeThatDoesNothing(t *testing.T) {
	settings := Defaults
	settings.Epochs = 1
	trial, set := small(t, 12, settings, vanillaRegime{})
	plain, _ := small(t, 12, settings)
	a := rowsOf(t, trial, func(dir string) error { return Run(context.Background(), trial, set, dir, Hooks{}) })
	b := rowsOf(t, plain, func(dir string) error { return Run(context.Background(), plain, set, dir, Hooks{}) })
	if len(a) != len(b) {
		t.Fatalf("%d rows, vanilla has %d", len(a), len(b))
	}
	for i := range a {
		for name, v := range b[i].Values {
			if a[i].Values[name] != v {
				t.Errorf("row %d: %s is %v, of vanilla %v", i, name, a[i].Values[name], v)
			}
		}
	}
}

// A vanillaRegime plans what vanilla does.
type vanillaRegime struct{}

func (vanillaRegime) Build(vae.Builder) vae.Variant { return vae.Variant{Regime: vanillaRegime{}} }

func (vanillaRegime) Next(vae.Seen) (p vae.Plan) { return p }

func (vanillaRegime) Phase() (p vae.Phase) { return p }
