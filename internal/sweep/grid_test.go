package sweep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// values lists, for every setting of an experiment, the values at some keys, then its
// seeds: "vanilla 0.1 | bn 0.1".
func values(e *Experiment, keys ...string) string {
	var out []string
	for _, t := range e.Trials {
		var row []string
		for _, k := range keys {
			v, ok := t.Config[k]
			if !ok {
				v = "-"
			}
			row = append(row, v)
		}
		if line := strings.Join(row, " "); t.Seed == e.Trials[0].Seed {
			out = append(out, line)
		}
	}
	return strings.Join(out, " | ")
}

func seedsOf(e *Experiment) (seeds []int) {
	for _, t := range e.Trials {
		seeds = append(seeds, t.Seed)
	}
	return seeds
}

const (
	lr, epochs, clip = "train.lr", "train.epochs", "train.clip"
	nz, gamma, eps   = "model.lstm.latent_dim", "variant.bn.gamma", "variant.bn.eps"
)

// TestGrid: lists multiply, the last varies fastest, entries add up, and an entry is merged
// with the base.
func TestGrid(t *testing.T) {
	for _, c := range []struct {
		name, text string
		keys       []string
		want       string
	}{
		{"nothing said", "base: {}\n", []string{"data", "model", "variant", "kl.schedule", lr}, "synthetic lstm vanilla constant 0.001"},
		{"lists multiply in their order", "base: {train: {lr: [1, 2], epochs: [3, 4]}}\n", []string{lr, epochs}, "1 3 | 1 4 | 2 3 | 2 4"},
		{"lists of the base before those of an entry", "base: {train: {lr: [1, 2]}}\ngrid: [{train: {epochs: [3, 4]}}]\n", []string{lr, epochs}, "1 3 | 1 4 | 2 3 | 2 4"},
		{"lists in lists are one list", "base: {train: {lr: [1, [2, 3]]}}\n", []string{lr}, "1 | 2 | 3"},
		{"entries add up", "grid:\n- train: {lr: [1, 2]}\n- train: {epochs: 3}\n", []string{lr, epochs}, "1 10 | 2 10 | 0.001 3"},
		{"an entry's list replaces the base's", "base: {train: {lr: [1, 2]}}\ngrid: [{train: {lr: [3, 4]}}]\n", []string{lr}, "3 | 4"},
		{"an entry says nothing", "base: {train: {lr: 2}}\ngrid:\n- \n- train:\n    epochs: 3\n- {variant: bn, train: }\n", []string{"variant", lr, epochs}, "vanilla 2 10 | vanilla 2 3 | bn 2 10"},
		{"a list of mappings is merged one by one", "base: {train: {epochs: 3}}\ngrid: [{train: [{lr: 1}, {lr: 2, clip: 7}]}]\n", []string{lr, epochs, clip}, "1 3 5 | 2 3 7"},
		{"a mapping is merged into each of a list", "base: {train: [{lr: 1}, {lr: 2}]}\ngrid: [{train: {epochs: 3}}]\n", []string{lr, epochs}, "1 3 | 2 3"},
		{"the same kind merges", "base: {variant: {bn: {gamma: 0.7}}}\ngrid: [{variant: {bn: {eps: 2}}}]\n", []string{gamma, eps}, "0.7 2"},
		{"a name alone is the kind without settings", "base: {variant: {bn: {gamma: 0.7}}}\ngrid: [{variant: bn}, {variant: {bn: }, train: {lr: 1}}]\n", []string{gamma}, "0.7 | 0.7"},
		{"settings for a name alone", "base: {variant: bn}\ngrid: [{variant: {bn: {gamma: 0.7}}}]\n", []string{gamma}, "0.7"},
		{"another kind replaces", "base: {variant: {bn: {gamma: 0.7}}}\ngrid: [{variant: ln}, {variant: {bn: {}, free-bits: {}}}]\n", []string{"variant", gamma, "variant.ln.gamma"}, "ln - 0.5 | bn+free-bits 0.5 -"},
		{"a list of kinds is merged one by one", "base: {variant: {bn: {gamma: 0.7}}}\ngrid: [{variant: [vanilla, bn, {bn: {eps: [2, 3]}}]}]\n", []string{"variant", gamma, eps}, "vanilla - - | bn 0.7 1e-08 | bn 0.7 2 | bn 0.7 3"},
		{"a kind replaces a list of kinds", "base: {variant: [vanilla, bn]}\ngrid: [{variant: {bn: {gamma: 0.7}}}]\n", []string{"variant", gamma}, "bn 0.7"},
		{"the order of two variants is one", "base: {variant: {free-bits: {}, bn: {}}}\n", []string{"variant"}, "bn+free-bits"},
		{"another kind of data", "base: {data: {synthetic: {train: 5}}}\ngrid: [{data: {text: {train: a.txt}}}]\n", []string{"data", "data.text.train", "data.synthetic.train"}, "text a.txt -"},
		{"anchors", "base: {train: {lr: &rates [1, 2]}}\ngrid:\n- &first {variant: bn}\n- {train: {clip: *rates, lr: 3}}\n", []string{"variant", lr, clip}, "bn 1 5 | bn 2 5 | vanilla 3 1 | vanilla 3 2"},
		{"an anchor that is not kept", "base: &b {variant: bn, train: {lr: 2}}\ngrid: [*b]\n", []string{"variant", lr}, "bn 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := values(parse(t, c.text, Options{}), c.keys...); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

func TestSeeds(t *testing.T) {
	const text = "base: {train: {lr: [1, 2]}}\nseeds: %s\n"
	for _, c := range []struct {
		file, flag string
		want       []int
	}{
		{"2", "", []int{1, 2, 1, 2}}, // all seeds of a setting side by side
		{"[7, 0]", "", []int{7, 0, 7, 0}},
		{"2", "3", []int{1, 2, 3, 1, 2, 3}},
		{"2", "3,5", []int{3, 5, 3, 5}},
		{"2", "4,", []int{4, 4}},
		{"none", "1", []int{1, 1}}, // the flag stands instead of the file's
	} {
		e := parse(t, fmt.Sprintf(text, c.file), Options{Seeds: c.flag})
		if got := seedsOf(e); !slices.Equal(got, c.want) {
			t.Errorf("seeds: %s, --seeds %q: got %v, want %v", c.file, c.flag, got, c.want)
		}
	}
	for flag, want := range map[string]string{
		"0":        `--seeds 0: seeds: must be a count in [1,100000] or a list of whole numbers, got "0"`,
		"x":        `--seeds x: seeds: must be a count in [1,100000] or a list of whole numbers, got "x"`,
		"3,3":      `--seeds 3,3: seeds: 3 is given twice`,
		"-1,2":     `--seeds -1,2: seeds: must be whole numbers of at least 0, got "-1"`,
		"&a [*a,]": `--seeds &a [*a,]: nested more than 50 deep`,
	} {
		_, err := Parse("x.yaml", []byte("base: {}\n"), Options{Seeds: flag})
		expectFaults(t, err, want)
	}
	e := parse(t, "base: {}\n", Options{})
	if got := seedsOf(e); !slices.Equal(got, []int{1}) {
		t.Errorf("no seeds: %v", got)
	}
}

// TestAliases: names of the field's programs are understood wherever they stand.
func TestAliases(t *testing.T) {
	for _, c := range []struct {
		name, text string
		keys       []string
		want       string
		notes      []string
	}{
		{"own names make no notes", "base: {model: {lstm: {latent_dim: 4}}}\n", []string{nz}, "4", nil},
		{"in its section", "base: {model: {lstm: {nz: 4}}}\n", []string{nz}, "4",
			[]string{`x.yaml:1:23: model.lstm: "nz" is understood as "latent_dim"`}},
		{"at the top of base", "base:\n  nz: 4\n  ni: 5\n  enc_nh: 6\n  dec_nh: 7\n  lr: 8\n  data: {text: {train: a}}\n",
			[]string{nz, "model.lstm.embed_dim", "model.lstm.enc_hidden", "model.lstm.dec_hidden", lr}, "4 5 6 7 8",
			[]string{`x.yaml:2:3: "nz" is understood as model.lstm.latent_dim`, `x.yaml:3:3: "ni" is understood as model.lstm.embed_dim`,
				`x.yaml:4:3: "enc_nh" is understood as model.lstm.enc_hidden`, `x.yaml:5:3: "dec_nh" is understood as model.lstm.dec_hidden`,
				`x.yaml:6:3: "lr" is understood as train.lr`}},
		{"inside train", "base: {train: {nz: 4, epochs: 2, enc_nh: [6, 7]}}\n", []string{nz, "model.lstm.enc_hidden", epochs}, "4 6 2 | 4 7 2",
			[]string{`x.yaml:1:16: train: "nz" is understood as model.lstm.latent_dim`, `x.yaml:1:34: train: "enc_nh" is understood as model.lstm.enc_hidden`}},
		{"in an entry", "base: {model: {lstm: {latent_dim: 4, embed_dim: 5}}}\ngrid: [{nz: [1, 2]}]\n", []string{nz, "model.lstm.embed_dim"}, "1 5 | 2 5",
			[]string{`x.yaml:2:9: "nz" is understood as model.lstm.latent_dim`}},
		{"two in an entry", "base: {model: {lstm: {latent_dim: 4, embed_dim: 5}}}\ngrid: [{nz: 1, latent_dim: 2}, {nz: 1, emb: 3}]\n", nil, "", nil},
		{"an entry's own name over an alias of the base", "base: {nz: 4}\ngrid: [{model: {lstm: {latent_dim: 16}}}]\n", []string{nz}, "16",
			[]string{`x.yaml:1:8: "nz" is understood as model.lstm.latent_dim`}},
		{"an entry's alias over the base's own name", "base: {train: {lr: 4}}\ngrid: [{train: {learning_rate: 16}}]\n", []string{lr}, "16",
			[]string{`x.yaml:2:17: train: "learning_rate" is understood as "lr"`}},
		{"an alias of the base and one of the entry", "base: {nz: 4}\ngrid: [{latent_size: 3}]\n", []string{nz}, "3",
			[]string{`x.yaml:1:8: "nz" is understood as model.lstm.latent_dim`, `x.yaml:2:9: "latent_size" is understood as model.lstm.latent_dim`}},
		{"the schedule that start and warm_up need", "base: {kl_start: 0.1, train: {warm_up: 5}}\n", []string{"kl.schedule", "kl.start", "kl.warm_up"}, "linear 0.1 5",
			[]string{`x.yaml:1:8: "kl_start" is understood as kl.start`, `x.yaml:1:8: kl.schedule is taken to be linear`, `x.yaml:1:31: train: "warm_up" is understood as kl.warm_up`}},
		{"a schedule that is given", "base: {kl: {schedule: sigmoid}}\ngrid: [{warm_up: 5}]\n", []string{"kl.schedule", "kl.warm_up"}, "sigmoid 5",
			[]string{`x.yaml:2:9: "warm_up" is understood as kl.warm_up`}},
		{"beta needs no schedule", "base: {lambda_kl: 0.5}\n", []string{"kl.schedule", "kl.beta"}, "constant 0.5",
			[]string{`x.yaml:1:8: "lambda_kl" is understood as kl.beta`}},
		{"of a nested section", "base: {train: {lr_decay: 0.3, decay_epoch: 5}}\n", []string{"train.decay.factor", "train.decay.patience"}, "0.3 5",
			[]string{`x.yaml:1:16: train: "lr_decay" is understood as train.decay.factor`, `x.yaml:1:31: train: "decay_epoch" is understood as train.decay.patience`}},
		{"a kind that only entries name", "base: {bn_gamma: 0.7}\ngrid: [{variant: bn}]\n", []string{gamma}, "0.7",
			[]string{`x.yaml:1:8: "bn_gamma" is understood as variant.bn.gamma`}},
		{"of a kind among two", "base: {variant: {bn: {gamma: 0.3}, free-bits: {}}}\ngrid: [{target_kl: 7}]\n", []string{"variant", gamma, "variant.free-bits.lambda"}, "bn+free-bits 0.3 7",
			[]string{`x.yaml:2:9: "target_kl" is understood as variant.free-bits.lambda`}},
		{"of a kind in a list", "base: {variant: [vanilla, bn]}\ngrid: [{bn_gamma: [1, 2]}]\n", []string{"variant", gamma}, "vanilla - | bn 1 | bn 2",
			[]string{`x.yaml:2:9: "bn_gamma" is understood as variant.bn.gamma`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.keys == nil {
				_, err := Parse("x.yaml", []byte(c.text), Options{})
				expectFaults(t, err, `x.yaml:2:16: model.lstm.latent_dim: given twice, here as "latent_dim"`)
				return
			}
			e := parse(t, c.text, Options{})
			if got := values(e, c.keys...); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if !slices.Equal(e.Notes, c.notes) {
				t.Errorf("notes\n got %q\nwant %q", e.Notes, c.notes)
			}
		})
	}
	for text, want := range map[string]string{
		"base: {bn_gamma: 5}\n": `x.yaml:1:8: unknown section "bn_gamma"`,
	} {
		_, err := Parse("x.yaml", []byte(text), Options{})
		expectFaults(t, err, want)
	}
}

// TestSet: a --set lies over every trial that has its key.
func TestSet(t *testing.T) {
	const varied = "base: {nz: 8, train: {lr: [1, 2]}}\ngrid:\n- variant: vanilla\n- variant: {bn: {gamma: [0.3, 0.7]}}\n"
	const mixed = "grid:\n- variant: [vanilla, {bn: {gamma: 0.3}}, {bn: {gamma: 0.7}}]\n"
	for _, c := range []struct {
		name, text string
		sets       []string
		keys       []string
		want       string
	}{
		{"a value", varied, []string{"train.lr=3"}, []string{"variant", gamma, lr}, "vanilla - 3 | bn 0.3 3 | bn 0.7 3"},
		{"a list", mixed, []string{"train.lr=[3, 4]"}, []string{gamma, lr}, "- 3 | - 4 | 0.3 3 | 0.3 4 | 0.7 3 | 0.7 4"},
		{"several, the last wins", "base: {}\n", []string{"train.lr=3", "train.epochs=2", "train.lr=4"}, []string{lr, epochs}, "4 2"},
		{"nested", "base: {train: {decay: {patience: 2}}}\n", []string{"train.decay.factor=0.3"}, []string{"train.decay.factor", "train.decay.patience"}, "0.3 2"},
		{"a setting of one kind", varied, []string{"variant.bn.gamma=0.5", "train.lr=3"}, []string{"variant", gamma}, "vanilla - | bn 0.5"},
		{"settings of a kind", varied, []string{"variant.bn={eps: 2}", "train.lr=3"}, []string{"variant", gamma, eps}, "vanilla - - | bn 0.5 2"},
		{"a kind", varied, []string{"variant=bn"}, []string{"variant", gamma, lr}, "bn 0.5 1 | bn 0.5 2"},
		{"a kind with settings", varied, []string{"variant={bn: {gamma: 0.4}}", "train.lr=3"}, []string{"variant", gamma}, "bn 0.4"},
		{"kinds", varied, []string{"variant=[ln, free-bits]", "train.lr=3"}, []string{"variant"}, "ln | free-bits"},
		{"a kind, then its setting", varied, []string{"variant=ln", "variant.ln.gamma=[1, 2]", "train.lr=3"}, []string{"variant", "variant.ln.gamma"}, "ln 1 | ln 2"},
		{"an alias", varied, []string{"model.lstm.nz=4", "train.learning_rate=3"}, []string{nz, lr}, "4 3 | 4 3 | 4 3"},
		{"an alias within a value", varied, []string{"model={lstm: {nz: 4}}", "train.lr=3"}, []string{nz}, "4 | 4 | 4"},
		{"over an alias of the file", "base: {nz: 8, train: {learning_rate: 2}}\n", []string{"model.lstm.latent_dim=4", "train.lr=3"}, []string{nz, lr}, "4 3"},
		{"a section the file does not have", "seeds: 1\n", []string{"data.synthetic.train=5", "model.lstm.nz=4", "kl.beta=0.5"}, []string{"data.synthetic.train", nz, "kl.beta"}, "5 4 0.5"},
		{"a kind of data", "base: {data: {synthetic: {train: 5}}}\n", []string{"data=godoc"}, []string{"data", "data.synthetic.train"}, "godoc -"},
		{"text with an equals sign", "base: {data: {text: {train: a}}}\n", []string{"data.text.train=b=c.txt"}, []string{"data.text.train"}, "b=c.txt"},
		{"what the file would need", "base: {kl: {schedule: linear}}\n", []string{"kl.warm_up=3"}, []string{"kl.warm_up"}, "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := values(parse(t, c.text, Options{Sets: c.sets}), c.keys...); got != c.want {
				t.Errorf("%s--set %q\n got %s\nwant %s", c.text, c.sets, got, c.want)
			}
		})
	}
	for set, want := range map[string]string{
		"trian.lr=1":             `--set trian.lr=1: unknown section "trian"; did you mean "train"? known: data, model, variant, kl, train`,
		"train.lr":               `--set train.lr: must be key=value, such as train.lr=0.01`,
		"=1":                     `--set =1: must be key=value`,
		"train..lr=1":            `--set train..lr=1: must be key=value`,
		"train.lr=x":             `--set train.lr=x: train.lr: must be a number in (0,inf), got "x"`,
		"train.lr=":              `--set train.lr=: train.lr: must be a number in (0,inf), got nothing`,
		"train.lr=0":             `--set train.lr=0: train.lr: 0 is outside (0,inf)`,
		"train.lr=[]":            `--set train.lr=[]: train.lr: the list is empty`,
		"train.lr=[1":            `--set train.lr=[1: train.lr: must be a number in (0,inf), got "[1"`,
		"train.epoch=1":          `--set train.epoch=1: train: unknown key "epoch"; did you mean "epochs"?`,
		"train=5":                `--set train=5: train: must be keys and values, got "5"`,
		"train.lr.x=5":           `--set train.lr.x=5: train.lr: must be a number in (0,inf), got keys and values`,
		"train={lr: 1, lr: 2}":   `--set train={lr: 1, lr: 2}: train.lr: given twice; the first is at --set train={lr: 1, lr: 2}`,
		"train.lr=&a [*a]":       `--set train.lr=&a [*a]: nested more than 50 deep`,
		"variant=bnn":            `--set variant=bnn: variant: unknown variant "bnn"; did you mean "bn"?`,
		"variant.ln.gamma=1":     `--set variant.ln.gamma=1: variant.ln.gamma: no trial of this experiment has such a setting`,
		"variant.ln={gamma: 1}":  `--set variant.ln={gamma: 1}: variant.ln: no trial of this experiment has such a setting`,
		"data.text.train=a":      `--set data.text.train=a: data.text.train: no trial of this experiment has such a setting`,
		"kl.warm_up=3":           `--set kl.warm_up=3: kl.warm_up: has no effect on a constant schedule`,
		"variant={bn: {gama: 1}": `--set variant={bn: {gama: 1}: variant: unknown variant`,
	} {
		_, err := Parse("x.yaml", []byte("grid: [{variant: vanilla}, {variant: bn}]\n"), Options{Sets: []string{set}})
		expectFaults(t, err, want)
	}
	// A file has to make sense by itself.
	_, err := Parse("x.yaml", []byte("grid: [{variant: bnn}, {train: {lr: 1}}, {train: {lr: 1}}]\n"), Options{Sets: []string{"variant=bn", "train.lr=2"}})
	expectFaults(t, err, `x.yaml:1:18: variant: unknown variant "bnn"`, `x.yaml:1:42: grid: has the same settings as the entry at line 1`)
}
