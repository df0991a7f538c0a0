package sweep

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestForeignNames: names of other programs that mean something else here are answered wherever they stand, and no
// value is taken over.
func TestForeignNames(t *testing.T) {
	const glyphs = "data: {glyphs: {train: 8}}, model: mlp, "
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a weight against a mean", "base: {" + glyphs + "kl: {kld_weight: [0.00025, 1]}}\n", []string{
			`x.yaml:1:53: kl: unknown key "kld_weight": in PyTorch-VAE it weighs the KL against the mean over the values of an example; here the reconstruction is their sum, and kl.beta is kld_weight times the number of values (784: 0.00025 there is kl.beta 0.196)`}},
		{"the same beside the sections", "base: {" + glyphs + "kld_weight: 1}\n", []string{`x.yaml:1:48: unknown section "kld_weight": in PyTorch-VAE it weighs the KL against the mean over the values of an example; here the reconstruction is their sum, and kl.beta is kld_weight times the number of values (784: `}},
		{"of vectors", "base: {data: {gaussian: {dims: 12}}, model: linear, train: {kld_weight: 1}}\n", []string{`x.yaml:1:61: train: unknown key "kld_weight": in PyTorch-VAE it weighs the KL against the mean over the values of an example; here the reconstruction is their sum, and kl.beta is kld_weight times the number of values (12: 0.00025 there is kl.beta 0.003)`}},
		{"z of a training step", "base: {nsamples: 1, iw_nsamples: 500}\n", []string{`x.yaml:1:8: unknown section "nsamples": in the reference code it is the number of z of a training step, which is 1 here; train.iw_samples is`}},
		{"two sizes", "base: {model: {lstm: {nh: 50}}}\n", []string{`x.yaml:1:23: model.lstm: unknown key "nh": encoder and decoder have a size each: enc_hidden and dec_hidden`}},
		{"what ends training", "base: {train: {early_stopping: 5}}\n", []string{`x.yaml:1:16: train: unknown key "early_stopping": train.stop.patience ends training`}},
		{"two kinds of patience", "base: {train: {patience: 5}}\n", []string{`x.yaml:1:16: train: unknown key "patience": there are two: train.stop.patience ends training, and train.decay.patience lowers the learning rate`}},
		{"the seed of a trial, not of its data", "base: {seed: 5}\n", []string{`x.yaml:1:8: unknown section "seed": seeds: at the top of the file`}},
		{"seeds as a grid", "grid: [{train: {seed: [1, 2]}}]\n", []string{`x.yaml:1:17: train: unknown key "seed": seeds: at the top of the file`}},
		{"a device", "base: {device: cuda, train: {gpus: 1, num_workers: 4}}\n", []string{
			`x.yaml:1:8: unknown section "device": everything runs on the CPU`, `x.yaml:1:30: train: unknown key "gpus": everything runs on the CPU`, `x.yaml:1:39: train: unknown key "num_workers": the flag -j is`}},
		{"two kinds of momentum", "base: {variant: bn, momentum: 0.9}\n", []string{`x.yaml:1:21: unknown section "momentum": train.momentum is that of SGD, variant.bn.momentum that of running statistics`}},
		{"an optimiser", "base: {train: {optimizer: AdamW}}\n", []string{`x.yaml:1:27: train.optimizer: "AdamW": adam with train.weight_decay is AdamW`}},
		{"a schedule", "base: {kl: {schedule: monotonic}}\n", []string{`x.yaml:1:23: kl.schedule: "monotonic": linear is it`}},
		{"a variant that is a weight", "grid: [{variant: beta-vae}]\n", []string{`x.yaml:1:18: variant: "beta-vae": it is vanilla with a weight of the KL: kl.beta`}},
		{"data by their name", "base: {data: mnist, model: mlp}\n", []string{`x.yaml:1:14: data: "mnist": write data: {images: {train: train-images-idx3-ubyte.gz, test: t10k-images-idx3-ubyte.gz, hold_out: 10000}}; vaelab data fetch mnist`}},
		{"a setting of another kind", "base: {tau: 0.5}\n", []string{`x.yaml:1:8: unknown section "tau"; it is a setting elsewhere: variant.bn-scaler.tau, variant.rms-scaler.tau`}},
		{"a section outside base", "train: {lr: 1}\nvariant.bn.gamma: 0.5\n", []string{`x.yaml:1:1: "train" belongs into base, or into an entry of grid`, `x.yaml:2:1: "variant.bn.gamma" belongs into base`}},
		{"a setting outside base", "lr: 1\n", []string{`x.yaml:1:1: unknown key "lr"; it is a setting elsewhere: train.lr`}},
		{"seeds in an entry", "grid: [{seeds: [1, 2]}]\n", []string{`x.yaml:1:9: unknown section "seeds"; it belongs at the top of the file`}},
		{"by dots", "base: {train.early_stopping: 3, kl.warmup_steps: 5, train.stop.delta: 1}\n", []string{
			`x.yaml:1:8: train: unknown key "early_stopping": train.stop.patience ends training`, `x.yaml:1:33: kl: unknown key "warmup_steps": in Optimus and others it warms up the learning rate`,
			`x.yaml:1:53: train.stop: unknown key "delta"; did you mean min_delta?`}},
		{"the end of two names", "base: {model: {lstm: {hidden: 32}}}\n", []string{`x.yaml:1:23: model.lstm: unknown key "hidden"; did you mean enc_hidden or dec_hidden?`}},
		{"seed and seeds", "seed: 3\nseeds: 2\n", []string{`x.yaml:1:1: seeds: given twice, here as "seed"`}},
		{"a seed that is a word", "seed: x\n", []string{`x.yaml:1:7: seeds: must be whole numbers of at least 0, got "x"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text), Options{})
			expectFaults(t, err, c.want...)
		})
	}
	_, err := Parse("x.yaml", []byte("base: {}\n"), Options{Sets: []string{"seed=4", "lr=1"}})
	expectFaults(t, err, `--set seed=4: unknown section "seed": seeds: at the top of the file`, `--set lr=1: unknown section "lr"; it is a setting elsewhere: train.lr`)
	e := parse(t, "seed: 7\n", Options{})
	if got := seedsOf(e); !slices.Equal(got, []int{7}) || !slices.Equal(e.Notes, []string{`x.yaml:1:1: "seed" is understood as the list seeds: [7]`}) {
		t.Errorf("seed: 7: seeds %v, notes %q", got, e.Notes)
	}
}

// TestAnswersAreTrue: each setting that an answer names exists, and each name is answered once, in one spelling.
func TestAnswersAreTrue(t *testing.T) {
	known := map[string]bool{"train.stop": true, "train.decay": true}
	for key := range traits() {
		known[key] = true
	}
	path := regexp.MustCompile(`\b(?:data|model|variant|kl|train)\.[a-z_.-]*[a-z_]`)
	check := func(where string, all []foreign) {
		seen := map[string]bool{}
		for _, f := range all {
			for _, name := range f.names {
				if seen[name] || name != strings.ToLower(name) || strings.ContainsAny(name, "- ") {
					t.Errorf("%s: %q is given twice or not in lower case with _", where, name)
				}
				seen[name] = true
			}
			for _, p := range path.FindAllString(f.says, -1) {
				if !known[p] {
					t.Errorf("%s: %q: there is no setting %s", where, f.says, p)
				}
			}
		}
	}
	check("keys", foreigners)
	for what, all := range foreignKinds {
		check(what, all)
	}
}

// TestDottedKeys: a key such as train.lr in base or in an entry sets what --set train.lr= sets.
func TestDottedKeys(t *testing.T) {
	for _, c := range []struct {
		name, text string
		keys       []string
		want       string
	}{
		{"in an entry", "grid: [{variant: vanilla, train.lr: [1, 2]}]\n", []string{"variant", lr}, "vanilla 1 | vanilla 2"},
		{"in base", "base: {train.lr: 3, train: {epochs: 2}}\n", []string{lr, epochs}, "3 2"},
		{"below a section", "base: {train: {decay.patience: 2, lr: 3}}\n", []string{"train.decay.patience", lr}, "2 3"},
		{"of a kind that the entry names", "grid: [{variant: bn, variant.bn.gamma: [1, 2]}]\n", []string{"variant", gamma}, "bn 1 | bn 2"},
		{"of a kind that the base names", "base: {variant: {bn: {eps: 2}, free-bits: {}}}\ngrid: [{variant.bn.gamma: 1}]\n", []string{"variant", gamma, eps}, "bn+free-bits 1 2"},
		{"of the kind that is meant by nothing", "grid: [{model.lstm.nz: 4}]\n", []string{nz}, "4"},
		{"over the base", "base: {train: {lr: 5}}\ngrid: [{train.learning_rate: 6}, {}]\n", []string{lr}, "6 | 5"},
		{"a section", "base: {train.stop: {patience: 3, metric: mi}}\n", []string{"train.stop.patience", "train.stop.metric"}, "3 mi"},
		{"under a --set", "base: {train.lr: 3}\n", []string{lr}, "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := values(parse(t, c.text, Options{}), c.keys...); got != c.want {
				t.Errorf("%s got %s, want %s", c.text, got, c.want)
			}
		})
	}
	if got := values(parse(t, "base: {train.lr: 3}\n", Options{Sets: []string{"train.lr=4"}}), lr); got != "4" {
		t.Errorf("under a --set: %s", got)
	}
	for text, want := range map[string]string{
		"base: {train.lr: 1, train: {lr: 2}}\n":                    `x.yaml:1:8: train.lr: given twice, here as "train.lr"`,
		"base: {train.lr: 1, train.learning_rate: 2}\n":            `x.yaml:1:21: train.lr: given twice, here as "train.learning_rate"`,
		"base: {train.lrr: 1}\n":                                   `x.yaml:1:8: train: unknown key "lrr"`,
		"base: {trian.lr: 1}\n":                                    `x.yaml:1:8: unknown section "trian.lr"`,
		"grid: [{variant: vanilla, variant.bn.gamma: 1}]\n":        `x.yaml:1:27: variant.bn.gamma: the trials of this entry use another variant; name it, variant: {bn: {...}}`,
		"base: {data.text.train: a.txt}\n":                         `x.yaml:1:8: data.text.train: the trials of this entry use another data; name it, data: {text: {...}}`,
		"grid: [{variant: bn, variant.bn.gamma: [-1]}]\n":          `x.yaml:1:41: variant.bn.gamma: -1 is outside (0,inf)`,
		"grid: [{train.lr: [1, 1]}]\n":                             `x.yaml:1:8: grid: has the same settings as the entry at line 1`,
		"base: {kl.warm_up: 3}\n":                                  `x.yaml:1:8: kl.warm_up: has no effect on a constant schedule`,
		"base: {train.optimizer: sgd, train.momentum: [0, 1.5]}\n": `x.yaml:1:50: train.momentum: 1.5 is outside [0,1)`,
	} {
		_, err := Parse("x.yaml", []byte(text), Options{})
		expectFaults(t, err, want)
	}
}
