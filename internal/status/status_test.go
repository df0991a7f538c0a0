package status

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
)

// put writes a file whose last change was some time ago, and makes its folder.
func put(t testing.TB, path, text string, ago time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// begun makes the folder of a trial with its trial.json.
func begun(t testing.TB, results, id string) (dir string) {
	t.Helper()
	dir = filepath.Join(results, id)
	variant, _, _ := strings.Cut(id, "-")
	trial := record.Trial{Format: record.Format, Experiment: "x", ID: id, Variant: variant, Seed: 1,
		Config: map[string]string{"train.epochs": "20", "variant": variant}}
	text, err := json.Marshal(trial)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, record.TrialFile), string(text), 0) // Save waits for the disk
	return dir
}

// claim is the text of a claim by a process of another host.
func claim(t testing.TB, beats int) string {
	t.Helper()
	by, err := json.Marshal(owner.Process{Host: "n1", PID: 7, System: "another", Job: "12_3", HeartbeatSeconds: 10, Nonce: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return string(by) + "\n" + strings.Repeat(".", beats)
}

// anHourAhead is a local clock that must not matter.
func anHourAhead() time.Time { return time.Now().Add(time.Hour) }

// readOne reads a folder and returns one trial of it.
func readOne(t *testing.T, root, name string) Trial {
	t.Helper()
	set, err := Read(root, anHourAhead)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(set.Trials, func(t Trial) bool { return t.Name == name })
	if i < 0 {
		t.Fatalf("%s is not among %v", name, set.Trials)
	}
	return set.Trials[i]
}

const rows = `{"step":10,"epoch":0.5,"split":"train","values":{"kl":3.5,"rec":1}}
{"step":20,"epoch":1,"split":"train","values":{"kl":2.25,"rec":1}}
{"step":20,"epoch":1,"split":"valid","values":{"kl":1,"rec":1}}
{"step":30,"epo`

// TestStates: a folder with trials in every state.
func TestStates(t *testing.T) {
	const released = "\nreleased\n"
	for _, c := range []struct {
		name string
		make func(dir string)
		want State
		note string
	}{
		{"done", func(dir string) { put(t, dir+"/DONE", "", 0) }, Done, ""},
		{"done, and its owner was killed before it tidied", func(dir string) {
			put(t, dir+"/DONE", "", 0)
			put(t, dir+"/claim.1", claim(t, 3), time.Hour)
			put(t, dir+"/FAILED", "loss is NaN", 0)
		}, Done, ""},
		{"running", func(dir string) { put(t, dir+"/claim.1", claim(t, 3), 29*time.Second) }, Running, ""},
		{"running again", func(dir string) {
			put(t, dir+"/claim.1", claim(t, 3)+released, time.Hour)
			put(t, dir+"/claim.2", claim(t, 0), 0)
			put(t, dir+"/FAILED", "loss is NaN", 0)
		}, Running, ""},
		{"stale", func(dir string) { put(t, dir+"/claim.1", claim(t, 3), 32*time.Second) }, Stale, ""},
		{"stopped", func(dir string) {
			put(t, dir+"/claim.9", claim(t, 3)+released, time.Hour)
			put(t, dir+"/claim.10", claim(t, 3)+released, 0)
			put(t, dir+"/last.10.safetensors", "", 0)
		}, Stopped, ""},
		{"stopped at once", func(dir string) { put(t, dir+"/claim.1", claim(t, 0)+released, 0) }, Stopped, "no checkpoint; it will begin anew"},
		{"of an older version", func(dir string) { put(t, dir+"/last.safetensors", "", 0) }, Stopped, ""},
		{"failed", func(dir string) {
			put(t, dir+"/claim.1", claim(t, 3)+released, time.Hour)
			put(t, dir+"/FAILED", "the loss is NaN\nby step 3\n", 0)
		}, Failed, "the loss is NaN\nby step 3"},
		{"an empty claim", func(dir string) { put(t, dir+"/claim.1", "", 0) }, Running, "claim.1 is empty"},
		{"an empty claim of long ago", func(dir string) { put(t, dir+"/claim.3", "", 92*time.Second) }, Stale, "claim.3 is empty"},
		{"a broken claim", func(dir string) { put(t, dir+"/claim.1", `{"host":"n`, 92*time.Second) }, Stale, "claim.1 does not say whose it is"},
		{"no claim", func(dir string) { put(t, dir+"/claim.one", "", 0) }, Stopped, "no checkpoint; it will begin anew"},
		{"of a later version", func(dir string) {
			put(t, dir+"/trial.json", `{"format":3,"id":"bn-0123abcd/seed-1","variant":"bn"}`, 0)
		}, Unreadable, "format 3, but this program reads formats 1 to 2; use the version that wrote it"},
		{"a broken trial.json", func(dir string) { put(t, dir+"/trial.json", `{"form`, 0) }, Unreadable, "trial.json: unexpected EOF"},
		{"another trial.json", func(dir string) { put(t, dir+"/trial.json", `[]`, 0) }, Unreadable, "trial.json: must be an object"},
		{"an empty trial.json", func(dir string) { put(t, dir+"/trial.json", ``, 0) }, Unreadable, "trial.json: EOF"},
		{"a trial.json without the id", func(dir string) { put(t, dir+"/trial.json", `{"format":2}`, 0) }, Unreadable, "trial.json: must have format, id and variant"},
		{"a claim that is a folder", func(dir string) { put(t, dir+"/claim.1/a", "", 0) }, Unreadable, "claim.1: is a directory"},
		{"claimed, without trial.json", func(dir string) {
			put(t, dir+"/claim.1", claim(t, 0), 0)
			os.Remove(dir + "/trial.json")
		}, Running, ""},
	} {
		results := t.TempDir()
		const id = "bn-0123abcd/seed-1"
		dir := begun(t, results, id)
		c.make(dir)
		got := readOne(t, results, id)
		if got.State != c.want || got.Note != c.note || got.ID != id {
			t.Errorf("%s: %s, %q, id %s; want %s, %q", c.name, got.State, got.Note, got.ID, c.want, c.note)
		}
	}
}

// TestGone: a process that has ended on this host is stale at once.
func TestGone(t *testing.T) {
	results := t.TempDir()
	me := owner.This(owner.Heartbeat)
	if me.System == "" {
		t.Skip("the system does not name itself")
	}
	for born, want := range map[string]State{me.Born: Running, me.Born + "1": Stale} {
		by := me
		by.Born = born
		text, err := json.Marshal(by)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(begun(t, results, "bn-0123abcd/seed-1"), "claim.1"), string(text)+"\n", 0)
		if got := readOne(t, results, "bn-0123abcd/seed-1"); got.State != want {
			t.Errorf("a process of this host, born %s: %s, %q; want %s", born, got.State, got.Note, want)
		}
	}
}

// TestTimes: times come from the claim's last change and its beats, by the clock of the file server. What the claim and the
// local clock say does not matter.
func TestTimes(t *testing.T) {
	results := t.TempDir()
	text := strings.Replace(claim(t, 30), `{"host"`, `{"started":"2031-01-01T00:00:00Z","host"`, 1)
	for name, c := range map[string]struct {
		text         string
		ago          time.Duration
		held, silent float64
	}{
		"running-0123abcd/seed-1": {text, 5 * time.Second, 305, 5},
		"ahead-0123abcd/seed-1":   {text, -time.Second, 300, 0}, // changed after the time was taken
		"stale-0123abcd/seed-1":   {text, time.Hour, 300, 3600},
		"stopped-0123abcd/seed-1": {text + "\nreleased\n", 2 * time.Hour, 300, 7200},
	} {
		dir := begun(t, results, name)
		put(t, filepath.Join(dir, "claim.1"), c.text, c.ago)
		put(t, filepath.Join(dir, "rows.1.jsonl"), rows, 0)
		got := readOne(t, results, name)
		const slow = 20 // seconds that this test may take
		if d := got.Silent - c.silent; d < -0.1 || d > slow {
			t.Errorf("%s: silent for %v s, want %v", name, got.Silent, c.silent)
		}
		if d := got.Held - c.held; d < -0.1 || d > slow {
			t.Errorf("%s: held for %v s, want %v", name, got.Held, c.held)
		}
		if got.Owner == nil || got.Owner.String() != "n1, job 12_3" {
			t.Errorf("%s: owner %v", name, got.Owner)
		}
		if r := got.Row; r == nil || r.Step != 20 || r.Epoch != 1 || r.KL == nil || *r.KL != 2.25 || got.Epochs != 20 {
			t.Errorf("%s: last row %+v of %v epochs", name, r, got.Epochs)
		}
	}
}

// TestLastRow: the last row of split train is found among long rows, and a KL that is not finite is no KL.
func TestLastRow(t *testing.T) {
	long := `{"step":5,"epoch":0,"split":"valid","vectors":{"mu":[` + strings.Repeat("0.123456,", 1000) + "1]}}\n"
	for name, c := range map[string]struct {
		text string
		step int
		kl   bool
	}{
		"none":          {"", 0, false},
		"only the head": {`{"step":10,"epoch":0.5,"split":"tr`, 0, false},
		"not finite":    {`{"step":10,"epoch":0.5,"split":"train","values":{"kl":null}}` + "\n", 10, false},
		"no row":        {"text\n" + rows, 20, true},
		"long rows":     {strings.Repeat(long, 50) + rows + "\n" + long, 20, true},
		"too long":      {rows + "\n" + strings.Repeat(long, 50), 0, false},
	} {
		path := filepath.Join(t.TempDir(), "rows.jsonl")
		put(t, path, c.text, 0)
		text, err := readTail(path)
		if err != nil {
			t.Error(err)
		}
		got := lastRow(text)
		if step := c.step; (got == nil) != (step == 0) || got != nil && (got.Step != step || (got.KL != nil) != c.kl) {
			t.Errorf("%s: %+v, want step %d", name, got, step)
		}
	}
}

// TestSubmissions: trials that a submission names and that have no folder have not begun; those queued twice count for the
// last submission. Results, an experiment and a trial can be read, and nothing is left in their folders.
func TestSubmissions(t *testing.T) {
	root := t.TempDir()
	for _, x := range []string{"x", "y"} { // equal trials of two experiments
		begun(t, filepath.Join(root, x), "bn-0123abcd/seed-1")
		put(t, filepath.Join(root, x, "submit/9/tasks.csv"), "task,trial\n0,bn-0123abcd/seed-1\n0,bn-0123abcd/seed-2\n1,free-bits-0123abcd/seed-1\n", 0)
		put(t, filepath.Join(root, x, "submit/9/jobs.csv"), "job,first,last,what\n41,0,1,array\n42,0,0,report\n", 0)
	}
	if err := os.MkdirAll(filepath.Join(root, "x/bn-0123abcd/seed-3/damaged-1"), 0o777); err != nil { // it has the name of a trial
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "x/submit/10/tasks.csv"), "task,trial\n0,bn-0123abcd/seed-2\n0,bn-0123abcd/seed-3\n", 0)
	put(t, filepath.Join(root, "x/submit/11/tasks.csv"), "what\nit is\n", 0)
	before := listing(t, root)
	for dir, want := range map[string]string{
		".": "x/bn-0123abcd/seed-1 stopped, x/bn-0123abcd/seed-2 not begun, x/bn-0123abcd/seed-3 not begun, x/free-bits-0123abcd/seed-1 not begun, " +
			"y/bn-0123abcd/seed-1 stopped, y/bn-0123abcd/seed-2 not begun, y/free-bits-0123abcd/seed-1 not begun; 10: 2 [], 9: 1 [41 42], 9: 2 [41 42]; 1 warnings",
		"x":                    "bn-0123abcd/seed-1 stopped, bn-0123abcd/seed-2 not begun, bn-0123abcd/seed-3 not begun, free-bits-0123abcd/seed-1 not begun; 10: 2 [], 9: 1 [41 42]; 1 warnings",
		"x/bn-0123abcd":        "seed-1 stopped; ; 0 warnings",
		"x/bn-0123abcd/seed-1": "bn-0123abcd/seed-1 stopped; ; 0 warnings",
		"x/submit":             "; ; 0 warnings",
	} {
		set, err := Read(filepath.Join(root, dir), anHourAhead)
		if err != nil {
			t.Fatal(err)
		}
		var trials, queued []string
		for _, t := range set.Trials {
			trials = append(trials, fmt.Sprint(t.Name, " ", t.State))
		}
		for _, s := range set.Submissions {
			queued = append(queued, fmt.Sprintf("%s: %d %v", filepath.Base(s.Folder), s.NotBegun, s.Jobs))
		}
		got := fmt.Sprintf("%s; %s; %d warnings", strings.Join(trials, ", "), strings.Join(queued, ", "), len(set.Warnings))
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", dir, got, want)
		}
		if set.LocalClock || time.Until(set.Now).Abs() > 20*time.Second {
			t.Errorf("%s: the time is %v", dir, set.Now)
		}
	}
	set, err := Read(filepath.Join(root, "x"), anHourAhead)
	if err != nil || set.Trials[3].Variant != "free-bits" || !strings.Contains(set.Warnings[0], `submit/11/tasks.csv: `) || set.Trials[3].Queued != "41_1" || set.Trials[1].Queued != "" {
		t.Errorf("got %+v, %v", set, err)
	}
	if after := listing(t, root); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// listing is the names of all files below a folder.
