package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
)

const twoVariants = tiny + `grid:
  - variant: vanilla
  - variant: {bn: {gamma: 0.5}}
seeds: 2
figures: [kl-curve, z-use]
`

// TestRenamed: a file under a new name finds what was trained under the old one, says so once, and tells it with what is
// trained since as one group.
func TestRenamed(t *testing.T) {
	folder(t, "tiny.yaml", twoVariants, "renamed.yaml", twoVariants+"claims:\n  - {say: A, source: B, order: {metric: kl, of: bn, is: greater, than: vanilla}}\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	if err := os.Remove("tiny.yaml"); err != nil {
		t.Fatal(err)
	}
	const note = "vaelab: note: 4 finished trials of renamed are in results/tiny and are used there; add the line \"experiment: tiny\" to the file to keep that name for all\n"
	r := succeeds(t, "plan", "renamed.yaml")
	has(t, "stderr", r.err, note)
	r = vaelab(t, "verify", "renamed.yaml", "--no-train")
	has(t, "stderr", r.err, note)
	has(t, "stdout", r.out, "undecided", "n=2")
	r = succeeds(t, "run", "renamed.yaml", "--seeds", "3", "-q")
	has(t, "stderr", r.err, note, "6 trials, 4 done, 2 to train")
	if rows := regexp.MustCompile(`(?m)^ *(vanilla|bn) +3 `).FindAllString(r.out, -1); strings.Count(r.err, "note: 4") != 1 || len(rows) != 2 || strings.Contains(r.out, "experiment=") {
		t.Errorf("want one note, and a row of three seeds for each variant:\n%s%s", r.err, r.out)
	}
}

