package main

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"

	"vaelab/experiments"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A block is a piece of code in a document: fenced, with its language, or indented by four spaces.
type block struct {
	lang, text string
	line       int // of its first line
}

// A document is a Markdown file of the project, by its path from the root.
type document struct {
	path, text string
	blocks     []block
}

var root = filepath.Join("..", "..")

// documents are README.md and docs/*.md, in this order.
func documents(t *testing.T) (all []document) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append([]string{filepath.Join(root, "README.md")}, files...) {
		path, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		text := read(t, file)
		all = append(all, document{filepath.ToSlash(path), text, blocks(text)})
	}
	return all
}

func blocks(text string) (found []block) {
	var now *block
	indent, blank := "", true
	for i, line := range strings.Split(text, "\n") {
		empty := strings.TrimSpace(line) == ""
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if now != nil && indent != "" && !empty && !strings.HasPrefix(line, indent) {
			found, now = append(found, *now), nil
		}
		switch {
		case now != nil && indent == "" && fence:
			found, now = append(found, *now), nil
		case now != nil:
			now.text += strings.TrimPrefix(line, indent) + "\n"
		case fence:
			now, indent = &block{strings.TrimLeft(strings.TrimSpace(line), "`"), "", i + 2}, ""
		case blank && strings.HasPrefix(line, "    "):
			now, indent = &block{"", line[4:] + "\n", i + 1}, "    "
		}
		blank = empty
	}
	if now != nil {
		found = append(found, *now)
	}
	return found
}

// experiment completes the YAML of a block to an experiment, or returns "" if the block has no YAML of ours. A part
// that belongs in base goes there, and what lacks a grid gets every variant.
func (b block) experiment() string {
	var keys map[string]any
	err := yaml.Unmarshal([]byte(b.text), &keys)
	is := func(known ...string) bool {
		return slices.ContainsFunc(known, func(k string) bool { _, ok := keys[k]; return ok })
	}
	switch {
	case b.lang != "yaml" && (b.lang != "" || err != nil || !is("base", "grid", "claims", "data", "model", "variant", "kl", "train")):
		return ""
	case err == nil && is("data", "model", "variant", "kl", "train"):
		return "base:\n  " + strings.ReplaceAll(strings.TrimSpace(b.text), "\n", "\n  ") + "\n"
	case err == nil && !is("grid"):
		return b.text + "grid: [{variant: " + strings.Join(ofText(), "}, {variant: ") + "}]\n"
	}
	return b.text
}

// ofText are the variants that act on text without conditions, with any decoder: the documents have no other data, and decoders
// without dropout.
func ofText() []string {
	return slices.DeleteFunc(variants.Methods.Names(), func(name string) bool {
		method, _ := variants.Methods.Get(name)
		v, err := variants.Check(method)
		return err == nil && (v.Dropout || v.Conditional || v.Kind != "" && v.Kind != vae.Text)
	})
}

// commands are the command lines of a block by their line in the document, without prompts and comments.
func (b block) commands() map[int]string {
	if !slices.Contains([]string{"", "sh", "bash", "shell", "console"}, b.lang) {
		return nil
	}
	found := map[int]string{}
	for i, line := range strings.Split(b.text, "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		line, _, _ = strings.Cut(line, " #")
		line = strings.Replace(strings.TrimSpace(line)+" ", "go run ./cmd/vaelab ", "vaelab ", 1)
		switch first, _, _ := strings.Cut(line, " "); first {
		case "vaelab", "go", "make":
			found[b.line+i] = strings.TrimSpace(line)
		}
	}
	return found
}

// A supplier makes an experiment of the name on a command line: my.yaml is a document's own, the others are shipped.
type supplier struct{ my string }

func (r supplier) read(name string, sets ...string) (*sweep.Experiment, error) {
	if name == "my.yaml" {
		return sweep.Parse(name, []byte(r.my), sweep.Options{Sets: sets})
	}
	return (&choice{sets: sets}).read(io.Discard, name)
}

