package converge

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"vaelab/internal/record"
)

const (
	perEpoch = 100
	noise    = 0.1 // standard deviation of an evaluation, in nats
)

// curve is a trial whose objective, evaluated after each of its epochs, is a function of the step and noise.
func curve(epochs int, sd float64, rng *rand.Rand, f func(step float64) float64) record.Run {
	run := record.Run{Trial: record.Trial{Config: map[string]string{"kl.beta": "1"}}, State: record.Done}
	var rows []record.Row
	for e := 1; e <= epochs; e++ {
		step := e * perEpoch
		rows = append(rows,
			record.Row{Step: step, Epoch: float64(e), Split: "train", Values: map[string]float64{"kl_weight": 1}},
			record.Row{Step: step, Epoch: float64(e), Split: "valid", Values: map[string]float64{"objective": f(float64(step)) + sd*rng.NormFloat64()}})
	}
	run.Rows = record.Entries(rows...)
	return run
}

// change returns the run with its rows changed.
func change(run record.Run, f func(row *record.Row)) record.Run {
	var rows []record.Row
	for _, e := range run.Rows {
		row := e.Row()
		f(&row)
		rows = append(rows, row)
	}
	run.Rows = record.Entries(rows...)
	return run
}

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// TestFlat: a flat curve with the noise of real trainings has converged, whatever the noise's draw, and one
// that falls by more than the tolerance has not.
func TestFlat(t *testing.T) {
	rng := source()
	for i := range 200 {
		flat := Of(curve(40, noise, rng, func(float64) float64 { return 40 }), Default)
		if !flat.Converged || flat.Rising || flat.Why != "" {
			t.Fatalf("draw %d: a flat curve: %+v", i, flat)
		}
		falls := Of(curve(40, noise, rng, func(s float64) float64 { return 40 - 0.8*s/float64(Default.Steps) }), Default)
		if falls.Converged || !strings.HasPrefix(falls.Why, "falls by ") {
			t.Fatalf("draw %d: a curve that falls by 0.8 nats in %d steps: %+v", i, Default.Steps, falls)
		}
		rises := Of(curve(40, noise, rng, func(s float64) float64 { return 40 + 1.5*s/float64(Default.Steps) }), Default)
		if !rises.Converged || !rises.Rising {
			t.Fatalf("draw %d: a curve that rises by 1.5 nats in %d steps: %+v", i, Default.Steps, rises)
		}
	}
}

// TestScatter: a curve that scatters too much for its slope to be known has not shown that it is flat.
func TestScatter(t *testing.T) {
	for sd, want := range map[float64]bool{0.2: true, 2: false} {
		s := Of(curve(40, 0, source(), func(step float64) float64 { return 40 + sd*math.Cos(math.Pi*step/perEpoch) }), Default)
		if s.Converged != want || !s.Told || math.Abs(s.Fall) > Default.Tolerance {
			t.Errorf("up and down by %v nats: %+v", sd, s)
		}
	}
}

// TestFalling: of a line with noise the estimate is off by more than two standard errors in some 5 % of the
// draws, Student's with 24 degrees of freedom; of an exponential decay without noise it lies between the rates
// at the two ends of the last quarter.
func TestFalling(t *testing.T) {
	rng, off := source(), 0
	const draws = 1000
	for range draws {
		s := Of(curve(100, noise, rng, func(step float64) float64 { return 60 - 0.0003*step }), Default)
		if math.Abs(s.Falling-0.0003*perEpoch) > 2*s.FallingSE {
			off++
		}
	}
	if want := 0.057 * draws; math.Abs(float64(off)-want) > 3*math.Sqrt(want) {
		t.Errorf("off by two standard errors in %d of %d draws, want %.0f", off, draws, want)
	}
	const scale, tau = 20.0, 1500.0 // nats, steps
	s := Of(curve(40, 0, rng, func(step float64) float64 { return 40 + scale*math.Exp(-step/tau) }), Default)
	rate := func(step float64) float64 { return perEpoch * scale / tau * math.Exp(-step/tau) }
	if s.Falling < rate(4000) || s.Falling > rate(3000) {
		t.Errorf("falling %v, want between %v and %v", s.Falling, rate(4000), rate(3000))
	}
	if middle := rate(3500); math.Abs(s.Falling-middle) > s.FallingSE*11 { // 11 points: one error is RSS over 9, the bend over all
		t.Errorf("falling %v ± %v, want about %v", s.Falling, s.FallingSE, middle)
	}
}

