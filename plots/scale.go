package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// A scale is an axis that shows numbers as they are or, if most are close together and a few far off, the root of what they are
// above a base.
type scale struct {
	base float64
	root bool
}

// rooted is the scale of values above a base.
func rooted(values []float64, base float64) scale {
	var above []float64
	for _, v := range values {
		above = append(above, math.Abs(v-base))
	}
	if len(above) == 0 {
		return scale{base: base}
	}
	slices.Sort(above)
	middle, top := above[len(above)/2], above[len(above)-1]
	if !(top > 6*middle) {
		return scale{base: base}
	}
	if step := niceStep(top / 50); base != 0 {
		base = math.Floor(base/step) * step
	}
	return scale{base, true}
}

// place is where a number stands on the axis. The few below the base have the root of what they are below it.
func (s scale) place(v float64) float64 {
	if !s.root {
		return v
	}
	return math.Copysign(math.Sqrt(math.Abs(v-s.base)), v-s.base)
}

// places are where numbers stand on the axis.
func (s scale) places(values []float64) (at []float64) {
	for _, v := range values {
		at = append(at, s.place(v))
	}
	return at
}

// unit is what the axis' label says.
func (s scale) unit() string {
	switch {
	case s.root && s.base != 0:
		return fmt.Sprintf("nats, √ scale from %s", short(s.base))
	case s.root:
		return "nats, √ scale"
	}
	return "nats"
}

// axis sets the range and the ticks of an axis of the scale.
func (s scale) axis(a *plot.Axis) {
	if s.base == 0 {
		a.Min = math.Min(0, finiteOr(a.Min, 0))
	}
	pad(a)
	if s.root {
		a.Tick.Marker = plot.TickerFunc(s.ticks)
	}
}

// ticks marks an axis of roots at round numbers on both sides of the base, as far apart as their labels need.
func (s scale) ticks(lo, hi float64) []plot.Tick {
	gap := 0.16 * (hi - math.Min(lo, 0)) // of the axis
	ticks := s.side(1, hi, gap)
	if below := s.side(-1, -lo, gap); len(below) > 1 {
		slices.Reverse(below)
		ticks = append(below[:len(below)-1], ticks...)
	}
	return ticks
}

// side are the ticks above the base, or with a sign of -1 below it, up to a distance from it on the axis.
func (s scale) side(sign, reach, gap float64) (ticks []plot.Tick) {
	for above := 0.0; math.Sqrt(above) <= reach && len(ticks) < mostTicks; {
		v := s.base + sign*above
		ticks = append(ticks, plot.Tick{Value: s.place(v), Label: short(v)})
		at := math.Sqrt(above) + gap
		next := s.base + sign*at*at
		step := niceStep(math.Abs(next - v))
		if above = sign * (sign*math.Ceil(sign*next/step-1e-9)*step - s.base); !(above > 0) {
			break
		}
	}
	return ticks
}
