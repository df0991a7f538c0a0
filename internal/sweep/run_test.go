package sweep

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/train"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestRoundTrip rebuilds a trial of every kind from its trial.json: the same settings, the
// same types, the same ID.
func TestRoundTrip(t *testing.T) {
	for _, name := range variants.Methods.Names() {
		on := ""
		method, _ := variants.Methods.Get(name)
		if v, err := variants.Check(method); err == nil && v.Kind == vae.Vector {
			on = ", data: gaussian, model: linear"
		} else if err == nil && v.Dropout {
			on = ", model: transformer"
		} else if err == nil && v.Conditional {
			on = ", data: {synthetic: {given: half}}"
		}
		checkRoundTrip(t, parse(t, fmt.Sprintf("base: {variant: %s%s}\n", name, on), Options{}).Trials[0])
	}
	for _, from := range data.Sources.Names() {
		source, _ := data.Sources.Get(from)
		for _, name := range models.Models.Names() {
			if model, _ := models.Models.Get(name); model.Fits(vae.Space{Kind: source.Kind()}) == nil {
				checkRoundTrip(t, parse(t, fmt.Sprintf("base: {data: %s, model: %s}\n", from, name), Options{}).Trials[0])
			}
		}
	}
	e := parse(t, `
base:
  variant: {free-bits: {lambda: 0.1, mode: total}, bn: {gamma: 1.0e-300}}
  data: {text: {train: "a = 'b.c'.txt", valid: "", labels: true}}
  kl: {schedule: cyclical-zero, warm_up: 0.1, zero: 0.125}
  train: {lr: 0.30000000000000004, decay: {patience: 3}}
seeds: [7]
`, Options{})
	trial := e.Trials[0]
	if trial.Variant != "bn+free-bits" || trial.Train.Decay.Patience != 3 || trial.KL.Zero != 0.125 {
		t.Errorf("got %+v", trial)
	}
	checkRoundTrip(t, trial)
	for key, value := range map[string]string{
		"variant": "bnn", "variant.bn.gamma": "-1", "variant.bn.gama": "1", "variant.ln.gamma": "1", "train.lr.x": "1", "other.key": "1", "data": "",
	} {
		config := map[string]string{}
		for k, v := range trial.Config {
			config[k] = v
		}
		config[key] = value
		_, err := FromConfig(record.Trial{Config: config})
		if err == nil || !strings.HasPrefix(err.Error(), "the settings were written by another version: trial.json: ") {
			t.Errorf("%s=%s: error %v", key, value, err)
		}
	}
}

// TestIdentify: a trial's ID is its settings, its data and its seed, and nothing else.
func TestIdentify(t *testing.T) {
	id := func(digest, text string, sets ...string) string {
		trial := parse(t, text, Options{Sets: sets}).Trials[0]
		if trial.Config["precision"] == "" {
			t.Error("the precision is not among the settings")
		}
		Identify(&trial, digest)
		if trial.Trial.Data != digest {
			t.Errorf("data digest %q, want %q", trial.Trial.Data, digest)
		}
		return trial.ID
	}
	const text = "base: {variant: bn}\n"
	want := id("d", text)
	if ok := strings.HasPrefix(want, "bn-") && strings.HasSuffix(want, "/seed-1") && len(want) == len("bn-01234567/seed-1"); !ok {
		t.Errorf("ID %q", want)
	}
	for name, got := range map[string]string{
		"again": id("d", text), "another experiment": id("d", "experiment: other\n"+text),
		"a default said": id("d", "base: {variant: {bn: {gamma: 0.50}}, train: {optimizer: adam}}\n"),
		"by --set":       id("d", "base: {variant: ln}\n", "variant=bn"), "by an entry": id("d", "grid: [{variant: {bn: {bn_gamma: 5.0e-1}}}]\nseeds: 3\n"),
	} {
		if got != want {
			t.Errorf("%s: ID %s, want %s", name, got, want)
		}
	}
	for name, got := range map[string]string{
		"other data": id("e", text), "other rate": id("d", text, "train.lr=0.002"), "other size": id("d", text, "model.lstm.nz=4"),
		"nested": id("d", text, "train.decay.patience=1"), "other weight": id("d", text, "kl.beta=0.5"), "other gamma": id("d", text, "variant.bn.gamma=0.6"),
	} {
		if strings.TrimSuffix(got, "/seed-1") == strings.TrimSuffix(want, "/seed-1") {
			t.Errorf("%s: the ID is still %s", name, got)
		}
	}
	if got := id("d", text+"seeds: [4]\n"); got != strings.Replace(want, "seed-1", "seed-4", 1) {
		t.Errorf("seed 4: ID %s beside %s", got, want)
	}
}

