package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vaelab/internal/record"
	"vaelab/internal/train"
)

// beMain makes the test binary be vaelab, for what takes a process of its own: signals,
// and GOMAXPROCS.
const beMain = "VAELAB_TEST_BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	testscript.Main(unnamed{m}, map[string]func(){"vaelab": main})
}

// unnamed runs the tests without the folders that the environment of whoever runs them names.
type unnamed struct{ *testing.M }

func (m unnamed) Run() int {
	for _, variable := range []string{resultsVariable, dataVariable} {
		if err := os.Unsetenv(variable); err != nil {
			panic(err)
		}
	}
	return m.M.Run()
}

// TestScripts runs the scripts in testdata/script: command lines, each in a process of its own, and what they print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: filepath.Join("testdata", "script")})
}

// process prepares a run of vaelab in a process of its own, in the current folder.
func process(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), beMain+"=1"), env...)
	return cmd
}

// A result is what a run of vaelab left behind.
type result struct {
	code     int
	out, err string
}

// vaelab runs a command line in the current folder. Whatever it is, no panic may show.
func vaelab(t *testing.T, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	r := result{code: run(&out, &err, args)}
	r.out, r.err = out.String(), err.String()
	noPanic(t, args, r.out+r.err)
	return r
}

func noPanic(t *testing.T, args []string, text string) {
	t.Helper()
	for _, sign := range []string{"goroutine ", "panic:", "runtime error"} {
		if strings.Contains(text, sign) {
			t.Errorf("vaelab %s shows a panic:\n%s", quoted(args), text)
		}
	}
}

// succeeds is vaelab for a command line that has to.
func succeeds(t *testing.T, args ...string) result {
	t.Helper()
	r := vaelab(t, args...)
	if r.code != exitOK {
		t.Fatalf("vaelab %s: exit code %d\n%s%s", quoted(args), r.code, r.out, r.err)
	}
	return r
}

// tiny is the head of experiments whose trials train in a tenth of a second.
const tiny = `# Does it run?
base:
  data: {synthetic: {train: 128, valid: 64, test: 64, length: 6, vocab: 50, hidden: 10, embed: 10}}
  model: {lstm: {latent_dim: 4, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 2, batch_size: 16, log_every: 2}
`

// folder makes an empty working folder with files, given as name and text in turns.
func folder(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for i := 0; i < len(files); i += 2 {
		write(t, files[i], files[i+1])
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// trials are the folders of the trials below dir.
func trials(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "seed-*", record.TrialFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Dir(files[i])
	}
	sort.Strings(files)
	return files
}

// sameResults fails unless two results folders hold the same trials with the same rows and
// weights, to the byte.
func sameResults(t *testing.T, want, got string) {
	t.Helper()
	dirs := trials(t, want)
	if n := len(trials(t, got)); n != len(dirs) || n == 0 {
		t.Fatalf("%s holds %d trials, %s %d", got, n, want, len(dirs))
	}
	for _, dir := range dirs {
		below, err := filepath.Rel(want, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{record.RowsFile, train.ModelFile} {
			if read(t, filepath.Join(dir, name)) != read(t, filepath.Join(got, below, name)) {
				t.Errorf("%s differs between %s and %s", filepath.Join(below, name), want, got)
			}
		}
	}
}

// has fails unless a text contains all the parts.
func has(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}
