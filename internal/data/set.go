package data

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

//go:embed *.go
var src embed.FS

// Sources holds the kinds of data under the names that YAML files use.
var Sources = registry.New[Source]("data source", src)

// A Source is the settings of one kind of data: its struct fields are YAML keys.
type Source interface {
	// Kind is what the examples are made of, known before they are loaded.
	Kind() vae.Kind
	// Load makes the set. Settings must lie in the ranges of their tags.
	Load() (*Set, error)
}

// Sized is a Source whose examples all have one number of values, known before they are loaded.
type Sized interface {
	// Values is that number: the pixels of an image, the dimensions of a vector.
	Values() int
}

// A BuiltIn is a source that needs no file.
type BuiltIn interface {
	// About says in a few words what the examples are, and under which licence.
	About() (what, licence string)
}

// A Set is data ready to train on.
type Set struct {
	Name  string // of the source
	Vocab *Vocab // nil unless the examples are text

	// Longest is the number of symbols of the longest sequence that a model must have room for, if it is not among the
	// examples; else 0.
	Longest int
	// Given is the kind of the conditions that are given with the examples, empty if there are none. Those that are labels are
	// the examples' Labels. LongestGiven is Longest of those that are texts, and Labels how many labels there are, where that is
	// not to be found among the examples.
	Given                vae.Kind
	LongestGiven, Labels int
	// Height and Width are the size of an image; a vector that is none has a height of 1. Both
	// are 0 for text.
	Height, Width int
	// Grey says that the values of Train are probabilities, of which pixels are drawn anew at
	// each training step. Valid and Test always hold pixels that are 0 or 1.
	Grey bool
	// Real says that the values are real numbers and not pixels.
	Real bool

	Train, Valid, Test Split // each may be empty

	// Classes are the names of the labels, by number; nil if the numbers are all there is.
	Classes []string

	// Digest is the first 16 hexadecimal digits of the SHA-256 over vocabulary,
	// examples and labels: sets with the same digest have the same content.
	Digest string

	Truth    Truth   // the generator, or nil unless it is known
	Warnings []error // doubts about the data that do not stop the work
}

// Truth is a known generator of sentences x from latent vectors z.
type Truth interface {
	// LogProb returns log p(x|z) in nats for a sequence from <s> to </s>.
	LogProb(z []float64, seq []int32) float64
	// LogProbs returns log p(x_i|z_i) of many, in the engine's precision.
	LogProbs(z [][]float64, seqs [][]int32) []float64
	// LogPrior returns log p(z) in nats.
	LogPrior(z []float64) float64
}

// A Split is one part of a set. Its slices are parallel.
type Split struct {
	Seqs    [][]int32   // text: symbol numbers, from Start to End
	Values  [][]float32 // images: pixels in [0,1], row by row; vectors: real numbers
	Grey    bool        // values are probabilities, see Set.Grey
	Labels  []int       // one class per example, or nil if the data have none
	Given   [][]int32   // conditions that are texts, as Seqs, or nil
	Latents [][]float64 // the true z of each example, or nil if it is not known
}

// N is the number of examples.
func (s Split) N() int { return max(len(s.Seqs), len(s.Values)) }

// Pick is the examples with these numbers, in that order.
func (s Split) Pick(rows []int) Split {
	return Split{
		Seqs: pick(s.Seqs, rows), Values: pick(s.Values, rows), Grey: s.Grey,
		Labels: pick(s.Labels, rows), Given: pick(s.Given, rows), Latents: pick(s.Latents, rows),
	}
}

// Lengths are those of a split's sentences in words, without <s> and </s>.
type Lengths struct{ Min, Median, Max int }

// Lengths returns the lengths of the sentences; the median of an even number of sentences is
// the larger of the two in the middle. All are 0 for a split without sentences.
func (s Split) Lengths() Lengths {
	if len(s.Seqs) == 0 {
		return Lengths{}
	}
	n := make([]int, len(s.Seqs))
	for i, seq := range s.Seqs {
		n[i] = len(seq) - 2
	}
	slices.Sort(n)
	return Lengths{Min: n[0], Median: n[len(n)/2], Max: n[len(n)-1]}
}

// Space is what a model has to know of the set.
func (s *Set) Space() vae.Space {
	if s.Vocab == nil {
		kind := vae.Image
		if s.Real {
			kind = vae.Vector
		}
		return vae.Space{Kind: kind, Height: s.Height, Width: s.Width, N: s.Train.N(), Given: s.condition()}
	}
	space := vae.Space{Kind: vae.Text, V: s.Vocab.Size(), MaxLen: s.Longest, N: s.Train.N(), Given: s.condition()}
	for _, split := range []Split{s.Train, s.Valid, s.Test} {
		for _, seq := range split.Seqs {
			space.MaxLen = max(space.MaxLen, len(seq))
		}
	}
	return space
}

// batch packs the examples at the given indices.
func (s Split) batch(rows []int) *vae.Batch {
	labels := pick(s.Labels, rows)
	var x *vae.Batch
	if s.Values != nil {
		x = vae.NewGrid(pick(s.Values, rows), labels, s.Grey)
	} else {
		x = vae.NewBatch(pick(s.Seqs, rows), labels)
	}
	x.Rows = pick(rows, x.Rows)
	if s.Given != nil {
		given := vae.NewBatch(pick(s.Given, rows), nil)
		given.Rows = pick(rows, given.Rows)
		x.Condition(given)
	}
	return x
}

// pick returns the elements of x at the given indices, or nil if there is no x.
func pick[T any](x []T, rows []int) []T {
	if x == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// digest computes Set.Digest.
func (s *Set) digest() string {
	h := sha256.New()
	number := func(n int) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
	if s.Vocab != nil {
		number(s.Vocab.Size())
		for i := range s.Vocab.Size() {
			io.WriteString(h, s.Vocab.Word(i)+"\n")
		}
	} else {
		fmt.Fprintf(h, "%d x %d, grey %v, real %v\n", s.Height, s.Width, s.Grey, s.Real)
	}
	for _, split := range []Split{s.Train, s.Valid, s.Test} {
		number(split.N())
		for _, seq := range split.Seqs {
			number(len(seq))
			binary.Write(h, binary.LittleEndian, seq)
		}
		for _, row := range split.Values {
			number(len(row))
			binary.Write(h, binary.LittleEndian, row)
		}
		number(len(split.Labels))
		for _, l := range split.Labels {
			number(l)
		}
		for _, seq := range split.Given {
			number(len(seq))
			binary.Write(h, binary.LittleEndian, seq)
		}
	}
	if s.Given != "" { // a model of the same examples without conditions is another one
		fmt.Fprintf(h, "given: %s\n", s.Given)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
