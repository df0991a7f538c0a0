package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// write makes a trial's folder below results; done says whether it has DONE.
func write(t *testing.T, results string, trial Trial, done bool, rows ...Row) string {
	t.Helper()
	trial.Format = cmp.Or(trial.Format, Format)
	dir := trial.Dir(results)
	if err := trial.Save(dir); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(filepath.Join(dir, RowsFile), Sum{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if done {
		if err := WriteDone(dir, w.Sum(), TrialFile, ManifestFile); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// run is a run in memory: settings as "key=value".
func run(variant string, seed int, settings ...string) Run {
	config := map[string]string{}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		config[k] = v
	}
	return Run{Trial: Trial{Format: Format, Experiment: "x", ID: variant, Variant: variant, Seed: seed, Config: config}}
}

func TestRowJSON(t *testing.T) {
	row := Row{Step: 20, Epoch: 0.5, Split: "train",
		Values:  map[string]float64{"nll": 101.25, "kl": math.NaN(), "mi": math.Inf(1)},
		Vectors: map[string][]float64{"theta": {1, math.NaN()}, "kl_dim": nil}}
	const want = `{"step":20,"epoch":0.5,"split":"train","values":{"kl":null,"mi":null,"nll":101.25},"vectors":{"kl_dim":[],"theta":[1,null]}}`
	for range 10 { // map order must not show
		if got, err := json.Marshal(row); err != nil || string(got) != want {
			t.Fatalf("got %s, %v\nwant %s", got, err, want)
		}
	}
	var back Row
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(back.Values["kl"]) || !math.IsNaN(back.Vectors["theta"][1]) || back.Values["nll"] != 101.25 || back.Step != 20 {
		t.Errorf("read back %+v", back)
	}
	for _, bad := range []string{`{}`, `null`, `[]`, `{"split":"test","stop":1}`, `{"split":"test","values":{"kl":"1"}}`, `{"split":"test"} {}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// FuzzRows: reading never panics, and what it accepts it writes back unchanged.
func FuzzRows(f *testing.F) {
	f.Add([]byte(`{"step":1,"epoch":0.1,"split":"train","values":{"kl":null}}` + "\n"))
	f.Add([]byte(`{"step":1,"split":"test","values":{},"vectors":{"a":[1e300,null,-0]}}` + "\n" + `{"st`))
	f.Add([]byte("null\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, _, err := new(rowReader).all(text, nil)
		if err != nil {
			return
		}
		encode := func(rows []Entry) []byte {
			var b []byte
			for _, e := range rows {
				line, err := json.Marshal(e.Row())
				if err != nil {
					t.Fatal(err)
				}
				if own := e.append(nil); !bytes.Equal(own, line) {
					t.Fatalf("%q is written as %s, want %s", text, own, line)
				}
				b = append(append(b, line...), '\n')
			}
			return b
		}
		once := encode(rows)
		again, cut, err := new(rowReader).all(once, nil)
		if err != nil || cut > 0 {
			t.Fatalf("%q became %q: %v, line %d cut off", text, once, err, cut)
		}
		if twice := encode(again); !bytes.Equal(once, twice) || len(rows) != len(again) {
			t.Fatalf("%q became %q became %q", text, once, twice)
		}
		for i := range rows {
			for k, v := range rows[i].Values() {
				if w, _ := again[i].Value(k); w != v && !(math.IsNaN(v) && math.IsNaN(w)) {
					t.Fatalf("%q: %s was %v, is %v", text, k, v, w)
				}
			}
		}
	})
}

func TestLoad(t *testing.T) {
	results := t.TempDir()
	one := write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-10", Variant: "bn", Seed: 10}, true, Row{Step: 1, Split: "train"})
	write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-2", Variant: "bn", Seed: 2}, false)
	failed := write(t, results, Trial{Experiment: "b", ID: "ln-1/seed-1", Variant: "ln", Seed: 1}, false)
	put(t, filepath.Join(failed, FailedFile), "loss is NaN\n")
	os.Remove(filepath.Join(failed, RowsFile))

	set, err := Load(results, filepath.Join(results, "a"), one)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range set.Runs {
		got = append(got, r.ID+" "+r.State.String()+" "+r.Reason)
	}
	want := []string{"bn-1/seed-2 unfinished ", "bn-1/seed-10 done ", "ln-1/seed-1 failed loss is NaN"}
	if !slices.Equal(got, want) || len(set.Warnings) != 0 {
		t.Errorf("got %q, warnings %v\nwant %q", got, set.Warnings, want)
	}
	if len(set.Runs[1].Rows) != 1 {
		t.Errorf("rows of seed 10: %v", set.Runs[1].Rows)
	}
	put(t, filepath.Join(failed, RowsFile), "")
	if err := WriteDone(failed, SumOf(nil), TrialFile); err != nil {
		t.Fatal(err)
	}
	if set, _ := Load(failed); set.Runs[0].State != Done || set.Runs[0].Reason != "" {
		t.Errorf("a failed trial that was run again: %+v", set.Runs[0])
	}
	if set, err := Load(t.TempDir()); err != nil || len(set.Warnings) != 1 {
		t.Errorf("empty folder: %v, %v", set, err)
	}
	if _, err := Load(filepath.Join(results, "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("missing folder: %v", err)
	}
}

// TestBrokenRows: without sums to check them by, as in an older version, rows are checked by their form.
func TestBrokenRows(t *testing.T) {
	const row = `{"step":1,"epoch":0,"split":"train","values":{}}`
	for _, c := range []struct {
		name, rows   string
		unfinished   int    // rows read of an unfinished trial, or -1
		warning      string // of it
		done, damage string // what is said of a trial that is done
	}{
		{"whole", row + "\n" + row + "\n", 2, "", "done", ""},
		{"no newline yet", row + "\n" + row, 2, "", "done", ""},
		{"cut", row + "\n" + row[:20], 1, "rows.jsonl:2: last line left out: still being written or cut off", "damaged", "line 2, the last, is cut off"},
		{"broken in the middle", row + "\n{\n" + row + "\n", -1, "", "damaged", "line 2 is no row: unexpected end of JSON input"},
		{"broken and ended", row[:20] + "\n", -1, "", "damaged", "line 1 is no row"},
		{"out of range", strings.Replace(row, "{}", `{"kl":1e999}`, 1) + "\n", -1, "", "damaged", "line 1 is no row: the number 1e999 is out of the range of a float64"},
		{"blank line", "\n" + row + "\n", -1, "", "damaged", "line 1 is no row"},
	} {
		results := t.TempDir()
		dir := write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-1", Variant: "bn", Format: 1}, false)
		put(t, filepath.Join(dir, RowsFile), c.rows)
		set, err := Load(results)
		if err != nil {
			t.Fatal(err)
		}
		switch run := set.Runs[0]; {
		case c.unfinished < 0 && run.State != Damaged, c.unfinished >= 0 && (run.State != Unfinished || len(run.Rows) != c.unfinished):
			t.Errorf("%s, unfinished: %v with %d rows", c.name, run.State, len(run.Rows))
		}
		if warned := errors.Join(set.Warnings...); (warned != nil) != (c.warning != "") || warned != nil && !strings.Contains(warned.Error(), c.warning) {
			t.Errorf("%s: warning %v, want %q", c.name, warned, c.warning)
		}
		old(t, dir)
		if set, err = Load(results); err != nil {
			t.Fatal(err)
		}
		if run := set.Runs[0]; run.State.String() != c.done || !strings.Contains(run.Reason, c.damage) || (run.State == Damaged) != (run.Rows == nil) || len(set.Damage) > 1 {
			t.Errorf("%s, done: %v: %s; %d rows, damage %v; want %s", c.name, run.State, run.Reason, len(run.Rows), set.Damage, c.damage)
		}
		if damage := errors.Join(set.Damage...); (damage != nil) != (c.damage != "") || damage != nil && !strings.HasPrefix(damage.Error(), filepath.Join(dir, RowsFile)+": damaged: "+c.damage) {
			t.Errorf("%s, done: damage %v, want %s", c.name, damage, c.damage)
		}
	}
}

// old makes a trial one that an older version finished: of format 1, with an empty DONE.
func old(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, TrialFile))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, TrialFile), strings.Replace(string(text), `"format": 2`, `"format": 1`, 1))
	put(t, filepath.Join(dir, DoneFile), "")
}

// TestOldTrials: trials of the older version are read, with one note for all of them.
func TestOldTrials(t *testing.T) {
	results := t.TempDir()
	for seed := range 3 {
		trial := Trial{Experiment: "a", ID: fmt.Sprintf("bn-1/seed-%d", seed), Variant: "bn", Seed: seed}
		dir := write(t, results, trial, true, Row{Step: 1, Split: "train"})
		if seed > 0 {
			old(t, dir)
		}
		if run, damage := Check(dir); run.State != Done || damage != nil {
			t.Errorf("seed %d: %v, %v", seed, run.State, damage)
		}
	}
	set, err := Load(results)
	if err != nil || len(set.Damage) > 0 || len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0].Error(), "older version, whose files cannot be checked because their DONE has no checksums: 2") {
		t.Fatalf("%v, damage %v, warnings %v", err, set.Damage, set.Warnings)
	}
	for _, r := range set.Runs {
		if r.State != Done || len(r.Rows) != 1 || (r.Files == nil) != (r.Seed > 0) {
			t.Errorf("seed %d: %v, %d rows, files %v", r.Seed, r.State, len(r.Rows), r.Files)
		}
	}
}