// TestPlateauThenDrop: a fall of two nats anywhere within the last steps but their very ends is seen,
// however long the plateau before, and forgotten once it lies that far back.
func TestPlateauThenDrop(t *testing.T) {
	rng := source()
	drop := func(at float64) func(float64) float64 {
		return func(step float64) float64 {
			if step < at {
				return 43
			}
			return 41
		}
	}
	const epochs = 100
	end := float64(epochs * perEpoch)
	for at := end - float64(Default.Steps) + 2*perEpoch; at <= end-perEpoch; at += perEpoch {
		if s := Of(curve(epochs, noise, rng, drop(at)), Default); s.Converged {
			t.Errorf("a drop at step %v of %v is not seen: %+v", at, end, s)
		}
	}
	if s := Of(curve(epochs, noise, rng, drop(end-float64(Default.Steps)-perEpoch)), Default); !s.Converged {
		t.Errorf("a drop that lies %d steps back is not forgotten: %+v", Default.Steps, s)
	}
}

// TestTooShort: why a flat curve is not enough.
func TestTooShort(t *testing.T) {
	flat := func(epochs int) record.Run {
		return curve(epochs, noise, source(), func(float64) float64 { return 40 })
	}
	weight := func(run record.Run, w func(step int) float64) record.Run {
		return change(run, func(row *record.Row) {
			if row.Split == "train" {
				row.Values["kl_weight"] = w(row.Step)
			}
		})
	}
	warm := func(to float64) func(int) float64 {
		return func(step int) float64 { return min(1, float64(step)/to) }
	}
	sparse := flat(40)
	for i, row := range sparse.Rows {
		if row.Split == "valid" && row.Step%2000 != 0 {
			sparse.Rows[i].Split = "other"
		}
	}
	late := weight(flat(40), warm(4000))
	for i := len(late.Rows) - 4; i < len(late.Rows); i++ {
		if late.Rows[i].Split == "valid" {
			late.Rows[i].Split = "other"
		}
	}
	small := weight(flat(40), func(int) float64 { return float64(float32(0.1)) })
	small.Config["kl.beta"] = "0.1"
	for _, c := range []struct {
		name string
		run  record.Run
		why  string
	}{
		{"long enough", flat(20), ""},
		{"too short", flat(19), "evaluated for 1900 of 2000 steps"},
		{"nothing", record.Run{}, "no evaluation of the validation split"},
		{"a schedule that ends in time", weight(flat(40), warm(2000)), ""},
		{"a schedule that ends too late", weight(flat(40), warm(2500)), "evaluated for 1600 of 2000 steps at the final KL weight"},
		{"a schedule without an end", weight(flat(40), warm(9000)), "the KL weight has not reached its final value"},
		{"cycles", weight(flat(40), func(step int) float64 { return float64(min(step%1000, 500)) / 500 }), "the KL weight has not reached its final value"},
		{"a schedule that ends after the last evaluation", late, "the KL weight has not reached its final value"},
		{"a weight that float32 rounds", small, ""},
		{"two evaluations", sparse, "evaluated 2 times in the last 2000 steps, fewer than 3"},
	} {
		if s := Of(c.run, Default); s.Why != c.why || s.Converged != (c.why == "") || s.Told != s.Converged {
			t.Errorf("%s: %+v, want %q", c.name, s, c.why)
		}
	}
	if s := Of(flat(19), Settings{Steps: 1000, Tolerance: 0.5}); !s.Converged {
		t.Errorf("with 1000 steps: %+v", s)
	}
	if s := Of(flat(40), Settings{Steps: 2000, Tolerance: 0.01}); s.Converged || !s.Told || !strings.HasPrefix(s.Why, "falls by ") {
		t.Errorf("with a tolerance below the noise: %+v", s)
	}
}

// TestOldRows: without an objective it is what the rows allow.
func TestOldRows(t *testing.T) {
	row := record.Row{Split: "valid", Step: 100, Epoch: 1, Values: map[string]float64{"rec": 30, "kl": 5},
		Vectors: map[string][]float64{"kl_dim": {4, 1, 0, 0}}}
	for _, c := range []struct {
		config map[string]string
		want   float64
	}{
		{map[string]string{"kl.beta": "1"}, 35},
		{map[string]string{"kl.beta": "0.5"}, 32.5},
		{map[string]string{"kl.beta": "1", "variant.free-bits.lambda": "8", "variant.free-bits.mode": "dim"}, 30 + 4 + 2 + 2 + 2},
		{map[string]string{"kl.beta": "2", "variant.free-bits.lambda": "8", "variant.free-bits.mode": "total"}, 46},
		{map[string]string{"kl.beta": "2", "variant.free-bits.lambda": "3", "variant.free-bits.mode": "total"}, 40},
	} {
		run := record.Run{Trial: record.Trial{Config: c.config}, Rows: record.Entries(row)}
		if s := Of(run, Default); s.Objective != c.want {
			t.Errorf("%v: objective %v, want %v", c.config, s.Objective, c.want)
		}
	}
	row.Values["objective"] = 7
	if s := Of(record.Run{Rows: record.Entries(row)}, Default); s.Objective != 7 {
		t.Errorf("the rows' own objective is %v, want 7", s.Objective)
	}
}