// quick tells whether an experiment trains in a moment on small settings: an LSTM on synthetic text or on the three
// files of the test. A command on another one is only parsed. A name that is wrong is run, and fails.
func (r supplier) quick(name string) bool {
	e, err := r.read(name)
	return err != nil || !slices.ContainsFunc(e.Trials, func(t train.Trial) bool {
		c := t.Config
		files := c["data"] == "text" && c["data.text.train"] == "train.txt" && c["data.text.valid"] == "valid.txt" && c["data.text.test"] == "test.txt"
		return c["model"] != "lstm" || c["data"] != "synthetic" && !files
	})
}

// small makes a command line take a moment.
func (r supplier) small(line string) string {
	words := strings.Fields(line)
	cmd, _, err := newRoot().Find(words[1:])
	if err != nil || len(words) < 3 {
		return line
	}
	var flags []string
	if cmd.Flags().Lookup("set") != nil {
		for _, set := range []string{
			"train.epochs=1", "train.eval_every=1", "data.synthetic.train=64", "data.synthetic.valid=32", "data.synthetic.test=32",
			"data.synthetic.length=6", "data.synthetic.vocab=50", "data.synthetic.hidden=8", "data.synthetic.embed=8",
			"model.lstm.latent_dim=4", "model.lstm.embed_dim=8", "model.lstm.enc_hidden=8", "model.lstm.dec_hidden=8",
		} {
			if _, err := r.read(words[2], set); err == nil { // the experiment has the setting
				flags = append(flags, "--set "+set)
			}
		}
	}
	if cmd.Flags().Lookup("time") != nil {
		flags = append(flags, "--time 1ms")
	}
	if slices.Contains(words, "--rows") {
		flags = append(flags, "--unknown-revision") // of a test
	}
	if cmd.Flags().Lookup("addr") != nil { // it serves a page until a signal comes
		flags = append(flags, "--addr 127.0.0.1:0")
		return "timeout --preserve-status -s INT 3 " + line + " " + strings.Join(flags, " ")
	}
	line = regexp.MustCompile(`--seeds [1-9]\d+`).ReplaceAllString(line, "--seeds 2")
	return cmd.CommandPath() + " " + strings.Join(flags, " ") + strings.TrimPrefix(line, cmd.CommandPath())
}

// corpus is a text of which each line is another sentence.
func corpus() string {
	var text strings.Builder
	for i := range 64 {
		fmt.Fprintf(&text, "the %d st word of line %d and of %d\n", i%7, i%5, i)
	}
	return text.String()
}

var (
	resultsOf   = regexp.MustCompile(`results/([a-z0-9-]+)(?:/([a-z-]+)-[0-9a-f]{8}/seed-\d+)?`)
	publishedIn = regexp.MustCompile(`results/published/(benchmark/)?[a-z0-9-]+`)
	anyRun      = regexp.MustCompile(`\bRUN\b`)
)

