package data

import "vaelab/internal/vae"

// Without returns a set that has no examples, for a model that writes some: the source with its name, the space of the data
// that it was trained on, and their vocabulary if they are text. It has the conditions of the space.
func Without(source Source, name string, space vae.Space, vocab *Vocab) *Set {
	s := &Set{Name: name, Height: space.Height, Width: space.Width, Real: space.Kind == vae.Vector, Given: space.Given.Kind, LongestGiven: space.Given.MaxLen, Labels: space.Given.Classes}
	if space.Kind == vae.Text {
		s.Vocab, s.Longest = vocab, space.MaxLen
		if text, ok := source.(interface{ unit() string }); ok {
			vocab.unit = text.unit()
		}
	}
	return s
}

// unit is that of the vocabulary's symbols.
func (c Text) unit() string { return c.Unit }
