package sweep

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"vaelab/internal/record"
)

// settingsOf reads settings as key=value, with white space between.
func settingsOf(text string) map[string]string {
	config := map[string]string{}
	for _, field := range strings.Fields(text) {
		key, value, _ := strings.Cut(field, "=")
		config[key] = value
	}
	return config
}

// TestNamesArePinned holds the names of three trials. They must never change again: results that people have
// would not be found any more. If this test fails, a setting was added without the tag neutral, or what NameOf
// hashes has changed; mend that, not the names.
func TestNamesArePinned(t *testing.T) {
	for _, c := range []struct{ what, id, config string }{
		{"a VAE on synthetic text", "vanilla-6688d55f/seed-1", `
			data=synthetic data.synthetic.embed=100 data.synthetic.hidden=100 data.synthetic.length=10 data.synthetic.seed=19950927 data.synthetic.test=2000
			data.synthetic.train=16000 data.synthetic.valid=2000 data.synthetic.vocab=1000 kl.beta=1 kl.cycles=4 kl.ratio=0.5
			kl.schedule=constant kl.start=0 kl.unit=epochs kl.warm_up=10 kl.zero=0.25 model=lstm
			model.lstm.bag_of_words=0 model.lstm.dec_hidden=256 model.lstm.dec_layers=1 model.lstm.dropout_in=0 model.lstm.dropout_out=0 model.lstm.embed_dim=256
			model.lstm.enc_hidden=256 model.lstm.enc_layers=1 model.lstm.init=bn-vae model.lstm.inputless=false model.lstm.latent_dim=32 model.lstm.pooling=last
			model.lstm.skip=false model.lstm.word_dropout=0 precision=float32 train.batch_size=32 train.batching=length train.clip=5
			train.decay.factor=0.5 train.decay.from=15 train.decay.max=5 train.decay.patience=0 train.epochs=10 train.eval_every=1
			train.iw_samples=0 train.lag_every=0 train.log_every=20 train.lr=0.001 train.max_steps=0 train.optimizer=adam
			train.probe=false train.report=best variant=vanilla`},
		{"batch normalisation on files of text", "bn-97ca7a9d/seed-1", `
			data=text data.text.labels=false data.text.limit_test=0 data.text.limit_train=0 data.text.limit_valid=0 data.text.lower=false
			data.text.max_vocab=0 data.text.max_words=200 data.text.min_count=2 data.text.test=a/test.txt data.text.too_long=error data.text.train=a/train.txt
			data.text.valid=a/valid.txt data.text.vocab= kl.beta=1 kl.cycles=4 kl.ratio=0.5 kl.schedule=constant
			kl.start=0 kl.unit=epochs kl.warm_up=10 kl.zero=0.25 model=lstm model.lstm.bag_of_words=0
			model.lstm.dec_hidden=256 model.lstm.dec_layers=1 model.lstm.dropout_in=0 model.lstm.dropout_out=0 model.lstm.embed_dim=256 model.lstm.enc_hidden=256
			model.lstm.enc_layers=1 model.lstm.init=bn-vae model.lstm.inputless=false model.lstm.latent_dim=32 model.lstm.pooling=last model.lstm.skip=false
			model.lstm.word_dropout=0 precision=float32 train.batch_size=32 train.batching=length train.clip=5 train.decay.factor=0.5
			train.decay.from=15 train.decay.max=5 train.decay.patience=0 train.epochs=10 train.eval_every=1 train.iw_samples=0
			train.lag_every=0 train.log_every=20 train.lr=0.001 train.max_steps=0 train.optimizer=adam train.probe=false
			train.report=best variant=bn variant.bn.eps=1e-08 variant.bn.gamma=0.5 variant.bn.momentum=0.1`},
		{"batch normalisation with free bits on images", "bn+free-bits-31aa130d/seed-3", `
			data=images data.images.binarise=dynamic data.images.height=0 data.images.hold_out=10 data.images.invert=false data.images.labels_variable=
			data.images.limit_test=0 data.images.limit_train=0 data.images.limit_valid=0 data.images.seed=1 data.images.test=b data.images.test_labels=
			data.images.threshold=0.5 data.images.train=a data.images.train_labels= data.images.transpose=false data.images.valid= data.images.valid_labels=
			data.images.variable= kl.beta=1 kl.cycles=4 kl.ratio=0.5 kl.schedule=linear kl.start=0
			kl.unit=epochs kl.warm_up=3 kl.zero=0.25 model=mlp model.mlp.activation=relu model.mlp.hidden=512
			model.mlp.latent_dim=4 model.mlp.layers=2 model.mlp.output=position precision=float32 train.batch_size=32 train.batching=length
			train.clip=5 train.decay.factor=0.5 train.decay.from=15 train.decay.max=5 train.decay.patience=0 train.epochs=10
			train.eval_every=1 train.iw_samples=0 train.lag_every=0 train.log_every=20 train.lr=0.001 train.max_steps=0
			train.optimizer=adam train.probe=false train.report=last variant=bn+free-bits variant.bn.eps=1e-05 variant.bn.gamma=0.6
			variant.bn.momentum=0.1 variant.free-bits.lambda=2 variant.free-bits.mode=dim`},
	} {
		id := record.Trial{Config: settingsOf(c.config), Data: "0123456789abcdef"}
		variant, seed, _ := strings.Cut(c.id, "/seed-")
		id.Variant, id.ID = variant[:strings.LastIndex(variant, "-")], c.id
		id.Seed, _ = strconv.Atoi(seed)
		if got := NameOf(id); got != c.id {
			t.Errorf("%s: NameOf %s, want %s", c.what, got, c.id)
		}
		trial, err := FromConfig(id)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := NameOf(trial.Trial); got != c.id {
			t.Errorf("%s: read by this version its name is %s, want %s", c.what, got, c.id)
		}
	}
}

