package report

import (
	"fmt"

	"vaelab/internal/record"
)

// truths says of each data set whose generator is known what the generator itself comes to: its
// true NLL, below which no model is in expectation, and the mutual information of x and its z, in nats. They
// are properties of the split, so that the first trial that has them speaks for all on the same data.
func truths(groups []record.Group, split string) (sentences []string) {
	seen := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.Runs {
			nll, ok := record.Last(r, split, "true_nll")
			mi, too := record.Last(r, split, "true_mi")
			if !ok || !too || seen[r.Data] {
				continue
			}
			seen[r.Data] = true
			text := decimal(nll, 2)
			if se, ok := record.Last(r, split, "true_nll_se"); ok {
				text += fmt.Sprintf(" (standard error %s)", decimal(se, 2))
			}
			sentences = append(sentences, fmt.Sprintf("Generator of the %s data: NLL %s, MI %s. A model's NELBO is below that NLL by chance only.",
				r.Config["data"], text, decimal(mi, 2)))
		}
	}
	return sentences
}
