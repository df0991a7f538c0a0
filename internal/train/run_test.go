package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// eventful are settings under which everything happens that a checkpoint must keep: the
// best weights are reloaded, the rate decays, gradients are clipped, batches are mixed.
func eventful() Settings {
	s := Defaults
	s.Epochs, s.BatchSize, s.LogEvery, s.LR, s.Clip = 10, 32, 3, 0.3, 0.5
	s.Decay = optim.Decay{Factor: 0.5, Patience: 1, From: 2, Max: 5}
	return s
}

func runTo(t *testing.T, ctx context.Context, settings Settings, dir string, hooks Hooks, methods ...vae.Method) error {
	t.Helper()
	trial, set := small(t, 12, settings, methods...)
	if settings.LagEvery > 0 {
		trial.Model = models.LSTM{LatentDim: 1, EmbedDim: 12, EncHidden: 12, DecHidden: 12, Init: "pytorch"}
	}
	if err := (record.Trial{Format: record.Format, ID: "test"}).Save(dir); err != nil {
		t.Fatal(err)
	}
	return Run(ctx, trial, set, dir, hooks)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lastValue is a metric of the last row of a split.
func lastValue(t *testing.T, dir, split, metric string) float64 {
	t.Helper()
	set, err := record.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := record.Last(set.Runs[0], split, metric)
	return v
}

// interrupted trains a trial that is stopped after every so many steps, until it is done. It returns the number of stops, and
// calls stopped after each.
func interrupted(t *testing.T, settings Settings, dir string, every int, method vae.Method, stopped func()) (stops int) {
	t.Helper()
	for ; ; stops++ {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		err := runTo(t, ctx, settings, dir, Hooks{Progress: func(Progress) {
			if steps++; steps == every {
				cancel()
			}
		}}, method)
		cancel()
		if err == nil {
			return stops
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stopped()
	}
}

// TestResumeIsExact stops a trial after every few steps and goes on each time: rows and
// weights are those of an uninterrupted one, to the byte, for optimisers with memory, a
// variant with running statistics, a rate that decays, a largest lag that is remembered, and
// patience that runs out.
func TestResumeIsExact(t *testing.T) {
	for _, kind := range []string{"adam", "sgd", "momentum", "stop"} {
		settings := eventful()
		settings.Optimizer, settings.LR = kind, 1 // too fast, so that a plateau is sure
		switch kind {
		case "sgd":
			settings.LR, settings.LagEvery = 20, 14 // at steps after which it stops, too
		case "momentum":
			settings.Optimizer, settings.LR, settings.Momentum, settings.WeightDecay = "sgd", 4, 0.8, 0.003
		case "stop":
			settings.Optimizer, settings.LogEvery = "adam", 7
			settings.Stop = optim.Stop{Metric: "objective", Patience: 4, MinDelta: 1e6} // only the first evaluation is a best one
		}
		method := variants.BNScaler{Tau: 0.3, Eps: 1e-8, Momentum: 0.05}
		whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
		if err := runTo(t, context.Background(), settings, whole, Hooks{}, method); err != nil {
			t.Fatal(err)
		}
		rows := filepath.Join(parts, record.RowsFile)
		stops := interrupted(t, settings, parts, 7, method, func() {
			// What is written after the checkpoint by a process that is killed then:
			if err := os.WriteFile(rows, append(read(t, rows), `{"step":99,"epo`...), 0o666); err != nil {
				t.Fatal(err)
			}
		})
		if stops < 5 {
			t.Fatalf("%s: only %d stops", kind, stops)
		}
		for _, name := range []string{record.RowsFile, ModelFile} {
			if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
				t.Errorf("%s: %s of a trial stopped %d times differs from an uninterrupted one", kind, name, stops)
			}
		}
		if stopped := lastValue(t, whole, "test", "stopped"); (stopped == byStop) != (kind == "stop") {
			t.Errorf("%s: the trial says that %v ended it", kind, stopped)
		}
		if lr := lastValue(t, whole, "train", "lr"); kind != "stop" && lr > 0.6*settings.LR {
			t.Errorf("%s: the learning rate ends at %v and never decayed; the test does not test that", kind, lr)
		}
		if _, err := os.Stat(filepath.Join(parts, CheckpointFile)); err == nil {
			t.Errorf("%s: a finished trial keeps its checkpoint", kind)
		}
	}
}

// A countdown is a context that ends when it has been asked so many times whether it has.
type countdown struct {
	context.Context
	left *int
}

func (c countdown) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestMeasurementsAreStopped: a trial that is stopped between two batches of an evaluation, of the validation split or in
// its final test, leaves a checkpoint and ends with the bytes of an uninterrupted one.
func TestMeasurementsAreStopped(t *testing.T) {
	settings := eventful()
	settings.Epochs, settings.IWSamples = 3, 200
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	asked := 1 << 40
	if err := runTo(t, countdown{t.Context(), &asked}, settings, whole, Hooks{}, variants.BNScaler{Tau: 0.3, Eps: 1e-8, Momentum: 0.05}); err != nil {
		t.Fatal(err)
	}
	asked = 1<<40 - asked
	stops, inTest := 0, 0
	for n := 1; ; n += asked / 13 { // in the end enough for all that is left
		left, steps := n, 0
		err := runTo(t, countdown{t.Context(), &left}, settings, parts, Hooks{Progress: func(Progress) { steps++ }}, variants.BNScaler{Tau: 0.3, Eps: 1e-8, Momentum: 0.05})
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(parts, CheckpointFile)); err != nil {
			t.Fatal(err)
		}
		if stops++; steps == 0 {
			inTest++
		}
	}
	if stops < 5 || inTest < 1 {
		t.Errorf("stopped %d times, %d of them before the first step; the test does not test that", stops, inTest)
	}
	for _, name := range []string{record.RowsFile, ModelFile} {
		if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(parts, name))) {
			t.Errorf("%s of a trial stopped %d times differs from an uninterrupted one", name, stops)
		}
	}
}

