package claims

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"

	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/stats"
)

// A Quantity is the number of a trial that a claim is about: a metric of a row, one number made of
// a vector of the row, as the package comment says, or what the whole trial cost.
type Quantity struct {
	// Metric is a name of the rows' values, or of a vector with a reduction, or one of Costs.
	Metric string `yaml:"metric"`
	// Split is the part of the data; train has batch statistics, the others running ones. A cost
	// has none.
	Split string `yaml:"split" choice:"train|valid|test"`
}

// A Cost is a metric of a whole trial and of no split, from its manifest.
type Cost struct {
	Name, Unit string
	Doc        string // in one line
	wall       string // the same by the wall clock; empty if it is by the wall clock itself
	of         func(c record.Cost) float64
}

// Costs are the metrics of a trial's cost. CPU time hardly depends on the load of the machine. The wall clock does,
// so a verdict by it says so. A claim about CPU time uses the wall clock, and says so, if none of the selected trials
// has CPU time, as in earlier versions.
var Costs = []Cost{
	{"cpu_seconds", "s", "CPU time of the trial, with its evaluations", "seconds",
		func(c record.Cost) float64 { return c.CPUSeconds }},
	{"cpu_ms_per_step", "ms", "CPU time of the trial divided by its training steps, with its evaluations", "ms_per_step",
		func(c record.Cost) float64 { return 1000 * c.CPUSeconds / float64(c.Steps) }},
	{"seconds", "s", "wall-clock time of the trial, with its evaluations; prefer cpu_seconds", "",
		func(c record.Cost) float64 { return c.Seconds }},
	{"ms_per_step", "ms", "wall-clock time of the trial divided by its training steps, with its evaluations; prefer cpu_ms_per_step", "",
		func(c record.Cost) float64 { return 1000 * c.Seconds / float64(c.Steps) }},
}

// reductions make one number of a vector; NaN if an element is.
var reductions = map[string]func([]float64) float64{
	"mean": func(x []float64) float64 { return stat.Mean(x, nil) },
	"median": func(x []float64) float64 {
		if slices.ContainsFunc(x, math.IsNaN) {
			return math.NaN()
		}
		return stats.Median(x)
	},
	"min": slices.Min[[]float64],
	"max": slices.Max[[]float64],
}

// Measured returns the quantity itself; it is what a kind that has one is about.
func (q Quantity) Measured() Quantity { return q }

// Name is the metric without its reduction: theta for theta.mean.
func (q Quantity) Name() string {
	name, _, _ := strings.Cut(q.Metric, ".")
	return name
}

// Cost reports whether the quantity is a cost of a whole trial.
func (q Quantity) Cost() bool { return q.cost() != nil }

func (q Quantity) cost() *Cost {
	if i := slices.IndexFunc(Costs, func(c Cost) bool { return c.Name == q.Metric }); i >= 0 {
		return &Costs[i]
	}
	return nil
}

func costNames() (names []string) {
	for _, c := range Costs {
		names = append(names, c.Name)
	}
	return names
}

// String is "test kl", "cpu_ms_per_step" or "ms_per_step (wall clock)".
func (q Quantity) String() string {
	if c := q.cost(); c != nil {
		if c.wall == "" {
			return q.Metric + " (wall clock)"
		}
		return q.Metric
	}
	return q.Split + " " + q.Metric
}

// fits returns an error unless the metric makes one number of what rows hold under its Name:
// one number, if the length is 0, or else a vector of this length.
func (q Quantity) fits(length int) error {
	name, how, reduced := strings.Cut(q.Metric, ".")
	if length == 0 {
		if reduced {
			return fmt.Errorf("%s is one number; leave out .%s", name, how)
		}
		return nil
	}
	known := slices.Sorted(maps.Keys(reductions))
	if !reduced {
		return fmt.Errorf("%s is a vector; name one number of it: %[1]s.%[2]s, or an element, %[1]s.0 to %[1]s.%[3]d",
			name, strings.Join(known, ", "+name+"."), length-1)
	}
	if i, err := strconv.Atoi(how); err == nil {
		if i < 0 || i >= length {
			return fmt.Errorf("%s has no element %d; there are 0 to %d", name, i, length-1)
		}
	} else if reductions[how] == nil {
		return fmt.Errorf("%w, or an element, 0 to %d", registry.Unknown("reduction of "+name, how, known), length-1)
	}
	return nil
}

// named refuses a quantity without a name.
func (q Quantity) named() error {
	if q.Metric == "" {
		return errors.New("has no metric; add one, such as metric: kl")
	}
	return nil
}

// in returns the quantity in a row, of whatever split.
func (q Quantity) in(row record.Entry) (value float64, ok bool) {
	name, how, reduced := strings.Cut(q.Metric, ".")
	if !reduced {
		return row.Value(name)
	}
	vector, _ := row.Vector(name)
	if len(vector) == 0 || q.fits(len(vector)) != nil {
		return 0, false
	}
	if reduce := reductions[how]; reduce != nil {
		return reduce(vector), true
	}
	i, _ := strconv.Atoi(how) // it fits
	return vector[i], true
}

// Of returns the quantity of a run: that of the last row of the split that has it, or its cost.
func (q Quantity) Of(r record.Run) (float64, error) {
	if c := q.cost(); c != nil {
		took, err := r.Cost()
		if err == nil && took.CPUSeconds <= 0 && c.wall != "" {
			err = fmt.Errorf("its %s has no CPU time; %s is wall-clock time", record.ManifestFile, c.wall)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: no %s: %w", r.ID, q.Metric, err)
		}
		return c.of(took), nil
	}
	for _, row := range slices.Backward(r.Rows) {
		if row.Split != q.Split {
			continue
		}
		if v, ok := q.in(row); ok {
			if math.IsNaN(v) || math.IsInf(v, 0) { // the mean of a vector of large numbers may overflow
				return 0, fmt.Errorf("%s: the last %s is not a number", r.ID, q)
			}
			return v, nil
		}
	}
	return 0, q.lacking(r)
}

// lacking says why no row of a run has the quantity, and which others the rows have.
func (q Quantity) lacking(r record.Run) error {
	lengths := map[string]int{}
	for _, row := range r.Rows {
		if row.Split != q.Split {
			continue
		}
		for name := range row.Values() {
			lengths[name] = 0
		}
		for name, v := range row.Vectors() {
			lengths[name] = len(v)
		}
	}
	if len(lengths) == 0 {
		return fmt.Errorf("%s has no rows of split %s", r.ID, q.Split)
	}
	if length, there := lengths[q.Name()]; there {
		return fmt.Errorf("%s: split %s: %w", r.ID, q.Split, q.fits(length))
	}
	return fmt.Errorf("%s: no row of split %s has %s; they have %s", r.ID, q.Split, q.Name(), strings.Join(slices.Sorted(maps.Keys(lengths)), ", "))
}