// tiny is a set that trains in milliseconds.
const tiny = `
base:
  data: {synthetic: {train: 40, valid: 10, test: 10, length: 3, vocab: 8, hidden: 3, embed: 3}}
  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}
  train: {epochs: 2, batch_size: 10, log_every: 2}
`

// watch is an Observer that remembers.
type watch struct {
	sync.Mutex
	started []int
	ended   map[int]error
	steps   int
	notes   []string
	onStep  func()

	holders, elsewhere []string
}

func (w *watch) Started(job int) {
	w.Lock()
	defer w.Unlock()
	w.started = append(w.started, job)
}

func (w *watch) Progress(int, train.Progress) {
	w.Lock()
	defer w.Unlock()
	w.steps++
	if w.onStep != nil {
		w.onStep()
	}
}

func (w *watch) Noted(_ int, note string) {
	w.Lock()
	defer w.Unlock()
	w.notes = append(w.notes, note)
}

func (w *watch) Ended(job int, err error) {
	w.Lock()
	defer w.Unlock()
	if w.ended == nil {
		w.ended = map[int]error{}
	}
	w.ended[job] = err
}

func (w *watch) Held(job int, by owner.Process) {
	w.Lock()
	defer w.Unlock()
	w.holders = append(w.holders, fmt.Sprintf("%d: %v", job, by))
}

func (w *watch) EndedElsewhere(job int, err error) {
	w.Lock()
	defer w.Unlock()
	w.elsewhere = append(w.elsewhere, fmt.Sprintf("%d: %v", job, err))
}

