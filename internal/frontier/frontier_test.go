package frontier

import (
	"math"
	"slices"
	"testing"
)

// TestLine: what lies on a straight line is read off exactly, whatever the order of the points.
func TestLine(t *testing.T) {
	f := New([]Point{{4, 14}, {1, 11}, {2, 12}})
	for _, rate := range []float64{1, 1.25, 2, 3.5, 4} {
		if got, ok := f.At(rate); !ok || got != 10+rate {
			t.Errorf("at %v: %v, %v; want %v", rate, got, ok, 10+rate)
		}
	}
}

// TestParabola: x² is read off between a and b as (a+b) x - ab, which lies (x-a)(b-x) above it.
func TestParabola(t *testing.T) {
	var points []Point
	for _, x := range []float64{0.5, 3, 1, 7} {
		points = append(points, Point{x, x * x})
	}
	f := New(points)
	for _, c := range []struct{ x, a, b float64 }{{0.75, 0.5, 1}, {2, 1, 3}, {6, 3, 7}} {
		got, ok := f.At(c.x)
		if want := c.x*c.x + (c.x-c.a)*(c.b-c.x); !ok || math.Abs(got-want) > 1e-12 {
			t.Errorf("at %v: %v, %v; want %v", c.x, got, ok, want)
		}
		if a, b, ok := f.Around(c.x); !ok || a.Rate != c.a || b.Rate != c.b {
			t.Errorf("%v lies between %v and %v, %v", c.x, a, b, ok)
		}
	}
}

// TestNothingIsExtrapolated: the ends are read off, and what lies beyond them by the smallest number is not.
func TestNothingIsExtrapolated(t *testing.T) {
	f := New([]Point{{1, 5}, {2, 7}})
	for _, c := range []struct {
		rate, want float64
		ok         bool
	}{{1, 5, true}, {2, 7, true}, {math.Nextafter(1, 0), 0, false}, {math.Nextafter(2, 3), 0, false}, {math.Inf(1), 0, false}, {math.NaN(), 0, false}} {
		if got, ok := f.At(c.rate); ok != c.ok || got != c.want || f.Reaches(c.rate) != c.ok {
			t.Errorf("at %v: %v, %v", c.rate, got, ok)
		}
	}
	if lo, hi := f.Span(); lo != 1 || hi != 2 {
		t.Errorf("spans %v to %v", lo, hi)
	}
}

// TestEqualRates: three trials of one rate are one point at the mean of their values. A frontier of one point reaches that alone.
func TestEqualRates(t *testing.T) {
	f := New([]Point{{2, 1}, {5, 0}, {2, 2}, {2, 6}})
	if want := (Frontier{{2, 3}, {5, 0}}); !slices.Equal(f, want) {
		t.Errorf("%v, want %v", f, want)
	}
	one := New([]Point{{2, 1}, {2, 2}})
	got, ok := one.At(2)
	if a, b, _ := one.Around(2); !ok || got != 1.5 || a != b || one.Reaches(2.1) || one.Reaches(1.9) {
		t.Errorf("%v, %v of %v", got, ok, one)
	}
	if none := New(nil); none.Reaches(0) || none.Reaches(math.Inf(1)) {
		t.Error("no point reaches a rate")
	}
}

// TestInputIsKept: the points that are given stay in their order.
func TestInputIsKept(t *testing.T) {
	points := []Point{{2, 1}, {1, 2}}
	New(points)
	if points[0].Rate != 2 {
		t.Error("the given points were sorted")
	}
}

func TestShared(t *testing.T) {
	a, b, c := New([]Point{{1, 0}, {4, 0}}), New([]Point{{2, 0}, {6, 0}}), New([]Point{{5, 0}, {9, 0}})
	if lo, hi := Shared([]Frontier{a, b}); lo != 2 || hi != 4 {
		t.Errorf("%v to %v, want 2 to 4", lo, hi)
	}
	if lo, hi := Shared([]Frontier{a, b, c}); lo <= hi {
		t.Errorf("%v to %v, want none", lo, hi)
	}
}
