package sweep

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"vaelab/experiments"
)

// compiled is the schema in a validator.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("vaelab.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("vaelab.json") // checks it against the schema of schemas
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate returns what the schema says of a text.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestSchema: every shipped experiment is valid, and what the reader refuses for a key, a type, a range or a choice is not.
func TestSchema(t *testing.T) {
	s := compiled(t)
	for _, name := range experiments.Names() {
		text, err := experiments.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{
		"grd: [{variant: bn}]", "base: {variant: bnn}", "base: {variant: {bn: {gama: 1}}}", "base: {variant: {bn: {gamma: -1}}}", "base: {variant: {bn: {gamma: x}}}",
		"base: {model: {lstm: {latent_dim: 0}}}", "base: {model: {lstm: {latent_dim: 1.5}}}", "base: {train: {epochs: 0}}", "base: {train: {optimizer: adamw}}",
		"base: {train: {batching: long}}", "base: {data: {synthetic: {}, text: {}}}", "grid: []", "grid: bn", "seeds: 0", "seeds: [1, 1]", "figures: [kl-curves]",
		"figures: kl-curve", "claims: [{say: a, order: {}}]", "claims: [{say: a, source: b, order: {metric: kl, of: bn, is: larger, than: ln}}]",
		"claims: [{say: a, source: b}]", "converged: {steps: 0}", "base: {kl: {schedule: linar}}", `experiment: "a b"`, "base: {train: {stop: {patience: x}}}",
		"base: {data: {synthetic: {seed: -1}}}", "grid: [{model: []}]", "set: {train.lr: 1}", "set: [lr: 1]", "frozen: ''", "frozen: [a]",
	} {
		if validate(t, s, text) == nil {
			t.Errorf("valid: %s", text)
		}
		if _, err := Parse("x.yaml", []byte(text+"\n"), Options{}); err == nil {
			t.Errorf("the reader takes: %s", text)
		}
	}
	for _, text := range []string{
		"base: {variant: bn}", "grid: [{variant: [bn, {bn: {gamma: [0.3, 0.4]}}, {bn: , free-bits: {lambda: 8}}]}]", "base: {train: {learning_rate: 0.1, stop: {patience: [1, 2]}}}",
		"set: [train.lr: 0.1, model: {lstm: {nz: 4}}]\nfrozen: /a/b.yaml", "seeds: [3, 5]", "base: {model: {lstm: {nz: 4}}, train.lr: 0.1}", "grid: [null, {variant: ln}]", "baseline: {variant: bn, variant.bn.gamma: 0.5}\ngrid: [{variant: bn}]",
	} {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := Parse("x.yaml", []byte(text+"\n"), Options{}); err != nil {
			t.Errorf("the reader refuses %s: %v", text, err)
		}
	}
}

// TestSchemaExplains: each setting has its meaning.
func TestSchemaExplains(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LR is the learning rate.", "Delta is the least KL of a dimension, in nats.", "Tolerance is the largest difference", "understood as latent_dim"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema lacks %q", want)
		}
	}
}
