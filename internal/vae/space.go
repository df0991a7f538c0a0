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

// A Space is what a model has to know of the examples before it sees one. A number that is
// not known yet is 0.
type Space struct {
	Kind          Kind
	V, MaxLen     int // text: symbols of the vocabulary; symbols of the longest sequence, <s> and </s> included
	Height, Width int // image, and vector made of one: pixels; another vector: 1 and its length
	N             int // examples of the training split
}

// String is "text, vocabulary 100, at most 20 symbols" or "image, 28 x 28".
func (s Space) String() string {
	if s.Kind == Text {
		return fmt.Sprintf("text, vocabulary %d, at most %d symbols", s.V, s.MaxLen)
	}
	return fmt.Sprintf("%s, %d x %d", s.Kind, s.Height, s.Width)
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
