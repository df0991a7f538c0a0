package watch

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/status"
)

// A results is a folder of trials that a test writes as other processes do, beside a Site.
type results struct {
	*testing.T
	root string
	site *Site
	now  time.Time // of the Site
}

// newResults makes a folder with an experiment x.
func newResults(t *testing.T) *results {
	return &results{T: t, root: t.TempDir(), now: time.Now()}
}

// watch makes the page of the folder.
func (r *results) watch(o Options) *Site {
	r.Helper()
	o.Now = func() time.Time { return r.now }
	o.Cost = func() time.Duration { return 0 }
	site, err := New(r.root, o)
	if err != nil {
		r.Fatal(err)
	}
	r.site = site
	return site
}

// later lets time pass, and the Site look.
func (r *results) later(d time.Duration) {
	r.now = r.now.Add(d)
	for r.site.Poll(); r.site.model.backlog; r.site.Poll() {
	}
}

// dir is the folder of a trial.
func (r *results) dir(id string) string { return filepath.Join(r.root, "x", id) }

// put writes a file of a trial.
func (r *results) put(id, name, text string) {
	r.Helper()
	if err := os.MkdirAll(r.dir(id), 0o777); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir(id), name), []byte(text), 0o666); err != nil {
		r.Fatal(err)
	}
}

// begin begins a trial, with a claim of a process elsewhere.
func (r *results) begin(id string) {
	r.Helper()
	variant, _, _ := strings.Cut(id, "-")
	var seed int
	fmt.Sscanf(filepath.Base(id), "seed-%d", &seed)
	text, err := json.Marshal(record.Trial{Format: record.Format, Experiment: "x", ID: id, Variant: variant, Seed: seed,
		Config: map[string]string{"train.epochs": "10", "variant": variant, "data": "synthetic", "model": "lstm"}})
	if err != nil {
		r.Fatal(err)
	}
	r.put(id, record.TrialFile, string(text))
	by, err := json.Marshal(owner.Process{Host: "n1", PID: 7, System: "another", Job: "12_3", HeartbeatSeconds: 30, Nonce: "a"})
	if err != nil {
		r.Fatal(err)
	}
	r.put(id, "claim.1", string(by)+"\n")
}