// script is a testscript of the commands of a document, with my.yaml.
func (d document) script(t *testing.T, my string) string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	r := supplier{my}
	trained := map[string]bool{}
	for _, b := range d.blocks {
		lines := b.commands()
		for _, at := range slices.Sorted(maps.Keys(lines)) {
			line := lines[at]
			sh := func(line string) {
				fmt.Fprintf(&s, "# %s:%d: %s\nexec sh -c '%s'\n", d.path, at, line, strings.ReplaceAll(line, "'", "''"))
			}
			words := strings.Fields(line + " - -")
			cmd, _, err := newRoot().Find(words[1:])
			of := "" // the experiment whose trials the line reads
			m := resultsOf.FindStringSubmatch(line)
			switch {
			case words[0] != "vaelab", strings.HasPrefix(line, "vaelab data fetch"):
				continue // TestDocumentedNames reads them
			case err == nil && cmd.Flags().Lookup("seeds") != nil:
				if !r.quick(words[2]) {
					continue
				}
				trained[strings.TrimSuffix(filepath.Base(words[2]), ".yaml")] = words[1] == "run"
			case publishedIn.MatchString(line):
				path := publishedIn.FindString(line)
				to := filepath.Dir(path)
				sh("mkdir -p " + to + " && cp -R " + quoted([]string{filepath.Join(top, path)}) + " " + to)
			case m != nil && slices.Contains(experiments.Names(), m[1]):
				of = m[1]
			case m != nil && m[1] == "my", anyRun.MatchString(line):
				of = "my.yaml"
			}
			if name := strings.TrimSuffix(of, ".yaml"); of != "" && !trained[name] {
				if !r.quick(of) {
					continue
				}
				sh(r.small("vaelab run " + of + " --seeds 1"))
				trained[name] = true
			}
			line = anyRun.ReplaceAllString(line, "$(ls -d results/*/*/seed-* | head -n 1)")
			if m != nil && m[2] != "" { // a trial with a made-up hash
				line = strings.Replace(line, m[0], "$(ls -d results/"+m[1]+"/"+m[2]+"-*/seed-* | head -n 1)", 1)
			}
			line = r.small(line)
			if words[1] == "verify" {
				line += "; test $? -lt 3" // any verdict
			}
			sh(line)
		}
	}
	fmt.Fprintf(&s, "-- my.yaml --\n%s", my)
	for _, file := range []string{"train.txt", "valid.txt", "test.txt"} {
		fmt.Fprintf(&s, "-- %s --\n%s", file, corpus())
	}
	return s.String()
}

// TestDocumentedCommands runs the commands of README.md and docs on small settings, each document in a folder of its
// own. The file my.yaml is the first experiment of the document, or of README.md.
func TestDocumentedCommands(t *testing.T) {
	newCluster(t)
	dir := t.TempDir()
	var first string // of all documents that have a whole experiment
	n := 0
	for _, d := range documents(t) {
		my := ""
		for _, b := range d.blocks {
			text := b.experiment()
			if text == "" {
				continue
			}
			n++
			if _, err := sweep.Parse(fmt.Sprintf("%s:%d", d.path, b.line), []byte(text), sweep.Options{}); err != nil {
				t.Errorf("%v\nin\n%s", err, text)
			}
			if my == "" && strings.Contains(b.text, "grid:") {
				my = b.text
			}
		}
		if first == "" {
			first = my
		}
		if my == "" {
			my = first
		}
		if s := d.script(t, my); strings.HasPrefix(s, "#") {
			write(t, filepath.Join(dir, strings.ReplaceAll(strings.TrimSuffix(d.path, ".md"), "/", "-")+".txtar"), s)
		}
	}
	if n == 0 {
		t.Error("no document has an experiment")
	}
	testscript.Run(t, testscript.Params{Dir: dir})
}

// TestDocumentedNames: commands, flags, make targets, folders and links that the documents name exist, in code blocks
// and in sentences.
func TestDocumentedNames(t *testing.T) {
	inline := regexp.MustCompile("`((?:vaelab|go|make) [^`\n]+)`")
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	makefile := read(t, filepath.Join(root, "Makefile"))
	n := 0
	for _, d := range documents(t) {
		check := func(line string, whole bool) {
			t.Helper()
			n++
			words := strings.Fields(strings.ReplaceAll(line, "go run ./cmd/vaelab", "vaelab"))
			switch words[0] {
			case "vaelab":
				if at := slices.Index(words, ">"); at >= 0 {
					words = words[:at]
				}
				cmd, rest, err := newRoot().Find(words[1:])
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err == nil && (whole || cmd.HasSubCommands()) {
					err = cmd.ValidateArgs(cmd.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: %s: %v", d.path, line, err)
				}
			case "go":
				for _, w := range words[1:] {
					if !strings.HasPrefix(w, "./") {
						continue
					}
					if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(w, "/..."))); err != nil {
						t.Errorf("%s: %s: %v", d.path, line, err)
					}
				}
			case "make":
				for _, target := range words[1:] {
					if !strings.Contains(target, "=") && !strings.Contains(makefile, "\n"+target+":") {
						t.Errorf("%s: %s: the Makefile has no such target", d.path, line)
					}
				}
			}
		}
		for _, b := range d.blocks {
			for _, line := range b.commands() {
				check(line, true)
			}
		}
		for _, m := range inline.FindAllStringSubmatch(d.text, -1) {
			check(m[1], false)
		}
		for _, m := range links.FindAllStringSubmatch(d.text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(d.path), m[1])); err != nil {
				t.Errorf("%s: link: %v", d.path, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d commands found in the documents", n)
	}
}

