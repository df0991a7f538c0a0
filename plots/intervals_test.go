package plots

import (
	"math"
	"testing"
)

// TestMiddle: the interval is the range below six seeds, and says so; what cannot be drawn has none.
func TestMiddle(t *testing.T) {
	if m := middleOf([]float64{3, 1, 2}); m != (middle{2, 1, 3, 3}) {
		t.Errorf("three seeds: %+v", m)
	}
	if m := middleOf([]float64{9, 1, 2, 3, 4, 5, 6, 7, 8}); m != (middle{5, 2, 8, 9}) { // x_(2) and x_(8): level 0.961
		t.Errorf("nine seeds: %+v", m)
	}
	for _, values := range [][]float64{nil, {1, math.NaN()}, {math.MaxFloat64}} {
		if m := middleOf(values); !math.IsNaN(m.median) || !math.IsNaN(m.lo) || !math.IsNaN(m.hi) {
			t.Errorf("%v: %+v", values, m)
		}
	}
	for text, counts := range map[string]map[string]int{
		"n = 1 seed.": {"a": 1},
		"Dots are medians over n = 3 seeds, bars the range over seeds (smallest to largest; fewer than 6 seeds have no 95 % CI).": {"a": 3, "b": 3},
		"Dots are medians over n = 6 seeds, bars the 95 % CI, which is the range of 6 seeds.":                                     {"a": 6},
		"Dots are medians over n = 9 seeds, bars the 95 % CI.":                                                                    {"a": 9},
		"Dots are medians over n = 2 to 9 seeds, bars the 95 % CI, with fewer than 6 seeds the range.":                            {"a": 2, "b": 9},
	} {
		if got := mediansNote("Dots", "bars", counts); got != text {
			t.Errorf("%v: %s", counts, got)
		}
	}
	if got := (middle{-0.004, -1.26, 0.5, 6}).text(); got != "0.00 [−1.3, 0.50]" {
		t.Errorf("got %s", got)
	}
}