// TestMistakes is what a newcomer may do wrong on the command line: the exit code, and what
// standard error says.
func TestMistakes(t *testing.T) {
	folder(t, "tiny.yaml", twoVariants, "file", "", "text.yaml", "# My text?\nbase: {data: text}\ngrid: [{variant: vanilla}]\n",
		"empty.yaml", "", "binary.yaml", "\x7fELF\x02\x01\x00\x00", "tabs.yaml", "grid:\n\t- variant: bn\n",
		"blank.txt", "\n \n", "binary.txt", "a b\n\xff\xfe\n", "long.txt", "a b\n"+strings.Repeat("a ", 1<<20), "wordy.txt", strings.Repeat("a ", 300),
		"words.txt", "a b c\n", "typo.yaml", "base: {data: {text: {train: word.txt, valid: blank.txt}}}\ngrid: [{variant: vanilla}]\n", "faults.yaml", `# What is wrong?
base:
  data: {synthetic: {trian: 128}}
  train: {lr: -1, epochs: two}
grid:
  - variant: bnn
  - variant: {bn: {gama: 0.5}}
seeds: 0
figures: [kl-crve]
sedes: 2
`)
	for _, dir := range []string{"nothing", "locked"} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	data := func(file string) []string {
		return []string{"run", "text.yaml", "--set", "data.text.train=" + file}
	}
	faults := []string{
		`faults.yaml:3:22: data.synthetic: unknown key "trian"; did you mean "train"?`, "faults.yaml:4:15: train.lr: -1 is outside (0,inf)",
		`faults.yaml:4:27: train.epochs: must be a whole number`, `faults.yaml:6:14: variant: unknown variant "bnn"; did you mean "bn"?`,
		`faults.yaml:7:20: variant.bn: unknown key "gama"; did you mean "gamma"?`, "faults.yaml:8:8: seeds: must be a count",
		`faults.yaml:9:11: figures: unknown figure "kl-crve"; did you mean "kl-curve"?`, `faults.yaml:10:1: unknown key "sedes"; did you mean "seeds"?`,
	}
	for _, c := range []struct {
		args []string
		code int
		says []string // a line each
	}{
		{[]string{"rnu"}, exitUsage, []string{`unknown command "rnu"; did you mean "run"? known: bench, compare, completion, data, eval`}},
		{[]string{"help", "rnu"}, exitUsage, []string{`unknown command "rnu"; did you mean "run"?`}},
		{[]string{"help", "data", "fech"}, exitUsage, []string{`unknown command "fech"; did you mean "fetch"?`}},
		{[]string{"completion", "csh"}, exitUsage, []string{`unknown command "csh"; did you mean "zsh"? known: bash, fish, powershell, zsh`}},
		{[]string{"completion", "bash", "zsh"}, exitUsage, []string{`unknown command "zsh" for "vaelab completion bash"; usage: vaelab completion bash`}},
		{[]string{"--bogus"}, exitUsage, []string{"unknown flag: --bogus; --help shows the flags"}},
		{[]string{"run", "--bogus"}, exitUsage, []string{"unknown flag: --bogus; --help shows the flags"}},
		{[]string{"run", "tiny.yaml", "-j", "two"}, exitUsage, []string{"two"}},
		{[]string{"run"}, exitUsage, []string{"received 0; usage: vaelab run EXPERIMENT"}},
		{[]string{"run", "a", "b"}, exitUsage, []string{"received 2; usage: vaelab run EXPERIMENT"}},
		{[]string{"plot"}, exitUsage, []string{"usage: vaelab plot DIR..."}},
		{[]string{"rank"}, exitUsage, []string{"usage: vaelab rank DIR..."}},
		{[]string{"rank", "nothing"}, exitUsage, []string{"--at: no rate; name a KL in nats, such as --at 2 or --at 1,2"}},
		{[]string{"rank", "nothing", "--at", "2,two"}, exitUsage, []string{"--at two: must be a number of nats above 0, or several with commas, such as 1,2"}},
		{[]string{"rank", "nothing", "--at", "0"}, exitUsage, []string{"--at 0: must be a number of nats above 0"}},
		{[]string{"rank", "nothing", "--at", "2,2.0"}, exitUsage, []string{"--at 2.0: given twice"}},
		{[]string{"rank", "nothing", "--at", "2", "--format", "cvs"}, exitUsage, []string{`--format: unknown format "cvs"; did you mean "csv"? known: text, markdown, csv, json`}},
		{[]string{"rank", "nothing", "--at", "2", "--baseline", ""}, exitUsage, []string{"--baseline: the name is empty; name a method"}},
		{[]string{"rank", "nothing", "--at", "2"}, exitFailed, []string{"nothing: there is no trial in or below this folder; vaelab run trains some"}},
		{[]string{"list", "fgures"}, exitUsage, []string{`unknown name "fgures"; did you mean "figures"? vaelab list shows all names`}},
		{[]string{"list", "bn", "ln"}, exitUsage, []string{"accepts at most 1 arg(s), received 2; usage: vaelab list [variants|models|data|schedules|optimizers|figures|metrics|claims|experiments|NAME]"}},
		{[]string{"run", "--sed", "3"}, exitUsage, []string{`unknown flag: --sed; did you mean "--set"? --help shows the flags`}},
		{[]string{"run", "tiny.yaml", "-j", "0"}, exitUsage, []string{"-j 0: must be at least 1"}},
		{[]string{"plan", "tiny.yaml", "-j", "0"}, exitUsage, []string{"-j 0: must be at least 1"}},
		{[]string{"run", "tiny.yaml", "--checkpoint", "-1s"}, exitUsage, []string{"--checkpoint -1s"}},
		{[]string{"run", "kl-vanshing"}, exitFailed, []string{`kl-vanshing: no such file, and unknown experiment "kl-vanshing"; did you mean "kl-vanishing"?`}},
		{[]string{"run", "experiments/kl-vanshing.yaml"}, exitFailed, []string{`unknown experiment "kl-vanshing"; did you mean "kl-vanishing"?`}},
		{[]string{"run", "elsewhere/kl-vanishing.yaml"}, exitFailed, []string{"elsewhere/kl-vanishing.yaml: no such file; the program has an experiment kl-vanishing: give its name without a folder"}},
		{[]string{"run", "nothing"}, exitFailed, []string{"nothing: is a folder; must be a YAML file or the name of an experiment"}},

		{[]string{"run", "faults.yaml"}, exitUsage, faults},
		{[]string{"plan", "faults.yaml"}, exitUsage, faults},
		{[]string{"run", "empty.yaml"}, exitUsage, []string{"empty.yaml: the file is empty"}},
		{[]string{"run", "binary.yaml"}, exitUsage, []string{"binary.yaml: the file is a program; "}},
		{[]string{"run", "tabs.yaml"}, exitUsage, []string{"tabs.yaml:2:1: not valid YAML: the line is indented with a tab"}},
		{[]string{"run", "tiny.yaml", "--set", "train.lr"}, exitUsage, []string{"--set train.lr: must be key=value"}},
		{[]string{"run", "tiny.yaml", "--set", "train.lrr=1"}, exitUsage, []string{`--set train.lrr=1: train: unknown key "lrr"; did you mean "lr"?`}},
		{[]string{"run", "tiny.yaml", "--set", "train.lr=fast"}, exitUsage, []string{`--set train.lr=fast: train.lr: must be a number`}},
		{[]string{"run", "tiny.yaml", "--seeds", "0"}, exitUsage, []string{"--seeds 0: seeds: must be a count"}},
		{[]string{"run", "tiny.yaml", "--seeds", "1,1"}, exitUsage, []string{"--seeds 1,1: seeds: 1 is given twice"}},

		{data("missing.txt"), exitFailed, []string{"--set data.text.train=missing.txt: data.text.train: missing.txt: no such file in the working directory; check the path"}},
		{data("wrods.txt"), exitFailed, []string{"data.text.train: wrods.txt: no such file in the working directory; did you mean words.txt?"}},
		{[]string{"run", "typo.yaml"}, exitFailed, []string{"typo.yaml:1:29: data.text.train: word.txt: no such file in the working directory; did you mean words.txt?"}},
		{[]string{"run", "typo.yaml", "--set", "data.text.train=words.txt"}, exitFailed, []string{"typo.yaml:1:46: data.text.valid: blank.txt: the file holds no sentence"}},
		{[]string{"run", "words.txt"}, exitUsage, []string{"words.txt:1:1: not an experiment: must be keys and values"}},
		{[]string{"verify", "nothing"}, exitNotJudged, []string{"nothing: is a folder; must be a YAML file or the name of an experiment (vaelab list experiments); to check the files of the trials in the folder: vaelab verify nothing --files"}},
		{[]string{"list", "bnn"}, exitUsage, []string{`unknown name "bnn"; did you mean "bn"? vaelab list shows all names`}},
		{[]string{"list", "xyz"}, exitUsage, []string{`unknown name "xyz"; vaelab list shows all names`}},
		{[]string{"eval", "words.txt"}, exitFailed, []string{"words.txt: not a safetensors file"}},
		{data("nothing"), exitFailed, []string{"nothing: is a directory; name a text file in it"}},
		{data("file"), exitFailed, []string{"file: the file holds no sentence"}},
		{data("blank.txt"), exitFailed, []string{"blank.txt: the file holds no sentence"}},
		{data("binary.txt"), exitFailed, []string{"binary.txt:2: the line is not valid UTF-8"}},
		{data("long.txt"), exitFailed, []string{"long.txt:2: the line is longer than 1 MiB"}},
		{data("wordy.txt"), exitFailed, []string{"wordy.txt:1: the sentence has 300 words, more than max_words 200"}},
		{append(data("words.txt"), "--set", "data.text.vocab=words.txt"), exitFailed, []string{"words.txt"}},
		{data(""), exitFailed, []string{"give the path of at least one"}},

		{[]string{"run", "tiny.yaml", "--out", "file"}, exitFailed, []string{"choose another folder with --out"}},
		{[]string{"run", "tiny.yaml", "--out", "file/below"}, exitFailed, []string{"choose another folder with --out"}},

		{[]string{"plot", "missing"}, exitFailed, []string{"missing: no such file or folder; in . are "}},
		{[]string{"plot", "file"}, exitFailed, []string{"is not a folder"}},
		{[]string{"plot", "nothing"}, exitFailed, []string{"nothing: there is no trial in or below this folder; vaelab run trains some"}},
		{[]string{"plot", "nothing", "--figure", "kl-crve"}, exitUsage, []string{`--figure: unknown figure "kl-crve"; did you mean "kl-curve"?`}},
		{[]string{"report", "nothing", "--figure", "kl-crve"}, exitUsage, []string{`--figure: unknown figure "kl-crve"; did you mean "kl-curve"?`}},
		{[]string{"export", "nothing", "-o", "x.csv", "--tensorboard", "runs"}, exitUsage, []string{"--output and --tensorboard exclude each other; leave one of them out"}},
		{[]string{"verify", "nothing", "--files", "--no-train"}, exitNotJudged, []string{"--files and --no-train exclude each other; leave one of them out"}},
		{[]string{"watch"}, exitUsage, []string{"usage: vaelab watch DIR"}},
		{[]string{"watch", "missing"}, exitFailed, []string{"missing: no such file or folder; in . are "}},
		{[]string{"watch", "file"}, exitFailed, []string{"file: is not a folder; must be the folder of results, of an experiment or of a trial"}},
		{[]string{"watch", "nothing"}, exitFailed, []string{"nothing: there is no trial in or below this folder; vaelab run trains some"}},
		{[]string{"watch", "nothing", "--addr", "8080"}, exitUsage, []string{"--addr 8080: must be an address and a port, such as 127.0.0.1:8080 or [::1]:0"}},
		{[]string{"watch", "nothing", "--addr", "127.0.0.1:99999"}, exitUsage, []string{"--addr 127.0.0.1:99999: must be an address and a port"}},
		{[]string{"watch", "nothing", "--addr", ":8080"}, exitUsage, []string{"--addr :8080: other machines could see the page; add --token, or listen at 127.0.0.1"}},
		{[]string{"watch", "nothing", "--addr", "0.0.0.0:0"}, exitUsage, []string{"--addr 0.0.0.0:0: other machines could see the page; add --token"}},
		{[]string{"watch", "nothing", "--addr", "[::]:0"}, exitUsage, []string{"--addr [::]:0: other machines could see the page; add --token"}},
		{[]string{"watch", "nothing", "--addr", "example.org:0"}, exitUsage, []string{"--addr example.org:0: other machines could see the page; add --token"}},
		{[]string{"watch", "nothing", "--token=short"}, exitUsage, []string{"--token: must have 16 characters or more, of A to Z, a to z, 0 to 9, - and _"}},
		{[]string{"watch", "nothing", "--token="}, exitUsage, []string{"--token: must have 16 characters or more"}},
		{[]string{"watch", "nothing", "--token", "0123456789abcdef"}, exitUsage, []string{"received 2; usage: vaelab watch DIR [flags]; a token of your own must be written as --token=TEXT"}},
		{[]string{"watch", "nothing", "--figure", "kl-crve"}, exitUsage, []string{`--figure: unknown figure "kl-crve"; did you mean "kl-curve"?`}},
		{[]string{"list", "bn", "--markdown"}, exitUsage, []string{"--markdown goes with vaelab list variants only"}},
		{[]string{"export", "missing"}, exitFailed, []string{"missing: no such file or folder; in . are "}},
		{[]string{"eval", "missing"}, exitFailed, []string{"missing: no such file or folder; in . are "}},
		{[]string{"eval", "nothing"}, exitFailed, []string{"nothing: the folder has 0 trials; name the folder of one"}},
		{[]string{"eval", "file"}, exitFailed, []string{"file: not a safetensors file"}},
		{[]string{"eval", "nothing", "--iw-samples", "-1"}, exitUsage, []string{"--iw-samples -1"}},
	} {
		r := vaelab(t, c.args...)
		if r.code != c.code {
			t.Errorf("vaelab %s: exit code %d, want %d\n%s", quoted(c.args), r.code, c.code, r.err)
		}
		lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
		errors := 0
		for _, line := range lines {
			if strings.HasPrefix(line, "vaelab: error: ") {
				errors++
			} else if !strings.HasPrefix(line, "vaelab: warning: ") {
				t.Errorf("vaelab %s: the line %q is not an error", quoted(c.args), line)
			}
		}
		if errors != len(c.says) {
			t.Errorf("vaelab %s: %d errors, want %d:\n%s", quoted(c.args), errors, len(c.says), r.err)
		}
		has(t, "vaelab "+quoted(c.args), r.err, c.says...)
		if r.out != "" {
			t.Errorf("vaelab %s writes to stdout: %s", quoted(c.args), r.out)
		}
	}
	if dirs := trials(t, "results"); len(dirs) > 0 {
		t.Errorf("mistakes left %v", dirs)
	}
}

