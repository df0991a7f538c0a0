package stream

import "testing"

func TestStreamsAreNamed(t *testing.T) {
	first := func(seed uint64, parts ...any) uint64 { return New(seed, parts...).Uint64() }
	if one, two := first(1, "order", 3), first(1, "order", 3); one != two {
		t.Error("the same name gave two different streams")
	}
	seen := map[uint64]string{}
	for name, got := range map[string]uint64{
		"seed 1 order 3":  first(1, "order", 3),
		"seed 2 order 3":  first(2, "order", 3),
		"seed 1 order 4":  first(1, "order", 4),
		"seed 1 eps 3":    first(1, "eps", 3),
		"seed 13 order":   first(13, "order"),
		"seed 1 3 order":  first(1, 3, "order"),
		"seed 1 or der 3": first(1, "or", "der", 3),
	} {
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s share a stream", name, other)
		}
		seen[got] = name
	}
}

func TestStepperIsNew(t *testing.T) {
	s := NewStepper(7, "eps")
	for _, step := range []int{0, 3, 12345} {
		a, b := s.At(step), New(7, "eps", step)
		for i := range 20 {
			if x, y := a.NormFloat64(), b.NormFloat64(); x != y {
				t.Fatalf("step %d draw %d: %v, New gives %v", step, i, x, y)
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { s.At(5) }); n > 0 {
		t.Errorf("At allocates %v times", n)
	}
}