// TestDivergenceFails: a NaN ends the trial with its step and a reason on disk, and a
// learning rate that makes one is what the message speaks of.
func TestDivergenceFails(t *testing.T) {
	dir := t.TempDir()
	settings := eventful()
	settings.Optimizer, settings.LR, settings.Clip = "sgd", 1e30, 0
	err := runTo(t, context.Background(), settings, dir, Hooks{})
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "train.lr") {
		t.Errorf("error %v, want ErrDiverged with a remedy", err)
	}
	if reason := string(read(t, filepath.Join(dir, record.FailedFile))); !strings.Contains(reason, "diverged at step") {
		t.Errorf("FAILED says %q", reason)
	}
}

func TestBatchOfOneIsRefused(t *testing.T) {
	settings := eventful()
	settings.BatchSize = 1
	err := runTo(t, context.Background(), settings, t.TempDir(), Hooks{}, variants.BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1})
	if err == nil || !strings.Contains(err.Error(), "batch_size") {
		t.Errorf("error %v does not name batch_size", err)
	}
}

// TestOverfitsOneBatch: the chain from symbols to gradients can learn anything at all.
func TestOverfitsOneBatch(t *testing.T) {
	for _, batching := range []vae.Batching{vae.ByLength, vae.Mixed} {
		settings := Defaults
		settings.LR, settings.BatchSize, settings.Batching = 0.02, 8, batching
		trial, set := small(t, 24, settings)
		trial.Model = models.LSTM{LatentDim: 4, EmbedDim: 24, EncHidden: 24, DecHidden: 24, Init: "pytorch"}
		set.Train.Seqs, set.Train.Labels = slices.Clone(set.Train.Seqs[:8]), nil
		if batching == vae.Mixed {
			for i := range set.Train.Seqs {
				set.Train.Seqs[i] = append(append([]int32(nil), set.Train.Seqs[i][:3+i]...), 2)
			}
		}
		trial.KL.Beta = 0
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			tr.Batch = 0
			if err := tr.TrainStep(); err != nil {
				t.Fatal(err)
			}
		}
		if rec := tr.trainRow().Values["rec"]; math.IsNaN(rec) {
			t.Fatal("NaN")
		}
		if rec := tr.Evaluate("train", set.Train).Values["rec"]; rec > 1 {
			t.Errorf("%s: after 300 steps on 8 sentences the reconstruction still costs %.2f nats", batching, rec)
		}
	}
}

// TestModelGradients checks the gradients of whole models, every parameter of encoder,
// decoder and variant, against central differences in float64.
func TestModelGradients(t *testing.T) {
	if tensor.Bits == 32 {
		t.Skip("central differences of a whole model need float64: go test -tags f64")
	}
	for _, model := range []string{"lstm", "transformer"} {
		for _, name := range variants.Methods.Names() {
			method, _ := variants.Methods.Get(name)
			v, err := variants.Check(method)
			if err != nil || v.Kind == vae.Vector || v.Steps != nil && stepwise(readers[model]) != nil {
				continue // not of such a model
			}
			if model != "lstm" && !v.Words && v.Kind != vae.Text {
				continue // what does not touch the decoder is the same with any model
			}
			t.Run(model+" with "+name, func(t *testing.T) { checkGradients(t, readers[model], method) })
		}
	}
}