func TestUnwritableResults(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	folder(t, "tiny.yaml", twoVariants)
	if err := os.Mkdir("results", 0o555); err != nil {
		t.Fatal(err)
	}
	r := vaelab(t, "run", "tiny.yaml")
	if r.code != exitFailed {
		t.Errorf("exit code %d", r.code)
	}
	has(t, "stderr", r.err, "results cannot be written", "choose another folder with --out")
}

// TestFailedTrials: a trial that cannot be trained says why, on the screen and in its
// folder; the others are trained, and the table and the figures are made of those.
func TestFailedTrials(t *testing.T) {
	const diverges = "  - variant: vanilla\n    train: {lr: 1.0e+30, optimizer: sgd, clip: 0}\n"
	for _, c := range []struct {
		name, grid, says string
		good             int
	}{
		{"a step that is no number", "  - variant: bn\n" + diverges, "training diverged at step 2: loss NaN", 1},
		{"nothing that works", diverges, "training diverged at step 2: loss NaN", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder(t, "fails.yaml", tiny+"grid:\n"+c.grid+"figures: [kl-curve]\n")
			for range 2 { // a failure is tried again
				r := vaelab(t, "run", "fails.yaml")
				if r.code != exitFailed {
					t.Errorf("exit code %d, want %d", r.code, exitFailed)
				}
				has(t, "stderr", r.err, "seed 1: failed after ", c.says, "vaelab: error: results/fails/")
				has(t, "stdout", r.out, "failed: ", c.says)
				if c.good > 0 {
					has(t, "stdout", r.out, "NELBO", "results/fails/kl-curve.png\n")
				} else {
					has(t, "stdout", r.out, "no trial has been evaluated yet")
				}
				if n := strings.Count(r.err, "vaelab: error: "); n != 1 {
					t.Errorf("%d errors, want one:\n%s", n, r.err)
				}
			}
			done, failed := 0, 0
			for _, dir := range trials(t, "results") {
				if _, err := os.Stat(filepath.Join(dir, record.DoneFile)); err == nil {
					done++
				}
				if text, err := os.ReadFile(filepath.Join(dir, record.FailedFile)); err == nil {
					failed++
					has(t, record.FailedFile, string(text), c.says)
					r := vaelab(t, "eval", dir)
					if r.code != exitFailed {
						t.Errorf("eval of a failed trial: exit code %d", r.code)
					}
					has(t, "eval of a failed trial", r.err, "there are no weights: the trial is failed")
				}
			}
			if done != c.good || failed != 1 {
				t.Errorf("%d done and %d failed, want %d and 1", done, failed, c.good)
			}
		})
	}
}

