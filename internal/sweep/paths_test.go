package sweep

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// TestPaths: a relative path is one of the working directory or, if there is no such file, one beside the experiment's
// file; ~ and ${VARIABLE} are replaced. The name of the trial depends on neither.
func TestPaths(t *testing.T) {
	home := t.TempDir()
	t.Chdir(t.TempDir())
	t.Setenv("HOME", home)
	t.Setenv("VAELAB_TEST_DATA", home)
	sentences := strings.Repeat("the cat sat on the mat\n", 8)
	for _, file := range []string{"exp/near.txt", "exp/both.txt", "both.txt", "exp/$odd{1}.txt", filepath.Join(home, "far.txt")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(sentences), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string, sets ...string) (*Experiment, error) {
		file := filepath.Join("exp", "x.yaml")
		text := "base:\n  data:\n    text:\n      train: " + path + "\n  model: {lstm: {latent_dim: 2, embed_dim: 2, enc_hidden: 2, dec_hidden: 2}}\n"
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return Read(file, Options{Sets: sets})
	}
	id := ""
	for _, c := range []struct{ path, opened, note string }{
		{"both.txt", "both.txt", ""},
		{"near.txt", "exp/near.txt", "exp/x.yaml:4:14: data.text.train: near.txt is not in the working directory; exp/near.txt is used, from the folder of the experiment's file"},
		{"exp/near.txt", "exp/near.txt", ""},
		{"../both.txt", "both.txt", "exp/x.yaml:4:14: data.text.train: ../both.txt is not in the working directory; both.txt is used, from the folder of the experiment's file"},
		{"~/far.txt", filepath.Join(home, "far.txt"), ""},
		{"${VAELAB_TEST_DATA}/far.txt", filepath.Join(home, "far.txt"), ""},
		{"$odd{1}.txt", "exp/$odd{1}.txt", "exp/x.yaml:4:14: data.text.train: $odd{1}.txt is not in the working directory; exp/$odd{1}.txt is used, from the folder of the experiment's file"},
	} {
		e, err := read(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		jobs, err := e.Prepare("results")
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if got := jobs[0].Config["data.text.train"]; got != c.opened {
			t.Errorf("%s: trial.json has %s, want %s", c.path, got, c.opened)
		}
		if got := strings.Join(e.Notes, "\n"); got != c.note {
			t.Errorf("%s: note %q, want %q", c.path, got, c.note)
		}
		if id == "" {
			id = jobs[0].ID
		}
		if jobs[0].ID != id {
			t.Errorf("%s: the trial is named %s, want %s", c.path, jobs[0].ID, id)
		}
	}
	if e, err := read("both.txt", "data.text.train=near.txt"); err != nil || len(e.Notes) != 1 || !strings.HasPrefix(e.Notes[0], "--set data.text.train=near.txt: data.text.train: near.txt is not in") {
		t.Errorf("--set: %v, %v", e, err)
	}

	_, err := read("${VAELAB_TEST_NONE}/a.txt")
	expectFaults(t, err, "exp/x.yaml:4:14: data.text.train: the variable VAELAB_TEST_NONE is not set; set it, or write out the path")
	t.Setenv("HOME", "")
	_, err = read("~/far.txt")
	expectFaults(t, err, "exp/x.yaml:4:14: data.text.train: the home directory for ~ is not known")
	e, err := read("none.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = e.Prepare("results"); err == nil || err.Error() != "exp/x.yaml:4:14: data.text.train: none.txt: no such file in the working directory or exp; check the path" {
		t.Errorf("a file that is nowhere: %v", err)
	}
	_, err = Parse("x.yaml", []byte("base: {data: {text: {train: ${DATA}/a.txt}}}\n"), Options{})
	if err == nil || !strings.HasSuffix(err.Error(), `; a value with ${...} between { } needs quotation marks: "${DATA}/train.txt"`) {
		t.Errorf("a variable between braces: %v", err)
	}
}

// TestPathsOfTrials: the paths in trial.json are taken as they are.
func TestPathsOfTrials(t *testing.T) {
	config := parse(t, "base: {data: {text: {train: a}}}\n", Options{}).Trials[0].Config
	config["data.text.train"] = "~/${NONE}"
	back, err := FromConfig(record.Trial{Variant: "vanilla", Config: config})
	if err != nil || back.Config["data.text.train"] != "~/${NONE}" {
		t.Errorf("got %v, %v", back.Config["data.text.train"], err)
	}
}

// TestAbsolute: every relative path of the data is named once with its place, and how to say the absolute one.
func TestAbsolute(t *testing.T) {
	const text = `base:
  data: {text: {train: /data/train.txt, valid: lists/valid.txt}}
grid: [{variant: vanilla}, {variant: bn}]
`
	for _, c := range []struct {
		sets []string
		want string
	}{
		{nil, "x.yaml:2:48: data.text.valid: lists/valid.txt is relative; must be the absolute path where the tasks run, such as --set data.text.valid=/data/valid.txt"},
		{[]string{"data.text.train=t"}, "--set data.text.train=t: data.text.train: t is relative; must be the absolute path where the tasks run, such as --set data.text.train=/data/t\n" +
			"x.yaml:2:48: data.text.valid: lists/valid.txt is relative; must be the absolute path where the tasks run, such as --set data.text.valid=/data/valid.txt"},
		{[]string{"data.text.valid=/data/valid.txt"}, ""},
	} {
		e, err := Parse("x.yaml", []byte(text), Options{Sets: c.sets})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := e.Absolute("/data"); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("--set %v:\n%s\nwant\n%s", c.sets, got, c.want)
		}
	}
}

// TestDataFolder: a folder of data is where a relative path is looked up last.
func TestDataFolder(t *testing.T) {
	files(t, "here.txt", "a\n", "exp/here.txt", "b\n", "exp/near.txt", "a\n", "far/here.txt", "c\n", "far/near.txt", "b\n", "far/far.txt", "a\n", "exp/x.yaml",
		"base: {data: {text: {train: here.txt, valid: near.txt, test: far.txt}}}\n", "exp/gone.yaml", "base: {data: {text: {train: gne.txt}}}\n", "far/gone.txt", "a\n")
	e, err := Read("exp/x.yaml", Options{Data: "far", DataSaid: "VARIABLE"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"train": "here.txt", "valid": "exp/near.txt", "test": "far/far.txt"} {
		if got := e.Trials[0].Config["data.text."+key]; got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	const note = "exp/x.yaml:1:62: data.text.test: far.txt is not in the working directory; far/far.txt is used, from the folder that VARIABLE names"
	if len(e.Notes) != 2 || e.Notes[1] != note {
		t.Errorf("notes %q", e.Notes)
	}
	if e, err = Read("exp/gone.yaml", Options{Data: "far"}); err != nil {
		t.Fatal(err)
	}
	const missing = "exp/gone.yaml:1:29: data.text.train: gne.txt: no such file in the working directory or exp or far; did you mean gone.txt?"
	if _, err := e.Prepare("results"); err == nil || err.Error() != missing {
		t.Errorf("got  %v\nwant %s", err, missing)
	}
}
