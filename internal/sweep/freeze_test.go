package sweep

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFreezeShipped: each shipped experiment, with and without options, is the same experiment in another folder after it has
// been frozen.
func TestFreezeShipped(t *testing.T) {
	files, err := filepath.Glob("../../experiments/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if refused(file) {
			continue
		}
		for _, opts := range []Options{{}, {Seeds: "9,2", Sets: []string{"train.lr=0.123", "train.batch_size=[7, 8]"}}} {
			e, err := Read(file, opts)
			if err != nil {
				t.Errorf("%s %v: %v", file, opts, err)
				continue
			}
			refreeze(t, e)
		}
	}
}

// refreeze freezes an experiment and reads it from another working directory. It compares the two and returns the text.
func refreeze(t *testing.T, e *Experiment) string {
	t.Helper()
	text, err := e.Freeze()
	if err != nil {
		t.Fatalf("%s: %v", e.file, err)
	}
	at := filepath.Join(t.TempDir(), "experiment.yaml")
	if err := os.WriteFile(at, text, 0o666); err != nil {
		t.Fatal(err)
	}
	again, err := Read(at, Options{})
	if err != nil {
		t.Fatalf("%s: %v\n%s", e.file, err, text)
	}
	if err := e.same(again); err != nil {
		t.Errorf("%s: %v\n%s", e.file, err, text)
	}
	for i, trial := range again.Trials {
		for _, key := range DataPaths(trial.Config) {
			if path := trial.Config[key]; path != "" && !filepath.IsAbs(path) {
				t.Errorf("%s: trial %d: %s is %s", e.file, i, key, path)
			}
		}
	}
	if origin, _ := filepath.Abs(e.origin); again.origin != origin {
		t.Errorf("%s: frozen from %s, want %s", e.file, again.origin, origin)
	}
	return string(text)
}

