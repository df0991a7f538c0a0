package metrics

func init() {
	Register(Group{
		Splits: Evaluations, Need: needRefine,
		Measure: func(s *Split, r Row) {
			plain := *s.Model
			plain.Variant.Refine = nil
			r.Values["refine_gain"] = Encode(&plain, s.Batches, s.Seed).NELBO() - s.NELBO()
		},
		Metrics: []Metric{
			{Name: "refine_gain", Unit: "nats", Doc: "nelbo of the encoder's own q(z|x) minus nelbo; all other metrics are of the refined q(z|x)"},
		},
	})
}

var needRefine = &Need{"a method that refines the posterior, such as sa-vae", func(f Facts) bool { return f.Variant.Refine != nil }}
