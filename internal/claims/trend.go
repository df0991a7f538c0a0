package claims

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"
)

// Trend says that a metric rises, falls, or has its minimum inside, over a numeric setting.
//
// The value of a seed is one number of its curve, and the interval is that for the median over
// seeds. Only seeds with a finished trial at every value of the setting count.
//
// For rises and falls it is Kendall's tau between setting and metric, from -1 (each step falls)
// to 1 (each step rises). The claim holds if the interval lies above 0, or below it; it does not
// hold if it lies on the other side, 0 included. This says that the metric tends to rise, not that each
// step does.
//
// For minimum it is the height of the lower of the curve's two ends above an inner point,
//
//	min(y_first, y_last) - y_k,   k = the lowest inner point of the other seeds' mean.
//
// The claim holds if the interval lies above 0. The other seeds choose the point, because the
// lowest of several noisy points of the same curve is below its ends by chance: a flat curve would
// mostly have an inner minimum.
//
// Source: Kendall 1938, "A new measure of rank correlation", Biometrika 30.
type Trend struct {
	Quantity `yaml:",inline"`
	// Of is the trials that it is about.
	Of Selection `yaml:"of"`
	// Over is the setting that varies among them, such as variant.bn.gamma.
	Over string `yaml:"over"`
	// Shape is how the metric follows it.
	Shape string `yaml:"shape" choice:"rises|falls|minimum"`
}

func init() { Kinds.Add("trend", Trend{Quantity: Quantity{Split: "test"}, Shape: "rises"}) }

// Check refuses a trend over nothing, and over a setting that the selection fixes.
func (t Trend) Check() error {
	if t.Over == "" {
		return errors.New("has no setting; add one, such as over: variant.bn.gamma")
	}
	if v, fixed := t.Of[t.Over]; fixed {
		return fmt.Errorf("is over %s, but of fixes it at %s", t.Over, v)
	}
	return t.named()
}

// Uses returns what it selects.
func (t Trend) Uses() []Use {
	least := 2
	if t.Shape == "minimum" {
		least = 3
	}
	return []Use{{Key: "of", Selection: t.Of, Over: t.Over, Least: least}}
}

func (t Trend) judge(e evidence) Verdict {
	t.Quantity = e.clocked(t.Quantity)
	x, curves, err := t.curves(e)
	if err != nil {
		return undecided("%v", err)
	}
	var of []float64
	what, wanted := "Kendall's tau of "+t.Quantity.String(), region{lo: 0, hi: math.Inf(1), open: true}
	switch t.Shape {
	case "minimum":
		what = "depth of an inner point of " + t.Quantity.String()
		if len(curves) < 2 {
			return undecided("one seed; the inner point of a seed is chosen by the others")
		}
		of = depths(curves)
	case "falls":
		wanted = region{lo: math.Inf(-1), hi: 0, open: true}
		fallthrough
	default:
		for _, y := range curves {
			of = append(of, stat.Kendall(x, y, nil))
		}
	}
	v := decide(of, wanted, e.confidence)
	v.What = fmt.Sprintf("%s of %s over %s", what, t.Of, t.Over)
	return v
}

// curves returns the setting's values in order, and for each seed the metric at each.
func (t Trend) curves(e evidence) (x []float64, curves [][]float64, err error) {
	bySeed := map[int][]float64{}
	for _, value := range values(e.selected(t.Of), t.Over) {
		at := maps.Clone(t.Of)
		at[t.Over] = value
		last, err := e.last(at, t.Quantity)
		if err != nil {
			return nil, nil, err
		}
		for s, y := range last {
			if len(bySeed[s]) == len(x) {
				bySeed[s] = append(bySeed[s], y)
			}
		}
		v, _ := strconv.ParseFloat(value, 64) // checked with the selection
		x = append(x, v)
	}
	for _, s := range slices.Sorted(maps.Keys(bySeed)) {
		if len(bySeed[s]) == len(x) {
			curves = append(curves, bySeed[s])
		}
	}
	if len(curves) == 0 {
		return nil, nil, fmt.Errorf("no seed has a finished trial at every %s", t.Over)
	}
	return x, curves, nil
}

// depths returns for each curve how far its lower end lies above the inner point at which the
// other curves' mean is lowest.
func depths(curves [][]float64) []float64 {
	n := len(curves[0])
	sum := make([]float64, n)
	for _, y := range curves {
		for k := range y {
			sum[k] += y[k]
		}
	}
	var out []float64
	for _, y := range curves {
		k := 1
		for j := 2; j < n-1; j++ {
			if sum[j]-y[j] < sum[k]-y[k] {
				k = j
			}
		}
		out = append(out, min(y[0], y[n-1])-y[k])
	}
	return out
}