// frozen are the settings that there were when trials got the names that they have. Nothing is ever added here.
var frozen = map[string]string{
	"data.csv":           "column drop_label header label limit_test limit_train limit_valid lower max_vocab max_words min_count separator test too_long train valid vocab",
	"data.gaussian":      "dims noise seed spectrum test train valid",
	"data.glyphs":        "alphabets binarise jitter seed test train valid",
	"data.godoc":         "dir limit max_vocab max_words min_count min_words prose seed test valid",
	"data.images":        "binarise height hold_out invert labels_variable limit_test limit_train limit_valid seed test test_labels threshold train train_labels transpose valid valid_labels variable",
	"data.jsonl":         "drop_label field label limit_test limit_train limit_valid lower max_vocab max_words min_count test too_long train valid vocab",
	"data.synthetic":     "embed hidden length seed test train valid vocab",
	"data.text":          "labels limit_test limit_train limit_valid lower max_vocab max_words min_count test too_long train valid vocab",
	"kl":                 "beta cycles ratio schedule start unit warm_up zero",
	"model.linear":       "latent_dim noise",
	"model.lstm":         "bag_of_words dec_hidden dec_layers dropout_in dropout_out embed_dim enc_hidden enc_layers init inputless latent_dim pooling skip word_dropout",
	"model.mlp":          "activation hidden latent_dim layers output",
	"model.pixelcnn":     "activation channels enc_channels enc_hidden enc_stages kernels latent_dim z_maps",
	"model.transformer":  "dec_layers dropout embed_dim enc_layers ff heads latent_dim memory pooling positions tied z_enters",
	"train":              "batch_size batching clip decay epochs eval_every iw_samples lag_every log_every lr max_steps optimizer probe report",
	"train.decay":        "factor from max patience",
	"variant.bn":         "eps gamma momentum",
	"variant.bn-scaler":  "eps momentum tau",
	"variant.free-bits":  "lambda mode",
	"variant.ln":         "eps gamma",
	"variant.rms-scaler": "eps momentum tau",
}

// added tells whether a section is one of frozen, or was added to one.
func added(section string) bool {
	for ; section != ""; section = section[:max(0, strings.LastIndex(section, "."))] {
		if _, ok := frozen[section]; ok {
			return true
		}
	}
	return false
}

// TestSettingsSinceHaveNeutralValues: a setting that is added to a kind that there was has the tag neutral, the value
// under which the program does what it did before. Else the setting would change the names of all trials of that kind.
// A kind that is new needs no tags: no older trial has it.
func TestSettingsSinceHaveNeutralValues(t *testing.T) {
	for key, s := range traits() {
		if s.value.Kind() == reflect.Struct {
			continue // its own settings are looked at
		}
		section := key[:strings.LastIndex(key, ".")]
		if added(section) && !slices.Contains(strings.Fields(frozen[section]), s.key) && s.neutral == nil {
			t.Errorf(`%s is new: give it the tag neutral:"VALUE", the value under which a trial's bytes are as before there was such a setting`, key)
		}
	}
	for section, keys := range frozen {
		for _, key := range strings.Fields(keys) {
			if _, ok := traits()[join(section, key)]; !ok {
				t.Errorf("%s is gone, and with it the names of all trials that have it", join(section, key))
			}
		}
	}
}

// TestNeutralValuesAreCanonical: a neutral value is one that the setting may have, written as trial.json has it.
func TestNeutralValuesAreCanonical(t *testing.T) {
	n := 0
	for key, s := range traits() {
		if s.neutral == nil {
			continue
		}
		n++
		r := newReader("x")
		s.value = reflect.New(s.value.Type()).Elem()
		r.scalar(&yaml.Node{Kind: yaml.ScalarNode, Value: *s.neutral}, *s, key)
		if len(r.faults) > 0 {
			t.Errorf("%s: neutral: %v", key, r.faults)
		} else if got := s.text(); got != *s.neutral {
			t.Errorf("%s: neutral %q is written as %q", key, *s.neutral, got)
		}
	}
	if n == 0 {
		t.Error("no setting has a neutral value")
	}
}

