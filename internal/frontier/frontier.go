// Package frontier compares methods at equal rates: it reads off what a method has at a rate that none of its trials has.
//
// A method's dial is the setting that moves its rate, the KL. Each value of the dial is one trial of a seed and gives one
// point (rate, value), both as achieved. Between two points that are neighbours by rate,
//
//	value(R) = (1 - t) value_a + t value_b,   t = (R - rate_a) / (rate_b - rate_a).
//
// Below the least rate and above the largest nothing is read off. The order of the points is that of their rates, not of the
// dial: a dial need not move the rate in one direction.
//
// Each seed has a frontier of its own. Claims, rankings and figures read it off here and pair what they read by seed, so that
// they have the same numbers.
package frontier

import (
	"cmp"
	"math"
	"slices"
)

// A Point is what one trial achieved: its rate and its value, both finite.
type Point struct{ Rate, Value float64 }

// A Frontier is the points of one seed, by rate. No two have the same rate.
type Frontier []Point

// New returns the frontier through points in any order. Points of equal rate become one with the mean of their values.
func New(points []Point) (f Frontier) {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Rate, b.Rate) })
	for i := 0; i < len(points); {
		n, sum := 0, 0.0
		for j := i; j < len(points) && points[j].Rate == points[i].Rate; j++ {
			n, sum = n+1, sum+points[j].Value
		}
		f = append(f, Point{points[i].Rate, sum / float64(n)})
		i += n
	}
	return f
}

// Span returns the least and the largest rate; of no point they are +Inf and -Inf, between which nothing lies.
func (f Frontier) Span() (lo, hi float64) {
	if len(f) == 0 {
		return math.Inf(1), math.Inf(-1)
	}
	return f[0].Rate, f[len(f)-1].Rate
}

// Reaches reports whether the rate lies between the least and the largest, both included.
func (f Frontier) Reaches(rate float64) bool {
	lo, hi := f.Span()
	return lo <= rate && rate <= hi
}

// Around returns the points that the value at a rate is made of: the two neighbours, or the one point that has the rate. ok
// is false where the frontier does not reach it.
func (f Frontier) Around(rate float64) (a, b Point, ok bool) {
	if !f.Reaches(rate) {
		return a, b, false
	}
	i := slices.IndexFunc(f, func(p Point) bool { return p.Rate >= rate })
	if f[i].Rate == rate {
		return f[i], f[i], true
	}
	return f[i-1], f[i], true
}

// At returns the value at a rate. ok is false where the frontier does not reach it.
func (f Frontier) At(rate float64) (value float64, ok bool) {
	a, b, ok := f.Around(rate)
	if !ok || a == b {
		return a.Value, ok
	}
	t := (rate - a.Rate) / (b.Rate - a.Rate)
	return (1-t)*a.Value + t*b.Value, true
}

// Shared returns the least and the largest of the rates that all frontiers reach; lo is above hi if there are none.
func Shared(fs []Frontier) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	for _, f := range fs {
		from, to := f.Span()
		lo, hi = math.Max(lo, from), math.Min(hi, to)
	}
	return lo, hi
}
