package sweep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vaelab/experiments"
	"vaelab/internal/converge"
	"vaelab/internal/data"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
	"vaelab/variants"
)

// parse reads a file that has no faults.
func parse(t *testing.T, text string, opts Options) *Experiment {
	t.Helper()
	e, err := Parse("x.yaml", []byte(text), opts)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return e
}

// expectFaults checks that the faults are as many as wanted, in order, each beginning as
// wanted; what follows a fault's beginning is a list of names.
func expectFaults(t *testing.T, err error, want ...string) {
	t.Helper()
	var got Faults
	if err != nil && !errors.As(err, &got) {
		t.Fatalf("error of type %T: %v", err, err)
	}
	if len(got) != len(want) {
		t.Errorf("got %d faults, want %d:\n%v", len(got), len(want), err)
		return
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		// the text
		{"syntax", "base:\n  data: {synthetic: {train: 1}\n", []string{`x.yaml:2:9: not valid YAML: this { is not closed`}},
		{"tab", "base:\n\ttrain: {}\n", []string{`x.yaml:2:1: not valid YAML: the line is indented with a tab; YAML is indented with spaces`}},
		{"tab after spaces", "base:\n # a\tb\n \ttrain: {}\n", []string{`x.yaml:3:2: not valid YAML: the line is indented with a tab`}},
		{"open quote", "base: # it's [\n  data: {text: {train: \"a]}}\ngrid: []\n", []string{`x.yaml:2:24: not valid YAML: this " is not closed`}},
		{"open list", "base: {}\ngrid:\n- variant: {bn: {gamma: [0.5, 1}}\n", []string{`x.yaml:3:25: not valid YAML: this [ is not closed`}},
		{"list over lines", "grid: [{variant: 'it''s [}'},\n  {variant: bn}\nseeds: 2\n", []string{`x.yaml:1:7: not valid YAML: this [ is not closed`}},
		{"a text", strings.Repeat("ab c\n", 1000), []string{`x.yaml:1:1: not an experiment: must be keys and values such as base and grid (vaelab list experiments shows some), got text of 4999 bytes, "ab c ab c`}},
		{"end", "base: {}\n}\n", []string{`x.yaml:1: not valid YAML: did not find expected key`}},
		{"syntax after the document", "base: {}\n---\n[\n", []string{`x.yaml:3: not valid YAML:`}},
		{"empty", "", []string{`x.yaml: the file is empty; an experiment has at least a grid`}},
		{"comments only", "# Why?\n\n", []string{`x.yaml: the file is empty`}},
		{"null", "---\n", []string{`x.yaml: the file is empty`}},
		{"two documents", "base: {}\n---\nbase: {}\n", []string{`x.yaml:2:1: more than one YAML document; one file is one experiment`}},
		{"a list", "- vanilla\n", []string{`x.yaml:1:1: not an experiment: must be keys and values such as base and grid (vaelab list experiments shows some), got a list`}},
		{"a word", "vanilla\n", []string{`x.yaml:1:1: not an experiment: must be keys and values such as base and grid (vaelab list experiments shows some), got "vanilla"`}},
		{"unknown alias", "base: *b\n", []string{`x.yaml: not valid YAML: unknown anchor 'b' referenced`}},

		// names
		{"top-level key", "bas: {}\n", []string{`x.yaml:1:1: unknown key "bas"; did you mean "base"? known: experiment, base, grid, seeds, baseline, figures`}},
		{"section", "base:\n  trian: {lr: 1}\n", []string{`x.yaml:2:3: unknown section "trian"; did you mean "train"? known: data, model, variant, kl, train`}},
		{"key", "base:\n  train: {epoch: 1}\n", []string{`x.yaml:2:11: train: unknown key "epoch"; did you mean "epochs"? known: epochs, max_steps,`}},
		{"key of a kind", "base:\n  variant: {bn: {gama: 1}}\n", []string{`x.yaml:2:18: variant.bn: unknown key "gama"; did you mean "gamma"? known: gamma, eps, momentum`}},
		{"key of a nested section", "base: {train: {decay: {factr: 0.5}}}\n", []string{`x.yaml:1:24: train.decay: unknown key "factr"; did you mean "factor"? known: factor, patience, from, max`}},
		{"kind without settings", "base: {variant: {vanilla: {gama: 1}}}\n", []string{`x.yaml:1:28: variant.vanilla: has no settings, but "gama" is given`}},
		{"variant", "grid: [{variant: bnn}]\n", []string{`x.yaml:1:18: variant: unknown variant "bnn"; did you mean "bn"? known: ` + strings.Join(variants.Methods.Names(), ", ")}},
		{"a variant under two names", "base:\n model: {lstm: {word_dropout: 0.3}}\n variant: word-dropout\n", []string{`x.yaml:3:11: variant: word-dropout: model.lstm.word_dropout is another name for this variant; leave one of the two out`}},
		{"a variant of conditions without any", "base:\n data: {synthetic: {vocab: 9}}\n variant: {bn: {}, cvae: {}}\n", []string{`x.yaml:3:11: variant: bn+cvae: reads what is given with each example, and with these data nothing is; set given in the section data, or leave the variant out`}},
		{"exemplars beside conditions", "base:\n data: {synthetic: {given: half}}\n variant: {mixture-prior: {components: data}}\n", []string{`x.yaml:3:11: variant: mixture-prior: encodes examples of its own, which have no conditions, and the data give some; set given: nothing in the section data, or choose another variant`}},
		{"a condition that there is not", "base: {data: {godoc: {given: label}}}\n", []string{`x.yaml:1:30: data.godoc.given: unknown choice "label"; known: nothing, half`}},
		{"a variant of words on images", "base:\n model: mlp\n data: glyphs\n variant: {bn: {}, bow: {}}\n", []string{`x.yaml:4:11: variant: bn+bow: acts on examples of the kind text, and the data are of the kind image; choose other data, or leave it out`}},
		{"a variant of words without a reader", "base: {model: mlp, variant: skip}\n", []string{`x.yaml:1:29: variant: skip: acts on a decoder that reads the words before each, as those of lstm and transformer do, and the model's does not; choose one of them, or leave the variant out`}},
		{"variant with settings", "grid:\n- variant: {bn-scalar: {tau: 0.5}}\n", []string{`x.yaml:2:13: variant: unknown variant "bn-scalar"; did you mean "bn-scaler"?`}},
		{"data", "base: {data: {syntetic: {}}}\n", []string{`x.yaml:1:15: data: unknown data source "syntetic"; did you mean "synthetic"?`}},
		{"model", "base: {model: lsmt}\n", []string{`x.yaml:1:15: model: unknown model "lsmt"; did you mean "lstm"?`}},
		{"model that reads other data", "base: {model: {linear: {}}}\n", []string{`x.yaml:1:15: model: linear reads vector data; these are text; choose another model or other data`}},
		{"data that the default model does not read", "base: {data: {gaussian: {}}}\n", []string{`x.yaml:1:14: model: lstm reads text data; these are vector; choose another model or other data`}},
		{"settings that exclude each other", "base: {model: {lstm: {inputless: true, word_dropout: 0.3}}}\n", []string{`x.yaml:1:15: model: word_dropout has no effect, because an inputless decoder`}},
		{"a lag in several dimensions", "base:\n  train: {lag_every: 100}\n", []string{`x.yaml:2:22: train.lag_every: needs a model with one latent dimension, and lstm has 32; set its latent_dim to 1 or leave lag_every out`}},
		{"figure", "figures: [kl-curv]\n", []string{`x.yaml:1:11: figures: unknown figure "kl-curv"; did you mean "kl-curve"?`}},
		{"choice", "base: {train: {optimizer: adma}}\n", []string{`x.yaml:1:27: train.optimizer: unknown choice "adma"; did you mean "adam"? known: adam, sgd`}},
		{"key of a shared setting", "base:\n  data: {jsonl: {trian: a}}\n", []string{`x.yaml:2:18: data.jsonl: unknown key "trian"; did you mean "train"? known: field, label, drop_label, context, train, valid,`}},
		{"shared settings in a section of their own", "base: {data: {csv: {text: {train: a}}}}\n", []string{`x.yaml:1:21: data.csv: unknown key "text"; did you mean "test"? known: column, label,`}},
		{"a shared setting that is hidden", "base: {data: {jsonl: {labels: true}}}\n", []string{`x.yaml:1:23: data.jsonl: unknown key "labels"; did you mean "label"?`}},
		{"choice of a schedule with settings", "base: {kl: {schedule: liner, start: 0.1}}\n", []string{`x.yaml:1:23: kl.schedule: unknown choice "liner"; did you mean "linear"?`}},
		{"a list as key", "base: {train: {? [a, b] : 1}}\n", []string{`x.yaml:1:18: train: a key must be a name, got a list`}},

		// values
		{"word for a whole number", "base: {train: {epochs: ten}}\n", []string{`x.yaml:1:24: train.epochs: must be a whole number in [1,1000000], got "ten"`}},
		{"fraction for a whole number", "base: {train: {epochs: 1.5}}\n", []string{`x.yaml:1:24: train.epochs: must be a whole number in [1,1000000], got "1.5"`}},
		{"whole number too large", "base: {train: {epochs: 9223372036854775808}}\n", []string{`x.yaml:1:24: train.epochs: must be a whole number`}},
		{"word for a number", "base: {train: {lr: fast}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got "fast"`}},
		{"nothing for a number", "base:\n  train:\n    lr:\n", []string{`x.yaml:3:8: train.lr: must be a number in (0,inf), got nothing`}},
		{"keys for a number", "base: {train: {lr: {a: 1}}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got keys and values`}},
		{"NaN", "base: {train: {lr: NaN}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got "NaN"`}},
		{"YAML's NaN", "base: {train: {lr: .nan}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got ".nan"`}},
		{"infinity", "base: {train: {lr: inf}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got "inf"`}},
		{"beyond float64", "base: {train: {lr: 1e999}}\n", []string{`x.yaml:1:20: train.lr: must be a number in (0,inf), got "1e999"`}},
		{"yes for true", "base: {data: {text: {train: a, lower: yes}}}\n", []string{`x.yaml:1:39: data.text.lower: must be true or false, got "yes"`}},
		{"value of a shared setting", "base: {data: {csv: {train: a, min_count: 0}}}\n", []string{`x.yaml:1:42: data.csv.min_count: 0 is outside [1,inf)`}},
		{"choice of a shared setting", "base: {data: {jsonl: {train: a, too_long: dorp}}}\n", []string{`x.yaml:1:43: data.jsonl.too_long: unknown choice "dorp"; did you mean "drop"? known: error, drop, cut`}},
		{"nothing for a choice", "base: {train: {report: }}\n", []string{`x.yaml:1:24: train.report: must be one of best, last, got nothing`}},
		{"negative seed of the data", "base: {data: {synthetic: {seed: -1}}}\n", []string{`x.yaml:1:33: data.synthetic.seed: must be a whole number, got "-1"`}},
		{"tau 0", "base: {variant: {bn-scaler: {tau: 0}}}\n", []string{`x.yaml:1:35: variant.bn-scaler.tau: 0 is outside (0,1)`}},
		{"tau 1 and 1.5", "base: {variant: {bn-scaler: {tau: [1, 1.5]}}}\n", []string{
			`x.yaml:1:36: variant.bn-scaler.tau: 1 is outside (0,1)`, `x.yaml:1:39: variant.bn-scaler.tau: 1.5 is outside (0,1)`}},
		{"batch size 0", "base: {train: {batch_size: 0}}\n", []string{`x.yaml:1:28: train.batch_size: 0 is outside [2,1000000]`}},
		{"a cycle too short", "base: {kl: {schedule: cyclical-zero, zero: 0.9}}\n", []string{`x.yaml:1:12: kl: zero 0.9 and ratio 0.5 do not fit into one cycle`}},
		{"batch of one", "base: {train: {batch_size: 1}}\n", []string{`x.yaml:1:28: train.batch_size: 1 is outside [2,1000000]`}},
		{"decay factor 1", "base: {train: {decay: {factor: 1}}}\n", []string{`x.yaml:1:32: train.decay.factor: 1 is outside (0,1)`}},
		{"empty list", "base: {train: {lr: []}}\n", []string{`x.yaml:1:20: train.lr: the list is empty; give at least one value`}},

		// scalars for mappings and the reverse
		{"scalar for base", "base: vanilla\n", []string{`x.yaml:1:7: base: must be keys and values, got "vanilla"`}},
		{"list for base", "base: [{}]\n", []string{`x.yaml:1:7: base: must be keys and values, got a list`}},
		{"scalar for train", "base: {train: 5}\n", []string{`x.yaml:1:15: train: must be keys and values, got "5"`}},
		{"scalar for settings", "base: {variant: {bn: 5}}\n", []string{`x.yaml:1:22: variant.bn: must be keys and values, got "5"`}},
		{"scalar for a nested section", "base: {train: {decay: 5}}\n", []string{`x.yaml:1:23: train.decay: must be keys and values, got "5"`}},
		{"mapping for the grid", "grid: {variant: bn}\n", []string{`x.yaml:1:7: grid: must be a list of entries, each with the settings to vary, got keys and values`}},
		{"empty grid", "grid: []\n", []string{`x.yaml:1:7: grid: must be a list of entries`}},
		{"scalar for an entry", "grid: [vanilla]\n", []string{`x.yaml:1:8: grid: must be keys and values, got the name of a variant; write variant: vanilla`}},
		{"scalar for figures", "figures: kl-curve\n", []string{`x.yaml:1:10: figures: must be a list, got "kl-curve"`}},
		{"list for a figure", "figures: [[kl-curve]]\n", []string{`x.yaml:1:11: figures: must be the name of a figure, got a list`}},
		{"figure twice", "figures: [sweep, sweep]\n", []string{`x.yaml:1:18: figures: sweep is given twice`}},

		// kinds
		{"two kinds of data", "base: {data: {synthetic: {}, text: {train: a}}}\n", []string{`x.yaml:1:14: data: must be one kind with its settings, such as {synthetic: {}}, got 2; known: `}},
		{"no kind of model", "base: {model: {}}\n", []string{`x.yaml:1:15: model: must be one kind with its settings, such as {lstm: {}}, got 0; known:`}},
		{"no variant", "base: {variant: {}}\n", []string{`x.yaml:1:17: variant: must be at least one kind`}},
		{"two heads", "base: {variant: {bn: {}, ln: {}}}\n", []string{`x.yaml:1:17: variant: bn+ln: bn and ln both act on the head (each makes the posterior q(z|x) from the encoder's outputs), so one of them would have no effect; write two entries of the grid, each with one of them`}},
		{"two controllers", "base:\n  variant:\n    control-vae: {}\n    geco: {}\n", []string{`x.yaml:3:5: variant: control-vae+geco: control-vae and geco both act on the weigher (each sets the KL weight of each step), so one of them would have no effect; write two entries of the grid, each with one of them`}},
		{"two penalties", "base: {variant: {capacity: {}, free-bits: {}}}\n", []string{`x.yaml:1:17: variant: capacity+free-bits: capacity and free-bits both act on the penalty (each changes the KL term of the loss)`}},
		{"a target of no nats", "base: {variant: {control-vae: {c: 0}}}\n", []string{`x.yaml:1:35: variant.control-vae.c: 0 is outside (0,inf)`}},
		{"two heads that share parameters", "base: {variant: {bn: {}, bn-scaler: {}}}\n", []string{`x.yaml:1:17: variant: bn+bn-scaler: bn and bn-scaler both act on the head`}},

		// given twice
		{"key", "base: {}\nbase: {}\n", []string{`x.yaml:2:1: base: given twice; the first is at x.yaml:1:`}},
		{"setting", "base:\n  train:\n    lr: 1\n    lr: 2\n", []string{`x.yaml:4:5: train.lr: given twice; the first is at x.yaml:3:`}},
		{"setting of an entry", "base: {train: {epochs: 3}}\ngrid: [{train: {lr: 1, lr: 2}}]\n", []string{`x.yaml:2:24: train.lr: given twice; the first is at x.yaml:2:`}},
		{"variant", "base: {variant: {bn: {}, bn: {gamma: 1}}}\n", []string{`x.yaml:1:26: variant.bn: given twice; the first is at x.yaml:1:`}},
		{"alias and original", "base:\n  train:\n    lr: 1\n    learning_rate: 2\n", []string{`x.yaml:4:5: train.lr: given twice, here as "learning_rate" and at x.yaml:3:`}},
		{"two aliases", "base: {model: {lstm: {nz: 1, latent_size: 2}}}\n", []string{`x.yaml:1:30: model.lstm.latent_dim: given twice, here as "latent_size" and at x.yaml:1:`}},
		{"alias and original of a shared setting", "base: {data: {jsonl: {train: a, train_data: b}}}\n", []string{`x.yaml:1:33: data.jsonl.train: given twice, here as "train_data" and at x.yaml:1:`}},
		{"flat alias and original", "base: {nz: 1, model: {lstm: {latent_dim: 2}}}\n", []string{`x.yaml:1:8: model.lstm.latent_dim: given twice, here as "nz"`}},
		{"two flat aliases", "base: {nz: 1, latent_size: 2}\n", []string{`x.yaml:1:15: model.lstm.latent_dim: given twice, here as "latent_size"`}},
		{"merge key", "base: &b {train: {lr: 1}}\ngrid:\n- <<: *b\n", []string{`x.yaml:3:3: merge keys (<<) are not supported; put what entries share into base`}},

		// what is compared with
		{"a baseline that is no variant of the file", "grid: [{variant: vanilla}, {variant: bn}]\nbaseline: vanila\n", []string{`x.yaml:2:11: baseline: unknown variant "vanila"; did you mean "vanilla"?`}},
		{"a baseline that leaves a setting open", "grid: [{variant: {bn: {gamma: [1, 2]}}}]\nbaseline: bn\n", []string{`x.yaml:2:11: baseline: bn has several values of variant.bn.gamma (1, 2); name one`}},
		{"a baseline's value", "grid: [{variant: {bn: {gamma: [1, 2]}}}]\nbaseline: {variant: bn, variant.bn.gamma: 3}\n", []string{`x.yaml:2:43: baseline: no trial of the selection has variant.bn.gamma 3; there are 1, 2`}},
		{"a baseline's setting", "grid: [{variant: bn}]\nbaseline: {variant: bn, variant.bn.gama: 3}\n", []string{`x.yaml:2:42: baseline: unknown setting "variant.bn.gama"; did you mean "variant.bn.gamma"?`}},
		{"nothing for a baseline", "grid: [{variant: bn}]\nbaseline:\n", []string{`x.yaml:2:10: baseline: selects nothing`}},
		{"a list for a baseline", "grid: [{variant: bn}]\nbaseline: [bn]\n", []string{`x.yaml:2:11: baseline: must be keys and values, got a list`}},

		// the grid
		{"equal entries", "grid:\n- variant: bn\n- variant: vanilla\n- {variant: {bn: {gamma: 0.5}}}\n", []string{`x.yaml:4:3: grid: has the same settings as the entry at line 2; each trial must differ in some setting`}},
		{"equal elements", "grid:\n- train: {lr: [1, 2, 1.0]}\n", []string{`x.yaml:2:3: grid: has the same settings as the entry at line 2`}},
		{"equal in another order", "grid:\n- variant: {bn: {}, free-bits: {}}\n- variant: {free-bits: {}, bn: {}}\n", []string{`x.yaml:3:3: grid: has the same settings as the entry at line 2`}},
		{"wrong values are not equal trials", "base: {variant: {bn: {gamma: [-1, -2], eps: [1, 2]}}}\n", []string{
			`x.yaml:1:31: variant.bn.gamma: -1 is outside (0,inf)`, `x.yaml:1:35: variant.bn.gamma: -2 is outside (0,inf)`}},
		{"too many trials", "base: {train: {lr: [" + strings.Repeat("1, ", 1001) + "], clip: [" + strings.Repeat("1, ", 100) + "]}}\n", []string{`x.yaml:1:1: grid: lists and seeds make more than 100000 trials`}},
		{"too many seeds", "base: {train: {lr: [1, 2]}}\nseeds: 60000\n", []string{`x.yaml:1:1: grid: lists and seeds make more than 100000 trials`}},

		// KL settings without effect
		{"idle on constant", "base: {kl: {warm_up: 5}}\n", []string{`x.yaml:1:13: kl.warm_up: has no effect on a constant schedule; choose another kl.schedule or leave it out`}},
		{"idle on linear", "base: {kl: {schedule: linear, cycles: 5}}\n", []string{`x.yaml:1:31: kl.cycles: has no effect on a linear schedule`}},
		{"idle alias", "base: {kl_start: 0.5, kl: {schedule: sigmoid}}\n", []string{`x.yaml:1:8: kl.start: has no effect on a sigmoid schedule`}},

		// when a trial counts as converged
		{"no such key of converged", "converged: {step: 3}\n", []string{`x.yaml:1:13: converged: unknown key "step"; did you mean "steps"?`}},
		{"converged over no steps", "converged: {steps: 0}\n", []string{`x.yaml:1:20: converged.steps: 0 is outside [1,inf)`}},
		{"converged without tolerance", "converged: {tolerance: 0}\n", []string{`x.yaml:1:24: converged.tolerance: 0 is outside (0,inf)`}},
		{"converged without a key", "converged: 3000\n", []string{`x.yaml:1:12: converged: must be keys and values, got "3000"`}},
		{"misspelt converged", "convergd: {steps: 3}\n", []string{`x.yaml:1:1: unknown key "convergd"; did you mean "converged"?`}},

		// when to stop
		{"a metric without patience", "base: {train: {stop: {metric: rec}}}\n", []string{`x.yaml:1:23: train.stop.metric: has no effect while train.stop.patience is 0; set patience`}},
		{"a minimum without patience", "base: {train: {stop: {min_updates: 9}}}\n", []string{`x.yaml:1:23: train.stop.min_updates: has no effect while train.stop.patience is 0; set patience`}},
		{"momentum that Adam does not read", "base: {train: {momentum: 0.9}}\n", []string{`x.yaml:1:26: train.momentum: has no effect with optimizer adam, which has a running mean of its own (0.9); set train.optimizer: sgd`}},
		{"momentum of 1", "base: {train: {optimizer: sgd, momentum: 1}}\n", []string{`x.yaml:1:42: train.momentum: 1 is outside [0,1)`}},
		{"decay that turns weights round", "base: {train: {optimizer: sgd, lr: 2, wd: 0.5}}\n", []string{`x.yaml:1:43: train.weight_decay: must be below 1/train.lr, here 0.5: each step multiplies`}},
		{"no such metric", "base: {train: {stop: {metric: kl, patience: 2}}}\n", []string{`x.yaml:1:31: train.stop.metric: unknown choice "kl"; did you mean "mi"? known: objective, nelbo, rec, mi, gap`}},
		{"a misspelt metric", "base: {train: {stop: {metric: objectiv, patience: 2}}}\n", []string{`x.yaml:1:31: train.stop.metric: unknown choice "objectiv"; did you mean "objective"?`}},
		{"less than no improvement", "base: {train: {stop: {min_delta: -1, patience: 2}}}\n", []string{`x.yaml:1:34: train.stop.min_delta: -1 is outside [0,inf)`}},
		{"a misspelt key", "base: {train: {stop: {patienc: 2}}}\n", []string{`x.yaml:1:23: train.stop: unknown key "patienc"; did you mean "patience"?`}},
		{"one number", "base: {train: {stop: 3}}\n", []string{`x.yaml:1:22: train.stop: must be keys and values, got "3"`}},

		// seeds
		{"seeds 0", "seeds: 0\n", []string{`x.yaml:1:8: seeds: must be a count in [1,100000] or a list of whole numbers, got "0"`}},
		{"seeds negative", "seeds: -3\n", []string{`x.yaml:1:8: seeds: must be a count in [1,100000] or a list of whole numbers, got "-3"`}},
		{"seeds in millions", "seeds: 1000000\n", []string{`x.yaml:1:8: seeds: must be a count in [1,100000]`}},
		{"seeds empty", "seeds: []\n", []string{`x.yaml:1:8: seeds: must be a count in [1,100000]`}},
		{"seeds mapping", "seeds: {1: 2}\n", []string{`x.yaml:1:8: seeds: must be a count in [1,100000] or a list of whole numbers, got keys and values`}},
		{"seed negative, a word, twice", "seeds: [3, -1, x, 3]\n", []string{
			`x.yaml:1:12: seeds: must be whole numbers of at least 0, got "-1"`, `x.yaml:1:16: seeds: must be whole numbers of at least 0, got "x"`, `x.yaml:1:19: seeds: 3 is given twice`}},

		// the name is a folder
		{"slash", "experiment: a/b\n", []string{`x.yaml:1:13: experiment: must be a name of letters, digits, '.', - and _ that begins with a letter or digit, got "a/b"`}},
		{"path traversal", "experiment: ../../etc\n", []string{`x.yaml:1:13: experiment: must be a name`}},
		{"dots", "experiment: ..\n", []string{`x.yaml:1:13: experiment: must be a name`}},
		{"newline", "experiment: \"a\\n\"\n", []string{`x.yaml:1:13: experiment: must be a name`}},
		{"list", "experiment: [a]\n", []string{`x.yaml:1:13: experiment: must be a name`}},

		// all at once
		{"several", "experiment: a/b\nbase:\n  train: {lr: -1, epochs: x, foo: 1}\n  kl: {warm_up: 3}\ngrid:\n- variant: bnn\n- variant: {bn: {gamma: 0}}\nseeds: 0\nfigures: [x]\nend: 1\n", []string{
			`x.yaml:1:13: experiment: `, `x.yaml:3:15: train.lr: -1 is outside (0,inf)`, `x.yaml:3:27: train.epochs: must be`, `x.yaml:3:30: train: unknown key "foo"`,
			`x.yaml:4:8: kl.warm_up: has no effect`, `x.yaml:6:12: variant: unknown variant "bnn"`, `x.yaml:7:25: variant.bn.gamma: 0 is outside (0,inf)`,
			`x.yaml:8:8: seeds: `, `x.yaml:9:11: figures: unknown figure "x"`, `x.yaml:10:1: unknown key "end"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text), Options{})
			expectFaults(t, err, c.want...)
		})
	}
}

// TestHostileFiles end soon and with one fault, not with the memory.
func TestHostileFiles(t *testing.T) {
	laughs := "base:\n  a0: &a0 [1, 2]\n"
	for i := 1; i < 64; i++ {
		laughs += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"billion laughs":       {laughs, "x.yaml:2:12: the file has more than 20000 keys and values, repetitions by aliases included"},
		"contains itself":      {"base: &a {train: *a}\n", "x.yaml:1:7: nested more than 50 deep"},
		"list contains itself": {"base: &a [*a, *a]\n", "x.yaml:1:7: nested more than 50 deep"},
		"deep":                 {"base: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "x.yaml:1:57: nested more than 50 deep"},
		"very deep":            {"base: " + strings.Repeat("[", 50_000), "x.yaml: not valid YAML: exceeded max depth of 10000"},
		"long":                 {"seeds: [" + strings.Repeat("1,", 30_000) + "]", "x.yaml:1:40003: the file has more than 20000 keys and values"},
	} {
		_, err := Parse("x.yaml", []byte(c.text), Options{})
		t.Run(name, func(t *testing.T) { expectFaults(t, err, c.want) })
	}
}

// TestFileNames: the name of the file is that of a results folder if it can be.
func TestFileNames(t *testing.T) {
	for path, want := range map[string]string{
		"a/b/gamma sweep.yaml": "gamma sweep", "x.yml": "x", "v1.2.yaml": "v1.2",
		"...yaml": "", "..yaml": "", ".yaml": "", // "..", "." and nothing
	} {
		e, err := Parse(path, []byte("base: {}\n"), Options{})
		switch {
		case want == "":
			expectFaults(t, err, path+":1:1: the file's name cannot be the name of a results folder")
		case err != nil || e.Name != want || e.Trials[0].Experiment != want:
			t.Errorf("%s: %+v, error %v", path, e, err)
		}
	}
	if e, err := Parse("...yaml", []byte("experiment: a.b-c_1\n"), Options{}); err != nil || e.Name != "a.b-c_1" {
		t.Errorf("experiment: %v, error %v", e, err)
	}
}

func TestQuestion(t *testing.T) {
	for text, want := range map[string]string{
		"# Why?\nbase: {}\n":                                         "Why?",
		"\ufeff# Why does\r\n# it?\r\n\r\nbase: {}":                  "Why does it?",
		"# Why?\n#\n# Run it with care.\nbase: {}\n":                 "Why?",
		"base: {}\n# Why?\n":                                         "",
		"# yaml-language-server: $schema=s.json\n# Why?\nbase: {}\n": "Why?",
	} {
		if got := parse(t, text, Options{}).Question; got != want {
			t.Errorf("%q: question %q, want %q", text, got, want)
		}
	}
}

// TestSharedSettings: those that jsonl and csv have of text are theirs, whether a file, an
// alias or the command line gives them, and come back from trial.json.
func TestSharedSettings(t *testing.T) {
	const text = "base: {data: {jsonl: {field: sentence1, label: gold_label, train: a.jsonl, dev: b.jsonl}}}\n"
	e := parse(t, text, Options{Sets: []string{"data.jsonl.max_length=9", "data.jsonl.test=c.jsonl"}})
	want := data.JSONL{Field: "sentence1", Labels: "gold_label", Context: "context", Text: data.Text{
		Train: "a.jsonl", Valid: "b.jsonl", Test: "c.jsonl", MinCount: 1, MaxWords: 9, TooLong: "error", Unit: "words", Unicode: "none", Given: "nothing",
	}}
	if got := e.Trials[0].Data; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := strings.Join(e.Notes, "\n"); !strings.Contains(got, `x.yaml:1:76: data.jsonl: "dev" is understood as "valid"`) {
		t.Errorf("notes %q", got)
	}
	config := e.Trials[0].Config
	if _, ok := config["data.jsonl.labels"]; ok || config["data.jsonl.train"] != "a.jsonl" || config["data.jsonl.label"] != "gold_label" {
		t.Errorf("config %v", config)
	}
	checkRoundTrip(t, e.Trials[0])

	e = parse(t, "base: {data: {csv: {label: stars}}, val_data: v.csv}\n", Options{}) // flat, as in the field's flags
	if got := e.Trials[0].Config["data.csv.valid"]; got != "v.csv" {
		t.Errorf("valid %q, notes %q", got, e.Notes)
	}
}

// TestInline: what is embedded must say so, and what says so must be embedded.
func TestInline(t *testing.T) {
	for name, kind := range map[string]reflect.Value{
		"embedded without the tag": reflect.ValueOf(struct {
			shared
		}{}),
		"the tag on a name": reflect.ValueOf(struct {
			Shared shared `yaml:",inline"`
		}{}),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "sweep: field ") {
					t.Errorf("got %s, want a panic", got)
				}
			}()
			settings(kind)
		})
	}
}

// TestRead reads a file of the disk, and says which if there is none.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.yaml")
	if _, err := Read(path, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("seeds: 2\nconverged: {steps: 500}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if e, err := Read(path, Options{}); err != nil || e.Name != "q" || len(e.Trials) != 2 || e.Converged.Steps != 500 || e.Converged.Tolerance != converge.Default.Tolerance {
		t.Errorf("got %+v, %v", e, err)
	}
}

// refused reports whether the file is about a precision that a build for float64 refuses.
func refused(file string) bool {
	return tensor.Bits == 64 && strings.HasPrefix(filepath.Base(file), "bf16")
}

// TestShippedExperiments: what comes with the program can be read, and asks its question.
func TestShippedExperiments(t *testing.T) {
	for _, name := range experiments.Names() {
		file := experiments.Path(name)
		if refused(file) {
			continue
		}
		text, err := experiments.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Parse(file, text, Options{})
		if err != nil {
			t.Error(err)
		} else if !strings.HasSuffix(e.Question, "?") || len(e.Trials) == 0 || len(e.Notes) > 0 {
			t.Errorf("%s: question %q, %d trials, notes %q", file, e.Question, len(e.Trials), e.Notes)
		}
	}
}

// FuzzParse: no text and no --set makes Parse panic, and what it accepts can be rebuilt
// from its configuration.
func FuzzParse(f *testing.F) {
	f.Add("base: &a {variant: [bn, {bn: {gamma: [0.3, 1]}}], nz: 8}\ngrid: [*a, {train: [{lr: 1}, {lr: 2}]}]\nseeds: [1, 2]\n", "variant.bn.gamma=[1, 2]", "3,5")
	f.Add("base: {kl_start: 0.1, data: {text: {val: x}}, train: {decay: {lr_decay: 0.5}}}\nfigures: [sweep]\n", "data={godoc: {}}", "2")
	f.Add("base: {label_field: y, data: {jsonl: {dev: x, lower: true}}}\n", "data.jsonl.too_long=cut", "1")
	f.Add("base: &a {train: *a}\n", "train=&a [*a]", "-1")
	f.Add("? [a]\n: <<: b\n", "variant", "x")
	f.Add("grid:\n- \n- variant: ~\n- variant: {bn: , free-bits: {target_kl: 1}}\n", "model.lstm.nz=", "")
	f.Fuzz(func(t *testing.T, text, set, seeds string) {
		for _, opts := range []Options{{}, {Sets: []string{set}, Seeds: seeds}} {
			e, err := Parse("x.yaml", []byte(text), opts)
			var faults Faults
			if err != nil && !errors.As(err, &faults) {
				t.Errorf("%T: %v", err, err)
			}
			if err != nil {
				continue
			}
			if len(e.Trials) == 0 {
				t.Errorf("no trials and no fault")
			}
			for _, trial := range e.Trials[:min(len(e.Trials), 20)] {
				checkRoundTrip(t, trial)
			}
		}
	})
}

// checkRoundTrip rebuilds a trial from its configuration.
func checkRoundTrip(t *testing.T, trial train.Trial) {
	t.Helper()
	Identify(&trial, "0123456789abcdef")
	back, err := FromConfig(trial.Trial)
	if err != nil {
		t.Errorf("%s: %v", trial.Variant, err)
		return
	}
	if got, want := fmt.Sprintf("%#v", back), fmt.Sprintf("%#v", trial); got != want {
		t.Errorf("%s:\n got %s\nwant %s", trial.Variant, got, want)
	}
	again := back
	again.ID = ""
	if Identify(&again, "0123456789abcdef"); again.ID != trial.ID {
		t.Errorf("%s: ID %s became %s", trial.Variant, trial.ID, again.ID)
	}
}

// TestParseMistaken: what is no YAML at all is named.
func TestParseMistaken(t *testing.T) {
	for head, says := range map[string]string{
		"<!DOCTYPE html>\n<html>Sign in</html>":                                     "my.yaml: the file is a web page",
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": "a Git LFS pointer",
		"PK\x03\x04\x14\x00\x00\x00\x08\x00":                                        "a zip archive",
	} {
		if _, err := Parse("my.yaml", []byte(head), Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", head, err, says)
		}
	}
}

// TestOrder: faults, notes and the faults of claims come in the order of their lines, whatever is read first.
func TestOrder(t *testing.T) {
	inOrder := func(what string, said []string) {
		t.Helper()
		if len(said) < 3 || !slices.IsSortedFunc(said, byPlace("x.yaml", "")) {
			t.Errorf("%s:\n%s", what, strings.Join(said, "\n"))
		}
	}
	_, err := Parse("x.yaml", []byte("seeds: 0\ngrid:\n- variant: bnn\nfigures: [no]\nbase:\n  train: {lr: -1}\n"), Options{})
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	inOrder("faults", faults)
	e := parse(t, "seed: 3\ngrid:\n- {variant: {bn: {}}, kl: {schedule: linear, kl_start: 0.1}, model: {lstm: {ni: 5}}}\nbase:\n  model: {lstm: {nz: 4}}\n", Options{})
	inOrder("notes", e.Notes)
	e = parse(t, asked+`- {say: a, source: b, bound: {metric: kll, of: vanilla, at_least: 0}}
- {say: a, source: b, bond: {metric: kl, of: vanilla}}
- {say: a, source: b, bound: {metric: kl, of: vanila, at_least: 0}}
- {say: a, bound: {metric: kl, of: vanilla, at_least: 0}}
`, Options{SoundClaims: true})
	inOrder("claims", e.Unjudged)
}
