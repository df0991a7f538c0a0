package tensor

import "testing"

// A tally adds x up.
type tally struct {
	x     []Float
	total *Float
}

func (w *tally) Part(from, to int) {
	for _, v := range w.x[from:to] {
		*w.total += v
	}
}

// TestRun: work given by its value is done, and allocates nothing when it is done again; memory goes back to its own type only.
func TestRun(t *testing.T) {
	x, total := []Float{1, 2, 3}, Float(0)
	run := func() { Run(tally{x, &total}, len(x), len(x)) }
	if run(); total != 6 {
		t.Errorf("the sum is %v, want 6", total)
	}
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
	type other tally
	if o := Borrow[other](); o.x != nil {
		t.Error("memory of another type came back")
	}
}
