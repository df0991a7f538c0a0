package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
	"vaelab/plots"
	"vaelab/variants"
)

// TestHelp: every command shows an example or explains itself at length.
func TestHelp(t *testing.T) {
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		out := succeeds(t, append(path, "--help")...).out
		has(t, "help", out, "Usage:", c.CommandPath())
		if c.Example == "" && len(c.Long) < 80 {
			t.Errorf("%s has neither an example nor a long text", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(newRoot())
	if bare := succeeds(t).out; bare != succeeds(t, "--help").out {
		t.Errorf("vaelab alone does not show the help:\n%s", bare)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		has(t, shell, succeeds(t, "completion", shell).out, "vaelab")
	}
	has(t, "experiments", succeeds(t, "__complete", "run", "").out, "kl-vanishing\n")
	has(t, "list", succeeds(t, "__complete", "list", "").out, "variants\n", "train\n", "bn-scaler\n")
	if out := succeeds(t, "__complete", "list", "bn+").out; !strings.Contains(out, "bn+control-vae\n") || strings.Contains(out, "bn+ln\n") || strings.Contains(out, "bn+bn\n") {
		t.Errorf("list bn+ completes to\n%s", out)
	}
	for _, c := range []struct{ line, has, lacks string }{
		{"plot --figure ", "kl-curve\n", "kl-curve,"},
		{"plot --figure sweep,kl", "sweep,kl-curve\n", "sweep,sweep"},
		{"run --set ", "train.\ndata=\tsynthetic by default\n", "train.lr"},
		{"run --set train.", "train.optimizer=\tone of adam, sgd\ntrain.decay.\n", "train.decay.factor"},
		{"run --set variant.bn.", "variant.bn.gamma=\ta number in (0,inf)\n", "bn-scaler"},
		{"eval --set train.optimizer=", "train.optimizer=adam\ntrain.optimizer=sgd\n", "lr"},
		{"run --set variant=b", "variant=bn-scaler\n", "train"},
		{"plan --set train.probe=", "train.probe=false\ntrain.probe=true\n", ""},
		{"run --set train.lr=", ":6\n", "train"},
		{"eval --split ", "train\nvalid\ntest\n", "kl-curve"},
		{"report --experiment ", "kl-vanishing\n", "kl-curve"},
		{"verify ", "kl-vanishing\n", "kl-curve"},
		{"verify --keep ", "weights\nnone\n", "kl-curve"},
		{"data show ", "kl-vanishing\nptb\nsynthetic\n", "kl-curve"},
		{"data list ", "ptb\n", "kl-curve"},
		{"sample x --decode ", "greedy\n", "kl-curve"},
	} {
		words := strings.Split(c.line, " ")
		out := succeeds(t, append([]string{"__complete"}, words...)...).out
		for want := range strings.Lines(c.has) {
			has(t, c.line, out, want)
		}
		if c.lacks != "" && strings.Contains(out, c.lacks) {
			t.Errorf("%s completes to %q:\n%s", c.line, c.lacks, out)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	cmd := exec.Command(bash, "-n")
	cmd.Stdin = strings.NewReader(succeeds(t, "completion", "bash").out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("bash does not read its completion: %v\n%s", err, text)
	}
}

// TestList: everything there is to choose from has a line that says what it is.
func TestList(t *testing.T) {
	everything := succeeds(t, "list").out
	var metrics []string
	for _, m := range train.Metrics() {
		metrics = append(metrics, m.Name)
	}
	for _, c := range claims.Costs {
		metrics = append(metrics, c.Name)
	}
	for what, names := range map[string][]string{
		"variants": variants.Methods.Names(), "models": models.Models.Names(), "data": data.Sources.Names(),
		"figures": plots.Figures.Names(), "experiments": experiments.Names(), "metrics": metrics, "claims": claims.Kinds.Names(),
	} {
		out := succeeds(t, "list", what).out
		has(t, "list", everything, out)
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^  ` + name + ` +\S+ +\S+ .*[^:,]$`).MatchString(out) {
				t.Errorf("list %s: no line says what %s is:\n%s", what, name, out)
			}
		}
	}
	has(t, "list", everything, "{latent_dim: 32,")
}

// TestListOfSettings: each setting of every kind, and of train and kl, is there with its default and what it means.
func TestListOfSettings(t *testing.T) {
	for _, name := range slices.Concat([]string{"train", "kl"}, variants.Methods.Names(), models.Models.Names(), data.Sources.Names()) {
		out := succeeds(t, "list", name).out
		lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
		for i, line := range lines {
			if !regexp.MustCompile(`^  [a-z][a-z0-9_.]*: \S`).MatchString(line) {
				continue
			}
			if i+1 == len(lines) || !regexp.MustCompile(`^      [A-Z].*\.$`).MatchString(lines[i+1]) {
				t.Errorf("list %s: nothing says what this means: %s", name, line)
			}
		}
	}
	has(t, "list bn", succeeds(t, "list", "bn").out, "variant bn\n", "  gamma: 0.5 ", "Source: Zhu et al.", "      Gamma is")
	has(t, "list train", succeeds(t, "list", "train").out, "  decay.factor: 0.5   (0,1)   also lr_decay\n      Factor multiplies the learning rate.\n")
	has(t, "list kl", succeeds(t, "list", "kl").out, "  unit: epochs   epochs|steps\n      Unit says what WarmUp counts.\n")
}

// TestListOfNames: list says something of every name that a file, a claim or another program may have: keys, other names and
// choices of settings, metrics, figures, kinds of claims, experiments, the keys of a file, and names that mean something else elsewhere.
func TestListOfNames(t *testing.T) {
	for _, name := range explained() {
		if slices.Contains(listed, name) {
			continue
		}
		var out strings.Builder
		if err := explain(&out, name); err != nil || strings.Count(out.String(), "\n") < 3 {
			t.Errorf("list %s: %v\n%s", name, err, out.String())
		}
	}
	for name, parts := range map[string][]string{
		"gamma":            {"settings\n\n  variant.bn.gamma: 0.5   (0,inf)   also bn_gamma   the rate rises with it\n      Gamma is ", "  variant.capacity.gamma: 10   (0,inf)\n"},
		"kl_start":         {"  kl.start: 0   [0,inf)   also kl_start\n"},
		"train.lr":         {"  train.lr: 0.001   (0,inf)"},
		"lr":               {"  train.lr: 0.001   (0,inf)", "metric\n\n  lr "},
		"decay.factor":     {"  train.decay.factor: 0.5   (0,1)"},
		"cyclical-zero":    {"  kl.schedule: constant   "},
		"theta.median":     {"metric\n\n  theta "},
		"cpu_seconds":      {"metric\n\n  cpu_seconds "},
		"nsamples":         {"as a setting elsewhere\n\n  in the reference code it is the number of z of a training step"},
		"patience":         {"  train.decay.patience: 0 ", "  train.stop.patience: 0 ", "as a setting elsewhere\n\n  there are two: "},
		"elbo":             {"as a metric elsewhere\n\n  nelbo is -elbo"},
		"kl-curve":         {"figure kl-curve\n\n  KLCurve shows "},
		"trend":            {"claim trend\n\n  Trend "},
		"seeds":            {"key seeds: of an experiment's file\n\n  the seeds of each setting"},
		"kl-vanishing":     {"experiment kl-vanishing\n\n  Does "},
		"adamw":            {"train.optimizer: adam with train.weight_decay is AdamW"},
		"converged":        {"key converged\n", "key converged: of an experiment's file\n"},
		"variant.bn.gamma": {"  variant.bn.gamma: 0.5 "},
	} {
		has(t, "list "+name, succeeds(t, "list", name).out, parts...)
	}
	if r := vaelab(t, "list", "gama"); r.code != exitUsage || r.err != "vaelab: error: unknown name \"gama\"; did you mean \"gamma\"? vaelab list shows all names\n" {
		t.Errorf("list gama: exit code %d, %s", r.code, r.err)
	}
}

// TestShippedExperiments: each file that ships is read without a fault or a note, asks a
// question, and is found by its name and by its path.
func TestShippedExperiments(t *testing.T) {
	folder(t)
	for _, short := range experiments.Names() {
		if tensor.Bits == 64 && strings.HasPrefix(short, "bf16") { // a program in float64 refuses bfloat16
			continue
		}
		file := experiments.Path(short)
		for _, name := range []string{short, file, "experiments/" + file} {
			var notes bytes.Buffer
			c := choice{}
			e, err := c.read(&notes, name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if notes.Len() > 0 {
				t.Errorf("%s: %s", name, notes.String())
			}
			if e.Name != short || !strings.HasSuffix(e.Question, "?") {
				t.Errorf("%s: name %q, question %q", name, e.Name, e.Question)
			}
			if len(e.Trials) < 2 || len(e.Figures) == 0 {
				t.Errorf("%s: %d trials, %d figures", name, len(e.Trials), len(e.Figures))
			}
		}
		c := choice{}
		if e, _ := c.read(new(bytes.Buffer), file); e == nil || e.Trials[0].Config["data"] != "text" {
			continue
		}
		r := vaelab(t, "run", file, "--set", "data.text.train=a.txt", "--set", "data.text.valid=b.txt", "--set", "data.text.test=c.txt")
		if r.code != exitFailed {
			t.Errorf("%s without its data: exit code %d", file, r.code)
		}
		if !strings.HasPrefix(r.err, "vaelab: error: --set data.text.train=a.txt: data.text.train: a.txt: no such file in the working directory") {
			t.Errorf("%s without its data says %s", file, r.err)
		}
	}
}

func TestPlan(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid:\n  - variant: vanilla\n  - variant: {bn: {gamma: [0.5, 0.7]}}\nseeds: 2\n")
	check := func(counts ...string) {
		t.Helper()
		out := succeeds(t, "plan", "tiny.yaml").out
		has(t, "plan", out, "tiny: Does it run?\ndata synthetic: 128 training, 64 validation, 64 test examples: text, vocabulary 54, at most 8 symbols\n",
			"setting", "ms/step", "trials side by side")
		for i, setting := range []string{"vanilla", "bn γ=0.5", "bn γ=0.7"} {
			// setting, seeds, to train, weights, steps: 128 sentences, 16 a batch, 2 epochs
			if !regexp.MustCompile(`(?m)^` + setting + ` +` + counts[i] + ` +\d{4} +16 +\d+\.\d +`).MatchString(out) {
				t.Errorf("no line for %s, %s:\n%s", setting, counts[i], out)
			}
		}
	}
	check("2 +2", "2 +2", "2 +2")
	if dirs := trials(t, "results"); len(dirs) > 0 {
		t.Errorf("plan left %v", dirs)
	}
	succeeds(t, "run", "tiny.yaml", "--set", "variant.bn.gamma=0.7", "-q")
	check("2 +0", "2 +2", "2 +0")
	has(t, "plan of what may stop", succeeds(t, "plan", "tiny.yaml", "--set", "train.stop.patience=1").out, " up to 16 ", "\nat most about ")
}

// TestSpared: the share of the processors is that of the CPU time in the wall clock's, and 1 where it is not known.
func TestSpared(t *testing.T) {
	start := time.Now()
	for _, c := range []struct {
		share float64
		cpu   func() time.Duration
	}{
		{1, func() time.Duration { return 0 }},
		{0.25, func() time.Duration { return time.Since(start) / 2 }}, // of two processors
	} {
		if got := spared(2, c.cpu); math.Abs(got-c.share) > 0.02 {
			t.Errorf("spared %v, want %v", got, c.share)
		}
	}
}

// TestSpan: both ends of a range are rounded, and equal ones are printed once.
func TestSpan(t *testing.T) {
	for _, c := range []struct {
		low, high time.Duration
		want      string
	}{
		{0, 30 * time.Millisecond, "0s"}, {1234 * time.Millisecond, 1260 * time.Millisecond, "1.2s to 1.3s"},
		{12340 * time.Millisecond, 12400 * time.Millisecond, "12s"}, {59 * time.Minute, 100 * time.Minute, "59m0s to 1h40m0s"},
	} {
		if got := span(c.low, c.high); got != c.want {
			t.Errorf("%v, %v: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

// TestProbeWithoutLabels: who asks for a probe of data that have none is told so, once.
func TestProbeWithoutLabels(t *testing.T) {
	folder(t, "t.txt", "a b c\nb c d\nc d a\n", "probe.yaml", `
base:
  data: {text: {train: t.txt, valid: t.txt, test: t.txt}}
  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}
  train: {epochs: 1, probe: true}
grid: [{variant: vanilla}, {variant: bn}]
`)
	said := vaelab(t, "plan", "probe.yaml").err
	if strings.Count(said, "train.probe: the text data have no labels in train or test; no probe is measured\n") != 1 {
		t.Errorf("plan says %s", said)
	}
	has(t, "plan", said, "t.txt: train and valid are the same text\n", "t.txt: valid and test are the same text\n")
}

// TestPlot: figures have a CSV each, lie where they are asked for, and those that the rows
// do not allow are left out with the reason, unless they were asked for.
func TestPlot(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn-scaler}]\nseeds: 2\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	r := succeeds(t, "plot", "results/tiny", "--out", "figures")
	for _, name := range []string{"kl-curve", "z-use", "theta", "kl-dims"} {
		file := filepath.Join("figures", name)
		has(t, "plot", r.out, file+".png\n")
		if png := read(t, file+".png"); !strings.HasPrefix(png, "\x89PNG\r\n\x1a\n") {
			t.Errorf("%s.png is not a PNG", file)
		}
		if rows, err := csv.NewReader(strings.NewReader(read(t, file+".csv"))).ReadAll(); err != nil || len(rows) < 2 {
			t.Errorf("%s.csv: %d rows, %v", file, len(rows), err)
		}
	}
	has(t, "plot", r.err, "left out: figure sweep: no variant has")
	if asked := vaelab(t, "plot", "results/tiny", "--figure", "sweep"); asked.code != exitFailed || !strings.Contains(asked.err, "vaelab: error: figure sweep: ") {
		t.Errorf("a figure that cannot be drawn: exit code %d, %s", asked.code, asked.err)
	}
	// The rows allow this one, but a folder is in its place.
	if err := os.MkdirAll(filepath.Join("full", "z-use.csv", "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--figure", "kl-curve,z-use"}} {
		full := vaelab(t, append([]string{"plot", "results/tiny", "--out", "full"}, more...)...)
		if full.code != exitFailed || strings.Count(full.err, "vaelab: error: ") != 1 {
			t.Errorf("a figure that cannot be written: exit code %d, %s", full.code, full.err)
		}
		has(t, "a figure that cannot be written", full.err, "vaelab: error: figure z-use cannot be written: full/z-use.csv: is a folder")
		has(t, "the others", full.out, "full/kl-curve.png\n")
	}
	has(t, "a figure that there is not", vaelab(t, "plot", "results", "--figure", "kl-crve").err, `did you mean "kl-curve"?`)
	one := trials(t, "results")[0]
	has(t, "plot of one trial", succeeds(t, "plot", one, "--figure", "kl-curve").out, filepath.Join(one, "kl-curve.png"))
}

// TestExport: the CSV has the numbers of the rows, on the screen as in a file.
func TestExport(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: {bn: {gamma: [0.5, 0.7]}}}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	out := succeeds(t, "export", "results").out
	succeeds(t, "export", "results", "-o", "all.csv")
	if read(t, "all.csv") != out {
		t.Error("-o writes something else")
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows[0], ","), "experiment,trial,variant,seed,variant.bn.gamma,step,split,metric,value"; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	set, err := record.Load("results")
	if err != nil {
		t.Fatal(err)
	}
	first := set.Runs[0]
	kl, ok := record.Last(first, "test", "kl")
	if !ok {
		t.Fatal("no kl")
	}
	want := strings.Join([]string{"tiny", first.ID, "bn", "1", first.Config["variant.bn.gamma"], "16", "test", "kl", strconv.FormatFloat(kl, 'g', -1, 64)}, ",")
	has(t, "export", out, "\n"+want+"\n")

	succeeds(t, "export", "results", "-o", "all.JSONL")
	if got := read(t, "all.JSONL"); got != succeeds(t, "export", "results", "--format", "jsonl").out || strings.Count(got, "\n") != len(rows)-1 {
		t.Errorf("the ending of a file does not give its format:\n%.300s", got)
	}
	succeeds(t, "export", "results", "-o", "all.parquet")
	if got := read(t, "all.parquet"); got != succeeds(t, "export", "results", "--format", "parquet").out || !strings.HasPrefix(got, "PAR1") {
		t.Errorf("no Parquet file: %.20q", got)
	}
	wide := succeeds(t, "export", "results", "--wide", "--split", "test", "--metric", "kl,m?", "--metric", "kl_dim/1")
	if head, _, _ := strings.Cut(wide.out, "\n"); head != "experiment,trial,variant,seed,variant.bn.gamma,step,split,kl,mi,kl_dim/1" || strings.Count(wide.out, "\n") != 3 || wide.err != "" {
		t.Errorf("--wide: %s%s", wide.out, wide.err)
	}
	has(t, "--wide", wide.out, ",16,test,"+strconv.FormatFloat(kl, 'g', -1, 64)+",")
	has(t, "--wide without metrics", succeeds(t, "export", "results", "--wide").err, "vaelab: note: vectors are left out; --metric '", "/*' writes the columns of one: ", "kl_dim")
	never := succeeds(t, "export", "results", "--metric", "iw_nll")
	if never.out != strings.Join(rows[0], ",")+"\n" || !strings.Contains(never.err, "vaelab: warning: the table has no row") {
		t.Errorf("a metric that was not measured: %s%s", never.out, never.err)
	}
	for _, c := range []struct{ flags, want string }{
		{"--metric kll", `--metric: unknown metric "kll"; did you mean "kl"?`},
		{"--metric=", "--metric: the name is empty"},
		{"--split tset", `--split: unknown split "tset"; did you mean "test"?`},
		{"--format xls", `--format: unknown format "xls"; known: csv, jsonl, parquet`},
		{"--format=", `--format: unknown format ""`},
		{"--format csv -o x.parquet", "--format csv does not go with --output x.parquet; leave one of them out, or name another file"},
		{"--tensorboard=", "--tensorboard: the name is empty"},
		{"--wide --tensorboard runs", "--tensorboard and --wide exclude each other"},
	} {
		if r := vaelab(t, slices.Concat([]string{"export", "results"}, strings.Fields(c.flags))...); r.code != exitUsage || !strings.Contains(r.err, c.want) || r.out != "" {
			t.Errorf("export %s: exit code %d, %s", c.flags, r.code, r.err)
		}
	}
	has(t, "no number for TensorBoard", succeeds(t, "export", "results", "--tensorboard", "runs", "--metric", "kl_dim").err, "vaelab: warning: no number is written")

	if err := os.Mkdir("none", 0o777); err != nil {
		t.Fatal(err)
	}
	r := vaelab(t, "export", "none")
	if r.code != exitFailed || r.out != "" {
		t.Errorf("export of nothing: exit code %d\n%s", r.code, r.out)
	}
	if r.err != "vaelab: error: none: there is no trial in or below this folder; vaelab run trains some\n" {
		t.Errorf("export of nothing says %s", r.err)
	}
}

// TestFolderOfShippedName: a folder that is named like a shipped experiment, as its results are, does not hide it.
func TestFolderOfShippedName(t *testing.T) {
	folder(t)
	if err := os.Mkdir("kl-vanishing", 0o777); err != nil {
		t.Fatal(err)
	}
	if e, err := new(choice).read(io.Discard, "kl-vanishing"); err != nil || e.Name != "kl-vanishing" {
		t.Errorf("%+v, %v", e, err)
	}
}
