package sweep

import (
	"context"
	"testing"

	"vaelab/internal/record"
)

// TestDefaultsKeepTheFloor: a first bn or ln, with nothing set, on as many sentences as a newcomer may have, ends on its
// floor of 1 nat. With the reference code's eps bn loses most of it in as many steps.
func TestDefaultsKeepTheFloor(t *testing.T) {
	jobs := prepare(t, `
base:
  data: {synthetic: {train: 1500, valid: 40, test: 40, vocab: 200}}
  model: {lstm: {latent_dim: 8, embed_dim: 16, enc_hidden: 16, dec_hidden: 16}}
  train: {max_steps: 160}
grid:
  - variant: [bn, ln, {bn: {eps: 1.0e-5}}]
`, t.TempDir())
	if _, err := run(context.Background(), jobs, 2, nil); err != nil {
		t.Fatal(err)
	}
	for i, keeps := range []bool{true, true, false} {
		set, err := record.Load(jobs[i].Dir)
		if err != nil {
			t.Fatal(err)
		}
		kl, _ := record.Last(set.Runs[0], "train", "kl")
		floor, _ := record.Last(set.Runs[0], "train", "floor")
		if keeps && kl < 0.99*floor || !keeps && kl > 0.5*floor {
			t.Errorf("%s eps %s%s: KL %.3f, floor %.3f", jobs[i].Variant, jobs[i].Config["variant.bn.eps"], jobs[i].Config["variant.ln.eps"], kl, floor)
		}
	}
}
