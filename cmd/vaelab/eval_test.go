package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
)

// evalJSON is the row that eval --json prints.
func evalJSON(t *testing.T, args ...string) record.Row {
	t.Helper()
	var row record.Row
	out := succeeds(t, append([]string{"eval", "--json"}, args...)...).out
	if err := json.Unmarshal([]byte(out), &row); err != nil {
		t.Fatalf("eval --json prints %q: %v", out, err)
	}
	return row
}

// TestEvalTrial: eval measures what the trial measured when it ended, of the folder and of
// its weights alone.
func TestEvalTrial(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn-scaler}, {variant: {bn: {}, free-bits: {}}}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	set, err := record.Load("results")
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range set.Runs {
		want := trial.Rows[len(trial.Rows)-1].Row()
		if want.Split != "test" {
			t.Fatalf("the last row of %s is of split %s", trial.ID, want.Split)
		}
		variant := "variant=" + trial.Variant
		if trial.Variant == "bn+free-bits" {
			variant = "variant={bn: {}, free-bits: {}}"
		}
		bare := []string{filepath.Join(trial.Dir, train.ModelFile), "--config", "tiny.yaml", "--set", variant}
		for _, args := range [][]string{{trial.Dir}, bare} {
			got := evalJSON(t, args...)
			delete(want.Values, "state") // these two are of the trial's history
			delete(want.Values, "collapse_step")
			for name, v := range want.Values {
				if g, ok := got.Values[name]; !ok || g != v && !(math.IsNaN(g) && math.IsNaN(v)) {
					t.Errorf("eval %s: %s is %v, the trial's row has %v", quoted(args), name, g, v)
				}
			}
			if len(got.Values) != len(want.Values) || got.Split != "test" {
				t.Errorf("eval %s: %d values of split %s, want %d", quoted(args), len(got.Values), got.Split, len(want.Values))
			}
		}
		valid := evalJSON(t, trial.Dir, "--split", "valid", "--iw-samples", "3")
		if nll, bound := valid.Values["iw_nll"], valid.Values["nelbo"]; valid.Split != "valid" || !(nll > 0 && nll < bound+0.5) {
			t.Errorf("%s: importance-weighted NLL %v on %s, bound %v", trial.ID, nll, valid.Split, bound)
		}
		has(t, "eval", succeeds(t, "eval", trial.Dir).out,
			"test split, 64 examples, running statistics, nats per example\n", "\nkl  ", "\nnelbo  ", "\nmi  ", "\nkl_dim  ")
	}
}

// TestEvalRemarks: eval says what a table of run says of such a model: why there is no importance-weighted likelihood where one
// was asked for, and which bound was trained.
func TestEvalRemarks(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vq}, {variant: iwae}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	set, err := record.Load("results")
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range set.Runs {
		want := map[string]string{"vq": "No IW-NLL of vq: q(z|x) is one code", "iwae": "iwae: trained on a bound of several samples of z"}[trial.Variant]
		if out := strings.Join(strings.Fields(succeeds(t, "eval", trial.Dir, "--iw-samples", "2").out), " "); !strings.Contains(out, want) {
			t.Errorf("%s: %q is not in %s", trial.ID, want, out)
		}
		if out := succeeds(t, "eval", trial.Dir).out; strings.Contains(out, "No IW-NLL") {
			t.Errorf("%s: no IW-NLL was asked for: %s", trial.ID, out)
		}
	}
}