// TestDamagedRows: a trial whose rows have changed is left out by the commands that read, with a line that names the
// file, and exit code 1; run trains it again, and keeps what was there.
func TestDamagedRows(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\nseeds: 2\nfigures: [kl-curve]\n"+
		"claims:\n  - say: There is a KL\n    source: us\n    bound: {metric: kl, of: vanilla, at_least: 0}\n")
	succeeds(t, "run", "tiny.yaml")
	dir := trials(t, "results")[0]
	rows := filepath.Join(dir, record.RowsFile)
	whole := read(t, rows)
	for i, changed := range []string{
		whole[:len(whole)-20],                        // cut off
		strings.Replace(whole, "\n", "\n{\n", 1),     // broken
		strings.Replace(whole, `"kl":`, `"kl":1`, 1), // a digit more
	} {
		write(t, rows, changed)
		line := "vaelab: warning: " + rows + ": damaged: it has "
		for _, args := range [][]string{{"plot", "results", "--figure", "kl-curve"}, {"export", "results"}, {"report", "results/tiny"}} {
			r := vaelab(t, args...)
			if r.code != exitFailed || strings.Count(r.err, line) != 1 {
				t.Errorf("vaelab %s: exit code %d, want %d\n%s", quoted(args), r.code, exitFailed, r.err)
			}
			has(t, "vaelab "+quoted(args), r.err, "vaelab: error: damaged files, named above: 1; ")
			if args[0] == "export" {
				has(t, "the other trial", r.out, "seed-2,vanilla,2,")
				if strings.Contains(r.out, "seed-1,vanilla") {
					t.Error("rows of a damaged trial are exported")
				}
			}
		}
		for _, page := range []string{"report.md", "report.html", "report.tex"} {
			text := read(t, filepath.Join("results", "tiny", page))
			has(t, page, text, "1 done, 1 damaged (see Warnings)")
			if n := strings.Count(text, "rows.jsonl: damaged: it has"); n != 1 {
				t.Errorf("%s says %d times that a trial is damaged", page, n)
			}
		}
		r := vaelab(t, "verify", "tiny.yaml", "--seeds", "2", "--no-train")
		if r.code != exitUndecided {
			t.Errorf("verify --no-train: exit code %d\n%s", r.code, r.err)
		}
		has(t, "verify --no-train", r.out, "undecided      There is a KL (us): ", "damaged: vanilla-", "/seed-1: rows.jsonl: it has ")
		has(t, "verify --no-train", r.err, line)

		has(t, "plan", succeeds(t, "plan", "tiny.yaml").err, line)
		r = succeeds(t, "run", "tiny.yaml")
		has(t, "run", r.err, line, "1 done, 1 to train, 1 of them because they are damaged", fmt.Sprintf("damaged files are in damaged-%d; the trial is trained from the start", i+1))
		if read(t, rows) != whole {
			t.Error("the rows of the trial trained again are other ones")
		}
		if aside := filepath.Join(dir, fmt.Sprintf("damaged-%d", i+1)); read(t, filepath.Join(aside, record.RowsFile)) != changed {
			t.Error("the damaged rows are not kept")
		}
		if r := succeeds(t, "run", "tiny.yaml"); strings.Contains(r.err, "damaged") {
			t.Errorf("it is still damaged:\n%s", r.err)
		}
	}
}

