package claims

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
)

// dialOf returns the dial of a selection: the one setting in which its trials differ, a number.
func dialOf(s Selection, trials []record.Trial) (key string, err error) {
	left := choose(trials, s)
	var dials, several []string
	for _, k := range append(keys(left), dataKey) {
		if vs := values(left, k); len(vs) > 1 {
			dials, several = append(dials, k), append(several, fmt.Sprintf("%s (%s)", k, strings.Join(vs, ", ")))
		}
	}
	switch len(dials) {
	case 0:
		return "", fmt.Errorf("%s has one value of every setting; reading off at a rate takes two or more of its dial, the setting that moves the rate", s)
	case 1:
	default:
		return "", fmt.Errorf("%s varies in %s; only its dial, the setting that moves the rate, may: fix the others in the selection", s, strings.Join(several, " and "))
	}
	for _, v := range values(left, dials[0]) {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "", fmt.Errorf("%s varies in %s, which is no number; a dial is one", s, several[0])
		}
	}
	return dials[0], nil
}

// rated refuses a rate that was not given.
func rated(rate float64) error {
	if math.IsNaN(rate) {
		return errors.New("has no rate; give the KL in nats at which methods are compared, such as rate: 2")
	}
	return nil
}

// rateOf is the rate on the split of a quantity.
func rateOf(split string) Quantity { return Quantity{Metric: "kl", Split: split} }

// A Dialled is a method's trials: for each value of its dial those that differ in the seed only.
type Dialled [][]record.Run

// dialled are the finished trials of a selection over its dial.
func (e evidence) dialled(of Selection) (d Dialled, dial string, err error) {
	trials := e.selected(of)
	if dial, err = dialOf(of, trials); err != nil {
		return nil, "", err
	}
	for _, value := range values(trials, dial) {
		at := maps.Clone(of)
		at[dial] = value
		runs, err := e.done(at)
		if err != nil {
			return nil, "", err
		}
		d = append(d, runs)
	}
	return d, dial, nil
}

// A Span is the frontiers of a method, seed by seed: a quantity against the rate.
type Span struct {
	Name  string // "bn over variant.bn.gamma"
	Lines map[int]frontier.Frontier
}

// SpanOf returns the frontiers of a method in a quantity. Only seeds with a finished trial at every value of the dial count; it is
// an error if no seed has, or a trial lacks the quantity.
func SpanOf(name string, d Dialled, q Quantity) (Span, error) { return evidence{}.span(name, d, q) }

func (e evidence) span(name string, d Dialled, q Quantity) (s Span, err error) {
	points := map[int][]frontier.Point{}
	for i, runs := range d {
		runs = finished(runs)
		rates, err := e.of(runs, rateOf(q.Split), name)
		if err != nil {
			return s, err
		}
		values, err := e.of(runs, q, name)
		if err != nil {
			return s, err
		}
		for seed, rate := range rates {
			if len(points[seed]) == i {
				points[seed] = append(points[seed], frontier.Point{Rate: rate, Value: values[seed]})
			}
		}
	}
	s.Name, s.Lines = name, map[int]frontier.Frontier{}
	for seed, of := range points {
		if len(of) == len(d) {
			s.Lines[seed] = frontier.New(of)
		}
	}
	if len(s.Lines) == 0 {
		return s, fmt.Errorf("no seed has a finished trial of %s at every value", name)
	}
	return s, nil
}

// finished are those of the runs that are done.
func finished(runs []record.Run) []record.Run {
	return slices.DeleteFunc(slices.Clone(runs), func(r record.Run) bool { return r.State != record.Done })
}

// spanOf returns the frontiers of a selection.
func (e evidence) spanOf(of Selection, q Quantity) (s Span, err error) {
	d, dial, err := e.dialled(of)
	if err != nil {
		return s, err
	}
	return e.span(fmt.Sprintf("%s over %s", of, dial), d, q)
}

// At reads the frontiers off at a rate, seed by seed. It is an error if a seed's does not reach it.
func (s Span) At(rate float64) (values map[int]float64, err error) {
	values = map[int]float64{}
	for seed, line := range s.Lines {
		if v, ok := line.At(rate); ok {
			values[seed] = v
		}
	}
	if n := len(s.Lines) - len(values); n > 0 {
		return nil, fmt.Errorf("%s nats not reached by %s in %d of %s: it spans %s", short(rate), s.Name, n, counted(len(s.Lines), "seed"),
			s.spans(rate, func(f frontier.Frontier) bool { return !f.Reaches(rate) }))
	}
	return values, nil
}

// spans lists what some of the seeds span, to tell from a rate: "0.5 to 1.5 (seed 1), 0.6 to 1.4 (seed 2)".
func (s Span) spans(rate float64, some func(frontier.Frontier) bool) string {
	var out []string
	for _, seed := range slices.Sorted(maps.Keys(s.Lines)) {
		if line := s.Lines[seed]; some(line) {
			lo, hi := line.Span()
			out = append(out, fmt.Sprintf("%s to %s (seed %d)", Beside(lo, rate), Beside(hi, rate), seed))
		}
	}
	return strings.Join(out, ", ")
}

// Beside is a number with four digits, or as many more as tell it from a rate: the end of a span may lie beside it by less than a
// thousandth.
func Beside(x, rate float64) string {
	for digits := 4; ; digits++ {
		text := strconv.FormatFloat(x, 'g', digits, 64)
		if y, _ := strconv.ParseFloat(text, 64); digits == 17 || cmp.Compare(y, rate) == cmp.Compare(x, rate) {
			return text
		}
	}
}

// ReadOff are the finished trials whose rates are neighbours of a rate in their seed: the method's value there is made of
// theirs, and of no other's.
func (d Dialled) ReadOff(split string, rate float64) (runs []record.Run) {
	s, err := SpanOf("", d, rateOf(split))
	if err != nil {
		return nil
	}
	for _, r := range finished(slices.Concat(d...)) {
		a, b, ok := s.Lines[r.Seed].Around(rate)
		if own, err := rateOf(split).of(r); ok && err == nil && (own == a.Rate || own == b.Rate) {
			runs = append(runs, r)
		}
	}
	return runs
}

// readOff are those of a selection.
func (e evidence) readOff(of Selection, split string, rate float64) []record.Run {
	d, _, _ := e.dialled(of) // judge says what is wrong with it
	return d.ReadOff(split, rate)
}
