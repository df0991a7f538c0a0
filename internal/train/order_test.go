package train

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/variants"
)

// TestOrderOfTheFile: a split in the order of its labels, and one in no order, have the same metrics
// within the spread of the draws that a seed stands for. What no draw decides is the same to rounding.
func TestOrderOfTheFile(t *testing.T) {
	settings := Defaults
	settings.LR, settings.IWSamples, settings.Probe = 0.02, 2, true
	trial, set := small(t, 16, settings, variants.BN{Gamma: 2, Eps: 1e-8, Momentum: 0.1})
	trial.KL.Beta = 0.1 // so that z tells something
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	for range 120 {
		if tr.Batch == len(tr.batches) {
			tr.Batch = 0
			tr.Epoch++
		}
		if err := tr.TrainStep(); err != nil {
			t.Fatal(err)
		}
	}
	set.Truth = nil // its draws have no seed
	byLabel := make([]int, set.Train.N())
	for i := range byLabel {
		byLabel[i] = i
	}
	slices.SortStableFunc(byLabel, func(a, b int) int { return set.Train.Labels[a] - set.Train.Labels[b] })
	const seeds = 8
	over := func(split data.Split) map[string][]float64 { // by metric, or element of a vector
		all := map[string][]float64{}
		for seed := range seeds {
			trial.Seed = seed + 1
			values, vectors := measurement(t, tr.Model, trial, set, split, Final)
			for name, v := range values {
				all[name] = append(all[name], v)
			}
			for name, vector := range vectors {
				for j, v := range vector {
					name := fmt.Sprint(name, ".", j)
					all[name] = append(all[name], v)
				}
			}
		}
		return all
	}
	sorted, shuffled := over(set.Train.Pick(byLabel)), over(set.Train)
	for name, a := range sorted {
		b := shuffled[name]
		meanA, varA := meanVar(a)
		meanB, varB := meanVar(b)
		within := 5*math.Sqrt((varA+varB)/seeds) + 1e-5*(1+math.Abs(meanB))
		if math.Abs(meanA-meanB) > within || len(b) != seeds {
			t.Errorf("%s is %v in the order of the labels, %v in none: not the same within %v", name, meanA, meanB, within)
		}
	}
	if gap, _ := meanVar(sorted["gap"]); gap < 1 {
		t.Errorf("the decoder does not read z, gap %v: the test tells nothing", gap)
	}
}

func meanVar(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}

// TestLagIsOfDrawnExamples: of more than 200, those measured are spread over the file, and the same
// each time.
func TestLagIsOfDrawnExamples(t *testing.T) {
	const n = 2000
	rows := lagRows(n)
	if !slices.Equal(rows, lagRows(n)) || len(slices.Compact(slices.Clone(rows))) != metrics.LagExamples {
		t.Fatalf("other examples, or one twice: %v", rows)
	}
	var mean float64
	for _, r := range rows {
		mean += float64(r) / metrics.LagExamples
	}
	if se := n / math.Sqrt(12*metrics.LagExamples); math.Abs(mean-n/2) > 4*se {
		t.Errorf("the mean place is %v, want %v ± %v", mean, n/2, se)
	}
	if got := lagRows(3); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("of three examples: %v", got)
	}
}
