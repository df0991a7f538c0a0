package train

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vaelab/variants"
)

// TestSynonyms: none is a metric or stands twice, and what looks like a metric in an answer is one.
func TestSynonyms(t *testing.T) {
	metrics := map[string]bool{}
	for _, m := range Metrics() {
		metrics[m.Name] = true
	}
	words := regexp.MustCompile(`\b(?:\w+_\w+|(?:is|are|name is|and|or) (?:nelbo|kl|rec|ppl|mi|au|lr|loss|objective))\b`)
	seen := map[string]bool{}
	for _, s := range synonyms {
		for _, n := range s.names {
			if metrics[n] || seen[n] || n != strings.ToLower(n) {
				t.Errorf("%s is a metric, or a synonym twice, or not in lower case", n)
			}
			seen[n] = true
		}
		for _, w := range words.FindAllString(s.says, -1) {
			w = w[strings.LastIndex(w, " ")+1:]
			if !metrics[w] && !slices.Contains([]string{"iw_samples", "at_least", "at_most", "ms_per_step"}, w) {
				t.Errorf("%v: %q names %s, which is no metric", s.names, s.says, w)
			}
		}
	}
}

// TestOtherNames: who uses the name of another program is told which metric that is, and that the order
// turns round where it does.
func TestOtherNames(t *testing.T) {
	trial, _ := small(t, 12, Defaults, variants.BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1})
	for name, says := range map[string][]string{
		"elbo":               {"nelbo is -elbo: the order turns round, so that greater becomes less"},
		"ELBO":               {"nelbo is -elbo"},
		"log-likelihood":     {"iw_nll", "greater becomes less"},
		"nll":                {"iw_nll estimates", "nelbo bounds"},
		"bpd":                {"not measured", "ln 2"},
		"perplexity":         {"ppl is the perplexity", "</s>"},
		"mutual_information": {"the name is mi"},
		"active units":       {"the name is au"},
		"kld":                {"the name is kl"},
		"rate":               {"the name is kl"},
		"distortion":         {"the name is rec"},
		"recon_loss":         {"the name is rec"},
		"val_loss":           {"split: valid"},
		"accuracy":           {"probe_100"},
		"rouge":              {"not measured"},
		"BLEU-4":             {"the name is bleu"},
	} {
		_, err := trial.Length("test", name)
		if got := fmt.Sprint(err); err == nil || strings.Contains(got, "did you mean") {
			t.Errorf("%s: %v", name, err)
		} else {
			for _, want := range says {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %q does not say %q", name, got, want)
				}
			}
		}
	}
}
