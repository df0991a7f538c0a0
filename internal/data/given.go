package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/vae"
)

// The values of the setting given: what a model is given with each example, as a condition.
const (
	givenNothing = "nothing"
	givenContext = "context" // a text that the files have beside each example
	givenHalf    = "half"    // the first half of each sentence, of which the second is the example
	givenLabel   = "label"   // its label
)

// A Giving source can give a condition with each example.
type Giving interface {
	// Gives is the kind of the conditions, empty if there are none.
	Gives() vae.Kind
}

// Gives is the condition of a source's examples, known before they are loaded but for its sizes.
func Gives(s Source) vae.Condition {
	if g, ok := s.(Giving); ok {
		return vae.Condition{Kind: g.Gives()}
	}
	return vae.Condition{}
}

// kindGiven is the kind of the conditions that a setting makes.
func kindGiven(given string) vae.Kind {
	switch given {
	case givenContext, givenHalf:
		return vae.Text
	case givenLabel:
		return vae.Label
	}
	return ""
}

// give makes the conditions that the setting given asks for, of what has been loaded. The remedy is what to do if there are
// no labels. The generator of the data says nothing of p(x|c), so it is forgotten.
func (s *Set) give(given, remedy string) error {
	if s.Given = kindGiven(given); s.Given == "" {
		return nil
	}
	s.Truth = nil
	names, splits := []string{"train", "valid", "test"}, []*Split{&s.Train, &s.Valid, &s.Test}
	for i, split := range splits {
		split.Latents = nil
		var err error
		switch given {
		case givenHalf:
			err = s.halve(split, names[i])
		case givenLabel:
			err = s.labelled(*split, names[i], remedy)
		}
		if err != nil {
			return fmt.Errorf("given: %s: %w", given, err)
		}
	}
	return nil
}

// halve makes the first half of each sentence of n words, n/2 of them rounded down, the condition of the rest. A sentence of
// one word has no first half and is left out.
func (s *Set) halve(split *Split, name string) error {
	long := make([]int, 0, split.N())
	for i, seq := range split.Seqs {
		if len(seq) >= 4 {
			long = append(long, i)
		}
	}
	if short := split.N() - len(long); short > 0 {
		if len(long) == 0 {
			return fmt.Errorf("every sentence of %s has one word and so no first half; use longer sentences, or unit: char", name)
		}
		s.Warnings = append(s.Warnings, fmt.Errorf("given: half: %d sentences of %s have one word and so no first half; they were left out", short, name))
		*split = split.Pick(long)
	}
	whole := split.Seqs
	split.Seqs, split.Given = make([][]int32, len(whole)), make([][]int32, len(whole))
	for i, seq := range whole {
		middle := len(seq) / 2 // 1 + the words of the first half
		split.Given[i] = append(slices.Clone(seq[:middle]), End)
		split.Seqs[i] = append([]int32{Start}, seq[middle:]...)
	}
	if len(whole) == 0 {
		split.Seqs, split.Given = nil, nil
	}
	return nil
}

// labelled returns an error unless each example of a split has a label that occurs in train, if there is a train.
func (s *Set) labelled(split Split, name, remedy string) error {
	if split.N() > 0 && split.Labels == nil {
		return fmt.Errorf("the examples of %s have no labels; %s", name, remedy)
	}
	for i, label := range split.Labels {
		if s.Train.N() > 0 && !slices.Contains(s.Train.Labels, label) {
			return fmt.Errorf("example %d of %s has the label %s, which no example of train has, so that nothing of it is learnt; add examples with its label to train (of generated data, more examples), or remove the example", i+1, name, s.class(label))
		}
	}
	return nil
}

// Relabel gives labels that are conditions the numbers that they had in training: there were so many, with names if the data
// have some. It returns an error if there is another label.
func (s *Set) Relabel(n int, names []string) error {
	s.Labels = n
	number := func(label int) (int, bool) { return label, label < n }
	if names != nil && s.Classes != nil {
		number = func(label int) (int, bool) {
			at := slices.Index(names, s.Classes[label])
			return at, at >= 0
		}
	}
	for _, split := range []*Split{&s.Train, &s.Valid, &s.Test} {
		labels := slices.Clone(split.Labels)
		for i, label := range labels {
			at, ok := number(label)
			if !ok {
				known := fmt.Sprintf("0 to %d", n-1)
				if names != nil {
					known = clip(strings.Join(names, ", "))
				}
				return fmt.Errorf("the label %s did not occur in training; known: %s; remove its examples", s.class(label), known)
			}
			labels[i] = at
		}
		split.Labels = labels
	}
	if names != nil {
		s.Classes = names
	}
	return nil
}

// Blank is n examples without content that have one condition: what a model is given that is to write examples. The source
// says how a text is cut into symbols.
func (s *Set) Blank(source Source, given string, n int) (Split, error) {
	var blank Split
	if s.Vocab != nil {
		blank.Seqs = slices.Repeat([][]int32{{Start, End}}, n)
	} else {
		blank.Values = slices.Repeat([][]float32{make([]float32, s.Height*s.Width)}, n)
	}
	switch s.Given {
	case vae.Text:
		words := strings.Fields(given)
		if text, ok := source.(interface{ symbols(string) []string }); ok {
			words = text.symbols(given)
		}
		seq := s.Vocab.Encode(words)
		if slices.Max(seq) <= Unk {
			return Split{}, fmt.Errorf("%q has no word of the vocabulary of %d; give a text like those of training", clip(given), s.Vocab.Size())
		}
		if most := s.condition().MaxLen; len(seq) > most {
			return Split{}, fmt.Errorf("%q has %d %s, and the longest of training %d; shorten it", clip(given), len(seq)-2, s.Vocab.Unit(), most-2)
		}
		blank.Given = slices.Repeat([][]int32{seq}, n)
	case vae.Label:
		classes := s.condition().Classes
		label := slices.Index(s.Classes, given)
		if number, err := strconv.Atoi(given); label < 0 && s.Classes == nil && err == nil && number >= 0 && number < classes {
			label = number
		}
		if label < 0 {
			known := fmt.Sprintf("0 to %d", classes-1)
			if s.Classes != nil {
				known = strings.Join(s.Classes, ", ")
			}
			return Split{}, fmt.Errorf("%q is no label of training; known: %s", clip(given), known)
		}
		blank.Labels = slices.Repeat([]int{label}, n)
	}
	return blank, nil
}

// symbols cuts a text as the source's sentences are.
func (c Text) symbols(text string) []string { return c.cutter().cut(nil, text) }

// class is a label as the data have it: a name, or a number.
func (s *Set) class(label int) string {
	if s.Classes == nil {
		return fmt.Sprint(label)
	}
	return fmt.Sprintf("%q", clip(s.Classes[label]))
}

// condition is what is given with each example, for Space.
func (s *Set) condition() vae.Condition {
	c := vae.Condition{Kind: s.Given}
	switch s.Given {
	case vae.Text:
		c.MaxLen = s.LongestGiven
	case vae.Label:
		c.Classes = max(s.Labels, len(s.Classes))
	}
	for _, split := range []Split{s.Train, s.Valid, s.Test} {
		for _, seq := range split.Given {
			c.MaxLen = max(c.MaxLen, len(seq))
		}
		for _, label := range split.Labels {
			if s.Given == vae.Label {
				c.Classes = max(c.Classes, label+1)
			}
		}
	}
	return c
}
