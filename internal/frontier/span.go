package frontier

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// A Dialled is a method's trials: for each value of its dial those that differ in the seed only.
type Dialled [][]record.Run

// Over are the trials of a method's groups, one for each value of its dial.
func Over(groups []record.Group) (d Dialled) {
	for _, g := range groups {
		d = append(d, g.Runs)
	}
	return d
}

// A Span is the frontiers of a method, seed by seed: a number against the rate.
type Span struct {
	Name  string // "bn over variant.bn.gamma"
	Seeds []int  // in order
	Lines []Frontier
}

// SpanOf returns the frontiers of a method in a number. Only seeds with a finished trial at every value of the dial count; it is
// an error if no seed has, if a finished trial lacks the rate or the number, or if a seed has two trials at one value.
func SpanOf(name string, d Dialled, rate, number record.Number) (s Span, err error) {
	s.Name = name
	points := map[int][]Point{}
	for i, runs := range d {
		runs = record.Finished(runs)
		rates, err := record.BySeed(runs, rate, name)
		if err != nil {
			return s, err
		}
		values, err := record.BySeed(runs, number, name)
		if err != nil {
			return s, err
		}
		for seed, at := range rates {
			if len(points[seed]) == i {
				points[seed] = append(points[seed], Point{at, values[seed]})
			}
		}
	}
	for seed, of := range points {
		if len(of) == len(d) {
			s.Seeds = append(s.Seeds, seed)
		}
	}
	slices.Sort(s.Seeds)
	for _, seed := range s.Seeds {
		s.Lines = append(s.Lines, New(points[seed]))
	}
	if len(s.Lines) == 0 {
		return s, fmt.Errorf("no seed has a finished trial of %s at every value", name)
	}
	return s, nil
}

// At reads the frontiers off at a rate, seed by seed. It is an error if a seed's does not reach it.
func (s Span) At(rate float64) (values map[int]float64, err error) {
	values = map[int]float64{}
	for i, line := range s.Lines {
		if v, ok := line.At(rate); ok {
			values[s.Seeds[i]] = v
		}
	}
	if n, of := len(s.Lines)-len(values), len(s.Lines); n > 0 {
		seeds := "seeds"
		if of == 1 {
			seeds = "seed"
		}
		return nil, fmt.Errorf("%.4g nats not reached by %s in %d of %d %s: it spans %s", rate, s.Name, n, of, seeds,
			s.Spans(rate, func(f Frontier) bool { return !f.Reaches(rate) }))
	}
	return values, nil
}

// Spans lists what some of the seeds span, to tell from a rate: "0.5 to 1.5 (seed 1), 0.6 to 1.4 (seed 2)".
func (s Span) Spans(rate float64, some func(Frontier) bool) string {
	var out []string
	for i, line := range s.Lines {
		if some(line) {
			lo, hi := line.Span()
			out = append(out, fmt.Sprintf("%s to %s (seed %d)", Beside(lo, rate), Beside(hi, rate), s.Seeds[i]))
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
func (d Dialled) ReadOff(rate record.Number, at float64) (runs []record.Run) {
	s, err := SpanOf("", d, rate, rate)
	if err != nil {
		return nil
	}
	for _, r := range record.Finished(slices.Concat(d...)) {
		i, ok := slices.BinarySearch(s.Seeds, r.Seed)
		if !ok {
			continue
		}
		a, b, ok := s.Lines[i].Around(at)
		if own, err := rate(r); ok && err == nil && (own == a.Rate || own == b.Rate) {
			runs = append(runs, r)
		}
	}
	return runs
}

// PairsAt reads two methods off at a rate and pairs what it reads by seed. It is an error if a seed of one does not reach the rate.
func PairsAt(of, than Span, rate float64) (p stats.Pairs, err error) {
	a, errA := of.At(rate)
	b, errB := than.At(rate)
	switch {
	case errA != nil && errB != nil:
		return p, fmt.Errorf("%w; %w", errA, errB)
	case errA != nil:
		return p, errA
	case errB != nil:
		return p, errB
	}
	return stats.PairsOf(a, b), nil
}
