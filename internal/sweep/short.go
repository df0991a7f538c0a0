package sweep

import (
	"fmt"
	"slices"

	"vaelab/internal/data"
	"vaelab/internal/train"
)

// A length is how many steps a trial has.
type length struct{ perEpoch, steps int }

// lengthOf counts a trial's steps, and keeps the count for the trials that have the same.
func lengthOf(t train.Trial, set *data.Set, known map[string]length) length {
	s := t.Train
	key := fmt.Sprintf("%p %d %s %d %d", set, s.BatchSize, s.Batching, s.Epochs, s.MaxSteps)
	if _, ok := known[key]; !ok {
		perEpoch, steps := train.Length(t, set)
		known[key] = length{perEpoch, steps}
	}
	return known[key]
}

// noteShort notes a trial, by its index, whose training ends before the schedule of its KL weight does. Such a
// trial never trains at kl.beta, and nothing that waits for the final weight happens.
func (e *Experiment) noteShort(i int, t train.Trial, set *data.Set, lengths map[string]length) {
	k := t.KL
	if k.Schedule == "constant" || set.Train.N() == 0 {
		return
	}
	n := lengthOf(t, set, lengths)
	final := k.Final(n.perEpoch)
	if n.steps == 0 || final < n.steps {
		return
	}
	note := fmt.Sprintf("%s: kl: the training is shorter than the %s schedule of the KL weight: its last step, %d, has weight %.3g, and from step %d on it is kl.beta %.3g; until then train.stop, train.decay and report: best do not count an evaluation",
		e.entries[i], k.Schedule, n.steps, k.Weight(n.steps-1, n.perEpoch), final+1, k.Beta)
	if !slices.Contains(e.Notes, note) { // there are several seeds
		e.Notes = append(e.Notes, note)
	}
}
