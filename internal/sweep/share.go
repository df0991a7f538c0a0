package sweep

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/models"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// Shares divides trials into n shares of about the same work, positions in increasing order each. It depends on the
// settings alone, so that every process that reads the same experiment finds the same shares, without its data. Trials
// of the same work, as most are, go to the shares in turns.
//
// The largest trial goes first, each to the share that has the least work so far.
func Shares(trials []train.Trial, n int) [][]int {
	work := make([]float64, len(trials))
	order := make([]int, len(trials))
	for i, t := range trials {
		work[i], order[i] = Work(t), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(work[b], work[a]) })
	least := make(loads, n)
	for i := range least {
		least[i].share = i
	}
	shares := make([][]int, n)
	for _, i := range order {
		next := least[0].share
		shares[next] = append(shares[next], i)
		least[0].work += work[i]
		heap.Fix(&least, 0)
	}
	for _, s := range shares {
		slices.Sort(s)
	}
	return shares
}

// loads is a heap of shares, the one with the least work first, of equal ones the one with the lowest number.
type loads []struct {
	share int
	work  float64
}

func (l loads) Len() int { return len(l) }
func (l loads) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(l[i].work, l[j].work), cmp.Compare(l[i].share, l[j].share)) < 0
}
func (l loads) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l loads) Push(any)      { panic("the number of shares is fixed") }
func (l loads) Pop() any      { panic("the number of shares is fixed") }

// Work is the number of operations that the matrix products of a trial's training take at most, as far as its settings
// tell. What only the data tell is taken for that of usual data: 20,000 examples, 10,000 words, 20 words a sentence, 28 x
// 28 pixels. So it compares trials of the same data; between others it is a guess. What a variant adds is not
// counted: most add a few percent.
func Work(t train.Trial) float64 {
	kind := t.Config["data"]
	number := func(key string, usual int) int {
		if n, err := strconv.Atoi(t.Config["data."+kind+"."+key]); err == nil && n > 0 {
			return n
		}
		return usual
	}
	examples := number("limit_train", number("train", 20000))
	space := vae.Space{Kind: t.Data.Kind(), N: examples}
	switch space.Kind {
	case vae.Text:
		space.V, space.MaxLen = number("vocab", number("max_vocab", 10000)), number("length", 20)+2
	case vae.Vector:
		space.Height, space.Width = 1, number("dims", 16)
	default:
		space.Height, space.Width = number("height", 28), number("width", 28)
	}
	symbols := space.MaxLen - 1
	if space.Kind != vae.Text {
		symbols = space.Height * space.Width
	}
	seen := float64(t.Train.Epochs) * float64(examples)
	if most := t.Train.MaxSteps; most > 0 {
		seen = min(seen, float64(most)*float64(t.Train.BatchSize))
	}
	each := 1.0
	if m, ok := t.Model.(models.Counter); ok {
		each = math.Round(m.FlopsPerToken(space)) // some processors fuse a product and a sum, and round once
	}
	return seen * float64(symbols) * each
}

// A Task is one of n shares of an experiment.
type Task struct{ Index, Of int }

// ParseTask reads i/n, i from 0.
func ParseTask(text string) (t Task, err error) {
	i, n, ok := strings.Cut(text, "/")
	var errI, errN error
	t.Index, errI = strconv.Atoi(i)
	t.Of, errN = strconv.Atoi(n)
	switch {
	case !ok || errI != nil || errN != nil:
		return t, fmt.Errorf("%q: must be i/n, such as 0/8 for the first of 8 shares", text)
	case t.Of < 1 || t.Of > maxTrials:
		return t, fmt.Errorf("%s: there must be 1 to %d shares", text, maxTrials)
	case t.Index < 0 || t.Index >= t.Of:
		return t, fmt.Errorf("%s: the share must be 0 to %d; the first is 0", text, t.Of-1)
	}
	return t, nil
}

// Keep leaves the experiment those of its trials that stand at some positions. Prepare then finds trials under their own
// names only: what it would read to find others is as much for a small share as for all.
func (e *Experiment) Keep(positions []int) {
	trials, entries := make([]train.Trial, 0, len(positions)), make([]string, 0, len(positions))
	for _, i := range positions {
		trials, entries = append(trials, e.Trials[i]), append(entries, e.entries[i])
	}
	e.Trials, e.entries, e.part = trials, entries, true
}

// ParsePositions reads positions of n trials: 0-17,23. Ranges include both ends; the result is sorted.
func ParsePositions(text string, n int) ([]int, error) {
	in := make([]bool, n)
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		low, err := strconv.Atoi(first)
		high := low
		if isRange && err == nil {
			high, err = strconv.Atoi(last)
		}
		if err != nil || low < 0 || high < low {
			return nil, fmt.Errorf("%q: must be positions of trials such as 0-17,23; the first trial is 0", text)
		}
		if high >= n {
			return nil, fmt.Errorf("%s: %d is beyond the last trial, %d", text, high, n-1)
		}
		for i := low; i <= high; i++ {
			in[i] = true
		}
	}
	var all []int
	for i, is := range in {
		if is {
			all = append(all, i)
		}
	}
	return all, nil
}

// FormatPositions writes what ParsePositions reads; positions are sorted.
func FormatPositions(positions []int) string {
	var b strings.Builder
	for k := 0; k < len(positions); {
		first := positions[k]
		for k++; k < len(positions) && positions[k] == positions[k-1]+1; k++ {
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if fmt.Fprint(&b, first); positions[k-1] > first {
			fmt.Fprintf(&b, "-%d", positions[k-1])
		}
	}
	return b.String()
}
