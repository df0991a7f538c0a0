package claims

// Equal says that a metric of two selections is the same within a tolerance.
//
// The value of a seed is the difference of the two trials with that seed. The claim holds if
// the whole interval for the median difference lies within the tolerance, and does not hold if
// none of it does: that no difference was found is no proof of equality. A 95 % interval inside
// is stricter than the usual test of equivalence, which uses 90 %.
//
// Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power
// approach for assessing the equivalence of average bioavailability".
type Equal struct {
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// To is the trials that they are equal to.
	To Selection `yaml:"to"`
	// Tolerance is the largest difference that is regarded as equal, in the metric's unit.
	Tolerance float64 `yaml:"tolerance" range:"(0,inf)"`
}

func init() { Kinds.Add("equal", Equal{Quantity: Quantity{Split: "test"}}) }

// Check refuses to compare a selection with itself, and to do so without a tolerance.
func (q Equal) Check() error {
	if err := unlike(q.Of, q.To, "to"); err != nil {
		return err
	}
	if err := tolerated(q.Tolerance); err != nil {
		return err
	}
	return q.named()
}

// Uses returns what it selects.
func (q Equal) Uses() []Use {
	return []Use{{Key: "of", Selection: q.Of}, {Key: "to", Selection: q.To}}
}

func (q Equal) judge(e evidence) Verdict {
	return e.differences(q.Of, q.To, q.Quantity, region{lo: -q.Tolerance, hi: q.Tolerance})
}
