package report

import (
	"slices"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// TestPhases: a report says when the first phase of a method ended, over the trials of a group, and warns of trials that never
// left it. Trials without phases have neither.
func TestPhases(t *testing.T) {
	trial := func(end int) record.Run { // 0: it never ended; -1: it has no phases
		r := record.Run{State: record.Done, Trial: record.Trial{Config: map[string]string{"kl.beta": "1"}}}
		for _, step := range []int{100, 200, 300} {
			v := map[string]float64{"kl_weight": 1, "counts": 1}
			if end >= 0 {
				v["first_phase"] = 1
			}
			if end > 0 && step > end {
				v["first_phase"], v["phase_end"] = 0, float64(end)
			}
			r.Rows = append(r.Rows, record.Entries(record.Row{Step: step, Split: "train", Values: v})...)
		}
		return r
	}
	const stuck = "in 1 of 2 trials the training, of 300 steps, ends in the first phase of its method; train longer, or change the variant's settings"
	for _, c := range []struct {
		ends   []int
		note   string
		doubts []string
	}{
		{[]int{-1, -1}, "", nil},
		{[]int{120, 120}, "x: the first phase of training ended at step 120 of 300, in 2 of 2 trials.", nil},
		{[]int{220, 120}, "x: the first phase of training ended at steps 120 to 220 of 300, in 2 of 2 trials.", nil},
		{[]int{0, 150}, "x: the first phase of training ended at step 150 of 300, in 1 of 2 trials.", []string{stuck}},
		{[]int{0, 0}, "", []string{strings.Replace(stuck, "1 of", "2 of", 1)}},
	} {
		g := record.Group{Label: "x"}
		for _, end := range c.ends {
			g.Runs = append(g.Runs, trial(end))
		}
		if got := strings.Join(phases([]record.Group{g}), " "); got != c.note {
			t.Errorf("%v: %q, want %q", c.ends, got, c.note)
		}
		if got := Doubts(g); !slices.Equal(got, c.doubts) {
			t.Errorf("%v: %q, want %q", c.ends, got, c.doubts)
		}
	}
}