// TestTable: two seeds have a spread, one has none, and each group has a line.
func TestTable(t *testing.T) {
	folder(t, "tiny.yaml", twoVariants)
	out := succeeds(t, "run", "tiny.yaml").out
	for _, line := range []string{`(?m)^ +vanilla +2 +\d+\.\d\d ±\d+\.\d\d +– `, `(?m)^ +bn +2 +\d+\.\d\d ±\d+\.\d\d +0\.50 ±0\.00 `, `^$|mean ± standard deviation`, `(?m)^- No marks: a comparison with vanilla needs 6 finished seeds\.$`} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line is like %s:\n%s", line, out)
		}
	}
	out = succeeds(t, "run", "tiny.yaml", "--seeds", "1").out
	if body, _, _ := strings.Cut(out[strings.Index(out, "group"):], "results"); strings.Contains(body, "±") {
		t.Errorf("one seed has a spread:\n%s", out)
	}
	has(t, "no declaration", out, "a comparison with vanilla needs")
	write(t, "tiny.yaml", twoVariants+"baseline: bn\n")
	has(t, "a declared baseline", succeeds(t, "run", "tiny.yaml").out, "a comparison with bn needs")
	succeeds(t, "report", "results/tiny", "--experiment", "tiny.yaml")
	has(t, "the report", read(t, "results/tiny/report.md"), "a comparison with bn needs", "bn (baseline)")
}