// checkGradients compares some gradients of every parameter with central differences.
func checkGradients(t *testing.T, model models.Model, method vae.Method) {
	trial, set := small(t, 5, Defaults, method)
	trial.Model = model
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	seqs := slices.Clone(set.Train.Seqs[:6])
	for i := range seqs {
		seqs[i] = append(append([]int32(nil), seqs[i][:3+i%3]...), 2)
	}
	x := vae.NewBatch(seqs, nil)
	if set.Train.Given != nil {
		x.Condition(vae.NewBatch(set.Train.Given[:6], nil))
	}
	tr.tape.Held = &grad.Held{} // what a method stops is a constant to the differences, too
	loss := func() float64 {
		tr.Model.Params.ZeroGrad()
		tr.tape.Reset()
		tr.tape.Held.Rewind()
		terms := tr.Model.Loss(&nn.Pass{
			Tape: &tr.tape, Train: true, KLWeight: 0.7,
			Noise: stream.New(1, "eps"), Drop: stream.New(1, "drop"),
		}, x)
		terms.Loss.Backward()
		return terms.Loss.Scalar()
	}
	loss()
	grads := map[string][]nn.Float{}
	for _, p := range tr.learnt {
		grads[p.Name] = append([]nn.Float(nil), p.Grad()...)
	}
	const h = 1e-5
	for _, p := range tr.learnt {
		for _, i := range []int{0, len(p.Data) / 3, len(p.Data) / 2, len(p.Data) - 1} {
			w := p.Data[i]
			p.Data[i] = w + h
			up := loss()
			p.Data[i] = w - h
			down := loss()
			p.Data[i] = w
			want, got := (up-down)/(2*h), float64(grads[p.Name][i])
			if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: gradient %v, central difference %v", p.Name, i, got, want)
			}
		}
	}
}

// TestStepAllocates: once every batch of an epoch has been seen, a training step asks for no memory but the header of
// the posterior, 32 bytes for each update, whatever the variant. A bound has a second posterior, that of its samples, and the
// list of the parts that it is made of.
func TestStepAllocates(t *testing.T) {
	if strings.HasPrefix(tensor.Kernel(), "gonum") {
		t.Skip("gonum's products allocate")
	}
	for _, name := range variants.Methods.Names() {
		method, _ := variants.Methods.Get(name)
		trial, set := small(t, 12, Defaults, method)
		tr, err := New(trial, set)
		if err != nil {
			t.Fatal(err)
		}
		step := warm(t, tr)
		const steps = 20
		calls, inner := 0, 0
		n := testing.AllocsPerRun(steps, func() {
			if calls == 1 { // the first call is not measured
				inner = tr.Seen.Inner
			}
			calls++
			step()
		})
		headers := 1.0
		if tr.Model.Variant.Bound != nil {
			headers = 3
		}
		if updates := 1 + float64(tr.Seen.Inner-inner)/steps; n > headers*updates {
			t.Errorf("%s: a warm training step of %v updates allocates %v times", name, updates, n)
		}
	}
}

// warm trains for two epochs, so that nothing is allocated for the first time any more, and returns a step.
func warm(t *testing.T, tr *Trainer) (step func()) {
	t.Helper()
	step = func() {
		tr.Batch = tr.Step % len(tr.batches)
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * len(tr.batches) {
		step()
	}
	return step
}

// TestProcessorsChangeNothing: a trial large enough to be split ends with the same bytes on
// any number of processors.
func TestProcessorsChangeNothing(t *testing.T) {
	defer tensor.SetProcs(1)
	precisions := []string{"float32", "bf16"}
	if tensor.Bits != 32 {
		precisions = precisions[:1]
	}
	var results [][]byte
	for _, precision := range precisions {
		var first []byte
		for _, procs := range []int{1, 2, 3} {
			tensor.SetProcs(procs)
			settings := Defaults
			settings.MaxSteps, settings.LogEvery, settings.Precision = 4, 1, precision
			trial, set := small(t, 0, settings, variants.BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01})
			trial.Model = models.LSTM{LatentDim: 4, EmbedDim: 96, EncHidden: 128, DecHidden: 128, DropoutOut: 0.3, Init: "pytorch"}
			dir := t.TempDir()
			if err := Run(context.Background(), trial, set, dir, Hooks{}); err != nil {
				t.Fatal(err)
			}
			got := append(read(t, filepath.Join(dir, record.RowsFile)), read(t, filepath.Join(dir, ModelFile))...)
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("%s: %d processors give other bytes than one", precision, procs)
			}
		}
		results = append(results, first)
	}
	if len(results) == 2 && bytes.Equal(results[0], results[1]) {
		t.Error("the two precisions give the same bytes")
	}
}

// TestWeightsFit: a checkpoint of another shape is refused with every mismatch named.
func TestWeightsFit(t *testing.T) {
	trial, set := small(t, 5, Defaults)
	a, _ := New(trial, set)
	trial.Model = models.LSTM{LatentDim: 4, EmbedDim: 5, EncHidden: 6, DecHidden: 5, Init: "he19"}
	b, _ := New(trial, set)
	err := nn.LoadTensors(&safetensors.File{Tensors: nn.Tensors(a.Model.Params.All(), "")}, b.Model.Params.All(), "")
	if err == nil || !strings.Contains(err.Error(), "wrong shape: encoder.lstm.weight_hh_l0 is [20 5], and must be [24 6]") {
		t.Errorf("error %v", err)
	}
}
