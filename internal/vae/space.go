package vae

import "fmt"

// A Kind is what an example is made of.
type Kind string

// The kinds of examples.
const (
	Text   Kind = "text"   // a sequence of symbols
	Image  Kind = "image"  // a grid of pixels that are 0 or 1
	Vector Kind = "vector" // real numbers
)

// Label is the kind of a condition that is one of finitely many classes.
const Label Kind = "label"

// A Space is what a model has to know of the examples before it sees one. A number that is
// not known yet is 0.
type Space struct {
	Kind          Kind
	V, MaxLen     int // text: symbols of the vocabulary; symbols of the longest sequence, <s> and </s> included
	Height, Width int // image, and vector made of one: pixels; another vector: 1 and its length
	N             int // examples of the training split

	Given Condition // what is given with each example
}

// A Condition is what is given with each example: a text or a label, c of p(x|z, c). The zero Condition is nothing.
type Condition struct {
	Kind    Kind // Text, Label, or empty
	MaxLen  int  // of a text: symbols of the longest, <s> and </s> included; its vocabulary is that of the examples
	Classes int  // of a label: how many there are
}

// String is "nothing", "a text of at most 7 symbols" or "one of 4 labels".
func (c Condition) String() string {
	switch c.Kind {
	case Text:
		return fmt.Sprintf("a text of at most %d symbols", c.MaxLen)
	case Label:
		return fmt.Sprintf("one of %d labels", c.Classes)
	}
	return "nothing"
}

// String is "text, vocabulary 100, at most 20 symbols" or "image, 28 x 28", with the condition if there is one.
func (s Space) String() string {
	examples := fmt.Sprintf("%s, %d x %d", s.Kind, s.Height, s.Width)
	if s.Kind == Text {
		examples = fmt.Sprintf("text, vocabulary %d, at most %d symbols", s.V, s.MaxLen)
	}
	if s.Given.Kind == "" {
		return examples
	}
	return fmt.Sprintf("%s, given %v", examples, s.Given)
}

// Size is the number of pixels, or of real numbers.
func (s Space) Size() int { return s.Height * s.Width }

// Want returns an error unless s is of one of the kinds that a model reads.
func (s Space) Want(model string, kinds ...Kind) error {
	for _, k := range kinds {
		if k == s.Kind {
			return nil
		}
	}
	return fmt.Errorf("%s reads %s data; these are %s; choose another model or other data", model, kinds[0], s.Kind)
}