// TestUsualFigures: an experiment without the key figures has the usual ones drawn, and one with an empty list none.
func TestUsualFigures(t *testing.T) {
	folder(t, "a.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn-scaler}]\n", "b.yaml", tiny+"grid: [{variant: vanilla}]\n", "c.yaml", tiny+"figures: []\n",
		"d.yaml", tiny+"grid: [{train: {epochs: 1, eval_every: 2}}]\n")
	for name, want := range map[string]string{"a": "kl-curve theta z-use", "b": "kl-curve z-use", "c": "", "d": "kl-curve"} {
		r := succeeds(t, "run", name+".yaml", "-q")
		files, err := filepath.Glob(filepath.Join("results", name, "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, file := range files {
			got = append(got, strings.TrimSuffix(filepath.Base(file), ".png"))
			has(t, name, r.out, file+"\n")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: figures %v, want %s", name, got, want)
		}
		if name == "d" { // no row of a validation split, so nothing to draw, and no error
			has(t, name, r.err, "left out: figure z-use: ")
		}
	}
}

// TestStopped: a stopped command says what stays of its work, and nothing that does not apply.
func TestStopped(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "\nvaelab: stopped. To resume:\n  vaelab x 'a b'\n"},
		{keeping(fmt.Errorf("reading: %w", context.Canceled), "it is kept"), "vaelab: error: reading: context canceled\n\nvaelab: stopped; it is kept. To resume:\n  vaelab x 'a b'\n"},
		{errors.Join(errors.New("one failed"), keeping(context.Canceled, "it is kept")), "vaelab: error: one failed\n\nvaelab: stopped; it is kept. To resume:\n  vaelab x 'a b'\n"},
		{keeping(errors.New("one failed"), "it is kept"), "vaelab: error: one failed\n"},
	} {
		root := &cobra.Command{Use: "vaelab", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(&cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return c.err }})
		var out, wErr bytes.Buffer
		code := execute(root, &out, &wErr, []string{"x", "a b"})
		if wErr.String() != c.want || out.Len() > 0 || (code == exitInterrupted) != stopped(c.err) {
			t.Errorf("%v: exit code %d\n%s%swant\n%s", c.err, code, out.String(), wErr.String(), c.want)
		}
	}
}
