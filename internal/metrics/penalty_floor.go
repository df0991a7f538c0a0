package metrics

func init() {
	Register(Group{
		Splits: Evaluations, Need: &Need{"a method with a lower bound of its penalty", func(f Facts) bool { return f.Variant.LeastPenalty != nil }},
		Measure: func(s *Split, r Row) {
			_, penalty, _ := s.objective()
			r.Values["penalty_floor"] = s.PenaltyFloor(s.Model.Variant.LeastPenalty)
			r.Values["penalty_slack"] = penalty - r.Values["penalty_floor"]
		},
		Metrics: []Metric{
			{Name: "penalty_floor", Unit: "nats", Doc: "lower bound of the penalty for the means of the posteriors as they are"},
			{Name: "penalty_slack", Unit: "nats", Doc: "penalty - penalty_floor"},
		},
	})
}

// PenaltyFloor is the mean over examples of the sum over dimensions of a method's least penalty for mu.
func (e *Encoded) PenaltyFloor(least func(mu float64) float64) (nats float64) {
	for _, mu := range e.Mu {
		nats += least(mu) / float64(e.N)
	}
	return nats
}
