package sweep

import (
	"strings"
	"testing"
)

// TestShortTrainings: a training that ends before the schedule of its KL weight does is noted once, with the weight
// that it ends at. Each trial here has two epochs of ten steps, at most.
func TestShortTrainings(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  train: {batching: mixed"
	for _, c := range []struct {
		kl, train string
		want      string // what the note ends with, or empty
	}{
		{"{beta: 0.5}", "", ""},
		{"{schedule: linear, warm_up: 1}", "", ""},
		{"{schedule: linear, warm_up: 19, unit: steps}", "", ""},
		{"{schedule: linear, warm_up: 20, unit: steps}", "", "its last step, 20, has weight 0.95, and from step 21 on it is kl.beta 1;"},
		{"{schedule: linear, warm_up: 5000}", "", "its last step, 20, has weight 0.00038, and from step 50001 on it is kl.beta 1;"},
		{"{schedule: linear, warm_up: 1}", ", max_steps: 10, eval_every: 1", "its last step, 10, has weight 0.9, and from step 11 on it is kl.beta 1;"},
		{"{beta: 0.5}", ", max_steps: 10", ""},
		{"{beta: 0.5}", ", max_steps: 9", "x.yaml: train: the validation split is never evaluated: training ends at step 9, and the first evaluation is at step 10 "},
		{"{beta: 0.5}", ", eval_every: 3", "training ends at step 20, and the first evaluation is at step 30 "},
		{"{beta: 0.5}", ", stop: {patience: 1}", "x.yaml:1:1: train.stop: has no effect: patience 1 needs 2 evaluations at the final KL weight before the last step, 20, and there are 1;"},
		{"{beta: 0.5}", ", epochs: 3, stop: {patience: 1}", ""},
		{"{beta: 0.5}", ", epochs: 3, stop: {patience: 1, min_updates: 20}", ""},
		{"{beta: 0.5}", ", epochs: 3, stop: {patience: 1, min_updates: 21}", "x.yaml:1:1: train.stop: has no effect: min_updates is 21, and the last evaluation before the end comes after 20 updates of the decoder at most;"},
		{"{schedule: linear, warm_up: 10, unit: steps}", ", epochs: 3, stop: {patience: 1}", ""},
		{"{schedule: linear, warm_up: 11, unit: steps}", ", epochs: 3, stop: {patience: 1}", "before the last step, 30, and there are 1;"},
		{"{schedule: sigmoid, warm_up: 4}", "", "its last step, 20, has weight 0.438, and from step 41 on it is kl.beta 1;"},
		{"{schedule: cyclical, warm_up: 2, cycles: 2}", "", ""},
		{"{schedule: cyclical, warm_up: 8, cycles: 4, beta: 2}", "", "its last step, 20, has weight 2, and from step 71 on it is kl.beta 2;"},
		{"{schedule: cyclical-zero, warm_up: 8, cycles: 2}", "", "its last step, 20, has weight 0.45, and from step 71 on it is kl.beta 1;"},
	} {
		epochs := ", epochs: 2"
		if strings.Contains(c.train, "epochs") {
			epochs = ""
		}
		e := parse(t, text+epochs+c.train+"}\n  kl: "+c.kl+"\nseeds: 2\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(e.Notes, "\n")
		if c.want == "" && got != "" || c.want != "" && (strings.Count(got, "\n") > 0 || !strings.Contains(got, c.want)) {
			t.Errorf("%s%s:\n got %s\nwant %s", c.kl, c.train, got, c.want)
		}
	}
}

// TestShortForTheVariant: a variant that weighs says how many steps it needs.
func TestShortForTheVariant(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  train: {batching: mixed, epochs: 2}\n"
	for variant, want := range map[string]string{
		"{capacity: {steps: 19}}":            "",
		"{capacity: {steps: 20}}":            "variant: capacity needs 20 steps to come to its target, and the training has 20 (train.epochs, train.max_steps); until then train.stop, train.decay and report: best do not count an evaluation; train longer, or variant.capacity: lower steps below 20",
		"{control-vae: {c: 2, ki: 0.03}}":    "",
		"{control-vae: {c: 2, ki: 0.02}}":    "x.yaml:1:1: variant: control-vae needs 25 steps to come to its target, and the training has 20 (train.epochs, train.max_steps); until then train.stop, train.decay and report: best do not count an evaluation; train longer, or variant.control-vae: raise ki from 0.02 to 4/(c steps) = 0.1, for 20 steps",
		"{bn: {}, control-vae: {ki: 0.001}}": "variant: bn+control-vae needs 250 steps",
		"{geco: {nu: 0.01}}":                 "train longer, or variant.geco: raise nu from 0.01 above 1/steps = 0.05",
	} {
		e := parse(t, text+"  variant: "+variant+"\nseeds: 1\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Notes, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", variant, got, want)
		}
	}
}

// TestTargetsAreNoted: a target of the KL is noted below what the head keeps, and above what z can tell of x.
func TestTargetsAreNoted(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 8, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n"
	for variant, want := range map[string]string{
		"{control-vae: {c: 5.7, ki: 0.1}}":                            "",
		"{control-vae: {c: 5.8, ki: 0.1}}":                            "x.yaml:1:1: variant.control-vae.c: the target 5.8 nats is above ln 320 = 5.768, the most that a decoder can learn from z about which of the 320 training examples x is; the rest of the KL is the distance of q(z) from the prior; lower c, or train on more examples",
		"{capacity: {c: 7, steps: 1}}":                                "variant.capacity.c: the target 7 nats is above ln 320",
		"{bn: {}, capacity: {c: 0.9, steps: 1}}":                      "x.yaml:1:1: variant.capacity.c: the target 0.9 nats cannot be reached: bn keeps the KL at or above 1 nats; raise c, or lower the bound of bn",
		"{bn: {}, capacity: {c: 1.1, steps: 1}}":                      "",
		"{bn: {}, mixture-prior: {}, control-vae: {c: 0.9, ki: 0.1}}": "",
		"{delta-vae: {delta: 1}, free-bits: {lambda: 9}}":             "",
	} {
		e := parse(t, text+"  variant: "+variant+"\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Notes, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", variant, got, want)
		}
	}
}

