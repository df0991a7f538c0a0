package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/sweep"
)

// answers are pairs of a context and a text, and greetings labelled texts.
const (
	answers   = "how are you\tfine thanks\nhi\thello you\nwho are you\ta cat\nhi cat\thello\n"
	greetings = "de\tguten tag\nen\tgood day\nfr\tbon jour\nen\tgood morning\nde\tguten morgen\n"
)

// conditional trains on both, with each kind of prior.
const conditional = `# Does a prior follow its condition?
base:
  model: {lstm: {latent_dim: 2, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 60, lr: 0.03, batch_size: 4, batching: mixed, eval_every: 60, log_every: 60}
  data: {text: {train: %s, valid: %[1]s, test: %[1]s, %[2]s}}
grid:
  - variant: cvae
  - variant: {bn: {gamma: 0.7}, cvae: {charge: sum}}
  - variant: vanilla
`

// TestGivenTexts: all that a model of pairs can do, from its folder and from its file alone.
func TestGivenTexts(t *testing.T) {
	folder(t, "pairs.txt", answers, "pairs.yaml", fmt.Sprintf(conditional, "pairs.txt", "given: context"))
	succeeds(t, "run", "pairs.yaml", "-q")
	has(t, "data show", succeeds(t, "data", "show", "pairs.yaml", "-n", "1").out, ", given a text of at most 5 symbols, digest ", "first of train, each condition before a |:\n  how are you | fine thanks\n")
	for _, trial := range trials(t, "results") {
		prior := "z from N(0, I), decode greedy\n"
		if strings.Contains(trial, "cvae") {
			prior = "z from p(z|c), decode greedy\n"
		}
		out := succeeds(t, "sample", trial, "--given", "how are you", "-n", "3").out
		has(t, "sample", out, prior, "\n2  ")
		if other := succeeds(t, "sample", trial, "--given", "hi", "-n", "3").out; other == out {
			t.Errorf("%s writes the same for two conditions:\n%s", trial, out)
		}
		row := evalJSON(t, trial)
		for _, name := range []string{"bleu", "ppl", "kl"} {
			if _, ok := row.Values[name]; !ok {
				t.Errorf("%s: eval has no %s", trial, name)
			}
		}
		has(t, "reconstruct", succeeds(t, "reconstruct", trial, "-n", "2").out, "\n0  given     how are you\n0  original  fine thanks\n")
		has(t, "interpolate", succeeds(t, "interpolate", trial).out, "0     fine thanks\n")
		r := vaelab(t, "sample", trial)
		if has(t, "sample", r.err, "--given is missing: the model was trained with a text of at most 5 symbols given; name one"); r.code != exitUsage {
			t.Errorf("exit code %d", r.code)
		}
		for condition, want := range map[string]string{
			"zz":                     `--given: "zz" has no word of the vocabulary of 14; give a text like those of training`,
			" ":                      `--given: " " has no word of the vocabulary of 14`,
			strings.Repeat("hi ", 4): "has 4 words, and the longest of training 3",
		} {
			r := vaelab(t, "sample", trial, "--given", condition)
			if has(t, "sample", r.err, want); r.code != exitUsage {
				t.Errorf("--given %q: exit code %d", condition, r.code)
			}
		}
		alone := t.TempDir()
		for _, name := range []string{"model.safetensors", "vocab.txt"} {
			if err := os.WriteFile(filepath.Join(alone, name), []byte(read(t, filepath.Join(trial, name))), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(alone, "model.safetensors")
		if succeeds(t, "sample", file, "--given", "how are you", "-n", "3").out != out {
			t.Errorf("%s: the file alone writes something else", trial)
		}
		if got := evalJSON(t, file, "--set", "data.text.test=pairs.txt"); got.Values["kl"] != row.Values["kl"] || got.Values["bleu"] != row.Values["bleu"] {
			t.Errorf("%s: of the file alone kl %v and bleu %v, of the folder %v and %v", trial, got.Values["kl"], got.Values["bleu"], row.Values["kl"], row.Values["bleu"])
		}
	}
	e, err := sweep.Read("pairs.yaml", sweep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.Trials[0].Data.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{asText, asCSV} {
		out := succeeds(t, "data", "export", "pairs.yaml", "--format", format, "--output", format+"/").out
		_, settings, _ := strings.Cut(out, "to read them again:\n")
		again, err := sweep.Parse("again.yaml", []byte("base:\n"+settings), sweep.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Trials[0].Data.Load(); err != nil || got.Digest != want.Digest {
			t.Errorf("%s: %v, another digest; settings %s", format, err, settings)
		}
	}
}

// TestGivenLabels: conditions are labels by name, and other files have their numbers of training.
func TestGivenLabels(t *testing.T) {
	folder(t, "labels.txt", greetings, "labels.yaml", fmt.Sprintf(conditional, "labels.txt", "labels: true, given: label"), "fr.txt", "fr\tbon jour\nen\tgood day\n")
	succeeds(t, "run", "labels.yaml", "-q")
	for _, trial := range trials(t, "results") {
		french := succeeds(t, "sample", trial, "--given", "fr", "-n", "2").out
		if succeeds(t, "sample", trial, "--given", "de", "-n", "2").out == french {
			t.Errorf("%s writes the same for two labels:\n%s", trial, french)
		}
		r := vaelab(t, "sample", trial, "--given", "it")
		if has(t, "sample", r.err, `--given: "it" is no label of training; known: de, en, fr`); r.code != exitUsage {
			t.Errorf("exit code %d", r.code)
		}
		file := filepath.Join(trial, "model.safetensors")
		if succeeds(t, "sample", file, "--given", "fr", "-n", "2").out != french {
			t.Errorf("%s: the file alone writes something else", trial)
		}
		whole, part := evalJSON(t, trial).Values["rec"], evalJSON(t, file, "--set", "data.text.test=fr.txt").Values["rec"]
		if part > whole+1 { // under the numbers of its own two labels they would be de and en
			t.Errorf("%s: rec %v of two examples of training, of all %v", trial, part, whole)
		}
		if err := os.WriteFile("it.txt", []byte("it\tbon jour\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		has(t, "eval", vaelab(t, "eval", file, "--set", "data.text.test=it.txt").err, `the label "it" did not occur in training; known: de, en, fr; remove its examples`)
	}
}

// TestGivenNothing: what needs conditions, and what is given none, says so.
func TestGivenNothing(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\n", "cvae.yaml", tiny+"grid: [{variant: cvae}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	r := vaelab(t, "sample", trials(t, "results")[0], "--given", "hi")
	if has(t, "sample", r.err, "--given: the model was trained without conditions; leave it out"); r.code != exitUsage {
		t.Errorf("exit code %d", r.code)
	}
	has(t, "plan", vaelab(t, "plan", "cvae.yaml").err, "variant: cvae: reads what is given with each example, and with these data nothing is; set given in the section data")
}
