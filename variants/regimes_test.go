package variants

import (
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// regime builds the method.
func regime(method vae.Method) vae.Regime {
	return method.Build(vae.Builder{Params: new(nn.Params), D: 1}).Regime
}

// innerUpdates is how many inner updates the regime makes in a step with these losses per word, of the batches with these
// words and examples.
func innerUpdates(t *testing.T, r vae.Regime, losses []float64, words, examples func(k int) int) (n int) {
	t.Helper()
	h := vae.Seen{}
	for {
		plan := r.Next(h)
		switch {
		case plan.Inner && (plan.Only != vae.EncoderSide || plan.Random != (n > 0) || plan.Reset != 0 || plan.Fixed):
			t.Fatalf("inner update %d: %+v", n, plan)
		case !plan.Inner && plan != (vae.Plan{Only: vae.DecoderSide}):
			t.Fatalf("the step after %d inner updates: %+v", n, plan)
		case !plan.Inner:
			return n
		case n == len(losses):
			t.Fatalf("more than %d inner updates", n)
		}
		h.Tokens, h.Examples = words(n), examples(n)
		h.Loss = losses[n] * float64(h.Tokens) / float64(h.Examples)
		n++
	}
}

// TestGoldenAggressive: the inner updates of each trace of losses, twice, so that nothing is left of the first time; and the
// epochs in which the first phase goes on.
func TestGoldenAggressive(t *testing.T) {
	var want struct {
		Every, Most int
		Inner       map[string]int       `json:"inner_updates"`
		Losses      map[string][]float64 `json:"losses"`
		MI          []float64            `json:"mi_by_epoch"`
		Aggressive  []bool               `json:"aggressive_in_epoch"`
	}
	golden(t, "aggressive.json", &want)
	if len(want.Inner) == 0 || len(want.MI) == 0 || len(want.MI) != len(want.Aggressive) {
		t.Fatalf("%d traces, %d epochs", len(want.Inner), len(want.MI))
	}
	method := Aggressive{Every: want.Every, Most: want.Most, Patience: 1}
	one := func(int) int { return 1 }
	r := regime(method)
	for name, inner := range want.Inner {
		for range 2 {
			if got := innerUpdates(t, r, want.Losses[name], one, one); got != inner {
				t.Errorf("%s: %d inner updates, want %d", name, got, inner)
			}
		}
	}
	r = regime(method)
	var h vae.Seen
	for epoch, aggressive := range want.Aggressive {
		if first := r.Phase().First; epoch > 0 && first != want.Aggressive[epoch-1] {
			t.Errorf("after epoch %d the phase is first: %v", epoch, first)
		}
		plan := r.Next(h)
		for h.Valid = nil; plan.Inner; {
			h.Loss, h.Examples, h.Tokens = 1, 1, 1
			plan = r.Next(h)
		}
		if only := plan.Only == vae.DecoderSide; only != aggressive || r.Phase().First != aggressive {
			t.Errorf("epoch %d: aggressive %v, want %v", epoch, only, aggressive)
		}
		if asks := r.Phase().Ask == "mi"; asks != aggressive {
			t.Errorf("epoch %d: asks for MI: %v", epoch, asks)
		}
		h.Valid = map[string]float64{"mi": want.MI[epoch]}
	}
}

// TestAggressive: the mean is over words, not over batches; limits of one inner update; and the patience counts epochs in a row.
func TestAggressive(t *testing.T) {
	// Means over words 1.9, 1.6 and 1.7. Those over batches would be 1.5, 1.6 and 1.7, those of a batch's sum 9.5, 8 and 3.4.
	losses := []float64{1, 2, 1.6, 1.6, 1.7, 1.7}
	words := func(k int) int { return []int{1, 9, 5, 5, 2, 2}[k] }
	if got := innerUpdates(t, regime(Aggressive{Every: 2, Most: 100, Patience: 1}), losses, words, func(k int) int { return 1 + k }); got != 6 {
		t.Errorf("%d inner updates, want 6", got)
	}
	for most, want := range map[int]int{1: 1, 2: 1, 3: 2} {
		if got := innerUpdates(t, regime(Aggressive{Every: 1, Most: most, Patience: 1}), []float64{3, 2, 1}, words, words); got != want {
			t.Errorf("most %d: %d inner updates, want %d", most, got, want)
		}
	}
	r := regime(Aggressive{Every: 1, Most: 1, Patience: 3})
	for epoch, mi := range []float64{1, 0.9, 0.8, 1, 0.9, 0.8, 0.99, 5} {
		r.Next(vae.Seen{Valid: map[string]float64{"mi": mi}})
		if over := epoch >= 6; r.Phase().First == over {
			t.Errorf("after epoch %d the first phase goes on: %v", epoch+1, !over)
		}
	}
	if got := r.Phase(); got != (vae.Phase{Least: 4}) {
		t.Errorf("the last phase is %+v", got)
	}
}

// TestFBP: phase 1 ends after ae_epochs, or with the patience, and then the decoder is drawn anew, once.
func TestFBP(t *testing.T) {
	for _, c := range []struct {
		method FBP
		rec    []float64 // after each epoch
		ends   int       // after so many epochs
		phase  vae.Phase
	}{
		{FBP{AEEpochs: 3}, []float64{5, 6, 7, 8}, 3, vae.Phase{First: true, Void: true, Least: 3, Most: 3}},
		{FBP{AEEpochs: 9, Patience: 2}, []float64{5, 6, 4, 4.5, 4.25, 1}, 5, vae.Phase{First: true, Void: true, Ask: "rec", Least: 3, Most: 9}},
		{FBP{AEEpochs: 2, Patience: 2}, []float64{5, 6, 7}, 2, vae.Phase{First: true, Void: true, Ask: "rec", Least: 2, Most: 2}},
	} {
		r := regime(c.method)
		if got := r.Phase(); got != c.phase {
			t.Errorf("%+v: phase %+v, want %+v", c.method, got, c.phase)
		}
		for epoch := range c.rec {
			h := vae.Seen{Epoch: epoch}
			if ask := r.Phase().Ask; ask != "" && epoch > 0 {
				h.Valid = map[string]float64{ask: c.rec[epoch-1]}
			}
			for step := range 2 {
				plan, want := r.Next(h), vae.Plan{Fixed: true}
				if epoch >= c.ends {
					want = vae.Plan{}
					if epoch == c.ends && step == 0 {
						want.Reset = vae.DecoderSide | vae.HeadNorm
					}
				}
				if plan != want {
					t.Errorf("%+v, epoch %d, step %d: %+v, want %+v", c.method, epoch, step, plan, want)
				}
				h.Valid = nil
			}
			if first := epoch < c.ends; r.Phase().First != first || r.Phase().Void != first {
				t.Errorf("%+v, epoch %d: phase %+v", c.method, epoch, r.Phase())
			}
		}
	}
}