func listing(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// BenchmarkRead is for 10,000 trials, of which 7,000 are done and 3,000 running.
func BenchmarkRead(b *testing.B) {
	results := b.TempDir()
	for i := range 10_000 {
		dir := begun(b, results, fmt.Sprintf("bn-%08x/seed-%d", i/6, i%6+1))
		if i%10 < 7 {
			put(b, filepath.Join(dir, record.DoneFile), "", 0)
			continue
		}
		put(b, filepath.Join(dir, "claim.1"), claim(b, 300), 0)
		put(b, filepath.Join(dir, "rows.1.jsonl"), rows, 0)
		put(b, filepath.Join(dir, "last.1.safetensors"), "", 0)
	}
	for b.Loop() {
		set, err := Read(results, time.Now)
		if err != nil || set.Count[Done] != 7000 || len(set.Trials) != 10_000 {
			b.Fatalf("%v, %v", set.Count, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/10,000-trials")
}

// TestAt: one who tells the time and reads the rows himself finds the same states, and nothing is written.
func TestAt(t *testing.T) {
	root := t.TempDir()
	dir := begun(t, root, "bn-0123abcd/seed-1")
	put(t, filepath.Join(dir, "claim.1"), claim(t, 3), time.Minute)
	put(t, filepath.Join(dir, "rows.1.jsonl"), `{"step":1,"epoch":1,"split":"train","values":{}}`+"\n", 0)
	put(t, filepath.Join(begun(t, root, "bn-0123abcd/seed-2"), record.DoneFile), "", 0)
	before, err := os.Stat(root)
	if err != nil {
		t.Fatal(err)
	}
	for ago, want := range map[time.Duration]State{-time.Minute: Running, 0: Stale} { // three heartbeats are 30 s
		set, err := At(root, time.Now().Add(ago))
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Trials) != 2 || set.Trials[0].State != want || set.Trials[0].Row != nil || set.Count[Done] != 1 || !set.LocalClock {
			t.Errorf("%v from now: %+v", ago, set)
		}
	}
	if after, err := os.Stat(root); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the folder was changed: %v, %v", after.ModTime(), err)
	}
	if _, err := At(filepath.Join(root, "none"), time.Now()); err == nil {
		t.Error("no error without a folder")
	}
}
