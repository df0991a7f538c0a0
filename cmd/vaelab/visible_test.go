package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":      "",
		"plain": "plain",
		"γ=0.5 · ±1 “a” – 中文 עברית": "γ=0.5 · ±1 “a” – 中文 עברית",
		"\x1b[31mred\a":           `\x1b[31mred\x07`,
		"two\nlines\r\tand a tab": `two\nlines\x0d\tand a tab`,
		"\u009b2J\x7f":            `\u009b2J\u007f`,
		"\u202eevil\u2066\u200f":  `\u202eevil\u2066\u200f`,
		"\u2028\u2029\u0085":      `\u2028\u2029\u0085`,
		"\x9b2J \xff":             `\x9b2J \xff`,
		"half \xe4\xb8":           `half \xe4\xb8`,
		"the sign \ufffd":         "the sign \ufffd",
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestPrinter: wherever a text is cut into writes, the same comes out, and an error is not lost.
func TestPrinter(t *testing.T) {
	const text = "γ\x1b[1m中\n\ttab\u202e\x9b\xe4\xb8"
	const want = "γ\\x1b[1m中\n\ttab\\u202e\\x9b\\xe4\\xb8"
	for i := range len(text) {
		for j := i; j < len(text); j++ {
			var out bytes.Buffer
			p := &printer{w: &out}
			for _, part := range []string{text[:i], text[i:j], text[j:]} {
				if n, err := p.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := p.close(); err != nil || out.String() != want {
				t.Fatalf("cut at %d and %d: %q (%v), want %q", i, j, out.String(), err, want)
			}
		}
	}
	full := errors.New("the disk is full")
	p := &printer{w: failing{full}}
	fmt.Fprint(p, "lost")
	if err := p.close(); err != full {
		t.Errorf("a failed write is %v in the end", err)
	}
	var wErr bytes.Buffer
	if code := run(failing{full}, &wErr, []string{"list"}); code != exitFailed || !strings.Contains(wErr.String(), "vaelab: error: the output cannot be written: the disk is full\n") {
		t.Errorf("a list that cannot be written: exit code %d, %s", code, wErr.String())
	}
}

// A failing writer writes nothing.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestNothingSteersTheTerminal: whatever stands in data, labels, claims, settings and file names, no command prints a
// sign that does something to a terminal, in words, tables, progress, verdicts and errors.
func TestNothingSteersTheTerminal(t *testing.T) {
	const evil = "\u001b[31m\u009b2J\u202e\u2028\u0007"
	const inJSON = `\u001b[31m\u009b2J\u202e\u2028\u0007`
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, `{"text": "a%s b c%d", "label": "yes\n\t%s%d"}`+"\n", inJSON, i%3, inJSON, i%2)
	}
	dir := "data" + evil + "\n"
	folder(t)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Skip(err) // such names are not for every file system
	}
	write(t, filepath.Join(dir, "t\t.jsonl"), text.String())
	yamlDir := "data" + `\x1b[31m\u009b2J\u202e\u2028\a\n`
	yaml := "evil" + evil + ".yaml"
	write(t, yaml, `# Is it shown? `+"\t"+`
base:
  data: {jsonl: {train: "`+yamlDir+`/t\t.jsonl", valid: "`+yamlDir+`/t\t.jsonl", test: "`+yamlDir+`/t\t.jsonl", label: label}}
  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}
  train: {epochs: 1, batch_size: 16}
grid: [{variant: [vanilla, bn], data: {jsonl: {drop_label: ["x\e[1m\n\u202e", "y\e[1m\t\u009b"]}}}]
claims:
  - {say: "It is \e[31m\n\t\u202ered", source: "\u009b\a", bound: {metric: kl, of: {variant: vanilla, data.jsonl.drop_label: "x\e[1m\n\u202e"}, at_least: 0}}
`)
	shown := func(args ...string) {
		t.Helper()
		r := vaelab(t, args...)
		for i, out := range []string{r.out, r.err} {
			for at, c := range out {
				if c < ' ' && c != '\n' || c == utf8.RuneError || steers(c) && c != '\n' {
					t.Errorf("vaelab %q: %q on %s at %.80q", args, c, []string{"stdout", "stderr"}[i], out[max(0, at-40):])
					return
				}
			}
		}
		if !strings.Contains(r.out+r.err, `x1b`) && !strings.Contains(r.out, `u001b`) {
			t.Errorf("vaelab %q prints nothing of others:\n%s%s", args, r.out, r.err)
		}
	}
	shown("plan", yaml)
	shown("run", yaml)
	shown("run", yaml)
	shown("verify", yaml, "--no-train")
	shown("verify", yaml, "--no-train", "--json")
	shown("data", "show", yaml)
	results := filepath.Join("results", "evil"+evil)
	shown("plot", results)
	shown("report", results, "--figure", "kl-curve,sweep")
	for _, name := range []string{"report.md", "report.html", "report.tex"} {
		text := read(t, filepath.Join(results, name))
		if i := strings.IndexFunc(text, func(c rune) bool { return steers(c) && c != '\n' && c != '\t' }); i >= 0 {
			t.Errorf("%s: %.80q", name, text[max(0, i-40):])
		}
	}
	trial := trials(t, "results")[0]
	shown("eval", trial, "--split", "\x1b")
	shown("sample", trial)
	shown("sample", trial, "--json")
	shown("reconstruct", trial)
	shown("interpolate", trial)
	shown("latents", trial, "--out", "latents"+evil)
	for _, command := range []string{"run", "plan", "verify", "bench", "plot", "report", "export", "list", "eval", "sample", evil} {
		shown(command, "none\x1b[31m\u202e")
		shown(command, "--no"+evil)
	}
	write(t, "faulty"+evil+".yaml", "base: {data: \"\\e\\n\", \"k\\e\": 1}\ngrid: [{variant: \"\\e[1m\\u202e\"}]\n")
	shown("run", "faulty"+evil+".yaml")
	if csv := succeeds(t, "export", results).out; !strings.Contains(csv, "x\x1b[1m\n\u202e") {
		t.Error("the CSV of export has other bytes than the settings")
	}
}
