package table

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/registry"
)

// A Selection is the numbers of a set that are asked for, by metric and split.
type Selection struct {
	splits   []string // nil: all
	patterns []string // of metrics; nil: all

	known   map[string]bool // metrics that there are, or could be
	ofMany  map[string]bool // vectors likewise
	found   map[string]bool // vectors of the set
	asked   map[string]bool // whether a metric is chosen; of those that somebody has asked for
	held    map[string]bool // likewise whether a vector has a number that may be chosen
	numbers map[string][]element
}

// An element is the name of a number of a vector, and whether it is chosen.
type element struct {
	name   string
	chosen bool
}

// All chooses every number of a set.
func All(set *record.Set) *Selection {
	s := &Selection{known: map[string]bool{}, ofMany: map[string]bool{}, found: map[string]bool{},
		asked: map[string]bool{}, held: map[string]bool{}, numbers: map[string][]element{}}
	for _, run := range set.Runs {
		for _, row := range run.Rows {
			values, vectors := row.Names()
			for _, name := range values {
				s.known[name] = true
			}
			for _, name := range vectors {
				s.ofMany[name], s.found[name] = true, true
			}
		}
	}
	return s
}

// splitNames are the splits of all data.
var splitNames = []string{"train", "valid", "test"}

// Splits restricts the selection to some splits. It refuses a name that is no split of the set and no split of data.
func (s *Selection) Splits(set *record.Set, names []string) error {
	known := slices.Clone(splitNames)
	for _, run := range set.Runs {
		for _, row := range run.Rows {
			if !slices.Contains(known, row.Split) {
				known = append(known, row.Split)
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return registry.Unknown("split", name, known)
		}
	}
	s.splits = names
	return nil
}

// Metrics restricts the selection to some metrics. Each name is that of a metric, such as kl or kl_dim/3, that of a vector,
// which stands for all its numbers, or a pattern of package path, such as mi* or kl_dim/*; * does not match /. Metrics that a
// program can measure are known, too, though no trial of the set may have them; measured tells whether one is a vector.
func (s *Selection) Metrics(names []string, measured map[string]bool) error {
	for name, vector := range measured {
		if vector {
			s.ofMany[name] = true
		} else {
			s.known[name] = true
		}
	}
	for _, name := range names {
		if err := s.check(name); err != nil {
			return err
		}
	}
	s.patterns = names
	clear(s.asked)
	clear(s.held)
	clear(s.numbers)
	return nil
}

// check refuses a name or pattern that no metric has.
func (s *Selection) check(name string) error {
	if s.known[name] || s.ofMany[name] {
		return nil
	}
	if _, err := path.Match(name, ""); err != nil {
		return fmt.Errorf("%q: not a pattern: a [ needs its ], and a \\ the letter after it", name)
	}
	for k := range s.known {
		if ok, _ := path.Match(name, k); ok {
			return nil
		}
	}
	vector, number, isElement := strings.Cut(name, "/")
	for v := range s.ofMany {
		if ok, _ := path.Match(vector, v); ok && isElement {
			if _, err := strconv.ParseUint(number, 10, 31); err != nil && !strings.ContainsAny(number, `*?[\`) {
				return fmt.Errorf("%q: must be a number of the vector %s, such as %s/0, or a pattern, such as %s/*", name, v, v, v)
			}
			return nil
		}
	}
	vectors := slices.Sorted(maps.Keys(s.ofMany))
	names := append(slices.Sorted(maps.Keys(s.known)), vectors...)
	switch {
	case strings.ContainsAny(name, `*?[\`):
		return fmt.Errorf("%q matches no metric; known: %s", name, strings.Join(names, ", "))
	case isElement:
		return registry.Unknown("vector", vector, vectors)
	}
	return registry.Unknown("metric", name, names)
}

// Split tells whether the numbers of a split are chosen.
func (s *Selection) Split(name string) bool {
	return s.splits == nil || slices.Contains(s.splits, name)
}

// Metric tells whether a metric is chosen.
func (s *Selection) Metric(name string) bool {
	if s.patterns == nil {
		return true
	}
	chosen, ok := s.asked[name]
	if !ok {
		chosen = s.matches(name)
		s.asked[name] = chosen
	}
	return chosen
}

func (s *Selection) matches(name string) bool {
	return slices.ContainsFunc(s.patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok || p == name
	})
}

// hasVector tells whether some number of a vector may be chosen.
func (s *Selection) hasVector(name string) bool {
	if s.patterns == nil {
		return true
	}
	held, ok := s.held[name]
	if !ok {
		held = slices.ContainsFunc(s.patterns, func(p string) bool {
			vector, _, isElement := strings.Cut(p, "/")
			ok, _ := path.Match(vector, name)
			return p == name || isElement && ok
		})
		s.held[name] = held
	}
	return held
}

// elements are the first n numbers of a vector.
func (s *Selection) elements(vector string, n int) []element {
	all := s.numbers[vector]
	whole := s.patterns == nil || slices.Contains(s.patterns, vector)
	for i := len(all); i < n; i++ {
		name := vector + "/" + strconv.Itoa(i)
		all = append(all, element{name, whole || s.matches(name)})
	}
	s.numbers[vector] = all
	return all[:n]
}

// vectors are the names of the vectors of the set.
func (s *Selection) vectors() []string { return slices.Sorted(maps.Keys(s.found)) }

// named are the metrics that are asked for by their names.
func (s *Selection) named() map[string]bool {
	all := map[string]bool{}
	for _, p := range s.patterns {
		if s.known[p] {
			all[p] = true
		}
	}
	return all
}
