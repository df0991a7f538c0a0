package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/sweep"
	"vaelab/internal/vae"
)

// builtInSources are the sources that need no file, small ones, by name.
func builtInSources(t *testing.T) map[string]data.Source {
	t.Helper()
	small := map[string]data.Source{}
	for _, name := range builtIn() {
		kind, err := data.Sources.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		model, err := reader(kind.Kind())
		if err != nil {
			t.Fatal(err)
		}
		e, err := sweep.Parse(name, fmt.Appendf(nil, "base: {data: %s, model: %s}\n", name, model), sweep.Options{Sets: smallSizes(name)})
		if err != nil {
			t.Fatal(err)
		}
		small[name] = e.Trials[0].Data
	}
	if len(small) < 4 {
		t.Fatalf("%d built-in sources", len(small))
	}
	return small
}

// here is this package's folder, where tests begin.
var here, _ = os.Getwd()

// smallSizes makes a built-in source small: godoc reads this program's own comments.
func smallSizes(name string) []string {
	if name != "godoc" {
		return []string{"data." + name + ".train=300", "data." + name + ".valid=20", "data." + name + ".test=10"}
	}
	return []string{"data.godoc.dir=" + filepath.Join(here, "..", "..", "internal", "data"), "data.godoc.valid=20", "data.godoc.test=10"}
}

// TestDataExport: what is exported and read again, by the settings that are printed, is the same data: same digest, or for what no
// source reads the same numbers.
func TestDataExport(t *testing.T) {
	for name, source := range builtInSources(t) {
		want, err := source.Load()
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"data", "export", "my.yaml"}
		for _, set := range smallSizes(name) {
			args = append(args, "--set", set)
		}
		model, err := reader(source.Kind())
		if err != nil {
			t.Fatal(err)
		}
		formats := []string{asNpy, asCSV}
		if source.Kind() == vae.Text {
			formats = []string{asText, asCSV}
		}
		for _, format := range formats {
			folder(t, "my.yaml", "base: {data: "+name+", model: "+model+"}\n")
			out := succeeds(t, append(args, "--format", format, "--output", "out dir/")...).out
			_, settings, ok := strings.Cut(out, "to read them again:\n")
			if !ok {
				if format == asText || source.Kind() == vae.Text || source.Kind() == vae.Image && format == asNpy {
					t.Errorf("%s as %s: no settings: %s", name, format, out)
				}
				continue
			}
			e, err := sweep.Parse("again.yaml", []byte("base:\n  model: "+model+"\n"+settings), sweep.Options{})
			if err != nil {
				t.Errorf("%s as %s: %v in %s", name, format, err, settings)
				continue
			}
			got, err := e.Trials[0].Data.Load()
			if err != nil {
				t.Errorf("%s as %s: %v", name, format, err)
				continue
			}
			if format == asText { // which leaves labels out
				for i, part := range []data.Split{want.Train, want.Valid, want.Test} {
					if again := []data.Split{got.Train, got.Valid, got.Test}[i]; fmt.Sprint(again.Seqs) != fmt.Sprint(part.Seqs) {
						t.Errorf("%s as text: split %d is another", name, i)
					}
				}
			} else if got.Digest != want.Digest {
				t.Errorf("%s as %s: digest %s, exported %s", name, format, got.Digest, want.Digest)
			}
		}
	}
}