// row is a line of rows.jsonl, ten steps an epoch.
func row(t testing.TB, step int, split string, values map[string]float64) string {
	t.Helper()
	text, err := json.Marshal(record.Row{Step: step, Epoch: float64(step) / 10, Split: split, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// train is a training row with a KL.
func train(t testing.TB, step int, kl float64) string {
	t.Helper()
	return row(t, step, "train", map[string]float64{"kl": kl, "rec": 1})
}

// append appends to a file of a trial.
func (r *results) append(id, name, text string) {
	r.Helper()
	f, err := os.OpenFile(filepath.Join(r.dir(id), name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		r.Fatal(err)
	}
	f.Close()
}

// view is what the page has of a trial.
func (r *results) view(id string) View {
	r.Helper()
	t, ok := r.site.model.trials["x/"+id]
	if !ok {
		r.Fatalf("the page has no trial x/%s", id)
	}
	return t.View
}

const seed1, seed2 = "bn-0123abcd/seed-1", "bn-0123abcd/seed-2"

// TestRowsArrive: the page follows rows that are appended, whole or in parts, and says when the trial will have ended.
func TestRowsArrive(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+row(t, 10, "valid", map[string]float64{"mi": 0.5, "gap": 1.25})+train(t, 20, 4)[:40])
	r.watch(Options{})
	r.later(time.Second)
	v := r.view(seed1)
	if v.State != status.Running || v.Where != "n1, job 12_3" || v.Label != "bn" || v.Seed != 1 {
		t.Errorf("%+v", v)
	}
	if v.Step != 10 || v.Steps != 100 || *v.KL != 2 || *v.MI != 0.5 || *v.Gap != 1.25 || v.Test || !slices.Equal(v.Curve, []int{100}) || v.Top != 2 {
		t.Errorf("%+v", v)
	}
	r.append(seed1, "rows.1.jsonl", train(t, 20, 4)[40:])
	r.later(time.Second)
	if v = r.view(seed1); v.Step != 20 || *v.KL != 4 || !slices.Equal(v.Curve, []int{50, 100}) {
		t.Errorf("after another row: %+v", v)
	}
	// 40 steps in two minutes: three minutes for the other 60.
	for step := 30; step <= 40; step += 10 {
		r.append(seed1, "rows.1.jsonl", train(t, step, 4))
		r.append(seed1, "claim.1", "..")
		for _, name := range []string{"rows.1.jsonl", "claim.1"} {
			at := r.now.Add(time.Minute)
			if err := os.Chtimes(filepath.Join(r.dir(seed1), name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		r.later(time.Minute)
	}
	if left := time.Unix(r.view(seed1).End, 0).Sub(r.now); left < 170*time.Second || left > 190*time.Second {
		t.Errorf("%v left, want 3 min", left)
	}
	// It is done: the rows get their final name.
	if err := os.Rename(filepath.Join(r.dir(seed1), "rows.1.jsonl"), filepath.Join(r.dir(seed1), record.RowsFile)); err != nil {
		t.Fatal(err)
	}
	r.append(seed1, record.RowsFile, row(t, 100, "test", map[string]float64{"mi": 9, "gap": 9}))
	r.put(seed1, record.DoneFile, "")
	os.Remove(filepath.Join(r.dir(seed1), "claim.1"))
	r.later(5 * time.Second)
	r.later(5 * time.Second)
	if v = r.view(seed1); v.State != status.Done || *v.MI != 0.5 || v.Test || v.End != 0 || v.Where != "" || len(v.Curve) != 4 {
		t.Errorf("done: %+v", v)
	}
}

// TestTestRows: a trial without validation rows has MI and gap of the test split, and says so.
func TestTestRows(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+row(t, 10, "test", map[string]float64{"mi": 0.5, "gap": 1}))
	r.watch(Options{})
	r.later(time.Second)
	if v := r.view(seed1); *v.MI != 0.5 || *v.Gap != 1 || !v.Test {
		t.Errorf("%+v", v)
	}
	r.append(seed1, "rows.1.jsonl", row(t, 10, "valid", map[string]float64{"mi": 0.25, "gap": 2}))
	r.later(time.Second)
	if v := r.view(seed1); *v.MI != 0.25 || *v.Gap != 2 || v.Test {
		t.Errorf("%+v", v)
	}
}

// TestRestart: a trial that begins anew, or is taken over by another process, has its new rows and no old ones.
func TestRestart(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+train(t, 20, 8)+row(t, 20, "valid", map[string]float64{"mi": 1}))
	r.watch(Options{})
	r.later(time.Second)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 3)) // the same file, shorter
	r.later(time.Second)
	if v := r.view(seed1); v.Step != 10 || *v.KL != 3 || v.MI != nil || v.Top != 3 {
		t.Errorf("the rows begin anew: %+v", v)
	}
	r.put(seed1, "rows.2.jsonl", train(t, 10, 5)+train(t, 20, 5)) // another owner
	r.later(time.Second)
	if v := r.view(seed1); v.Step != 20 || *v.KL != 5 {
		t.Errorf("another owner: %+v", v)
	}
	if err := os.RemoveAll(r.dir(seed1)); err != nil {
		t.Fatal(err)
	}
	r.begin(seed2)
	r.later(time.Minute)
	if len(r.site.model.trials) != 1 || r.view(seed2).Step != 0 {
		t.Errorf("the trial was removed: %d trials", len(r.site.model.trials))
	}
}

// TestDamagedRows: a line that is no row is named in the trial's note; what stands before it is shown, and other trials go on.
func TestDamagedRows(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.begin(seed2)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+"\x00\x00\x00\n"+train(t, 30, 2))
	r.put(seed2, "rows.1.jsonl", train(t, 10, 2))
	r.watch(Options{})
	r.later(time.Second)
	if v := r.view(seed1); v.Step != 10 || !strings.HasPrefix(v.Note, "rows.1.jsonl: line 2 is no row: ") {
		t.Errorf("%+v", v)
	}
	r.append(seed2, "rows.1.jsonl", train(t, 20, 2))
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+train(t, 20, 2)) // somebody has repaired it
	r.later(time.Second)
	for _, id := range []string{seed1, seed2} {
		if v := r.view(id); v.Step != 20 || v.Note != "" {
			t.Errorf("%s: %+v", id, v)
		}
	}
	for name, text := range map[string]string{
		"not JSON": "{", "another format": `{"format":99,"id":"a","variant":"b"}`, "empty": "", "a list": "[]",
	} {
		r.put(seed2, record.TrialFile, text)
		r.later(time.Minute)
		if v := r.view(seed2); v.State != status.Unreadable || v.Note == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestStates: failures have their reason, and a claim without heartbeats is stale by the clock of the file server, which is
// learnt from the files that change.
func TestStates(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.begin(seed2)
	r.put(seed1, record.FailedFile, "training diverged by step 7; try a smaller train.lr\n")
	r.append(seed1, "claim.1", "\nreleased\n")
	r.watch(Options{})
	if v := r.view(seed1); v.State != status.Failed || !strings.HasPrefix(v.Note, "training diverged") {
		t.Errorf("%+v", v)
	}
	if v := r.view(seed2); v.State != status.Running {
		t.Errorf("%+v", v)
	}
	// This machine's clock is an hour ahead of the server's. The first row that arrives tells.
	r.put(seed2, "rows.1.jsonl", train(t, 10, 2))
	r.later(time.Hour)
	if v := r.view(seed2); v.State != status.Stale {
		t.Errorf("before a row has arrived: %+v", v)
	}
	r.append(seed2, "rows.1.jsonl", train(t, 20, 2))
	r.later(time.Second)
	r.later(15 * time.Second)
	if v := r.view(seed2); v.State != status.Running {
		t.Errorf("when a row has arrived: %+v", v)
	}
	r.later(2 * time.Minute)
	if v := r.view(seed2); v.State != status.Stale {
		t.Errorf("after two minutes of silence: %+v", v)
	}
}

// TestArchive: trials of a published archive are shown as those in folders.
func TestArchive(t *testing.T) {
	r := &results{T: t, root: filepath.Join("..", "..", "results", "published", "kl-vanishing"), now: time.Now()}
	r.watch(Options{Figures: []string{"kl-curve"}})
	n := 0
	for _, trial := range r.site.model.trials {
		if trial.State == status.Done && trial.KL != nil && trial.MI != nil && len(trial.Curve) > 10 && trial.Label != "" {
			n++
		}
	}
	if n != 24 {
		t.Errorf("%d trials with values, want 24", n)
	}
	if p, err := r.site.gallery.draw("kl-curve"); err != nil || p.refused != "" || !strings.Contains(string(p.svg), "bn-scaler") {
		t.Errorf("%v, %s", err, p.refused)
	}
}

// TestPause: the more a piece of work costs, the longer is the pause after it.
func TestPause(t *testing.T) {
	for _, c := range []struct{ cost, want time.Duration }{{0, time.Second}, {5 * time.Millisecond, time.Second}, {50 * time.Millisecond, 5 * time.Second}} {
		if got := pause(time.Second, c.cost, 100); got != c.want {
			t.Errorf("%v after %v, want %v", got, c.cost, c.want)
		}
	}
}

// TestCurve: a curve has as many points as fit, from the first value to the last.
func TestCurve(t *testing.T) {
	for n := range 1000 {
		var c curve
		for i := range n {
			c.add(float64(i + 1))
		}
		points, top := c.points()
		if len(points) > curvePoints+1 || n > 0 && (points[len(points)-1] != 100 || top != number(n)) || n >= curvePoints && len(points) < curvePoints/2 {
			t.Fatalf("%d values: %d points, highest %v, %v", n, len(points), top, points)
		}
		if !slices.IsSorted(points) {
			t.Fatalf("%d values: %v", n, points)
		}
	}
}
