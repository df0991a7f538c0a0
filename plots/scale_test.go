package plots

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestScale: an axis is of roots only if a few numbers are far above the others; its ticks are round, in order, and where their
// labels say.
func TestScale(t *testing.T) {
	for _, c := range []struct {
		values []float64
		base   float64
		root   bool
	}{
		{[]float64{0, 1, 2, 3}, 0, false},
		{[]float64{0, 1, 2, 30}, 0, true},
		{[]float64{28.6, 28.7, 29, 31, 50}, 28.6, true},
		{[]float64{-300, -299, -298, 500}, -300, true},
		{[]float64{28.6, 28.7, 28.8}, 28.6, false},
		{[]float64{5}, 5, false},
		{nil, 0, false},
	} {
		s := rooted(c.values, c.base)
		if s.root != c.root || s.base > c.base {
			t.Errorf("%v: %+v", c.values, s)
		}
		if !s.root {
			continue
		}
		hi := s.place(slices.Max(c.values))
		ticks := s.ticks(0, hi)
		if len(ticks) < 4 || len(ticks) > 9 {
			t.Errorf("%v: %d ticks", c.values, len(ticks))
		}
		last := -1.0
		for _, tick := range ticks {
			v, err := strconv.ParseFloat(strings.ReplaceAll(tick.Label, "−", "-"), 64)
			if err != nil || math.Abs(s.place(v)-tick.Value) > 1e-9 || tick.Value <= last || tick.Value > hi {
				t.Errorf("%v: a tick %q at %v after %v", c.values, tick.Label, tick.Value, last)
			}
			last = tick.Value
		}
	}
}

// TestScaleBelow: numbers below the base stay in order and apart.
func TestScaleBelow(t *testing.T) {
	s := scale{10, true}
	last := math.Inf(-1)
	for _, v := range []float64{-6, 9.99, 10, 10.01, 26} {
		at := s.place(v)
		if at <= last {
			t.Errorf("%v stands at %v, after %v", v, at, last)
		}
		last = at
	}
	if s.place(26) != 4 || s.place(-6) != -4 || !math.IsNaN(s.place(math.NaN())) {
		t.Errorf("26 stands at %v, -6 at %v", s.place(26), s.place(-6))
	}
}