// TestDataExportGrey: images whose values stay grey are read again as such, in their size.
func TestDataExportGrey(t *testing.T) {
	folder(t, "my.yaml", "base: {data: {glyphs: {train: 30, valid: 5, test: 5, binarise: none}}, model: mlp}\n")
	out := succeeds(t, "data", "export", "my.yaml", "--format", "npy", "--output", "out/").out
	_, settings, _ := strings.Cut(out, "to read them again:\n")
	has(t, "the settings", settings, "binarise: none")
	var sets [2]*data.Set
	for i, text := range []string{read(t, "my.yaml"), "base:\n  model: mlp\n" + settings} {
		e, err := sweep.Parse("x.yaml", []byte(text), sweep.Options{})
		if err == nil {
			sets[i], err = e.Trials[0].Data.Load()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if a, b := sets[0], sets[1]; a.Digest != b.Digest || a.Space() != b.Space() {
		t.Errorf("digest %s of %v, exported %s of %v", b.Digest, b.Space(), a.Digest, a.Space())
	}
}

// TestDataExportArrays: arrays hold the numbers of the set, on the standard output as in a file.
func TestDataExportArrays(t *testing.T) {
	folder(t)
	gaussian, synthetic := builtInSources(t)["gaussian"], builtInSources(t)["synthetic"]
	with := func(name string, more ...string) []string {
		args := []string{"data", "export", name, "--format", "npy"}
		for _, set := range smallSizes(name) {
			args = append(args, "--set", set)
		}
		return append(args, more...)
	}
	vectors, err := gaussian.Load()
	if err != nil {
		t.Fatal(err)
	}
	text := succeeds(t, with("gaussian", "--split", "test")...).out
	n := 4 * vectors.Test.N() * vectors.Width
	has(t, "the header", text[:len(text)-n], "'<f4'", fmt.Sprintf("(%d, %d)", vectors.Test.N(), vectors.Width))
	for i, row := range vectors.Test.Values {
		for j, want := range row {
			at := len(text) - n + 4*(i*vectors.Width+j)
			if got := math.Float32frombits(binary.LittleEndian.Uint32([]byte(text[at : at+4]))); got != want {
				t.Fatalf("vector %d, number %d is %v, must be %v", i, j, got, want)
			}
		}
	}
	succeeds(t, with("gaussian", "--split", "test", "-o", "file.npy")...)
	if read(t, "file.npy") != text {
		t.Error("the file is another than the standard output")
	}
	sentences, err := synthetic.Load()
	if err != nil {
		t.Fatal(err)
	}
	text = succeeds(t, with("synthetic", "--split", "valid")...).out
	z := sentences.Valid.Latents
	has(t, "the header", text[:len(text)-16*len(z)], "'<f8'", fmt.Sprintf("(%d, 2)", len(z)))
	if got := math.Float64frombits(binary.LittleEndian.Uint64([]byte(text[len(text)-8:]))); got != z[len(z)-1][1] {
		t.Errorf("the last z is %v, must be %v", got, z[len(z)-1][1])
	}
	succeeds(t, with("synthetic", "-o", "arrays/")...)
	for _, name := range []string{"train-z.npy", "valid-labels.npy", "test-z.npy"} {
		if _, err := os.Stat(filepath.Join("arrays", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestDataExportUnits: text of every unit is the same when it is read again.
func TestDataExportUnits(t *testing.T) {
	const text = "It's good, isn't it? (Yes.)\nNo! C=O 3.5 % off\nno <unk> here\n"
	for _, unit := range []string{"words", "unicode", "char"} {
		folder(t, "my.yaml", "base:\n  data: {text: {train: my.txt, unit: "+unit+", min_count: 2}}\n  model: lstm\n", "my.txt", text+text)
		_, settings, _ := strings.Cut(succeeds(t, "data", "export", "my.yaml", "-o", "out/").out, "to read them again:\n")
		write(t, "again.yaml", "base:\n  model: lstm\n"+settings)
		if again, want := digestOf(t, "again.yaml"), digestOf(t, "my.yaml"); again != want {
			t.Errorf("%s: digest %s, exported %s\n%s", unit, again, want, read(t, "out/train.txt"))
		}
	}
}

// digestOf is that of an experiment's data.
func digestOf(t *testing.T, name string) string {
	t.Helper()
	e, err := sweep.Read(name, sweep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := e.Trials[0].Data.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set.Digest
}

// TestDataExportLabels: CSV has the names of classes, quotes what needs it, and is read again.
func TestDataExportLabels(t *testing.T) {
	folder(t, "my.yaml", `# Mine?
base:
  data: {csv: {train: my.csv, label: stars}}
  model: lstm
`, "my.csv", "stars,text\ngood,\"a, \"\"b\"\"\"\n\"so, so\",c d\n")
	out := succeeds(t, "data", "export", "my.yaml", "--format", "csv").out
	if want := "label,text\ngood,\"a, \"\"b\"\"\"\n\"so, so\",c d\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"my.yaml", "--split", "tset"}, `unknown split "tset"; did you mean "test"?`},
		{[]string{"my.yaml", "--split", "test"}, "the test split of the data is empty"},
		{[]string{"my.yaml", "--format", "cvs"}, `unknown format "cvs"; did you mean "csv"?`},
		{[]string{"my.yaml", "--format", "npy"}, "without a known true z"},
		{[]string{"glyphs", "--format", "text"}, "the data are image data"},
		{[]string{"my.yaml", "-o", "none/x.txt"}, "there is no folder none"},
		{[]string{"nothing"}, "unknown experiment or data"},
	} {
		r := vaelab(t, append([]string{"data", "export"}, c.args...)...)
		if r.code == exitOK || r.out != "" {
			t.Errorf("%v: exit code %d, %s", c.args, r.code, r.out)
		}
		has(t, quoted(c.args), r.err, c.says)
	}
}
