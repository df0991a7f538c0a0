package vae

import (
	"math/rand/v2"
	"slices"

	"vaelab/internal/nn"
)

// A Stored is a batch whose examples are in a buffer of the model's parameters, so that weights have them, and a model that
// is loaded does without the data that it was trained on.
type Stored struct {
	space Space
	rows  *nn.Param // (n, the longest sequence) symbols, or (n, P) numbers

	x  *Batch
	of []Float // what x was made of
}

// NewStored makes the buffer of n examples and fills it with those of x. Without x they are to be loaded.
func NewStored(ps *nn.Params, name string, n int, s Space, x *Batch) *Stored {
	width := s.Size()
	if s.Kind == Text {
		width = s.MaxLen
	}
	fill := func(_ *rand.Rand, rows []Float) {
		clear(rows)
		for i := range n {
			switch row := rows[i*width:][:width]; {
			case x == nil:
			case s.Kind == Text:
				for t, symbol := range x.Seqs[i] {
					row[t] = Float(symbol)
				}
			default:
				copy(row, x.Values.Row(i))
			}
		}
	}
	return &Stored{space: s, rows: ps.Buffer(name, fill, n, width)}
}

// Batch is the stored examples.
func (s *Stored) Batch() *Batch {
	if s.x != nil && slices.Equal(s.of, s.rows.Data) {
		return s.x
	}
	s.of = slices.Clone(s.rows.Data)
	if s.space.Kind != Text {
		s.x = &Batch{Values: s.rows.Matrix}
		return s.x
	}
	seqs := make([][]int32, s.rows.Rows)
	for i := range seqs {
		for _, symbol := range s.rows.Row(i) {
			if symbol == 0 { // no symbol of a sequence: it is over
				break
			}
			seqs[i] = append(seqs[i], int32(symbol))
		}
		if len(seqs[i]) < 2 { // nothing was stored yet
			seqs[i] = []int32{Unk, Unk}
		}
	}
	s.x = NewBatch(seqs, nil)
	return s.x
}
