package sweep

import (
	"strings"
	"testing"
)

// TestCodes: what has no effect on codes, or does not fit the model, is a fault that names both sides.
func TestCodes(t *testing.T) {
	const small = "base:\n  data: {synthetic: {train: 320, valid: 8, test: 8, vocab: 20, hidden: 8, embed: 8}}\n"
	model := func(D, variant, more string) string {
		return small + "  model: {lstm: {latent_dim: " + D + ", embed_dim: 4, enc_hidden: 4, dec_hidden: 4}}\n  variant: " + variant + "\n" + more
	}
	for _, c := range []struct{ file, want string }{
		{model("8", "{vq: {}}", ""), ""},
		{model("8", "{categorical: {symbols: 4}, control-vae: {}}", ""), ""},
		{model("8", "{categorical: {symbols: 4}, free-bits: {}}", ""), ""},
		{model("8", "{categorical: {symbols: 3}}", ""), "x.yaml:4:12: variant: categorical: 3 symbols need 6 latent dimensions or a multiple of 3 above that, and the model has 8; change variant.categorical.symbols or the model's latent_dim"},
		{model("1", "{categorical: {}}", ""), "variant: categorical: 1 symbols need 2 latent dimensions"},
		{model("8", "{free-bits: {}, vq: {}}", ""), "variant: free-bits+vq: vq makes posteriors of constant KL, so free-bits, which charges the KL, has no effect; leave one of them out"},
		{model("8", "{control-vae: {}, fsq: {}}", ""), "variant: control-vae+fsq: fsq makes posteriors of constant KL, so the KL weight that control-vae sets has no effect; leave one of them out"},
		{model("8", "{vq: {}}", "  kl: {beta: 0.5}\n"), "kl.beta: has no effect with vq, because no training changes the KL of its posteriors; leave kl out, or move it to the entries of the grid without vq"},
		{model("8", "{fsq: {}, vq: {}}", ""), "variant: fsq+vq: fsq and vq both act on the head"},
		{model("8", "{fsq: {}, vmf: {}}", ""), "variant: fsq+vmf: fsq and vmf both act on the head"},
		{model("1", "{fsq: {}}", "  train: {lag_every: 5}\n"), "train.lag_every: needs a z that moves continuously, and that of fsq is one of finitely many codes; leave lag_every out, or choose another variant"},
		{model("8", "{fsq: {}, mae: {}}", ""), "variant: fsq+mae: fsq makes posteriors of the family code, and mae needs those of the family gaussian; choose another head or leave mae out"},
		{model("8", "{fsq: {levels: 1}}", ""), "variant.fsq.levels: 1 is outside [2,64]"},
		{model("8", "{vq: {k: 1}}", ""), "variant.vq.k: 1 is outside [2,65536]"},
	} {
		_, err := Parse("x.yaml", []byte(c.file), Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\ngot %v\nwant %s", c.file, err, c.want)
		}
	}
	e := parse(t, model("8", "{mixture-prior: {k: 321, components: data}}", ""), Options{})
	if _, err := e.Prepare(t.TempDir()); err == nil || err.Error() != "x.yaml:1:1: variant.mixture-prior.k: takes 321 examples of the training split, which has 320; lower k, or use more data" {
		t.Errorf("321 exemplars of 320 examples: %v", err)
	}
	for k, noted := range map[string]bool{"320": false, "321": true} {
		e := parse(t, model("8", "{vq: {k: "+k+"}}", ""), Options{})
		if _, err := e.Prepare(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(e.Notes, "\n")
		if want := "x.yaml:1:1: variant.vq.k: of 321 codes at most 320 can be used, one for each training example; lower k"; strings.Contains(notes, want) != noted {
			t.Errorf("k %s: notes %q", k, notes)
		}
	}
}