// TestShortForTheRegime: a training of 30 steps, three epochs, that ends in the first phase of its regime is noted, and so is one
// that may; the schedule of the KL weight begins after that phase.
func TestShortForTheRegime(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  train: {batching: mixed, epochs: 3}\n"
	for variant, want := range map[string]string{
		"{aggressive: {patience: 1}}":                                                            "",
		"{aggressive: {patience: 2}}":                                                            "variant: the first phase of aggressive takes at least 3 epochs, 30 steps, and the training has 30; train longer, or change",
		"{fbp: {ae_epochs: 2, patience: 0}}":                                                     "",
		"{fbp: {ae_epochs: 3, patience: 0}}":                                                     "variant: the first phase of fbp takes 3 epochs, 30 steps, and the training has 30;",
		"{fbp: {ae_epochs: 3, patience: 1}}":                                                     "variant: the first phase of fbp may take 3 epochs, 30 steps, and the training has 30;",
		"{fbp: {ae_epochs: 4, patience: 2}, free-bits: {}}":                                      "variant: the first phase of fbp+free-bits takes at least 3 epochs, 30 steps",
		"{fbp: {ae_epochs: 2, patience: 0}, capacity: {steps: 9}}":                               "",
		"{fbp: {ae_epochs: 2, patience: 0}, capacity: {steps: 10}}":                              "variant: capacity+fbp needs 30 steps to come to its target, and the training has 30 ",
		"{fbp: {ae_epochs: 1, patience: 0}}\n  kl: {schedule: linear, warm_up: 19, unit: steps}": "",
		"{fbp: {ae_epochs: 1, patience: 0}}\n  kl: {schedule: linear, warm_up: 20, unit: steps}": "its last step, 30, has weight 0.95, and from step 31 on it is kl.beta 1;",
	} {
		e := parse(t, text+"  variant: "+variant+"\nseeds: 1\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Notes, "\n"); want == "" && got != "" || !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s:\n got %s\nwant %s", variant, got, want)
		}
	}
}

// TestMasksAreNoted: a mask of free bits is noted if something judges evaluations by the objective, and else not.
func TestMasksAreNoted(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  kl: {beta: 0.5}\n"
	for _, c := range []struct {
		mode, train string
		noted       bool
	}{
		{"mask-dim", "report: best", true},
		{"mask-batch", "stop: {patience: 1}", true},
		{"mask-example", "decay: {patience: 1}", true},
		{"mask-dim", "report: last", false},
		{"mask-dim", "stop: {patience: 1, metric: mi}", false},
		{"example-total", "report: best", false},
	} {
		e := parse(t, text+"  train: {"+c.train+"}\n  variant: {free-bits: {lambda: 3, mode: "+c.mode+"}}\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(e.Notes, "\n")
		if want := "variant.free-bits.mode: " + c.mode + " charges nothing below lambda, so the objective falls by up to 1.5 nats"; strings.Contains(notes, want) != c.noted {
			t.Errorf("%s, %s: notes %q", c.mode, c.train, notes)
		}
	}
}

// TestDUWithoutWeight1IsNoted: du-vae is noted where the schedule ends below weight 1.
func TestDUWithoutWeight1IsNoted(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n"
	for _, c := range []struct {
		settings string
		noted    bool
	}{
		{"variant: {du-vae: {}}\n  kl: {beta: 0.5}", true},
		{"variant: {du-vae: {}}\n  kl: {beta: 1}", false},
		{"variant: {bn: {}}\n  kl: {beta: 0.5}", false},
		{"variant: {du-vae: {}, capacity: {steps: 0}}", false},
	} {
		e := parse(t, text+"  "+c.settings+"\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(e.Notes, "\n")
		if strings.Contains(notes, "variant.du-vae: alpha and dropout have no effect: they begin when the KL weight is 1, and kl.beta is 0.5;") != c.noted {
			t.Errorf("%s: notes %q", c.settings, notes)
		}
	}
}
