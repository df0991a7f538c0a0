package optim

import "testing"

// TestStop: small improvements add up to one, a metric that rises is judged the other way round, and
// patience 0 never ends. Ten updates of the decoder lie between two evaluations.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		name   string
		s      Stop
		values []float64
		over   int // the evaluation, from 1, at which patience runs out; 0: never
	}{
		{"falls on", Stop{Metric: "objective", Patience: 2}, []float64{5, 4, 3, 2, 1}, 0},
		{"stands", Stop{Metric: "objective", Patience: 2}, []float64{5, 4, 4, 4, 1}, 4},
		{"a rise between falls", Stop{Metric: "objective", Patience: 2}, []float64{5, 6, 4, 6, 3, 6, 6}, 7},
		{"too little", Stop{Metric: "rec", Patience: 3, MinDelta: 1}, []float64{5, 4.9, 4.8, 4.7}, 4},
		{"little by little", Stop{Metric: "nelbo", Patience: 3, MinDelta: 1}, []float64{5, 4.5, 3.9, 3.4, 2.8, 2.7, 2.6, 2.5}, 8},
		{"rises", Stop{Metric: "mi", Patience: 2}, []float64{1, 2, 3, 2.9, 3}, 5},
		{"off", Stop{Metric: "objective"}, []float64{1, 2, 3, 4, 5, 6}, 0},
		{"before the minimum", Stop{Metric: "rec", Patience: 1, MinUpdates: 41}, []float64{1, 2, 3, 4, 5, 6}, 5},
		{"at the minimum", Stop{Metric: "rec", Patience: 1, MinUpdates: 40}, []float64{1, 2, 3, 4, 5, 6}, 4},
		{"better at the minimum", Stop{Metric: "rec", Patience: 2, MinUpdates: 40}, []float64{5, 6, 6, 4, 5, 5}, 6},
		{"the minimum is past", Stop{Metric: "rec", Patience: 2, MinUpdates: 15}, []float64{5, 4, 3, 4, 5}, 5},
	} {
		var w Waiting
		for i, v := range c.values {
			w.Judge(c.s, v, 10*(i+1))
			if want := c.over > 0 && i+1 >= c.over; w.Over != want {
				t.Errorf("%s: after evaluation %d over is %v, want %v", c.name, i+1, w.Over, want)
			}
		}
	}
}

// TestFinal: from Final on the weight is Beta, and the step before it had another. With cycles shorter
// than a step the weight may be Beta a little earlier by chance.
func TestFinal(t *testing.T) {
	const perEpoch, steps = 7, 200
	n := 0
	for _, schedule := range []string{"constant", "linear", "sigmoid", "cyclical", "cyclical-zero"} {
		for _, beta := range []float64{0, 0.3, 1, 4} {
			for _, start := range []float64{0, 0.3, 2} {
				for _, unit := range []string{"steps", "epochs"} {
					for _, warm := range []float64{0, 0.5, 1, 3, 10, 16.4, 23} {
						for _, cycles := range []int{1, 2, 4} {
							k := KLSchedule{Schedule: schedule, Beta: beta, Start: start, WarmUp: warm, Unit: unit, Cycles: cycles, Ratio: 0.5, Zero: 0.25}
							want := steps
							for want > 0 && k.Weight(want-1, perEpoch) == beta {
								want--
							}
							if got := k.Final(perEpoch); got != want && !(got > want && warm < float64(cycles) && unit == "steps") {
								t.Errorf("%+v: final at step %d, want %d", k, got, want)
							}
							if want > 0 {
								n++
							}
						}
					}
				}
			}
		}
	}
	if n < 500 {
		t.Errorf("only %d schedules have an end", n)
	}
	far := KLSchedule{Schedule: "cyclical", Beta: 1, WarmUp: 1e300, Unit: "epochs", Cycles: 2, Ratio: 0.5}
	if got := far.Final(perEpoch); got != maxStep {
		t.Errorf("a warm-up without an end ends at step %d", got)
	}
}
