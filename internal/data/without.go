package data

import "vaelab/internal/vae"

// Without returns a set that has no examples, for a model that writes some: the source's name, the space of the data that it
// was trained on, and their vocabulary if they are text.
func Without(name string, space vae.Space, vocab *Vocab) *Set {
	s := &Set{Name: name, Height: space.Height, Width: space.Width, Real: space.Kind == vae.Vector}
	if space.Kind == vae.Text {
		s.Vocab, s.Longest = vocab, space.MaxLen
	}
	return s
}
