package metrics

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedFloor,
		Measure: func(s *Split, r Row) {
			kl, _ := s.KL()
			r.Values["floor"] = s.Model.Variant.Floor()
			r.Values["slack"] = kl - r.Values["floor"]
		},
		Metrics: []Metric{
			{Name: "floor", Unit: "nats", Doc: "the method's lower bound of the KL of a batch under batch statistics, up to eps"},
			{Name: "slack", Unit: "nats", Doc: "kl - floor; on split train the mean over the steps since the last row"},
		},
	})
}
