package sweep

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestEstimateOfAFirstPhase: what is measured of aggressive is its first phase, with four updates a step, which lasts two of the
// four epochs at least. Under a clock that gives every step the same time the fast end of the range has half of the steps, and
// a quarter of the others.
func TestEstimateOfAFirstPhase(t *testing.T) {
	var all []Estimate
	for _, job := range prepare(t, strings.Replace(tiny, "epochs: 2", "epochs: 4", 1)+"grid: [{variant: vanilla}, {variant: {aggressive: {every: 9, most: 4}}}]\n", t.TempDir()) {
		var clock time.Time
		est, err := Measure(job, func() time.Time {
			clock = clock.Add(time.Millisecond)
			return clock
		}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, est)
	}
	vanilla, aggressive := all[0], all[1]
	if got := float64(aggressive.Step) / float64(vanilla.Step); math.Abs(got-0.625) > 1e-3 || aggressive.Slowest != vanilla.Slowest {
		t.Errorf("a step takes %v of vanilla's, want 0.625; at most %v, and vanilla %v", got, aggressive.Slowest, vanilla.Slowest)
	}
}

// TestEstimateIsOfTheFastest: the same work is measured three times. A pause of the clock's during one of them changes
// the upper end of the range only.
func TestEstimateIsOfTheFastest(t *testing.T) {
	job := prepare(t, tiny, t.TempDir())[0]
	measure := func(disturbed int) Estimate {
		var clock time.Time
		calls := 0
		est, err := Measure(job, func() time.Time {
			if calls++; calls == disturbed {
				clock = clock.Add(99 * time.Millisecond)
			}
			clock = clock.Add(time.Millisecond)
			return clock
		}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return est
	}
	quiet := measure(0)
	// The clock is asked at both ends of a pass, and in the first pass after each of the four steps, too. Then
	// come the evaluations.
	for _, call := range []int{4, 8, 10, 13} {
		if est := measure(call); est.Total != quiet.Total || est.Slowest <= quiet.Slowest {
			t.Errorf("disturbed at call %d: %v to %v, undisturbed %v to %v", call, est.Total, est.Slowest, quiet.Total, quiet.Slowest)
		}
	}
	if got := quiet.Tokens * quiet.Step.Seconds(); math.Abs(got-40) > 0.1 { // 10 sentences of 3 words and </s>
		t.Errorf("%v symbols a step", got)
	}
}
