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
		above = append(above, v-base)
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

// ticks marks an axis of roots at round numbers from the base on, as far apart as their labels need.
func (s scale) ticks(_, hi float64) (ticks []plot.Tick) {
	const gap = 0.16 // of the axis
	for v := s.base; s.place(v) <= hi && len(ticks) < mostTicks; {
		ticks = append(ticks, plot.Tick{Value: s.place(v), Label: short(v)})
		at := s.place(v) + gap*hi
		next := s.base + at*at
		step := niceStep(next - v)
		v = math.Ceil(next/step-1e-9) * step
	}
	return ticks
}
