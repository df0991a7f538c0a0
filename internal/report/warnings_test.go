package report

import (
	"slices"
	"testing"

	"vaelab/internal/record"
)

// TestShortSchedule: a finished trial whose KL weight has not come to kl.beta is told with both numbers.
func TestShortSchedule(t *testing.T) {
	for _, c := range []struct {
		weight float64
		beta   string
		state  record.State
		want   []string
	}{
		{0.3, "2", record.Done, []string{"in 1 of 1 trials the schedule of the KL weight is longer than the training: the last training row has weight 0.3, kl.beta is 2"}},
		{2, "2", record.Done, nil},
		{0.3, "0.3", record.Done, nil},
		{0.3, "2", record.Unfinished, nil},
	} {
		run := record.Run{State: c.state, Trial: record.Trial{Config: map[string]string{"kl.beta": c.beta}},
			Rows: []record.Row{{Step: 1, Split: "train", Values: map[string]float64{"kl_weight": 0.1}}, {Step: 2, Split: "train", Values: map[string]float64{"kl_weight": c.weight}}}}
		if got := Doubts(record.Group{Runs: []record.Run{run}}); !slices.Equal(got, c.want) {
			t.Errorf("weight %v of %s, %v: %q, want %q", c.weight, c.beta, c.state, got, c.want)
		}
	}
}
