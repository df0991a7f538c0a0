package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/train"
)

// unstamped copies weights without their metadata, as those of PyTorch and of older versions are.
func unstamped(t *testing.T, from, to string) {
	t.Helper()
	f, err := safetensors.Read(from)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata = nil
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
}

// ownText is an experiment on files beside it, and copyTo one that copies a file.
const ownText = `# My text?
base:
  data: {text: {train: data/train.txt, valid: data/test.txt, test: data/test.txt}}
  model: {lstm: {latent_dim: 4, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 1}
grid: [{variant: bn}]
`

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, to, read(t, from))
}

// TestMovedTrials: a trial's folder works wherever it lies and whatever it is called. What writes needs no data; what reads finds
// them below a folder that the trial lies in, or says how to name them.
func TestMovedTrials(t *testing.T) {
	folder(t, "my.yaml", ownText)
	for name, text := range map[string]string{"data/train.txt": "a b c\nb c d\nc d e\na c e\n", "data/test.txt": "a c e\nb d a\n"} {
		if err := os.MkdirAll("data", 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, name, text)
	}
	succeeds(t, "run", "my.yaml", "-q")
	dir := trials(t, "results")[0]
	sampled, measured := succeeds(t, "sample", dir).out, succeeds(t, "eval", dir).out
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(root, dir)
	away := t.TempDir()
	for _, to := range []string{filepath.Join(away, "seed-1"), filepath.Join(away, "best"), filepath.Join(root, "deep", "er", "vanilla-00000000", "seed-9")} {
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		t.Chdir(filepath.Dir(to))
		name := filepath.Base(to)
		if r := succeeds(t, "sample", name); r.out != sampled {
			t.Errorf("%s: sample writes\n%s, in its place\n%s", to, r.out, sampled)
		}
		r := vaelab(t, "eval", name)
		if strings.HasPrefix(to, root) {
			if r.code != exitOK || r.out != measured {
				t.Errorf("%s: eval, exit code %d: %s%s", to, r.code, r.err, r.out)
			}
			has(t, "eval", r.err, "vaelab: note: "+name+": found its data below "+root)
			continue
		}
		if r.code != exitFailed {
			t.Errorf("%s: eval without data: exit code %d", to, r.code)
		}
		has(t, "eval", r.err, "vaelab: error: "+name+": text: train: open data/train.txt: no such file", "it was trained on data/test.txt, data/train.txt, data/test.txt; files of this name and content are neither", "give the path of its data: --set data.text.test=FILE\n")
		files := []string{"--set", "data.text.train=" + root + "/data/train.txt", "--set", "data.text.valid=" + root + "/data/test.txt", "--set", "data.text.test=" + root + "/data/test.txt"}
		if r := succeeds(t, append([]string{"eval", name}, files...)...); r.out != measured {
			t.Errorf("%s: eval with its data prints\n%s, in its place\n%s", to, r.out, measured)
		}
		// The test split alone is enough, since the vocabulary lies in the folder.
		if r := succeeds(t, append([]string{"reconstruct", name}, files[4:]...)...); !strings.Contains(r.out, "original  a c e") {
			t.Errorf("%s: reconstruct of the test split:\n%s", to, r.out)
		}
		r = vaelab(t, "eval", name, "--set", "train.lr=1")
		has(t, "--set of another setting", r.err, "a trial's folder has its own settings", "train.lr: is not a path of its data")
	}
	if err := os.Symlink(filepath.Join(root, "deep"), filepath.Join(away, "link")); err == nil {
		t.Chdir(away)
		if r := succeeds(t, "eval", filepath.Join("link", "er", "vanilla-00000000", "seed-9")); r.out != measured {
			t.Errorf("eval through a link prints\n%s, in its place\n%s", r.out, measured)
		}
	}
	t.Chdir(root)
	t.Run("run", func(t *testing.T) { // takes a trial for what it is, not for the name of its folder
		group := filepath.Dir(dir)
		if err := os.Rename(dir, filepath.Join(group, "seed-7")); err != nil {
			t.Fatal(err)
		}
		has(t, "run", succeeds(t, "run", "my.yaml").err, "1 trial, 1 done, 0 to train", "1 of the trials there have other names")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(group, "seed-7"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(group, "seed-7"), filepath.Join(group, "seed-2")); err != nil {
			t.Fatal(err)
		}
		has(t, "run of two seeds", succeeds(t, "run", "my.yaml", "--seeds", "2", "-q").err, "2 trials, 1 done, 1 to train, 1 of them because they are damaged",
			"seed-2/trial.json: damaged: it is of "+filepath.Base(group)+"/seed-1, and must be of "+filepath.Base(group)+"/seed-2")
		set, err := record.Load("results")
		if err != nil || len(set.Runs) != 2 || set.Runs[1].Seed != 2 || len(set.Damage) > 0 {
			t.Errorf("after that %v, %+v", err, set)
		}
	})
}

// TestMovedCharacters: what a moved model writes has the unit that it was trained with.
func TestMovedCharacters(t *testing.T) {
	folder(t, "my.yaml", `# SMILES?
base:
  data: {text: {train: my.txt, unit: char}}
  model: {lstm: {latent_dim: 4, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 1}
`+"grid: [{variant: bn}]\n", "my.txt", "CCO\nCCN\nCOC\nC=O\n")
	succeeds(t, "run", "my.yaml", "-q")
	dir := trials(t, "results")[0]
	want := succeeds(t, "sample", dir, "--decode", "sample", "--json").out
	if err := os.Rename(dir, "moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("my.txt"); err != nil {
		t.Fatal(err)
	}
	if got := succeeds(t, "sample", "moved", "--decode", "sample", "--json").out; got != want || !strings.Contains(got, `"text":"`) || strings.Contains(got, "C O") {
		t.Errorf("a moved trial writes\n%s, before\n%s", got, want)
	}
}