// TestPlateauOfDecoderStrength: the LSTM that reads no words looked as if it had collapsed after its 2,100
// steps. It still learnt, as all its six trials say.
func TestPlateauOfDecoderStrength(t *testing.T) {
	runs, err := record.LoadArchive("../../results/published/decoder-strength")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range runs {
		if r.Config["model.lstm.inputless"] != "true" {
			continue
		}
		n++
		s := Of(r, Default)
		if s.Converged || !s.Told || s.Steps != 2100 || s.Fall < 2 || s.Falling < s.FallingSE {
			t.Errorf("%s: %+v", r.ID, s)
		}
	}
	if n != 6 {
		t.Errorf("%d trials without words, want 6", n)
	}
}

// TestMove: of a number that moves along a line, how far it moves in the last steps.
func TestMove(t *testing.T) {
	run := curve(40, 0, source(), func(float64) float64 { return 40 })
	run = change(run, func(row *record.Row) { row.Values["kl"] = 9 - float64(max(2500, row.Step))/1000 })
	kl := func(row record.Entry) (float64, bool) { return row.Value("kl") }
	move, half := Move(run, "valid", kl, Settings{Steps: 1000})
	if math.Abs(move+1) > 1e-9 || half > 1e-9 {
		t.Errorf("moves by %v ± %v, want -1", move, half)
	}
	rng, off := source(), 0
	const draws = 1000
	for range draws { // 200 steps have three evaluations, 1 degree of freedom
		run := curve(4, noise, rng, func(float64) float64 { return 40 })
		move, half := Move(run, "valid", func(row record.Entry) (float64, bool) { return row.Value("objective") }, Settings{Steps: 200})
		if math.Abs(move) > half {
			off++
		}
	}
	if want := 0.05 * draws; math.Abs(float64(off)-want) > 3*math.Sqrt(want) {
		t.Errorf("the interval of a flat curve lies beside 0 in %d of %d draws, want %.0f", off, draws, want)
	}
	if move, _ := Move(run, "test", kl, Default); !math.IsNaN(move) {
		t.Errorf("without rows it moves by %v", move)
	}
}

// TestCounts: where the rows say which evaluations count, these do, whatever the KL weight is: such as that of a controller,
// which never comes to an end.
func TestCounts(t *testing.T) {
	counting := func(from int) record.Run {
		run := curve(40, noise, source(), func(float64) float64 { return 40 })
		return change(run, func(row *record.Row) {
			if row.Split == "train" {
				row.Values["kl_weight"] = 0.4 + 0.01*float64(row.Step/perEpoch%7)
			}
			if from < 0 {
				return
			}
			row.Values["counts"] = 0
			if row.Step >= from {
				row.Values["counts"] = 1
			} else if row.Split == "train" && row.Step >= from-perEpoch {
				row.Values["counts"] = 0.5 // of its steps
			}
		})
	}
	for _, c := range []struct {
		from       int
		why, short string
	}{
		{-1, "the KL weight has not reached its final value", "the last training row has weight"},
		{0, "", ""},
		{2 * perEpoch, "", ""},
		{25 * perEpoch, "evaluated for 1600 of 2000 steps from the first that counts on", ""},
		{41 * perEpoch, "no evaluation counts yet", "before an evaluation counts"},
	} {
		run := counting(c.from)
		if s := Of(run, Default); s.Why != c.why || s.Converged != (c.why == "") {
			t.Errorf("from step %d on: %+v, want %q", c.from, s, c.why)
		}
		if got := Short(run); (got == "") != (c.short == "") || !strings.Contains(got, c.short) {
			t.Errorf("from step %d on: %q, want %q", c.from, got, c.short)
		}
	}
}

// TestEvaluations: all evaluations are there, and those count at which the KL weight is final.
func TestEvaluations(t *testing.T) {
	run := change(curve(10, 0, source(), func(step float64) float64 { return step }), func(row *record.Row) {
		if row.Split == "train" {
			row.Values["kl_weight"] = min(1, float64(row.Step)/600)
		}
	})
	all := Evaluations(run)
	if len(all) != 10 {
		t.Fatalf("%d evaluations, want 10", len(all))
	}
	for i, e := range all {
		step := (i + 1) * perEpoch
		if want := (Evaluation{Step: step, Objective: float64(step), Counts: step >= 500}); e != want { // the weight was below 1 in the steps up to 500
			t.Errorf("%+v, want %+v", e, want)
		}
	}
	said := change(run, func(row *record.Row) {
		if row.Values["counts"] = 0; row.Step > 500 {
			row.Values["counts"] = 1
		}
	})
	for _, e := range Evaluations(said) {
		if e.Counts != (e.Step > 500) {
			t.Errorf("the rows say what counts: %+v", e)
		}
	}
	if all := Evaluations(record.Run{}); len(all) != 0 {
		t.Errorf("without rows: %v", all)
	}
}