// TestEvalReference measures weights that PyTorch saved, against what PyTorch computed of
// them.
func TestEvalReference(t *testing.T) {
	files, err := filepath.Abs(filepath.Join("..", "..", "internal", "train", "testdata", "lstm_bn"))
	if err != nil {
		t.Fatal(err)
	}
	var reference struct {
		Eval []struct{ KL []float64 }
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(files, "reference.json"))), &reference); err != nil {
		t.Fatal(err)
	}
	var sum, n float64
	for _, batch := range reference.Eval {
		for _, kl := range batch.KL {
			sum, n = sum+kl, n+1
		}
	}
	folder(t, "theirs.yaml", `# Are these the numbers of the reference code?
base:
  data: {text: {test: sentences.txt, vocab: vocab.txt}}
  model: {lstm: {nz: 6, ni: 16, enc_nh: 24, dec_nh: 24}}
  train: {batching: length}
grid:
  - variant: {bn: {gamma: 0.5}}
`)
	for _, name := range []string{"sentences.txt", "vocab.txt", "model.safetensors"} {
		write(t, name, read(t, filepath.Join(files, name)))
	}
	r := succeeds(t, "eval", "model.safetensors", "--config", "theirs.yaml")
	has(t, "the names of the field", r.err, `note: theirs.yaml:4:18: model.lstm: "nz" is understood as "latent_dim"`)
	has(t, "eval", r.out, "test split, 18 examples")
	got := evalJSON(t, "model.safetensors", "--config", "theirs.yaml")
	if want := sum / n; math.Abs(got.Values["kl"]-want) > 1e-4*want {
		t.Errorf("KL %v, the reference has %v", got.Values["kl"], want)
	}
}

