package main

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/google/pprof/profile"
)

// Parts are where the processors' time of a timed part went, in seconds of one processor. The rest of the time they had
// nothing to do: a worker was parked.
type Parts struct {
	Tiles float64 `json:"tiles"` // the innermost loops of matrix products
	Spin  float64 `json:"spin"`  // waiting for another processor
	Rest  float64 `json:"rest"`
}

// tile matches the functions of the innermost loops, of all instruction sets and sizes.
var tile = regexp.MustCompile(`^vaelab/internal/tensor/kernel\.\w+\d+x\d+$`)

// spins is in the name of the function that polls.
const spins = "tensor.(*spinBudget).wait"

// parts reads a CPU profile and divides so many seconds of CPU time by its samples.
func parts(cpuProfile []byte, seconds float64) (*Parts, error) {
	p, err := profile.Parse(bytes.NewReader(cpuProfile))
	if err != nil {
		return nil, err
	}
	var samples Parts
	for _, s := range p.Sample {
		n := float64(s.Value[0])
		switch {
		case tile.MatchString(top(s)):
			samples.Tiles += n
		case on(s, spins):
			samples.Spin += n
		default:
			samples.Rest += n
		}
	}
	all := samples.sum()
	if all == 0 || seconds == 0 { // a part shorter than a sample, or a system that knows no CPU time
		return nil, nil
	}
	return samples.times(seconds / all), nil
}

// top is the function that a sample was taken in.
func top(s *profile.Sample) string {
	if len(s.Location) == 0 || len(s.Location[0].Line) == 0 {
		return ""
	}
	return s.Location[0].Line[0].Function.Name
}

// on is true if a function of this name was running or had called the one that was.
func on(s *profile.Sample, name string) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if strings.HasSuffix(line.Function.Name, name) {
				return true
			}
		}
	}
	return false
}

func (p Parts) sum() float64 { return p.Tiles + p.Spin + p.Rest }

func (p Parts) times(k float64) *Parts { return &Parts{k * p.Tiles, k * p.Spin, k * p.Rest} }

// add adds the parts of another process; the sum is not known if one of them is not.
func (p *Parts) add(q *Parts) *Parts {
	if p == nil || q == nil {
		return nil
	}
	return &Parts{p.Tiles + q.Tiles, p.Spin + q.Spin, p.Rest + q.Rest}
}
