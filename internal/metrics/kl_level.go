package metrics

func init() {
	Register(Group{
		Splits: Everywhere, Need: NeedLevels,
		Measure: func(s *Split, r Row) {
			_, r.Vectors["kl_level"] = s.KL()
		},
		Metrics: []Metric{
			{Name: "kl_level", Unit: "nats", Doc: "the KL of each level of z: that of z1 given z2, and that of z2", Vector: true, Size: 2},
		},
	})
}

// NeedLevels is what a KL of each level needs.
var NeedLevels = &Need{"a posterior and a prior of two levels, as those of hierarchy", func(f Facts) bool { return f.Variant.Levels }}