// TestEvalMistakes: weights that are damaged or belong to something else are refused, with
// what is wrong.
func TestEvalMistakes(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn}]\nseeds: 2\n",
		"words.txt", "a b c\nb c d\nc d e\n", "text.yaml", `# My text?
base:
  data: {text: {train: words.txt, test: words.txt}}
  model: {lstm: {latent_dim: 4, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 1}
grid: [{variant: vanilla}]
`)
	succeeds(t, "run", "tiny.yaml", "-q", "--seeds", "1")
	all := trials(t, "results")
	weights := read(t, filepath.Join(all[0], train.ModelFile)) // bn stands before vanilla
	write(t, "weights.safetensors", weights)
	unstamped(t, "weights.safetensors", "theirs.safetensors")
	for name, text := range map[string]string{
		"empty": "", "cut in the length": weights[:5], "cut in the header": weights[:60], "cut in the data": weights[:len(weights)-10],
		"with a huge header": "\xff\xff\xff\xff\xff\xff\xff\x7f{}", "with a negative header": "\xff\xff\xff\xff\xff\xff\xff\xff{}",
		"without numbers":       "\x02\x00\x00\x00\x00\x00\x00\x00{}",
		"with a huge tensor":    header(`{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}}`),
		"with a negative shape": header(`{"a":{"dtype":"F32","shape":[-1,-4],"data_offsets":[0,16]}}`) + strings.Repeat("\x00", 16),
		"with offsets outside":  header(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[99999,100015]}}`),
		"with offsets reversed": header(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}`) + strings.Repeat("\x00", 16),
		"of another kind":       header(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`) + strings.Repeat("\x00", 4),
		"that is YAML":          tiny,
	} {
		name += ".safetensors"
		write(t, name, text)
		r := vaelab(t, "eval", name, "--config", "tiny.yaml", "--set", "variant=bn")
		if r.code != exitFailed || !strings.HasPrefix(r.err, "vaelab: error: "+name+": ") || r.out != "" {
			t.Errorf("weights %s: exit code %d, %s%s", name, r.code, r.err, r.out)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"theirs.safetensors"}, exitUsage, "--config must name the experiment they belong to"},
		{[]string{"weights.safetensors", "--config", "tiny.yaml"}, exitUsage, "tiny.yaml has several settings; leave one with --set"},
		{[]string{"weights.safetensors", "--config", "missing.yaml", "--set", "variant=bn"}, exitFailed, "missing.yaml: no such file"},
		{[]string{"weights.safetensors", "--config", "tiny.yaml", "--set", "variant=bnn"}, exitUsage, `did you mean "bn"?`},
		{[]string{"weights.safetensors", "--config", "tiny.yaml", "--set", "variant=vanilla"}, exitFailed, "unexpected: encoder.mu_bn.running_mean, shape [4]"},
		{[]string{"weights.safetensors", "--config", "tiny.yaml", "--set", "variant=bn", "--set", "model.lstm.latent_dim=5"}, exitFailed, "must be [5"},
		{[]string{"theirs.safetensors", "--config", "tiny.yaml", "--set", "variant=bn", "--set", "data.synthetic.vocab=60"}, exitFailed, "; data: text, vocabulary 64"},
		{[]string{"weights.safetensors", "--config", "tiny.yaml", "--set", "variant=bn", "--set", "data.synthetic.vocab=60"}, exitFailed, "the vocabulary of the data must be the one of the training (digest "},
		{[]string{"weights.safetensors", "--config", "tiny.yaml", "--set", "variant=bn", "--set", "data.synthetic.test=0"}, exitFailed, "the test split of the data is empty"},
		{[]string{"results"}, exitFailed, "results: the folder has 2 trials; name the folder of one"},
		{[]string{all[0], "--split", "tset"}, exitUsage, `--split: unknown split "tset"; did you mean "test"?`},
		{[]string{all[0], "--config", "tiny.yaml"}, exitUsage, "a trial's folder has its own settings"},
		{[]string{all[0], "--set", "variant=vanilla"}, exitUsage, "a trial's folder has its own settings"},
	} {
		args := append([]string{"eval"}, c.args...)
		r := vaelab(t, args...)
		if r.code != c.code || r.out != "" {
			t.Errorf("vaelab %s: exit code %d, want %d\n%s", quoted(args), r.code, c.code, r.out)
		}
		has(t, "vaelab "+quoted(args), r.err, "vaelab: error: ", c.says)
	}

	t.Run("other data", func(t *testing.T) {
		succeeds(t, "run", "text.yaml", "-q", "--out", "mine")
		trial := trials(t, "mine")[0]
		succeeds(t, "eval", trial)
		write(t, "words.txt", "a b c\nb c d\nc d a\n")
		r := vaelab(t, "eval", trial)
		if r.code != exitFailed {
			t.Errorf("changed data: exit code %d", r.code)
		}
		has(t, "changed data", r.err, trial+": the data have changed since training")
		has(t, "a run on changed data", succeeds(t, "run", "text.yaml", "--out", "mine").err, "1 trial, 0 done, 1 to train")
		if err := os.Remove("words.txt"); err != nil {
			t.Fatal(err)
		}
		has(t, "lost data", vaelab(t, "eval", trial).err, "open words.txt: no such file")
	})
}

// TestEvalForeignWeights: weights whose names have a prefix are measured as those without, with a note; a checkpoint of PyTorch
// is named with the line that converts it.
func TestEvalForeignWeights(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	dir := trials(t, "results")[0]
	f, err := safetensors.Read(filepath.Join(dir, train.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Tensors {
		f.Tensors[i].Name = "_orig_mod.module." + f.Tensors[i].Name
	}
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, "wrapped.safetensors", string(text))
	r := succeeds(t, "eval", "wrapped.safetensors", "--config", "tiny.yaml")
	if want := succeeds(t, "eval", dir).out; r.out != want {
		t.Errorf("with a prefix eval prints\n%s, without\n%s", r.out, want)
	}
	has(t, "eval", r.err, `vaelab: note: wrapped.safetensors: the names of all tensors begin with "_orig_mod.module.", which is stripped`)
	write(t, "model.pt", "PK\x03\x04"+strings.Repeat("\x00", 26)+"model/data.pkl")
	r = vaelab(t, "sample", "model.pt", "--config", "tiny.yaml")
	has(t, "sample", r.err, "vaelab: error: model.pt: is a PyTorch checkpoint (zip)", `torch.load("model.pt"`, `"model.safetensors")`)
}

// header is a safetensors file that consists of its header.
func header(text string) string {
	return string([]byte{byte(len(text)), 0, 0, 0, 0, 0, 0, 0}) + text
}

// TestUnusableWeights: every command that reads weights refuses those that are not finite, and running variances
// below 0, with the tensor's name; a checkpoint with such a number is not gone on with.
func TestUnusableWeights(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	f, err := safetensors.Read(filepath.Join(trials(t, "results")[0], train.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	for tensor, value := range map[string]float64{
		"decoder.pred_linear.weight": math.NaN(), "encoder.linear.weight": math.Inf(-1), "encoder.mu_bn.running_mean": math.NaN(), "encoder.mu_bn.running_var": -1,
	} {
		data := f.Get(tensor).Data
		old := data[1]
		data[1] = value
		text, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		data[1] = old
		write(t, "bad.safetensors", string(text))
		for _, command := range [][]string{{"eval"}, {"sample"}, {"reconstruct"}, {"interpolate", "--from", "0", "--to", "1"}, {"latents", "--out", "out"}} {
			r := vaelab(t, append(command, "bad.safetensors", "--config", "tiny.yaml")...)
			if r.code != exitFailed || r.out != "" || !strings.HasPrefix(r.err, "vaelab: error: bad.safetensors: the weights cannot be used: "+tensor+"[") {
				t.Errorf("%s of %v in %s: exit code %d, %s%s", command[0], value, tensor, r.code, r.out, r.err)
			}
		}
	}
}

// TestEvalPrintsAll: standard errors, the simple models and the caps have their lines; what one example does not have is
// printed with what it takes, and what a model that overflows makes is named and fails.
func TestEvalPrintsAll(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	trial := trials(t, "results")[0]
	out := succeeds(t, "eval", trial, "--iw-samples", "2").out
	has(t, "eval", out, "\niw_nll_se  ", "\ngap_se  ", "\nnelbo_se  ", "\nNLL of an example of this split: unigram model ", "bigram model", "nelbo is ", "iw_nll is ")
	if strings.Contains(out, "NaN") || strings.Contains(out, "within 10 %") {
		t.Errorf("eval prints\n%s", out)
	}
	file := filepath.Join(trial, train.ModelFile)
	one := []string{"eval", file, "--config", "tiny.yaml", "--set", "data.synthetic.test=1"}
	has(t, "one example", squeezed(succeeds(t, one...).out), "test split, 1 example,", " gap NaN (needs 2 examples)", " bn_gap NaN (needs two examples in a batch)")

	if tensor.Bits == 64 {
		return // no weight of a file is so large that a product of it overflows
	}
	f, err := safetensors.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range f.Get("decoder.pred_linear.weight").Data {
		f.Get("decoder.pred_linear.weight").Data[i] = math.Copysign(3e38, w)
	}
	for i := range f.Get("decoder.lstm.bias_ih_l0").Data {
		f.Get("decoder.lstm.bias_ih_l0").Data[i] = 9 // all of its output is near 1
	}
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, "huge.safetensors", string(text))
	for _, args := range [][]string{{}, {"--json"}} {
		r := vaelab(t, append([]string{"eval", "huge.safetensors", "--config", "tiny.yaml"}, args...)...)
		if r.code != exitFailed {
			t.Errorf("eval %v of weights that overflow: exit code %d\n%s", args, r.code, r.out)
		}
		has(t, "what overflows", r.err, "vaelab: error: not finite: ", "nelbo", "rec")
		has(t, "what overflows", r.out, "kl")
	}
	for command, says := range map[string]string{
		"sample": "the model's ln p(x|z) is NaN", "sample --json": "the model's ln p(x|z) is NaN", "sample --decode beam": "ln p(x|z)",
		"reconstruct": "ln p(x|z)", "interpolate --from 0 --to 1": "ln p(x|z)",
	} {
		r := vaelab(t, append(strings.Fields(command), "huge.safetensors", "--config", "tiny.yaml")...)
		if r.code != exitFailed || !strings.Contains(r.err, says) || strings.Contains(r.out, "NaN") {
			t.Errorf("%s of weights that overflow: exit code %d, %s%s", command, r.code, r.out, r.err)
		}
	}
	has(t, "the list", squeezed(vaelab(t, "eval", "huge.safetensors", "--config", "tiny.yaml").out), " rec NaN ")
}

// squeezed is a text with single spaces.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestRemarksOfCaps: MI at its cap is said below the list.
func TestRemarksOfCaps(t *testing.T) {
	row := record.Row{Values: map[string]float64{"mi": 2.9, "mi_cap": 3, "mi_batch": 2, "mi_batch_cap": 3}}
	if got := strings.Join(remarks(row, nil), " "); got != "mi is within 10 % of its cap of 3.00, the logarithm of the number of examples: the estimate is too low and differences mean nothing." {
		t.Errorf("remarks: %q", got)
	}
}