// TestDocumentedPython runs the Python code of a document behind the document's commands, in a folder with trained trials of
// an experiment my. VAELAB_PYTHON names the Python; it needs the libraries that the code imports.
func TestDocumentedPython(t *testing.T) {
	python := os.Getenv("VAELAB_PYTHON")
	if python == "" {
		t.Skip("VAELAB_PYTHON is not set")
	}
	all := documents(t)
	trained := strings.Replace(tiny, "epochs: 2", "epochs: 20, lr: 0.02", 1) // small weights would hide a wrong model
	folder(t, "my.yaml", trained+"grid: [{variant: vanilla}, {variant: {bn: {gamma: 2}}}]\nseeds: 2\n")
	succeeds(t, "run", "my.yaml", "-q")
	one, err := filepath.Glob("results/my/bn-*/seed-1")
	if err != nil || len(one) != 1 {
		t.Fatal(one, err)
	}
	n := 0
	for _, d := range all {
		var code strings.Builder
		for _, b := range d.blocks {
			if b.lang == "python" {
				code.WriteString(b.text)
			}
		}
		if code.Len() == 0 || d.path == "docs/scale.md" { // that needs a scheduler
			continue
		}
		n++
		t.Run(strings.TrimSuffix(filepath.Base(d.path), ".md"), func(t *testing.T) {
			for _, b := range d.blocks {
				for _, at := range slices.Sorted(maps.Keys(b.commands())) {
					line, file, _ := strings.Cut(b.commands()[at], " > ")
					words := strings.Fields(strings.ReplaceAll(anyRun.ReplaceAllString(line, one[0]), "'", ""))
					if words[0] == "vaelab" {
						if r := succeeds(t, words[1:]...); file != "" {
							write(t, file, r.out)
						}
					}
				}
			}
			write(t, "code.py", code.String())
			if out, err := exec.Command(python, "code.py").CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			} else {
				t.Logf("%s", out)
			}
		})
	}
	if n == 0 {
		t.Error("no document has Python code")
	}
}

// TestDocumentedGo: Go code in the documents stands word for word in a Go file of the project, where it is compiled
// and tested.
func TestDocumentedGo(t *testing.T) {
	var source strings.Builder
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			source.WriteString(read(t, filepath.Join(root, path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.lang == "go" && !strings.Contains(source.String(), b.text) {
				t.Errorf("%s:%d: no Go file has this code:\n%s", d.path, b.line, b.text)
			}
		}
	}
}

// TestBlocks: code is found by its form, fenced or indented, with prompts and comments or without.
func TestBlocks(t *testing.T) {
	found := blocks("text\n\n    vaelab list   # all\n\n    $ go test ./...\n```yaml\nbase: {}\n```\n    not code\n- item\n```sh\n# vaelab no\ngo run ./cmd/vaelab plan x\n```\n\n    base: {}")
	var got []string
	for _, b := range found {
		for _, n := range slices.Sorted(maps.Keys(b.commands())) {
			got = append(got, fmt.Sprintf("%d %s", n, b.commands()[n]))
		}
		if b.experiment() != "" {
			got = append(got, fmt.Sprintf("%d YAML", b.line))
		}
	}
	if want := "3 vaelab list; 5 go test ./...; 7 YAML; 13 vaelab plan x; 16 YAML"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}