// TestRenamedFolders: a trial is what its files say, whatever its folder is called, and is counted once if somebody copied it
// into the folder of another.
func TestRenamedFolders(t *testing.T) {
	results := t.TempDir()
	row := Row{Step: 1, Split: "train", Values: map[string]float64{"kl": 1.5}}
	write(t, results, Trial{Experiment: "a", ID: "bn-00000001/seed-1", Variant: "bn", Seed: 1}, true, row)
	first := filepath.Join(results, "a", "bn-00000001", "seed-1")
	for _, c := range []struct {
		to   string
		copy bool
		says string // "" if nothing is said
	}{
		{"a/mine/seed-1", false, ""}, {"b/first", false, ""}, {"b/bn-00000001-old/seed-1", false, ""},
		{"a/bn-00000001/seed-7", false, "has the name of bn-00000001/seed-7, but holds bn-00000001/seed-1; it is counted as that"},
		{"a/ln-00000002/seed-1", false, "has the name of ln-00000002/seed-1, but holds bn-00000001/seed-1; it is counted"},
		{"a/bn-00000001/seed-2", true, "left out: it has the name of bn-00000001/seed-2, but holds the same trial as " + first},
		{"a/an-00000001/seed-1", true, "left out: it has the name of an-00000001/seed-1, but holds the same trial as " + first},
	} {
		to := filepath.Join(results, filepath.FromSlash(c.to))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(to, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		dirs := []string{to}
		if c.copy {
			dirs = []string{results}
		}
		set, err := Load(dirs...)
		if err != nil || len(set.Damage) > 0 || len(set.Runs) != 1 || set.Runs[0].ID != "bn-00000001/seed-1" || set.Runs[0].State != Done || (set.Runs[0].Dir == first) != c.copy {
			t.Errorf("%s: %v, %+v", c.to, err, set)
			continue
		}
		var said []string
		for _, w := range set.Warnings {
			if !strings.Contains(w.Error(), "older version") {
				said = append(said, w.Error())
			}
		}
		if text := strings.Join(said, "; "); (text == "") != (c.says == "") || !strings.Contains(text, c.says) {
			t.Errorf("%s: warnings %q, want %q", c.to, text, c.says)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamage: each way in which a finished trial can differ from what was written is seen, named and counted; the trial
// beside it is used.
func TestDamage(t *testing.T) {
	const id = "bn-00000001/seed-1"
	edit := func(from, to string) func(text string) string {
		return func(text string) string { return strings.Replace(text, from, to, 1) }
	}
	for _, c := range []struct {
		name, file, says string
		change           func(text string) string // nil removes the file
		whole            bool                     // only Check sees it
		lost             bool                     // which trial it is is not known
	}{
		{"a digit", RowsFile, "; DONE says ", edit(`1.5`, `1.6`), false, false},
		{"a line twice", RowsFile, "bytes, SHA-256 ", func(s string) string { l, _, _ := strings.Cut(s, "\n"); return l + "\n" + s }, false, false},
		{"the last line cut", RowsFile, "; DONE says ", func(s string) string { return s[:len(s)-9] }, false, false},
		{"no rows", RowsFile, "it is missing", nil, false, false},
		{"empty rows", RowsFile, "it has 0 bytes", func(string) string { return "" }, false, false},
		{"settings", TrialFile, "; DONE says ", edit(`"lr": "1"`, `"lr": "2"`), false, true},
		{"no settings", TrialFile, "it is missing", nil, false, true},
		{"the manifest", ManifestFile, "; DONE says ", edit("avx2", "avx9"), false, false},
		{"no manifest", ManifestFile, "it is missing; DONE says ", nil, false, false},
		{"no weights", "model.safetensors", "it is missing; DONE says 7 bytes", nil, false, false},
		{"shorter weights", "model.safetensors", "it has 6 bytes; DONE says 7", func(s string) string { return s[:6] }, false, false},
		{"other weights", "model.safetensors", "it has 7 bytes, SHA-256 ", edit("w", "v"), true, false},
		{"a hash in DONE", DoneFile, "its last line must be", edit("rows", "sows"), false, false},
		{"DONE without its end", DoneFile, "its last line must be", func(s string) string { return s[:len(s)-1] }, false, false},
		{"half of DONE", DoneFile, "must be lines of size, SHA-256", func(s string) string { return s[:len(s)/2] }, false, false},
		{"DONE in capitals", DoneFile, "must be", strings.ToUpper, false, false},
		{"an empty DONE", DoneFile, "it is empty; it must list", func(string) string { return "" }, false, false},
		{"a DONE of nothing", DoneFile, "it must list rows.jsonl and trial.json", func(string) string { return string(Sums{}.encode()) }, false, false},
	} {
		results := t.TempDir()
		dir := filepath.Join(results, "a", filepath.FromSlash(id))
		other := filepath.Join(filepath.Dir(dir), "seed-2")
		for seed, dir := range []string{1: dir, 2: other} {
			if seed == 0 {
				continue
			}
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "model.safetensors"), "weights")
			put(t, filepath.Join(dir, ManifestFile), `{"kernel":"avx2"}`)
			trial := Trial{Experiment: "a", ID: fmt.Sprintf("bn-00000001/seed-%d", seed), Variant: "bn", Seed: seed, Config: map[string]string{"lr": "1"}}
			row := Row{Step: seed, Split: "train", Values: map[string]float64{"kl": 1.5}}
			write(t, results, trial, false, row, row)
			rows, err := sumOfFile(filepath.Join(dir, RowsFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := WriteDone(dir, rows, TrialFile, ManifestFile, "model.safetensors", "vocab.txt"); err != nil {
				t.Fatal(err)
			}
		}
		if set, err := Load(results); err != nil || len(set.Damage)+len(set.Warnings) > 0 {
			t.Fatalf("before: %v, %v, %v", err, set.Damage, set.Warnings)
		}
		path := filepath.Join(dir, c.file)
		text, _ := os.ReadFile(path)
		switch {
		case c.change == nil:
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		default:
			if now := c.change(string(text)); now == string(text) {
				t.Fatalf("%s: nothing changed", c.name)
			} else {
				put(t, path, now)
			}
		}
		run, damage := Check(dir)
		if run.State != Damaged || run.Rows != nil || len(damage) != 1 || !strings.HasPrefix(damage[0].Error(), path+": damaged: ") || !strings.Contains(damage[0].Error(), c.says) {
			t.Errorf("%s: Check: %v, %v; want %s", c.name, run.State, damage, c.says)
		}
		if runs, _, all, err := CheckAll(results); err != nil || len(runs) != 2 || fmt.Sprint(all) != fmt.Sprint(damage) {
			t.Errorf("%s: CheckAll: %v, %v; want %v", c.name, all, err, damage)
		}
		set, err := Load(results)
		if err != nil {
			t.Fatal(err)
		}
		if c.whole {
			if len(set.Damage) > 0 || len(set.Runs) != 2 {
				t.Errorf("%s: Load: %v", c.name, set.Damage)
			}
			continue
		}
		if fmt.Sprint(set.Damage) != fmt.Sprint(damage) {
			t.Errorf("%s: Load sees %v, Check %v", c.name, set.Damage, damage)
		}
		good := set.Runs[len(set.Runs)-1]
		if good.Seed != 2 || good.State != Done || len(good.Rows) != 2 || (len(set.Runs) == 1) != c.lost {
			t.Errorf("%s: %d runs, the other is %v with %d rows", c.name, len(set.Runs), good.State, len(good.Rows))
		}
		if bad := set.Runs[0]; !c.lost && (bad.State != Damaged || bad.Rows != nil || !strings.HasPrefix(bad.Reason, c.file+": ")) {
			t.Errorf("%s: %v, %d rows, %q", c.name, bad.State, len(bad.Rows), bad.Reason)
		}
	}
}

// TestClass: two tiers that give the same bytes are one class; whatever rounds differently is another.
func TestClass(t *testing.T) {
	base := Manifest{Arch: "amd64", GOAMD64: "v1", Precision: "float32", Kernel: "avx2+fma"}
	for _, c := range []struct {
		change func(m *Manifest)
		same   bool
	}{
		{func(m *Manifest) { m.Kernel = "avx512" }, true},
		{func(m *Manifest) { m.GOAMD64 = "" }, true},
		{func(m *Manifest) { m.CPU, m.Procs, m.OS, m.Version = "another", 7, "plan9", "v9" }, true},
		{func(m *Manifest) { m.Kernel = "gonum blas32" }, false},
		{func(m *Manifest) { m.Precision, m.Kernel = "float64", "gonum blas64" }, false},
		{func(m *Manifest) { m.Arch = "arm64" }, false},
		{func(m *Manifest) { m.GOAMD64 = "v3" }, false},
	} {
		other := base
		c.change(&other)
		if (other.Class() == base.Class()) != c.same {
			t.Errorf("%q and %q, want the same: %t", base.Class(), other.Class(), c.same)
		}
	}
	if class := (Manifest{}).Class(); class != "" {
		t.Errorf("without a manifest: %q", class)
	}
}

// TestLoadFormat: settings that cannot be read are damage that names the file, and the format that is read.
func TestLoadFormat(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"format":3}`: "trial.json: damaged: format 3, but this program reads formats 1 to 2; use the version that wrote it",
		`{"format":`:   "trial.json: damaged: unexpected end of JSON input",
	} {
		put(t, filepath.Join(dir, TrialFile), text)
		if set, err := Load(dir); err != nil || len(set.Runs) > 0 || len(set.Damage) != 1 || !strings.HasSuffix(set.Damage[0].Error(), want) {
			t.Errorf("%s: %v, %v, want %q", text, set, err, want)
		}
	}
}

func TestLoadSameTrialTwice(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	trial := Trial{Experiment: "a", ID: "bn-1/seed-1", Variant: "bn"}
	write(t, a, trial, true)
	write(t, b, trial, true)
	set, err := Load(a, b)
	if err != nil || len(set.Runs) != 2 || len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0].Error(), "same trial") {
		t.Errorf("%+v, %v", set, err)
	}
}

func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), RowsFile)
	size := func(keep Sum, rows ...Row) Sum {
		t.Helper()
		w, err := OpenWriter(path, keep)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, r := range rows {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := w.Sync()
		if err != nil {
			t.Fatal(err)
		}
		if now, err := sumOfFile(path); err != nil || now != sum {
			t.Fatalf("Sync says %v, the file has %v, %v", sum, now, err)
		}
		return sum
	}
	row := func(step int) Row { return Row{Step: step, Split: "train", Values: map[string]float64{}} }
	if none := size(Sum{}); none != SumOf(nil) || size(none, row(9)).Size == 0 { // a checkpoint before the first row
		t.Errorf("the sum of no rows is %v", none)
	}
	keep := size(Sum{}, row(1))
	size(keep, row(2), row(3)) // these are lost with the process
	size(keep, row(4))         // resumed from the checkpoint after step 1
	text, _ := os.ReadFile(path)
	rows, cut, err := new(rowReader).all(text, nil)
	if want := []Row{row(1), row(4)}; err != nil || cut > 0 || !reflect.DeepEqual(written(rows), want) {
		t.Errorf("got %v (%d, %v), want %v", written(rows), cut, err, want)
	}
	for what, wrong := range map[string]Sum{
		"a short file": {Size: 1000, SHA256: keep.SHA256}, "other rows": {Size: keep.Size, SHA256: SumOf(nil).SHA256},
		"no rows": {Size: 0, SHA256: keep.SHA256},
	} {
		var damage *Damage
		if _, err := OpenWriter(path, wrong); !errors.As(err, &damage) || damage.File != RowsFile || !strings.Contains(damage.What, "; the checkpoint says "+wrong.String()) {
			t.Errorf("%s: %v", what, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
			t.Errorf("%s: a refused OpenWriter changed the file", what)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []Run
		want []string // label:number of runs
	}{
		{"one each", []Run{run("ln", 1, "variant.ln.gamma=1"), run("bn", 2, "variant.bn.gamma=0.5"), run("vanilla", 1), run("bn", 1, "variant.bn.gamma=0.5")},
			[]string{"vanilla:1", "bn:2", "ln:1"}},
		{"a knob, in numeric order", []Run{run("bn", 1, "variant.bn.gamma=10"), run("bn", 1, "variant.bn.gamma=9"), run("vanilla", 1)},
			[]string{"vanilla:1", "bn γ=9:1", "bn γ=10:1"}},
		{"seed in the config", []Run{run("bn", 1, "seed=1"), run("bn", 2, "seed=2")}, []string{"bn:2"}},
		{"outside the variant", []Run{run("bn", 1, "variant.bn.gamma=1", "train.lr=0.1"), run("bn", 1, "variant.bn.gamma=2", "train.lr=0.01")},
			[]string{"bn γ=1 lr=0.1:1", "bn γ=2 lr=0.01:1"}},
		{"same last word", []Run{run("bn", 1, "enc.size=1", "dec.size=1"), run("bn", 1, "enc.size=2", "dec.size=2")},
			[]string{"bn dec.size=1 enc.size=1:1", "bn dec.size=2 enc.size=2:1"}},
		{"two of a composed variant", []Run{run("a+b", 1, "variant.a.tau=1", "variant.b.tau=1"), run("a+b", 1, "variant.a.tau=2", "variant.b.tau=2")},
			[]string{"a+b a.τ=1 b.τ=1:1", "a+b a.τ=2 b.τ=2:1"}},
		{"only some have it", []Run{run("bn", 1, "model=lstm", "model.lstm.size=5"), run("bn", 1, "model=mlp")},
			[]string{"bn model=lstm:1", "bn model=mlp:1"}},
		{"nothing but absence", []Run{run("bn", 1, "warmup=5"), run("bn", 1)}, []string{"bn:1", "bn warmup=5:1"}},
		{"experiments", []Run{{Trial: Trial{Experiment: "a"}}, {Trial: Trial{Experiment: "b"}}, {Trial: Trial{Experiment: "c"}}},
			[]string{" experiment=a:1", " experiment=b:1", " experiment=c:1"}},
		{"usual in two of three variants", []Run{run("a", 1, "train.epochs=11"), run("b", 1, "train.epochs=11"), run("c", 1, "train.epochs=14")},
			[]string{"a:1", "b:1", "c epochs=14:1"}},
		{"usual in one of two", []Run{run("a", 1, "train.epochs=11"), run("c", 1, "train.epochs=14")}, []string{"a epochs=11:1", "c epochs=14:1"}},
		{"usual, but a variant has others, too", []Run{run("a", 1, "train.epochs=11"), run("b", 1, "train.epochs=11"), run("c", 1, "train.epochs=11"), run("c", 1, "train.epochs=14")},
			[]string{"a:1", "b:1", "c:1", "c epochs=14:1"}},
		{"usual, but a knob", []Run{run("a", 1, "kl.beta=1"), run("b", 1, "kl.beta=1"), run("vanilla", 1, "kl.beta=1"), run("vanilla", 1, "kl.beta=0.5")},
			[]string{"vanilla β=0.5:1", "vanilla β=1:1", "a:1", "b:1"}},
		{"usual, but one group lacks it", []Run{run("a", 1, "train.epochs=11"), run("b", 1, "train.epochs=11"), run("c", 1, "train.epochs=14"), run("c", 1)},
			[]string{"a epochs=11:1", "b epochs=11:1", "c:1", "c epochs=14:1"}},
		{"usual data and models", []Run{run("a", 1, "data=text", "data.text.n=1", "model=lstm"), run("b", 1, "data=text", "data.text.n=1", "model=lstm"), run("c", 1, "data=text", "data.text.n=2", "model=mlp")},
			[]string{"a n=1 model=lstm:1", "b n=1 model=lstm:1", "c n=2 model=mlp:1"}},
		{"none", nil, nil},
	} {
		set := &Set{Runs: c.runs}
		var got []string
		for _, g := range set.Groups() {
			got = append(got, g.Label+":"+string(rune('0'+len(g.Runs))))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestKnob: the groups of a variant share a knob, and what else varies tells their lines apart. A group is written
// "settings of its line, knob value rate", or without the second part if it has none.
func TestKnob(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []Run
		want []string
	}{
		{"the variant's only setting", []Run{run("bn", 1, "variant.bn.gamma=0.5"), run("bn", 1, "variant.bn.gamma=1"), run("vanilla", 1)},
			[]string{"vanilla", "bn, gamma 0.5 rises", "bn, gamma 1 rises"}},
		{"another varies too", []Run{run("bn", 1, "variant.bn.gamma=0.5", "train.lr=1"), run("bn", 1, "variant.bn.gamma=1", "train.lr=2")},
			[]string{"bn lr=1, gamma 0.5 rises", "bn lr=2, gamma 1 rises"}},
		{"one that moves the rate before one with more values",
			[]Run{run("bn", 1, "variant.bn.gamma=0.5", "variant.bn.eps=1"), run("bn", 1, "variant.bn.gamma=1", "variant.bn.eps=2"), run("bn", 1, "variant.bn.gamma=1", "variant.bn.eps=3")},
			[]string{"bn eps=1, gamma 0.5 rises", "bn eps=2, gamma 1 rises", "bn eps=3, gamma 1 rises"}},
		{"the same in all but one", []Run{run("bn", 1, "variant.bn.gamma=0.5", "variant.bn.eps=1"), run("bn", 1, "variant.bn.gamma=1", "variant.bn.eps=1"), run("bn", 1, "variant.bn.gamma=1", "variant.bn.eps=2")},
			[]string{"bn eps=1, gamma 0.5 rises", "bn eps=1, gamma 1 rises", "bn eps=2, gamma 1 rises"}},
		{"of two methods", []Run{run("a+bn", 1, "variant.a.size=1", "variant.bn.gamma=1"), run("a+bn", 1, "variant.a.size=2", "variant.bn.gamma=1"), run("a+bn", 1, "variant.a.size=1", "variant.bn.gamma=2")},
			[]string{"a+bn size=1, gamma 1 rises", "a+bn size=1, gamma 2 rises", "a+bn size=2, gamma 1 rises"}},
		{"of two that move the rate the one with more values", []Run{run("bn+c", 1, "variant.c.lambda=1", "variant.bn.gamma=1"), run("bn+c", 1, "variant.c.lambda=2", "variant.bn.gamma=1"), run("bn+c", 1, "variant.c.lambda=3", "variant.bn.gamma=2")},
			[]string{"bn+c γ=1, lambda 1 falls", "bn+c γ=1, lambda 2 falls", "bn+c γ=2, lambda 3 falls"}},
		{"none that moves the rate", []Run{run("bn", 1, "variant.bn.eps=1"), run("bn", 1, "variant.bn.eps=2")}, []string{"bn, eps 1 ", "bn, eps 2 "}},
		{"the weight of the KL", []Run{run("vanilla", 1, "kl.beta=1"), run("vanilla", 1, "kl.beta=4")}, []string{"vanilla, beta 1 falls", "vanilla, beta 4 falls"}},
		{"the variant's before the weight", []Run{run("bn", 1, "kl.beta=1", "variant.bn.eps=1"), run("bn", 1, "kl.beta=2", "variant.bn.eps=2")},
			[]string{"bn β=1, eps 1 ", "bn β=2, eps 2 "}},
		{"no number", []Run{run("bn", 1, "variant.bn.where=mu"), run("bn", 1, "variant.bn.where=sigma")}, []string{"bn where=mu", "bn where=sigma"}},
		{"none of the variant's", []Run{run("bn", 1, "train.lr=1"), run("bn", 1, "train.lr=2")}, []string{"bn lr=1", "bn lr=2"}},
		{"what tells one variant from the next is the same in all groups of this one",
			[]Run{run("bn", 1, "variant.bn.gamma=0.3", "variant.bn.eps=2"), run("bn", 1, "variant.bn.gamma=0.5", "variant.bn.eps=2"), run("bn+c", 1, "variant.bn.gamma=0.5", "variant.bn.eps=1")},
			[]string{"bn eps=2, gamma 0.3 rises", "bn eps=2, gamma 0.5 rises", "bn+c eps=1 γ=0.5"}},
	} {
		set := &Set{Runs: c.runs, Knobs: map[string]string{"variant.bn.gamma": "rises", "variant.c.lambda": "falls", "kl.beta": "falls"}}
		var got []string
		for _, g := range set.Groups() {
			text := g.Family()
			if k, ok := g.Knob(); ok {
				text += fmt.Sprintf(", %s %v %s", k.Name(), k.Value, k.Rate)
			}
			got = append(got, text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// written returns rows as they were written.
func written(entries []Entry) (rows []Row) {
	for _, e := range entries {
		rows = append(rows, e.Row())
	}
	return rows
}

// rows makes train rows at steps 1, 2, ... with these values of kl.
func rows(kl ...float64) (rs []Row) {
	for i, v := range kl {
		rs = append(rs, Row{Step: i + 1, Split: "train", Values: map[string]float64{"kl": v}, Vectors: map[string][]float64{"kl_dim": {v, 0}}})
	}
	return rs
}

func TestSeries(t *testing.T) {
	again := append(rows(1, 2), Row{Step: 2, Split: "train", Values: map[string]float64{"kl": 4}})
	again[0], again[1] = again[1], again[0] // nor do the steps have to come in order
	runs := []Run{{Rows: Entries(again...)}, {Rows: Entries(rows(3, 8, 5)...)}, {Rows: Entries(rows(2, 3, 6, math.NaN())...)}, {}}
	steps, mean, lo, hi, n := Series(runs, "train", "kl")
	if !slices.Equal(steps, []int{1, 2, 3, 4}) || n != 3 ||
		!slices.Equal(mean[:3], []float64{2, 5, 5.5}) || !slices.Equal(lo[:3], []float64{1, 3, 5}) || !slices.Equal(hi[:3], []float64{3, 8, 6}) {
		t.Errorf("got %v %v %v %v n=%d", steps, mean, lo, hi, n)
	}
	if !math.IsNaN(mean[3]) || !math.IsNaN(lo[3]) || !math.IsNaN(hi[3]) {
		t.Errorf("NaN became %v %v %v", mean[3], lo[3], hi[3])
	}
	if steps, _, _, _, n := Series(runs, "test", "kl"); steps != nil || n != 0 {
		t.Errorf("no rows: %v, %d", steps, n)
	}
	if !Has(runs[1], "train", "kl") || Has(runs[1], "test", "kl") || Has(runs[1], "train", "mi") {
		t.Error("Has finds what is not there, or not what is")
	}
	if v, ok := Last(runs[1], "train", "kl"); v != 5 || !ok {
		t.Errorf("Last = %v, %v", v, ok)
	}
	if _, ok := Last(runs[1], "valid", "kl"); ok {
		t.Error("Last found what is not there")
	}
	if v, ok := LastVector(runs[1], "train", "kl_dim"); !ok || !slices.Equal(v, []float64{5, 0}) {
		t.Errorf("LastVector = %v, %v", v, ok)
	}
	if steps, values := VectorSeries(runs[1], "train", "kl_dim"); len(steps) != 3 || values[1][0] != 8 {
		t.Errorf("VectorSeries = %v, %v", steps, values)
	}
}

// A trial and its rows come back from the disk as they were.
func TestRoundTrip(t *testing.T) {
	results := t.TempDir()
	trial := run("bn", 3, "variant.bn.gamma=0.5").Trial
	trial.ID, trial.Data = "bn-12345678/seed-3", "abc"
	want := rows(1, 2, 3)
	write(t, results, trial, true, want...)
	set, err := Load(results)
	if err != nil {
		t.Fatal(err)
	}
	got := set.Runs[0]
	if !reflect.DeepEqual(got.Trial, trial) || !reflect.DeepEqual(written(got.Rows), want) || !maps.Equal(got.Config, trial.Config) {
		t.Errorf("got %+v\nwant %+v %+v", got, trial, want)
	}
}
