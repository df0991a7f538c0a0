// Package stream derives independent random streams from names. No draw depends on the
// number of draws from another stream.
//
// The name of a stream is a seed and a path, for example
//
//	stream.New(seed, "order", epoch)     // the order of the batches of one epoch
//	stream.New(seed, "init", "encoder.linear.weight")
//
// Two trials with the same seed share all streams of equal names: the same data order, the
// same initial value of every common parameter, the same noise at every step. Variants are
// therefore compared over paired seeds. A resumed trial uses the stream of its step and needs
// no saved generator state.
package stream

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// New returns the stream named by seed and parts. Parts are told apart by their
// printed form, so ("a", 1) and ("a", "1") are the same stream.
func New(seed uint64, parts ...any) *rand.Rand {
	h := sha256.New()
	fmt.Fprintf(h, "%d", seed)
	for _, p := range parts {
		io.WriteString(h, "\x00")
		fmt.Fprint(h, p)
	}
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil))))
}

// A Stepper makes the streams of a purpose's steps, one after the other, in the same
// memory: what New(seed, purpose, step) makes, without allocating.
type Stepper struct {
	seed    uint64
	purpose string
	source  rand.ChaCha8
	rand    *rand.Rand
	name    []byte
}

// NewStepper returns the streams named by seed and purpose.
func NewStepper(seed uint64, purpose string) *Stepper {
	s := &Stepper{seed: seed, purpose: purpose}
	s.rand = rand.New(&s.source)
	return s
}

// At returns the stream of a step; the one returned before is no longer valid.
func (s *Stepper) At(step int) *rand.Rand {
	s.name = strconv.AppendUint(s.name[:0], s.seed, 10)
	s.name = append(append(append(s.name, 0), s.purpose...), 0)
	s.name = strconv.AppendInt(s.name, int64(step), 10)
	s.source.Seed(sha256.Sum256(s.name))
	return s.rand
}