// TestFreeze: what makes it hard to write an experiment as another file.
func TestFreeze(t *testing.T) {
	home := t.TempDir()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", home)
	t.Setenv("VAELAB_TEST_DATA", filepath.Join(home, "set's"))
	for _, file := range []string{"exp/near.txt", "here.txt"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("a b\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const small = "model: {lstm: {latent_dim: 2, embed_dim: 2, enc_hidden: 2, dec_hidden: 2}}"
	for _, c := range []struct {
		name, text string
		opts       Options
		trials     int
		want       []string // parts of the frozen text
	}{
		{"comments", "# What is\n# it?\n#\n# More.\n\n# of the base\nbase: # beside\n  # of lr\n  train: {lr: 0.1}\ngrid:\n  - variant: vanilla # first\n  # second\n  - variant: bn\n", Options{}, 2,
			[]string{"# What is\n# it?\n#\n# More.\n\n# of the base\nexperiment: x\nfrozen: " + dir + "/exp/x.yaml # ", "# of lr\n", "# first\n", "# second\n"}},
		{"begins with a key that goes", "# Why?\nexperiment: other\n# of seeds\nseeds: 3\nbase:\n  train: {lr: 0.1}\n", Options{Seeds: "4"}, 4, []string{"# Why?\nexperiment: other\nfrozen: ", "seeds: 4\n"}},
		{"no question", "\n# not one\nbase: {train: {lr: 0.1}}\n", Options{}, 1, nil},
		{"document marker", "--- \n# not one\nbase: {train: {lr: 0.1}}\n...\n", Options{}, 1, nil},
		{"byte order mark, CRLF", "\ufeff# Why?\r\nbase: {train: {lr: 0.1}}\r\n", Options{}, 1, nil},
		{"seeds", "base: {train: {lr: 0.1}}\nseeds: [5, 3]\n", Options{}, 2, []string{"seeds: [5, 3]\n"}},
		{"one seed", "base: {train: {lr: 0.1}}\nseed: 7\n", Options{}, 1, nil},
		{"one seed, others given", "base: {train: {lr: 0.1}}\nseed: 7\n", Options{Seeds: "8,1"}, 2, []string{"seeds: [8, 1]\n"}},
		{"for claims", "grid: [{variant: vanilla}, {variant: bn}]\nclaims:\n  - {say: s, source: o, order: {metric: kl, of: bn, is: greater, than: vanilla}}\n", Options{ForClaims: true}, 12, []string{"seeds: 6\n"}},
		{"anchors", "base: &b\n  train: {lr: &r 0.1, epochs: &n 3}\nseeds: *n\ngrid:\n  - {variant: &v {bn: {gamma: *r}}}\n  - {variant: vanilla, train: {lr: [*r, 0.2]}}\n", Options{Seeds: "2"}, 6, []string{"gamma: 0.1", "seeds: 2\n"}},
		{"foreign names", "base: {nz: 4, lr: 0.1, train: {epochs: 3}}\ngrid: [{variant: vanilla}, {variant: bn, nz: 5}]\n", Options{Sets: []string{"model.lstm.nz=6"}}, 2, nil},
		{"set over entries", "base: {train: {lr: 0.1}}\ngrid: [{variant: [vanilla, {bn: {gamma: [0.1, 0.2]}}]}, {variant: bn, train: {lr: [1, 2]}}]\n", Options{Sets: []string{"train.lr=[3, 4]", "variant.bn.gamma=0.7"}}, 4, []string{"set:\n  - train.lr: [3, 4]\n  - variant.bn.gamma: 0.7\n"}},
		{"set of a setting that a claim names", "grid: [{variant: vanilla}, {variant: {bn: {gamma: 0.5}}}]\nclaims:\n  - {say: s, source: o, order: {metric: kl, of: {variant: bn, variant.bn.gamma: 0.5}, is: greater, than: vanilla}}\nbaseline: {variant: bn, variant.bn.gamma: 0.5}\n", Options{Sets: []string{"variant.bn.gamma=0.7"}}, 2, nil},
		{"set of a whole section", "grid: [{variant: vanilla}, {variant: bn}]\n", Options{Sets: []string{"model={lstm: {latent_dim: 3}}", "kl={schedule: linear, warmup: 2}", "model.lstm.latent_dim=4"}}, 2, nil},
		{"set in the file, too", "base: {train: {lr: 0.1}}\nset:\n  - train.lr: 0.2\n  - {train.epochs: 2, train.lr: 0.3}\n", Options{Sets: []string{"train.lr=0.4"}}, 1, []string{"set:\n  - train.lr: 0.2\n  - train.epochs: 2\n  - train.lr: 0.3\n  - train.lr: 0.4\n"}},
		{"paths", "base: {data: {text: {train: near.txt, valid: here.txt, test: '~/a b.txt', vocab: \"${VAELAB_TEST_DATA}/v\"}}, " + small + "}\n", Options{}, 1,
			[]string{`"` + dir + `/exp/near.txt"`, `"` + dir + `/here.txt"`, `"` + home + `/a b.txt"`, `"` + home + `/set's/v"`}},
		{"a path that is missing", "base:\n  data:\n    text:\n      train: |-\n        none.txt\n  " + small + "\n", Options{}, 1, []string{`"` + dir + `/none.txt"`}},
		{"paths in --set", "base: {data: {text: {train: here.txt}}, " + small + "}\n", Options{Sets: []string{"data={text: {train: near.txt, test: here.txt}}", "data.text.vocab=near.txt"}}, 1,
			[]string{`- data.text.vocab: "` + dir + `/exp/near.txt"`, `train: "` + dir + `/exp/near.txt", test: "` + dir + `/here.txt"`}},
		{"data of several kinds", "base: {" + small + "}\ngrid:\n  - {data: synthetic, train: {lr: [0.1, 0.2]}}\n  - {data: {text: {train: [near.txt, here.txt]}}}\n  - {data: godoc}\n", Options{}, 5,
			[]string{`[` + `"` + dir + `/exp/near.txt", "` + dir + `/here.txt"]`}},
		{"values in quotation marks", "base: {train: {lr: \"0.1\", optimizer: 'adam'}}\ngrid: [{variant: \"bn\"}, ]\n", Options{Sets: []string{`train.lr="0.2"`}}, 1, nil},
		{"nothing but defaults", "base:\ngrid: [{variant: }, {variant: bn, model: }]\n", Options{}, 2, nil},
		{"comments between brackets", "base: {train: { # one\n  lr: 0.1, # two\n  # three\n  epochs: 2 # four\n  }}\ngrid: [ # five\n  {variant: bn}, # six\n  {variant: vanilla} # seven\n  ]\n", Options{}, 2, nil},
		{"everything", "# Q\nfigures: [kl-curve, sweep]\nconverged: {steps: 3}\nbaseline: bn\ngrid: [{variant: vanilla}, {variant: bn}]\n", Options{}, 2, nil},
	} {
		e, err := Parse(filepath.Join("exp", "x.yaml"), []byte(c.text), c.opts)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(e.Trials) != c.trials {
			t.Errorf("%s: %d trials, want %d", c.name, len(e.Trials), c.trials)
		}
		text := refreeze(t, e)
		again, err := Parse("elsewhere.yaml", []byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if twice := refreeze(t, again); twice != text {
			t.Errorf("%s: frozen again:\n%s\nwas\n%s", c.name, twice, text)
		}
		for _, part := range c.want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in\n%s", c.name, part, text)
			}
		}
	}
}

// TestFreezeRefuses: a name that no line of a file can give, and a path that would be read as another.
func TestFreezeRefuses(t *testing.T) {
	t.Setenv("VAELAB_TEST_DATA", "/a/${HOME}/b")
	for _, c := range []struct{ path, text, want string }{
		{"my exp.yaml", "base: {train: {lr: 0.1}}\n", `my exp.yaml: the name "my exp" cannot stand in a file; add a line experiment: NAME`},
		{"x.yaml", "base: {data: {text: {train: \"${VAELAB_TEST_DATA}\"}}}\n", "x.yaml: cannot be written as one file that means the same: trial 0: its data.text.train would be"},
	} {
		e, err := Parse(c.path, []byte(c.text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := e.Freeze(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s\n%s", c.path, err, c.want, text)
		}
	}
}

// TestSetInFile: faults of the key set have its place.
func TestSetInFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"set: {train.lr: 1}\n", "x.yaml:1:6: set: must be a list of settings, such as [train.lr: 0.01], got keys and values"},
		{"set: [train.lr]\n", `x.yaml:1:7: set: must be keys and values, got "train.lr"`},
		{"set: [train..lr: 1]\n", `x.yaml:1:7: set: must be the name of a setting, such as train.lr, got "train..lr"`},
		{"set: [lr: 1]\n", `x.yaml:1:7: unknown section "lr"`},
		{"set: [train.lrr: 1]\n", "x.yaml:1:7: train: unknown key \"lrr\"; did you mean \"lr\"?"},
		{"set: [variant.bn.gamma: 1]\n", "x.yaml:1:7: variant.bn.gamma: no trial of this experiment has such a setting"},
		{"set: [train.lr: -1]\n", "x.yaml:1:17: train.lr: -1 is outside"},
		{"frozen: [x]\n", "x.yaml:1:9: frozen: must be the path of the file that this one was made from, got a list"},
	} {
		_, err := Parse("x.yaml", []byte(c.text), Options{})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}
