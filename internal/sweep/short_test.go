package sweep

import (
	"strings"
	"testing"
)

// TestShortTrainings: a training that ends before the schedule of its KL weight does is noted once, with the weight
// that it ends at. Each trial here has two epochs of ten steps, at most.
func TestShortTrainings(t *testing.T) {
	const text = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n  model: {lstm: {latent_dim: 2, embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  train: {epochs: 2, batching: mixed"
	for _, c := range []struct {
		kl, train string
		want      string // what the note ends with, or empty
	}{
		{"{beta: 0.5}", "", ""},
		{"{schedule: linear, warm_up: 1}", "", ""},
		{"{schedule: linear, warm_up: 19, unit: steps}", "", ""},
		{"{schedule: linear, warm_up: 20, unit: steps}", "", "its last step, 20, has weight 0.95, and from step 21 on it is kl.beta 1;"},
		{"{schedule: linear, warm_up: 5000}", "", "its last step, 20, has weight 0.00038, and from step 50001 on it is kl.beta 1;"},
		{"{schedule: linear, warm_up: 1}", ", max_steps: 5", "its last step, 5, has weight 0.4, and from step 11 on it is kl.beta 1;"},
		{"{schedule: sigmoid, warm_up: 4}", "", "its last step, 20, has weight 0.438, and from step 41 on it is kl.beta 1;"},
		{"{schedule: cyclical, warm_up: 2, cycles: 2}", "", ""},
		{"{schedule: cyclical, warm_up: 8, cycles: 4, beta: 2}", "", "its last step, 20, has weight 2, and from step 71 on it is kl.beta 2;"},
		{"{schedule: cyclical-zero, warm_up: 8, cycles: 2}", "", "its last step, 20, has weight 0.45, and from step 71 on it is kl.beta 1;"},
	} {
		e := parse(t, text+c.train+"}\n  kl: "+c.kl+"\nseeds: 2\n", Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(e.Notes, "\n")
		if c.want == "" && got != "" || c.want != "" && (strings.Count(got, "\n") > 0 || !strings.Contains(got, c.want)) {
			t.Errorf("%s%s:\n got %s\nwant %s", c.kl, c.train, got, c.want)
		}
	}
}
