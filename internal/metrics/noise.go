package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: &Need{"a method that sets the variance of the decoder", func(f Facts) bool { return f.Variant.Noise != nil }},
		Measure: func(s *Split, r Row) {
			logvar := s.Model.Variant.Noise(&nn.Pass{Tape: &grad.Tape{NoGrad: true}}, nil)
			r.Values["noise"] = math.Exp(logvar.Scalar())
		},
		Metrics: []Metric{
			{Name: "noise", Doc: "variance of the decoder, which the method sets, as evaluations have it"},
		},
	})
}
