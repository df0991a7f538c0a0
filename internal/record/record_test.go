package record

import (
	"bytes"
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
	trial.Format = Format
	dir := trial.Dir(results)
	if err := trial.Save(dir); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(filepath.Join(dir, RowsFile), 0)
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
		put(t, filepath.Join(dir, DoneFile), "")
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
		rows, _, err := readRows("rows.jsonl", text)
		if err != nil {
			return
		}
		encode := func(rows []Row) []byte {
			var b bytes.Buffer
			for _, r := range rows {
				line, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				b.Write(append(line, '\n'))
			}
			return b.Bytes()
		}
		once := encode(rows)
		again, warning, err := readRows("rows.jsonl", once)
		if err != nil || warning != nil {
			t.Fatalf("%q became %q: %v, %v", text, once, err, warning)
		}
		if twice := encode(again); !bytes.Equal(once, twice) || len(rows) != len(again) {
			t.Fatalf("%q became %q became %q", text, once, twice)
		}
		for i := range rows {
			for k, v := range rows[i].Values {
				if w := again[i].Values[k]; w != v && !(math.IsNaN(v) && math.IsNaN(w)) {
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
	put(t, filepath.Join(failed, DoneFile), "")
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

func TestLoadDamage(t *testing.T) {
	const row = `{"step":1,"epoch":0,"split":"train","values":{}}`
	for _, c := range []struct {
		name, rows    string
		n             int
		warning, fail string // what the message must say
	}{
		{"whole", row + "\n" + row + "\n", 2, "", ""},
		{"no newline yet", row + "\n" + row, 2, "", ""},
		{"cut", row + "\n" + row[:20], 1, "rows.jsonl:2: last line left out: still being written or cut off", ""},
		{"broken in the middle", row + "\n{\n" + row + "\n", 0, "", "rows.jsonl:2: broken row: unexpected end of JSON input; delete the folder"},
		{"broken and ended", row[:20] + "\n", 0, "", "rows.jsonl:1: broken row"},
		{"blank line", "\n" + row + "\n", 0, "", "rows.jsonl:1: broken row"},
	} {
		results := t.TempDir()
		dir := write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-1", Variant: "bn"}, true)
		put(t, filepath.Join(dir, RowsFile), c.rows)
		set, err := Load(results)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) {
				t.Errorf("%s: error %v does not say %q", c.name, err, c.fail)
			}
			continue
		}
		if err != nil || len(set.Runs[0].Rows) != c.n {
			t.Errorf("%s: %v, %v", c.name, set, err)
			continue
		}
		if warned := errors.Join(set.Warnings...); (warned != nil) != (c.warning != "") || warned != nil && !strings.Contains(warned.Error(), c.warning) {
			t.Errorf("%s: warning %v, want %q", c.name, warned, c.warning)
		}
	}
}

func TestLoadFormat(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"format":2}`: "trial.json: format 2, but this program reads format 1 only",
		`{"format":`:   "trial.json: unexpected end of JSON input; delete the folder",
	} {
		put(t, filepath.Join(dir, TrialFile), text)
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", text, err, want)
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
	size := func(keep int64, rows ...Row) int64 {
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
		n, err := w.Sync()
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(path); info.Size() != n {
			t.Fatalf("Sync says %d bytes, the file has %d", n, info.Size())
		}
		return n
	}
	row := func(step int) Row { return Row{Step: step, Split: "train", Values: map[string]float64{}} }
	keep := size(0, row(1))
	size(keep, row(2), row(3)) // these are lost with the process
	size(keep, row(4))         // resumed from the checkpoint after step 1
	text, _ := os.ReadFile(path)
	rows, warning, err := readRows(path, text)
	if want := []Row{row(1), row(4)}; err != nil || warning != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v (%v, %v), want %v", rows, warning, err, want)
	}
	var short *ErrShort
	if _, err := OpenWriter(path, 1000); !errors.As(err, &short) || short.Keep != 1000 || short.Size != int64(len(text)) {
		t.Errorf("short file: %v", err)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
		t.Error("a refused OpenWriter changed the file")
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

func TestKnob(t *testing.T) {
	for _, c := range []struct {
		varying map[string]string
		name    string
		value   float64
		ok      bool
	}{
		{map[string]string{"variant.bn.gamma": "0.5", "train.lr": "1"}, "gamma", 0.5, true},
		{map[string]string{"train.lr": "1"}, "", 0, false},
		{map[string]string{"variant.bn.gamma": "0.5", "variant.bn.eps": "1"}, "", 0, false},
		{map[string]string{"variant.bn.where": "mu"}, "", 0, false},
		{map[string]string{"kl.beta": "4", "train.lr": "1"}, "beta", 4, true},
		{map[string]string{"variant.bn.where": "mu", "kl.beta": "4"}, "", 0, false},
	} {
		g := Group{Variant: "bn", Varying: c.varying}
		if got := g.Family(); c.ok && got != "bn lr=1" {
			t.Errorf("%v: Family = %q", c.varying, got)
		}
		if name, value, ok := (Group{Varying: c.varying}).Knob(); name != c.name || value != c.value || ok != c.ok {
			t.Errorf("%v: got %q, %v, %v", c.varying, name, value, ok)
		}
	}
}

// TestKnobOfOneVariant: a setting that tells one variant from the next, but is the same in all groups of this one, is
// not its knob.
func TestKnobOfOneVariant(t *testing.T) {
	run := func(variant, gamma, eps string) Run {
		return Run{Trial: Trial{Variant: variant, Config: map[string]string{"variant.bn.gamma": gamma, "variant.bn.eps": eps}}}
	}
	set := &Set{Runs: []Run{run("bn", "0.3", "1e-08"), run("bn", "0.5", "1e-08"), run("bn+free-bits", "0.5", "1e-05")}}
	var got []string
	for _, g := range set.Groups() {
		name, value, ok := g.Knob()
		got = append(got, fmt.Sprint(g.Family(), ", ", name, " ", value, " ", ok))
	}
	want := []string{"bn eps=1e-08, gamma 0.3 true", "bn eps=1e-08, gamma 0.5 true", "bn+free-bits eps=1e-05 γ=0.5,  0 false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
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
	runs := []Run{{Rows: again}, {Rows: rows(3, 8, 5)}, {Rows: rows(2, 3, 6, math.NaN())}, {}}
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

func TestExportCSV(t *testing.T) {
	a, b := run("bn", 1, "variant.bn.gamma=0.5", "train.lr=1"), run("vanilla", 2, "train.lr=1")
	c := run("bn", 1, "variant.bn.gamma=1", "train.lr=1")
	a.Rows, b.Rows = rows(1.5), rows(math.NaN())
	var out bytes.Buffer
	if err := ExportCSV(&out, &Set{Runs: []Run{a, b, c}}); err != nil {
		t.Fatal(err)
	}
	const want = `experiment,trial,variant,seed,variant.bn.gamma,step,split,metric,value
x,vanilla,vanilla,2,,1,train,kl,NaN
x,vanilla,vanilla,2,,1,train,kl_dim/0,NaN
x,vanilla,vanilla,2,,1,train,kl_dim/1,0
x,bn,bn,1,0.5,1,train,kl,1.5
x,bn,bn,1,0.5,1,train,kl_dim/0,1.5
x,bn,bn,1,0.5,1,train,kl_dim/1,0
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
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
	if !reflect.DeepEqual(got.Trial, trial) || !reflect.DeepEqual(got.Rows, want) || !maps.Equal(got.Config, trial.Config) {
		t.Errorf("got %+v\nwant %+v %+v", got, trial, want)
	}
}