// TestOwnWeightsAlone: weights of vaelab say their settings, so that a copy of the file alone can be used; and the vocabulary
// they were trained with is the only one that they accept.
func TestOwnWeightsAlone(t *testing.T) {
	folder(t, "my.yaml", ownText, "tiny.yaml", tiny+"grid: [{variant: {bn: {gamma: 0.7}}}]\n")
	if err := os.MkdirAll("data", 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, "data/train.txt", "a b c\nb c d\nc d e\na c e\n")
	write(t, "data/test.txt", "a c e\nb d a\n")
	succeeds(t, "run", "my.yaml", "-q")
	succeeds(t, "run", "tiny.yaml", "-q", "--out", "built-in")
	mine, builtIn := trials(t, "results")[0], trials(t, "built-in")[0]
	succeeds(t, "run", "my.yaml", "-q", "--out", "again", "--set", "data.text.train=./data/../data/train.txt")
	if read(t, filepath.Join(trials(t, "again")[0], train.ModelFile)) != read(t, filepath.Join(mine, train.ModelFile)) {
		t.Error("the weights depend on the path of the data")
	}
	for _, dir := range []string{mine, builtIn} {
		f, err := safetensors.Read(filepath.Join(dir, train.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range f.Metadata {
			if strings.Contains(value, "data/") || strings.Contains(value, "results") || strings.Contains(value, dir) {
				t.Errorf("the metadata have a path: %s=%s", key, value)
			}
		}
	}
	copyTo(t, filepath.Join(builtIn, train.ModelFile), "alone/tiny.safetensors")
	copyTo(t, filepath.Join(mine, train.ModelFile), "alone/my.safetensors")
	for _, command := range []string{"eval", "sample", "reconstruct"} {
		if got, want := succeeds(t, command, "alone/tiny.safetensors").out, succeeds(t, command, builtIn).out; got != want {
			t.Errorf("%s of the file alone prints\n%s, of the folder\n%s", command, got, want)
		}
	}
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"sample", "alone/my.safetensors"}, []string{"my.safetensors: the vocabulary is not in the file; copy the vocab.txt", "--set data.text.vocab=FILE"}},
		{[]string{"eval", "alone/my.safetensors"}, []string{"none of train, valid and test is set", "give the path of its data: --set data.text.test=FILE, and --set data.text.vocab=FILE"}},
		{[]string{"eval", "alone/my.safetensors", "--set", "data.text.tset=x"}, []string{"data.text.tset=x: is no setting of these weights; did you mean data.text.test?"}},
		{[]string{"eval", "alone/my.safetensors", "--set", "data=godoc"}, []string{"name an experiment with --config"}},
	} {
		r := vaelab(t, c.args...)
		if r.code == exitOK {
			t.Errorf("%s: no error", quoted(c.args))
		}
		has(t, quoted(c.args), r.err, c.says...)
	}
	copyTo(t, filepath.Join(mine, train.VocabFile), "alone/vocab.txt")
	if got, want := succeeds(t, "sample", "alone/my.safetensors").out, succeeds(t, "sample", mine).out; got != want {
		t.Errorf("sample beside the vocabulary prints\n%s, of the folder\n%s", got, want)
	}
	succeeds(t, "eval", "alone/my.safetensors", "--set", "data.text.test=data/test.txt")

	words := strings.Split(strings.TrimSpace(read(t, "alone/vocab.txt")), "\n")
	words[5], words[6] = words[6], words[5]
	write(t, "other.txt", strings.Join(words, "\n")+"\n")
	for _, args := range [][]string{
		{"eval", "alone/my.safetensors", "--set", "data.text.test=data/test.txt", "--set", "data.text.vocab=other.txt"},
		{"eval", "alone/my.safetensors", "--config", "my.yaml", "--set", "data.text.vocab=other.txt"},
		{"sample", "alone/my.safetensors", "--config", "my.yaml", "--set", "data.text.vocab=other.txt"},
		{"eval", mine, "--set", "data.text.vocab=other.txt"},
	} {
		r := vaelab(t, args...)
		if r.code != exitFailed || r.out != "" {
			t.Errorf("%s: exit code %d, %s", quoted(args), r.code, r.out)
		}
		has(t, quoted(args), r.err, "the vocabulary of the data must be the one of the training (digest ", "name the vocab.txt")
	}
	r := succeeds(t, "eval", "alone/tiny.safetensors", "--config", "tiny.yaml", "--set", "variant.bn.gamma=0.5")
	has(t, "other settings", r.err, "note: alone/tiny.safetensors: trained with variant.bn.gamma=0.7, but tiny.yaml has 0.5")

	unstamped(t, "alone/my.safetensors", "old.safetensors") // as before there were stamps
	if got, want := succeeds(t, "eval", "old.safetensors", "--config", "my.yaml").out, succeeds(t, "eval", mine).out; got != want {
		t.Errorf("without a stamp eval prints\n%s, with\n%s", got, want)
	}
}
