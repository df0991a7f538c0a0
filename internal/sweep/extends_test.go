package sweep

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// files makes an empty working folder with files, given as name and text in turns.
func files(t *testing.T, all ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for i := 0; i < len(all); i += 2 {
		if err := os.MkdirAll(filepath.Dir(all[i]), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(all[i], []byte(all[i+1]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// extended is what the files of the tests extend.
const extended = `# Another question?
experiment: other
base:
  data: {synthetic: {train: 300, vocab: 50}}
  model: {lstm: {nz: 4, word_dropout: 0.1}}
  variant: {bn: {gamma: 0.4}}
  train: {epochs: 2, lr: [0.1, 0.2], stop: {patience: 3}}
grid:
- kl: {schedule: linear}
- variant: {ln: {gamma: 0.7}}
seeds: 3
baseline: {variant: bn, variant.bn.gamma: 0.4}
figures: [kl-curve, z-use]
converged: {steps: 100, tolerance: 0.3}
notes: old
claims: [{say: It stays, source: us, bound: {metric: kl, of: bn, rows: every, at_least: 0}}]
`

// TestExtends: a file that extends another is the same experiment as the two written out, with the same names of its trials.
func TestExtends(t *testing.T) {
	for _, c := range []struct{ name, text, written string }{
		{"nothing of its own", "", strings.Replace(extended, "# Another question?\nexperiment: other\n", "", 1)},
		{"mappings are merged, lists and numbers replaced", `base: {model: {lstm: {latent_dim: 8}}, train: {lr: 0.5, stop: {min_delta: 0.1}}}
converged: {steps: 200}
seeds: [4]
`, `base:
  data: {synthetic: {train: 300, vocab: 50}}
  model: {lstm: {nz: 8, word_dropout: 0.1}}
  variant: {bn: {gamma: 0.4}}
  train: {epochs: 2, lr: 0.5, stop: {patience: 3, min_delta: 0.1}}
grid: [{kl: {schedule: linear}}, {variant: {ln: {gamma: 0.7}}}]
seeds: [4]
baseline: {variant: bn, variant.bn.gamma: 0.4}
figures: [kl-curve, z-use]
converged: {steps: 200, tolerance: 0.3}
notes: old
claims: [{say: It stays, source: us, bound: {metric: kl, of: bn, rows: every, at_least: 0}}]
`},
		{"another kind replaces a kind, and a list a list", `base: {variant: vanilla, data: {synthetic: {train: [5, 6]}}, train: {lr: 0.1}}
grid: [{variant: rms-scaler}]
seed: 7
baseline: rms-scaler
figures: []
claims: []
notes: new
`, `base:
  data: {synthetic: {train: [5, 6], vocab: 50}}
  model: {lstm: {nz: 4, word_dropout: 0.1}}
  train: {epochs: 2, lr: 0.1, stop: {patience: 3}}
grid: [{variant: rms-scaler}]
seeds: [7]
baseline: rms-scaler
figures: []
converged: {steps: 100, tolerance: 0.3}
claims: []
notes: new
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files(t, "sub/other.yaml", extended, "x/my.yaml", "# Mine?\nextends: ../sub/other.yaml\n"+c.text, "y/my.yaml", "# Mine?\n"+c.written)
			got, err := Read("x/my.yaml", Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := Read("y/my.yaml", Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := want.same(got); err != nil {
				t.Error(err)
			}
			for i := range want.Trials { // without data there is no digest, and the name is that of the settings
				if a, b := NameOf(want.Trials[i].Trial), NameOf(got.Trials[i].Trial); a != b {
					t.Errorf("trial %d is %s written out, and %s extended", i, a, b)
				}
			}
			if got.Extends != filepath.Join("sub", "other.yaml") {
				t.Errorf("extends %q", got.Extends)
			}
			if text := refreeze(t, got); strings.Contains(text, "extends") {
				t.Errorf("the frozen file depends on another:\n%s", text)
			}
			resolved, err := got.Resolved()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse("my.yaml", []byte("# Mine?\n\n"+resolved), Options{})
			if err != nil {
				t.Fatalf("%v\n%s", err, resolved)
			}
			again.Claims, again.Remarks = got.Claims, got.Remarks
			if err := got.same(again); err != nil {
				t.Errorf("%v\n%s", err, resolved)
			}
		})
	}
}

// TestResolvedNamesFiles: each key is shown with the file that says it.
func TestResolvedNamesFiles(t *testing.T) {
	files(t, "base.yaml", "base: {train: {epochs: 2}}\nseeds: 2\n", "my.yaml", "extends: base.yaml\nbase: {train: {lr: 0.1}}\ngrid: [{variant: bn}]\n")
	e, err := Read("my.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Resolved()
	want := `# base.yaml and my.yaml
base:
  train:
    epochs: 2
    lr: 0.1
# base.yaml
seeds: 2
# my.yaml
grid: [{variant: bn}]
`
	if err != nil || got != want {
		t.Errorf("got\n%swant\n%s%v", got, want, err)
	}
}

// TestExtendedData: a relative path of data is seen from the folder of the file that says it.
func TestExtendedData(t *testing.T) {
	files(t, "sub/base.yaml", "base: {data: {text: {train: a.txt, valid: b.txt, test: b.txt}}}\n", "sub/a.txt", "a b\n", "x/b.txt", "a\n",
		"x/my.yaml", "extends: ../sub/base.yaml\nbase: {data: {text: {valid: b.txt}}}\n")
	e, err := Read("x/my.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := e.Trials[0].Config
	if c["data.text.train"] != filepath.Join("sub", "a.txt") || c["data.text.valid"] != filepath.Join("x", "b.txt") {
		t.Errorf("train %s, valid %s", c["data.text.train"], c["data.text.valid"])
	}
	refreeze(t, e)
	_, err = e.Prepare("results")
	if err == nil || !strings.Contains(err.Error(), "base.yaml:1:56: data.text.test: b.txt: no such file in the working directory or sub") {
		t.Error(err)
	}
}

// TestExtendsFaults: one line for each mistake, with the file that it is in.
func TestExtendsFaults(t *testing.T) {
	all := []string{"base.yaml", "base: {train: {lr: 1}}\n", "list.yaml", "- a\n", "empty.yaml", "", "self.yaml", "extends: self.yaml\n", "a.yaml", "extends: ./b.yaml\n",
		"b.yaml", "seeds: 2\nextends: a.yaml\n", "c.yaml", "extends: base.yaml\n", "open.yaml", "base: {\n", "wrong.yaml", "bose: 1\nbase:\n  train: {lr: -1}\nseeds: 2\nseeds: 3\n",
		"bad.yaml", "grid:\n- variant: bn\n- variant: bn\n- variant: {bn: {gama: 1}}\n", "notes.yaml", "notes: [a]\n", "twice.yaml", "grid:\n- variant: bn\n- variant: bn\n"}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"missing", "extends: bse.yaml\n", []string{`x.yaml:1:10: extends: bse.yaml: no such file; did you mean base.yaml?`}},
		{"folder", "extends: .\n", []string{`x.yaml:1:10: extends: .: is a folder; must be a YAML file`}},
		{"device", "extends: /dev/zero\n", []string{`x.yaml:1:10: extends: /dev/zero: is no regular file; must be a YAML file`}},
		{"nothing", "extends:\n", []string{`x.yaml:1:9: extends: must be the path of a YAML file, got nothing`}},
		{"list", "extends: [base.yaml]\n", []string{`x.yaml:1:10: extends: must be the path of a YAML file, got a list`}},
		{"not a mapping", "extends: list.yaml\n", []string{`list.yaml:1:1: a file that is extended must be keys and values such as base and grid, got a list`}},
		{"empty", "extends: empty.yaml\n", []string{`empty.yaml: the file is empty`}},
		{"not YAML", "extends: open.yaml\n", []string{`open.yaml:1`}},
		{"two levels", "extends: c.yaml\n", []string{`c.yaml:1:10: extends: a file that is extended must not extend another; copy the keys of base.yaml into this file`}},
		{"faults of both, its own first", "base: {trian: 1}\nextends: bad.yaml\n", []string{`x.yaml:1:8: unknown section "trian"`, `bad.yaml:4:18: variant.bn: unknown key "gama"`}},
		{"the same twice", "extends: twice.yaml\n", []string{`twice.yaml:3:3: grid: has the same settings as the entry at line 2`}},
		{"each at its line", "extends: wrong.yaml\n", []string{`wrong.yaml:1:1: unknown key "bose"`, `wrong.yaml:3:15: train.lr: -1 is outside (0,inf)`, `wrong.yaml:5:1: seeds: given twice; the first is at wrong.yaml:4:1`}},
		{"overridden", "extends: wrong.yaml\nbase: {train: {lr: 1}}\n", []string{`wrong.yaml:1:1: unknown key "bose"`, `wrong.yaml:5:1: seeds: given twice`}},
		{"inherited notes", "extends: notes.yaml\n", []string{`notes.yaml:1:8: notes: must be text, got a list`}},
		{"notes", "notes:\n", []string{`x.yaml:1:7: notes: must be text, got nothing`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files(t, append(all, "x.yaml", c.text)...)
			_, err := Read("x.yaml", Options{})
			expectFaults(t, err, c.want...)
		})
	}
	files(t, all...)
	_, err := Read("self.yaml", Options{})
	expectFaults(t, err, `self.yaml:1:10: extends: the file extends itself; name another file`)
	_, err = Read("a.yaml", Options{})
	expectFaults(t, err, `b.yaml:2:10: extends: a.yaml and b.yaml extend each other; leave the line out of one of them`)
	// An absolute path is fine.
	abs, _ := filepath.Abs("base.yaml")
	if e, err := Parse("x.yaml", []byte("extends: "+abs+"\n"), Options{}); err != nil || e.Trials[0].Train.LR != 1 {
		t.Error(err)
	}
}

// TestNotes: notes are kept as they are written, and change no trial.
func TestNotes(t *testing.T) {
	with := parse(t, "notes: |\n  One.\n\n  Two \"x\": #1.\nbase: {train: {lr: 0.5}}\n", Options{})
	without := parse(t, "base: {train: {lr: 0.5}}\n", Options{})
	if with.Remarks != "One.\n\nTwo \"x\": #1." || !reflect.DeepEqual(with.Trials, without.Trials) {
		t.Errorf("%q", with.Remarks)
	}
	refreeze(t, with)
}
