package claims

import (
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

// A span is the frontiers of a selection, seed by seed: a quantity against the rate.
type span struct {
	name  string // "bn over variant.bn.gamma"
	lines map[int]frontier.Frontier
}

// spanOf returns the frontiers of a selection. Only seeds with a finished trial at every value of the dial count.
func (e evidence) spanOf(of Selection, q Quantity) (s span, err error) {
	dial, err := dialOf(of, e.selected(of))
	if err != nil {
		return s, err
	}
	_, rates, err := e.along(of, dial, rateOf(q.Split))
	if err != nil {
		return s, err
	}
	_, at, err := e.along(of, dial, q)
	if err != nil {
		return s, err
	}
	s.name, s.lines = fmt.Sprintf("%s over %s", of, dial), map[int]frontier.Frontier{}
	for seed := range rates {
		var points []frontier.Point
		for i, rate := range rates[seed] {
			points = append(points, frontier.Point{Rate: rate, Value: at[seed][i]})
		}
		s.lines[seed] = frontier.New(points)
	}
	return s, nil
}

// at reads the frontiers off at a rate. It is an error if a seed's does not reach it.
func (s span) at(rate float64) (values map[int]float64, err error) {
	values = map[int]float64{}
	for seed, line := range s.lines {
		if v, ok := line.At(rate); ok {
			values[seed] = v
		}
	}
	if n := len(s.lines) - len(values); n > 0 {
		return nil, fmt.Errorf("%s nats not reached by %s in %d of %s: it spans %s", short(rate), s.name, n, counted(len(s.lines), "seed"),
			s.spans(func(f frontier.Frontier) bool { return !f.Reaches(rate) }))
	}
	return values, nil
}

// spans lists what some of the seeds span: "0.5 to 1.5 (seed 1), 0.6 to 1.4 (seed 2)".
func (s span) spans(some func(frontier.Frontier) bool) string {
	var out []string
	for _, seed := range slices.Sorted(maps.Keys(s.lines)) {
		if line := s.lines[seed]; some(line) {
			lo, hi := line.Span()
			out = append(out, fmt.Sprintf("%s to %s (seed %d)", short(lo), short(hi), seed))
		}
	}
	return strings.Join(out, ", ")
}

// readOff are the finished trials of a selection whose rates are neighbours of a rate in their seed: its value there is made of
// theirs, and of no other's.
func (e evidence) readOff(of Selection, split string, rate float64) (runs []record.Run) {
	s, err := e.spanOf(of, rateOf(split))
	if err != nil {
		return nil
	}
	for _, r := range e.runs {
		a, b, ok := s.lines[r.Seed].Around(rate)
		if !ok || r.State != record.Done || !of.Has(r.Trial) {
			continue
		}
		if own, err := rateOf(split).of(r); err == nil && (own == a.Rate || own == b.Rate) {
			runs = append(runs, r)
		}
	}
	return runs
}