func prepare(t *testing.T, text, results string) []Job {
	t.Helper()
	jobs, err := parse(t, text, Options{}).Prepare(results)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// run trains what is missing.
func run(ctx context.Context, jobs []Job, parallel int, onStep func()) (*watch, error) {
	w := &watch{onStep: onStep}
	err := runner(w, parallel).Run(ctx, jobs)
	return w, err
}

// runner is a runner whose clock stands still.
func runner(w *watch, parallel int) Runner {
	now := func() time.Time { return time.Unix(0, 0) }
	return Runner{Parallel: parallel, Checkpoint: time.Hour, Now: now, Observer: w, Manifest: record.Manifest{Version: "test"},
		Watch: &owner.Watch{Me: owner.This(owner.Heartbeat), Now: now}}
}

func done(jobs []Job) (done []bool) {
	for _, j := range jobs {
		done = append(done, j.Done)
	}
	return done
}

// TestRunOnlyWhatIsMissing: what is trained stays trained, one more seed trains one more
// trial of each setting, one more setting its own, in whatever experiment order.
func TestRunOnlyWhatIsMissing(t *testing.T) {
	results := t.TempDir()
	jobs := prepare(t, tiny+"grid: [{variant: [vanilla, bn]}]\nseeds: 1\n", results)
	if got := done(jobs); slices.Contains(got, true) {
		t.Fatalf("done before the start: %v", got)
	}
	if jobs[0].Set != jobs[1].Set {
		t.Error("one data set was loaded twice")
	}
	w, err := run(context.Background(), jobs, 1, nil)
	if err != nil || len(w.started) != 2 || len(w.ended) != 2 || w.steps != 16 {
		t.Fatalf("error %v, started %v, ended %v, %d steps; want 2 trials of 2 epochs of 4 steps", err, w.started, w.ended, w.steps)
	}
	for _, j := range jobs {
		if want := filepath.Join(results, "x", filepath.FromSlash(j.ID)); j.Dir != want {
			t.Errorf("folder %s, want %s", j.Dir, want)
		}
		for _, name := range []string{record.TrialFile, record.ManifestFile, record.RowsFile, record.DoneFile, train.ModelFile} {
			if _, err := os.Stat(filepath.Join(j.Dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	set, err := record.Load(results)
	if err != nil || len(set.Runs) != 2 {
		t.Fatalf("%+v, %v", set, err)
	}
	for _, r := range set.Runs {
		if back, err := FromConfig(r.Trial); err != nil || back.ID != r.ID || len(back.Methods) != 1 {
			t.Errorf("%s: %+v, %v", r.Dir, back, err)
		}
	}

	jobs = prepare(t, tiny+"grid: [{variant: ln}, {variant: [vanilla, bn]}]\nseeds: 2\n", results)
	if got, want := done(jobs), []bool{false, false, true, false, true, false}; !slices.Equal(got, want) {
		t.Fatalf("done %v, want %v", got, want)
	}
	w, err = run(context.Background(), jobs, 1, nil)
	if want := []int{0, 1, 3, 5}; err != nil || !slices.Equal(w.started, want) {
		t.Errorf("error %v, started %v, want %v", err, w.started, want)
	}
	jobs = prepare(t, tiny+"grid: [{variant: ln}, {variant: [vanilla, bn]}]\nseeds: 2\n", results)
	if w, err = run(context.Background(), jobs, 1, nil); err != nil || len(w.started) > 0 {
		t.Errorf("the third run: error %v, started %v", err, w.started)
	}
}

// TestRunGoesOnAfterFailures: a trial that diverges does not stop the others, and the error names it.
func TestRunGoesOnAfterFailures(t *testing.T) {
	results := t.TempDir()
	jobs := prepare(t, tiny+`
grid:
- train: {optimizer: sgd, lr: 1.0e+30, clip: 0}
- variant: [bn, vanilla]
`, results)
	w, err := run(context.Background(), jobs, 2, nil)
	if want := jobs[0].Dir + ": training diverged at step "; !errors.Is(err, train.ErrDiverged) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not have %q", err, want)
	}
	for i, bad := range []bool{true, false, false} {
		if err, ok := w.ended[i]; !ok || (err != nil) != bad {
			t.Errorf("job %d ended: %t, with %v", i, ok, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(jobs[0].Dir, record.FailedFile)); err != nil || !strings.Contains(string(text), "diverged") {
		t.Errorf("%s: %q, %v", record.FailedFile, text, err)
	}
	jobs = prepare(t, tiny+"grid: [{variant: [bn, vanilla]}]\n", results)
	if w, err := run(context.Background(), jobs, 1, nil); err != nil || len(w.started) > 0 {
		t.Errorf("again: error %v, started %v", err, w.started)
	}
}

// TestRunWaits: a trial that another process has comes last. It is trained if that process stops, and left to it if it
// ends the trial.
func TestRunWaits(t *testing.T) {
	const text = tiny + "grid: [{variant: [bn, ln, vanilla]}]\n"
	elsewhere := &owner.Watch{Me: owner.Process{Host: "n2", Job: "12_3"}, Now: time.Now}
	for _, c := range []struct {
		name    string
		end     func(job Job, claim *owner.Claim) error // what the other process does once the others are trained
		started []int
		ended   string
		err     string
	}{
		{"stopped", func(_ Job, claim *owner.Claim) error { return claim.Release() }, []int{1, 2, 0}, "[]", ""},
		{"done", func(job Job, claim *owner.Claim) error {
			err := train.Run(context.Background(), job.Trial, job.Set, job.Dir, train.Hooks{Owner: claim.Number(), Owned: claim.Check})
			return errors.Join(err, claim.Clear())
		}, []int{1, 2}, "[0: <nil>]", ""},
		{"failed", func(job Job, claim *owner.Claim) error {
			return errors.Join(record.WriteFileAtomic(filepath.Join(job.Dir, record.FailedFile), []byte("no luck\n")), claim.Release())
		}, []int{1, 2}, "[0: no luck]", "no luck"},
	} {
		jobs := prepare(t, text, t.TempDir())
		if err := jobs[0].Trial.Trial.Save(jobs[0].Dir); err != nil {
			t.Fatal(err)
		}
		claim, err := elsewhere.Take(jobs[0].Dir)
		if err != nil {
			t.Fatal(err)
		}
		w := &watch{}
		ended := 0
		w.onStep = func() {
			if ended++; ended == 16 { // the last step of the others
				go func() {
					if err := c.end(jobs[0], claim); err != nil {
						t.Error(err)
					}
				}()
			}
		}
		err = runner(w, 1).Run(context.Background(), jobs)
		if fmt.Sprint(err) != cmp.Or(c.err, "<nil>") && !strings.HasSuffix(fmt.Sprint(err), jobs[0].Dir+": "+c.err) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
		if !slices.Equal(w.started, c.started) || fmt.Sprint(w.elsewhere) != c.ended || fmt.Sprint(w.holders) != "[0: n2, job 12_3]" {
			t.Errorf("%s: started %v, elsewhere %v, held %v", c.name, w.started, w.elsewhere, w.holders)
		}
	}
}

// TestLeave: a task leaves what a living process has, once it has seen that it lives.
func TestLeave(t *testing.T) {
	jobs := prepare(t, tiny+"grid: [{variant: [bn, ln]}]\n", t.TempDir())
	if err := os.MkdirAll(jobs[0].Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	other := &owner.Watch{Me: owner.Process{Host: "n2", PID: 7, HeartbeatSeconds: 0.01}, Now: time.Now}
	claim, err := other.Take(jobs[0].Dir)
	if err != nil {
		t.Fatal(err)
	}
	claim.Keep(context.Background())
	w := &watch{}
	r := runner(w, 1)
	r.Leave = true
	var held *owner.Held
	if err := r.Run(context.Background(), jobs); !errors.As(err, &held) || held.By.Host != "n2" || !strings.Contains(err.Error(), jobs[0].Dir+": held by n2, process 7") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(w.started, []int{1}) {
		t.Errorf("started %v", w.started)
	}
	if err := claim.Release(); err != nil {
		t.Error(err)
	}
}

// TestLost: an owner that is overtaken stops that trial without a trace, and the trial is the other's. If the other is a later
// start of our own task, which has all its trials to do, we stop altogether.
func TestLost(t *testing.T) {
	text := strings.Replace(tiny, "epochs: 2", "epochs: 20", 1) + "grid: [{variant: [bn, vanilla]}]\n"
	whole := prepare(t, text, t.TempDir())
	if _, err := run(context.Background(), whole, 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		other     owner.Process
		started   []int
		elsewhere int // trials that we have seen ended by the other
		err       error
	}{
		{"another task, after a long silence", owner.Process{Host: "n2", Job: "12_4"}, []int{0, 1}, 1, nil},
		{"a later start of ours", owner.Process{Host: "n2", Job: "12_3", Restarts: 1}, []int{0}, 0, context.Canceled},
	} {
		jobs := prepare(t, text, t.TempDir())
		dir := jobs[0].Dir
		var silence time.Duration
		other := &owner.Watch{Me: c.other, Now: func() time.Time { return time.Unix(0, 0).Add(silence) }}
		w := &watch{}
		r := runner(w, 1)
		r.Watch.Me = owner.Process{Host: "n1", Job: "12_3"}
		r.Checkpoint, r.Now = 0, func() time.Time { return time.Unix(0, int64(w.steps)) } // a checkpoint after each step
		ended := make(chan error, 1)
		w.onStep = func() {
			if w.steps != 10 {
				return
			}
			claim, err := other.Take(dir)
			if errors.As(err, new(*owner.Held)) {
				silence = time.Hour
				claim, err = other.Take(dir)
			}
			if err != nil || claim.Number() != 2 {
				t.Errorf("%s: claim %v, %v", c.name, claim, err)
				ended <- err
				return
			}
			go func() {
				hooks := train.Hooks{Owner: claim.Number(), Owned: claim.Check, Settings: Naming(jobs[0].Config)}
				ended <- errors.Join(train.Run(context.Background(), jobs[0].Trial, jobs[0].Set, dir, hooks), claim.Clear())
			}()
		}
		if err := r.Run(context.Background(), jobs); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.err)
		}
		if err := <-ended; err != nil {
			t.Fatalf("%s: the other: %v", c.name, err)
		}
		if !slices.Equal(w.started, c.started) || len(w.elsewhere) != c.elsewhere || !errors.Is(w.ended[0], owner.ErrLost) {
			t.Errorf("%s: started %v, elsewhere %v, ended with %v", c.name, w.started, w.elsewhere, w.ended[0])
		}
		for _, name := range []string{record.RowsFile, train.ModelFile} {
			a, _ := os.ReadFile(filepath.Join(dir, name))
			b, err := os.ReadFile(filepath.Join(whole[0].Dir, name))
			if err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s differs after a takeover: %v", c.name, name, err)
			}
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if name := e.Name(); owner.Is(name) || strings.HasPrefix(name, "rows.2") || strings.HasPrefix(name, "last") {
				t.Errorf("%s: %s is left", c.name, name)
			}
		}
	}
}

// TestRunInParallel: rows do not depend on how many trials run side by side.
func TestRunInParallel(t *testing.T) {
	const text = tiny + "grid: [{variant: [bn, bn-scaler]}]\nseeds: 2\n"
	rows := func(parallel int) (all [][]byte) {
		jobs := prepare(t, text, t.TempDir())
		if _, err := run(context.Background(), jobs, parallel, nil); err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			b, err := os.ReadFile(filepath.Join(j.Dir, record.RowsFile))
			if err != nil || len(b) == 0 {
				t.Fatal(len(b), err)
			}
			all = append(all, b)
		}
		return all
	}
	one, two := rows(1), rows(2)
	for i := range one {
		if !bytes.Equal(one[i], two[i]) {
			t.Errorf("job %d: rows differ:\n%s\n%s", i, one[i], two[i])
		}
	}
	if bytes.Equal(one[0], one[1]) {
		t.Error("two seeds have the same rows")
	}
}

// TestRunStops: if the context ends, the running trial leaves a checkpoint, none is begun
// any more, and going on gives the rows of a run that was not stopped.
func TestRunStops(t *testing.T) {
	const text = tiny + "seeds: 2\n"
	whole, parts := prepare(t, text, t.TempDir()), prepare(t, text, t.TempDir())
	if _, err := run(context.Background(), whole, 1, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	steps := 0
	w, err := run(ctx, parts, 1, func() {
		if steps++; steps == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
		t.Errorf("error %q, want %q alone", err, context.Canceled)
	}
	if !slices.Equal(w.started, []int{0}) || !parts[0].Resumable() || parts[1].Resumable() || whole[0].Resumable() {
		t.Errorf("started %v, checkpoints %t %t %t", w.started, parts[0].Resumable(), parts[1].Resumable(), whole[0].Resumable())
	}
	if _, err := run(context.Background(), parts, 1, nil); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if set, err := record.Load(parts[i].Dir); err != nil || set.Runs[0].Manifest.Resumed != (i == 0) {
			t.Errorf("job %d: %v; the manifest of the trial that was stopped, and no other, says so", i, err)
		}
		a, _ := os.ReadFile(filepath.Join(whole[i].Dir, record.RowsFile))
		b, _ := os.ReadFile(filepath.Join(parts[i].Dir, record.RowsFile))
		if !bytes.Equal(a, b) {
			t.Errorf("job %d: rows differ after a stop", i)
		}
	}
}

// TestPrepareFails where data cannot be loaded.
func TestPrepareFails(t *testing.T) {
	_, err := parse(t, "base: {data: {text: {train: missing.txt}}}\n", Options{}).Prepare(t.TempDir())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestMeasure counts a job's steps and weights, and leaves nothing behind.
func TestMeasure(t *testing.T) {
	results := t.TempDir()
	jobs := prepare(t, tiny, results)
	var clock time.Time
	est, err := Measure(jobs[0], func() time.Time { clock = clock.Add(time.Millisecond); return clock }, time.Second)
	// 40 sentences of one length in batches of 10, 2 epochs
	if err != nil || est.Steps != 8 || est.Parameters == 0 || est.Step <= 0 || est.Total < 8*est.Step || est.Slowest < est.Total {
		t.Errorf("%+v, %v", est, err)
	}
	if entries, err := os.ReadDir(results); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// shared and wide are settings that are shared by embedding.
type shared struct {
	Path  string  `yaml:"path"`
	Label bool    `yaml:"labels" alias:"label"`
	Rate  float64 `yaml:"rate" range:"(0,1]" alias:"lr"`
}

type wide struct {
	Field  string `yaml:"field"`
	Label  string `yaml:"label"` // hides the inner one with its key and alias
	shared `yaml:",inline"`
	Last   bool `yaml:"last"`
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		kind any
		want string
	}{
		{variants.Vanilla{}, ""},
		{variants.BN{Gamma: 0.5, Eps: 1e-8, Momentum: 0.1}, "gamma: 0.5, eps: 1e-08, momentum: 0.1"},
		{data.Text{TooLong: "cut"}, `train: "", valid: "", test: "", vocab: "", labels: false, given: "", unit: "", unicode: "", drop: "", unknown: "", min_count: 0, max_vocab: 0, max_words: 0, too_long: cut, limit_train: 0, limit_valid: 0, limit_test: 0, lower: false`},
		{wide{Field: "f", shared: shared{Path: "p", Rate: 0.5}}, `field: f, label: "", path: p, rate: 0.5, last: false`},
		{data.CSV{}, `column: "", label: "", drop_label: "", context: "", header: false, separator: "", quote: "", train: "", valid: "", test: "", vocab: "", given: "", unit: "", unicode: "", drop: "", unknown: "", min_count: 0, max_vocab: 0, max_words: 0, too_long: "", limit_train: 0, limit_valid: 0, limit_test: 0, lower: false`},
	} {
		if got := Describe(c.kind); got != c.want {
			t.Errorf("%#v:\n got %s\nwant %s", c.kind, got, c.want)
		}
	}
}

// TestIs: a trial of an older program is a job's if what it lacks has its default there.
func TestIs(t *testing.T) {
	e := parse(t, "base:\n  data: {synthetic: {train: 64, valid: 10, test: 10}}\ngrid:\n  - variant: [{bn: {gamma: 0.7}}, {bn-scaler: {}}]\nseeds: 2\n", Options{})
	jobs, err := e.Prepare(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	old := func(j Job, change func(t *record.Trial)) record.Trial {
		trial := j.Trial.Trial
		trial.Config, trial.ID = maps.Clone(trial.Config), "of another version"
		change(&trial)
		return trial
	}
	without := func(keys ...string) func(*record.Trial) {
		return func(t *record.Trial) {
			for _, k := range keys {
				if _, ok := t.Config[k]; !ok {
					panic(k)
				}
				delete(t.Config, k)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*record.Trial)
		want   bool
	}{
		{"the same", func(*record.Trial) {}, true},
		{"before a setting that has its neutral value", without("train.lag_every"), true},
		{"without one that always was, at its default", without("variant.bn.eps"), false},
		{"without one of the data", without("data.synthetic.vocab"), false},
		{"another value", func(t *record.Trial) { t.Config["train.lr"] = "1" }, false},
		{"a setting that is gone", func(t *record.Trial) { t.Config["train.luck"] = "1" }, false},
		{"another seed", func(t *record.Trial) { t.Seed = 2 }, false},
		{"other data", func(t *record.Trial) { t.Data = "another digest" }, false},
		{"another experiment", func(t *record.Trial) { t.Experiment = "another" }, false},
	} {
		if got := jobs[0].Is(old(jobs[0], c.change)); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	if jobs[2].Is(jobs[0].Trial.Trial) || !jobs[2].Is(jobs[2].Trial.Trial) {
		t.Error("bn is taken for bn-scaler, or bn-scaler not for itself")
	}
}
