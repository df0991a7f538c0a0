package main

import (
	"fmt"
	"strings"
)

// A Size is the shape of a model and of its batches.
type Size struct {
	Name   string `json:"name"`
	Embed  int    `json:"embed"`  // E, encoder and decoder
	Hidden int    `json:"hidden"` // H, encoder and decoder
	Latent int    `json:"latent"` // D
	Vocab  int    `json:"vocab"`  // V
	Length int    `json:"length"` // T, symbols that the decoder predicts in each sentence
	Batch  int    `json:"batch"`  // B
}

// sizes are those of the field's text sets; tiny is for tests.
var sizes = []Size{
	{"tiny", 8, 12, 4, 50, 5, 4},
	{"small", 64, 128, 16, 2_000, 16, 32},
	{"snli", 128, 512, 32, 9_990, 12, 32},
	{"ptb", 256, 256, 32, 10_000, 23, 32},
	{"yelp", 512, 1024, 32, 20_000, 98, 32},
}

// sizesByName reads a list such as "small,ptb".
func sizesByName(list string) ([]Size, error) {
	var out []Size
	var known []string
	for _, s := range sizes {
		known = append(known, s.Name)
	}
names:
	for name := range strings.SplitSeq(list, ",") {
		for _, s := range sizes {
			if s.Name == name {
				out = append(out, s)
				continue names
			}
		}
		return nil, fmt.Errorf("-sizes: unknown %q; known: %v", name, known)
	}
	return out, nil
}

// Flop is the number of floating-point operations of a training step for each predicted
// symbol, forward and backward counted as three forward passes:
//
//	3 · [8H(E+H) + 8H(E+D+H) + 2HV]
//
// The matrix products only, and the encoder as if it read T symbols; it reads T+1.
func (s Size) Flop() float64 {
	E, H, D, V := float64(s.Embed), float64(s.Hidden), float64(s.Latent), float64(s.Vocab)
	return 3 * (8*H*(E+H) + 8*H*(E+D+H) + 2*H*V)
}
