package metrics

import (
	"math"

	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: needText,
		Measure: func(s *Split, r Row) {
			r.Values["ppl"] = s.PPL(s.NELBO())
		},
		Metrics: []Metric{
			{Name: "ppl", Doc: "perplexity per symbol from nelbo, an upper bound; counts </s>"},
		},
	})
}

// PPL is the perplexity that belongs to a mean loss in nats per example:
// exp(sum of losses / predicted symbols). Symbols count </s> but not <s>. From the NELBO, as from
// an IW-NLL, it is an upper bound.
//
// Source: test and calc_iwnll of the code of He et al. 2019 (jxhe/vae-lagging-encoder, text.py).
func (e *Encoded) PPL(nats float64) float64 {
	return math.Exp(nats * float64(e.N) / float64(e.Tokens))
}

var needText = &Need{"text", func(f Facts) bool { return f.Kind == vae.Text }}