// TestPathsAreTagged: a text of a data source is a path, or it is said here what else.
func TestPathsAreTagged(t *testing.T) {
	words := strings.Fields("label drop_label context field column spectrum alphabets variable labels_variable drop unknown")
	for key, s := range traits() {
		if s.value.Kind() != reflect.String || s.choices != nil || !strings.HasPrefix(key, "data.") {
			continue
		}
		if s.path == slices.Contains(words, s.key) {
			t.Errorf(`%s: path %t; give it the tag kind:"path" if it says where data lie, or add it to the words of this test`, key, s.path)
		}
	}
}

// TestNames: what is left out of a name, and what is not.
func TestNames(t *testing.T) {
	base := record.Trial{Variant: "bn", Seed: 1, Data: "d", Config: settingsOf("data=text data.text.train=a/b.txt data.text.vocab= data.text.min_count=1 variant=bn train.lag_every=0 train.lr=0.1")}
	name := NameOf(base)
	for _, c := range []struct {
		key, value string
		same       bool
	}{
		{"data.text.train", "c.txt", true}, {"data.text.vocab", "c.txt", true}, {"train.lag_every", "", true},
		{"data.text.min_count", "2", false}, {"train.lag_every", "1", false}, {"train.lr", "", false}, {"train.later", "0", false},
	} {
		other := base
		other.Config = maps.Clone(base.Config)
		if other.Config[c.key] = c.value; c.value == "" {
			delete(other.Config, c.key)
		}
		if got := NameOf(other) == name; got != c.same {
			t.Errorf("%s=%s: the same name: %t, want %t", c.key, c.value, got, c.same)
		}
		if OldNameOf(other) == OldNameOf(base) {
			t.Errorf("%s=%s: the old name is the same", c.key, c.value)
		}
	}
}

// TestOldNames: the names in archives that were published before there were neutral values are those that OldNameOf
// gives, but for data from files, of whose paths a part is not published.
func TestOldNames(t *testing.T) {
	old := 0
	for _, dir := range archived(t) {
		runs, err := record.LoadArchive(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			switch {
			case r.Config["data"] == "text":
			case r.ID == OldNameOf(r.Trial):
				old++
			case r.ID != NameOf(r.Trial):
				t.Errorf("%s: %s is neither the new name, %s, nor the old, %s", dir, r.ID, NameOf(r.Trial), OldNameOf(r.Trial))
			}
		}
	}
	if old == 0 {
		t.Error("no trial has an old name")
	}
}

// TestComplete: trials of several versions and from several places are one group.
func TestComplete(t *testing.T) {
	run := func(seed int, data, config string) record.Run {
		return record.Run{Trial: record.Trial{Experiment: "x", Variant: "bn", Seed: seed, Data: data, Config: settingsOf("data=text variant=bn " + config)}}
	}
	set := &record.Set{Runs: []record.Run{
		run(1, "d", "data.text.train=old/train.txt"),
		run(2, "d", "data.text.train=/new/a.txt train.lag_every=0"),
		run(3, "d", "data.text.train=/new/a.txt train.lag_every=5"),
		run(1, "e", "data.text.train=other.txt train.lag_every=0"),
	}}
	before := maps.Clone(set.Runs[1].Config)
	theirs := set.Runs[1].Config
	Complete(set)
	if !maps.Equal(theirs, before) {
		t.Error("the caller's settings have changed")
	}
	for key, want := range map[string]string{"variant.bn.gamma": "rises", "kl.beta": "falls", "variant.bn.eps": ""} {
		if got := set.Knobs[key]; got != want {
			t.Errorf("where %s rises the rate %q, want %q", key, got, want)
		}
	}
	var got []string
	for _, g := range set.Groups() {
		line := g.Label
		for _, r := range g.Runs {
			line += " " + strconv.Itoa(r.Seed)
		}
		got = append(got, line)
	}
	want := []string{
		"bn train=old/train.txt lag_every=0 1 2", "bn train=old/train.txt lag_every=5 3", "bn train=other.txt lag_every=0 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("groups\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFromConfigOfOlderTrials: what came later is neutral, and what was always there is not made up.
func TestFromConfigOfOlderTrials(t *testing.T) {
	whole := parse(t, "base: {variant: bn}\n", Options{}).Trials[0].Trial
	for _, c := range []struct{ key, fault string }{
		{"train.lag_every", ""}, {"train.lr", "train.lr: is missing"}, {"variant.bn.eps", "variant.bn.eps: is missing"}, {"precision", "precision: is missing"},
	} {
		older := whole
		older.Config = maps.Clone(whole.Config)
		delete(older.Config, c.key)
		back, err := FromConfig(older)
		switch {
		case c.fault == "" && (err != nil || back.Config[c.key] != "0"):
			t.Errorf("without %s: %v, %v", c.key, back.Config, err)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("without %s: error %v, want %s", c.key, err, c.fault)
		}
	}
}
