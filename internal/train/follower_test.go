package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestFollower: the second encoder of ceae begins as the first, and after each step has moved to it by 1 - decay. The queue has
// the mu+ of the last batches. Evaluations count once a step has had the last sigma.
func TestFollower(t *testing.T) {
	const decay, size = 0.8, 40
	method := variants.CEAE{C0: 1, CMin: 0.1, TMax: 1, Lambda: 0.05, Decay: decay, Queue: size, Global: 4, Eps: 1e-8, Momentum: 0.1}
	trial, set := tinyText(t, method)
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	ps := tr.Model.Params
	originals := map[*nn.Param]*nn.Param{}
	for _, p := range ps.All() {
		if rest, ok := strings.CutPrefix(p.Name, "encoder.momentum."); ok {
			of := ps.Get("encoder." + rest)
			if p.Grad() != nil || !slices.Equal(p.Data, of.Data) {
				t.Errorf("%s is learnt, or does not begin as %s", p.Name, of.Name)
			}
			originals[p] = of
		}
	}
	if len(originals) != 6 { // embed, four of the LSTM, linear
		t.Fatalf("%d parameters have a copy", len(originals))
	}
	tolerance := 1e-12
	if tensor.Bits == 32 {
		tolerance = 1e-6
	}
	rows := 0
	for range 2 * tr.StepsPerEpoch() {
		before := map[*nn.Param][]nn.Float{}
		for p := range originals {
			before[p] = slices.Clone(p.Data)
		}
		tr.load(tr.Epoch)
		rows += tr.batches[tr.Batch].B()
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
		if tr.Batch == tr.StepsPerEpoch() {
			tr.Epoch, tr.Batch = tr.Epoch+1, 0
		}
		for p, of := range originals {
			for i, was := range before[p] {
				want := decay*float64(was) + (1-decay)*float64(of.Data[i])
				if got := float64(p.Data[i]); math.Abs(got-want) > tolerance*(1+math.Abs(want)) {
					t.Fatalf("step %d: %s[%d] is %v, want %v", tr.Step, p.Name, i, got, want)
				}
			}
		}
		if got, want := ps.Get("encoder.ceae.queue.at").Data[1], nn.Float(min(rows, size)); got != want {
			t.Fatalf("step %d: the queue has %v rows, want %v", tr.Step, got, want)
		}
		if got, want := ps.Get("encoder.ceae.epoch").Data[0], nn.Float(1+(tr.Step-1)/tr.StepsPerEpoch()); got != want {
			t.Fatalf("step %d: epoch %v, want %v", tr.Step, got, want)
		}
		if got := tr.counts(); got != (tr.Step > tr.StepsPerEpoch()) {
			t.Fatalf("step %d of %d an epoch: an evaluation counts: %t", tr.Step, tr.StepsPerEpoch(), got)
		}
	}
}

// TestNoWeightsOfAPoint: a trial whose sigma ends at 0 has no importance-weighted likelihood and says so; with a last sigma
// above 0 it has one.
func TestNoWeightsOfAPoint(t *testing.T) {
	for least, want := range map[float64]string{
		0: "trials of ceae have no iw_nll; it needs train.iw_samples above 0, and a q(z|x) of more than one z", 0.2: "",
	} {
		method := variants.CEAE{C0: 1, CMin: least, TMax: 1, Lambda: 0.05, Decay: 0.9, Queue: 9, Eps: 1e-8, Momentum: 0.1}
		trial, _ := tinyText(t, []vae.Method{method}...)
		trial.Variant = "ceae"
		_, err := trial.Length("test", "iw_nll")
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("c_min %v: %v, want %q", least, err, want)
		}
		if _, err := trial.Length("test", "z_noise"); (err == nil) != (least == 0) {
			t.Errorf("c_min %v: z_noise: %v", least, err)
		}
	}
}
