package converge

import "math"

// A point is a number at a training step.
type point struct {
	step     int
	value    float64
	perEpoch float64 // steps in an epoch
}

// since are the points from a step on.
func since(all []point, step int) []point {
	for i, p := range all {
		if p.step >= step {
			return all[i:]
		}
	}
	return nil
}

// line returns the slope of the line of least squares, per step, with its standard error
//
//	se = sqrt(RSS / (n-2) / sum (x - mean x)²).
//
// With two points the error is NaN, with fewer both are.
func line(points []point) (slope, se float64) {
	n := float64(len(points))
	var x, y float64
	for _, p := range points {
		x += float64(p.step) / n
		y += p.value / n
	}
	var xx, xy float64
	for _, p := range points {
		dx := float64(p.step) - x
		xx += dx * dx
		xy += dx * (p.value - y)
	}
	slope = xy / xx
	var rss float64
	for _, p := range points {
		r := p.value - y - slope*(float64(p.step)-x)
		rss += r * r
	}
	if n < 3 {
		return slope, math.NaN()
	}
	return slope, math.Sqrt(rss / (n - 2) / xx)
}
