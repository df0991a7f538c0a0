package main

import (
	"fmt"

	"vaelab/internal/data"
	"vaelab/internal/sweep"
	"vaelab/internal/vae"
)

// untrainedWarn is the share of training sentences from which on it is a warning that they are never trained on: a
// result on so many fewer sentences is another one.
const untrainedWarn = 0.01

// untrained are the training sentences of a set that a way of batching leaves out in every epoch.
type untrained struct {
	set   *data.Set
	n, of int
}

// untrainedOf counts them for the jobs, each set and way of batching once, those without any left out.
func untrainedOf(jobs []sweep.Job) (all []untrained) {
	type pair struct {
		set      *data.Set
		batching vae.Batching
	}
	seen := map[pair]bool{}
	for _, j := range jobs {
		key := pair{j.Set, j.Trial.Train.Batching}
		if seen[key] {
			continue
		}
		seen[key] = true
		if n := j.Set.Train.Untrained(key.batching); n > 0 && key.batching == vae.ByLength {
			all = append(all, untrained{j.Set, n, j.Set.Train.N()})
		}
	}
	return all
}

func (u untrained) share() float64 { return float64(u.n) / float64(u.of) }

// String says how many, why, and which setting trains them.
func (u untrained) String() string {
	return fmt.Sprintf("%d of %d training sentences (%.3g %%) are never trained on: each is alone with its length, and train.batching: length leaves out batches of one; train.batching: near trains them",
		u.n, u.of, 100*u.share())
}
