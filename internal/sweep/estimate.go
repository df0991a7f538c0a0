package sweep

import (
	"time"

	"vaelab/internal/models"
	"vaelab/internal/train"
)

// An Estimate is what a short measurement says of a job. Times are those of the fastest of several measurements of
// the same work, because whatever else the machine does makes them longer only.
type Estimate struct {
	Steps      int
	Step       time.Duration // one training step, of a batch of average size
	Tokens     float64       // symbols predicted in a second of training
	Flops      float64       // operations of the matrix products in that second; 0 if the model does not say
	Total      time.Duration // the whole trial
	Slowest    time.Duration // the same by the slowest measurements; at least Total
	Parameters int           // learnt numbers
}

// passes is how often Measure does the same work.
const passes = 3

// Measure trains a job for about as long as asked, in passes over the same batches, evaluates as often if that is not
// longer, and throws all away.
func Measure(j Job, now func() time.Time, long time.Duration) (Estimate, error) {
	t, err := train.New(j.Trial, j.Set)
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Steps: t.Steps(), Parameters: t.Model.Params.Size()}
	fast, slow, err := symbol(t, min(t.StepsPerEpoch(), e.Steps), now, long)
	if err != nil {
		return e, err
	}
	least, most, updates := t.FirstPhase()
	in := func(first int) float64 { return float64(first) + float64(e.Steps-first)/updates } // steps as long as those measured
	e.add(1, fast*t.MeanTokens()*in(least), slow*t.MeanTokens()*in(most))
	if e.Steps > 0 {
		e.Step = e.Total / time.Duration(e.Steps)
		e.Tokens = 1 / fast
		if m, ok := j.Model.(models.Counter); ok {
			e.Flops = e.Tokens * m.FlopsPerToken(j.Set.Space())
		}
	}
	if j.Set.Valid.N() == 0 {
		return e, nil
	}
	evaluations := e.Steps/max(1, t.StepsPerEpoch())/j.Train.EvalEvery + 1 // and the test
	fast, slow = timed(now, long, func() { t.Evaluate("valid", j.Set.Valid) })
	e.add(evaluations, fast, slow)
	if every := j.Train.LagEvery; every > 0 {
		fast, slow = timed(now, long, func() { t.Lag() })
		e.add(e.Steps/every+2, fast, slow) // the first and the last, too
	}
	return e, nil
}

// add adds what is done n times, in seconds each.
func (e *Estimate) add(n int, fast, slow float64) {
	e.Total += time.Duration(float64(n) * fast * float64(time.Second))
	e.Slowest += time.Duration(float64(n) * slow * float64(time.Second))
}

// symbol measures how many seconds a predicted symbol takes in training, in the fastest and the slowest pass over the
// first batches, steps at most. Lengths differ between batches, so that a step's time says little of others.
func symbol(t *train.Trainer, steps int, now func() time.Time, long time.Duration) (fast, slow float64, err error) {
	const warm = 2
	for range min(warm, steps) {
		if err := t.TrainStep(); err != nil {
			return 0, 0, err
		}
	}
	for pass := range passes {
		t.Batch = 0
		tokens, done := 0, 0
		started := now()
		for done < steps {
			tokens += t.NextTokens()
			if err := t.TrainStep(); err != nil {
				return 0, 0, err
			}
			if done++; pass == 0 && now().Sub(started) > long/passes {
				steps = done // as many in the other passes
			}
		}
		if done == 0 {
			return 0, 0, nil
		}
		fast, slow = widen(pass, fast, slow, now().Sub(started).Seconds()/float64(tokens))
	}
	return fast, slow, nil
}

// timed measures work several times, but no further once that has taken as long as asked.
func timed(now func() time.Time, long time.Duration, work func()) (fast, slow float64) {
	begun := now()
	for pass := 0; pass < passes && (pass == 0 || now().Sub(begun) < long); pass++ {
		started := now()
		work()
		fast, slow = widen(pass, fast, slow, now().Sub(started).Seconds())
	}
	return fast, slow
}

// widen takes a pass's time into the range of the passes before it.
func widen(pass int, fast, slow, took float64) (float64, float64) {
	if pass == 0 {
		return took, took
	}
	return min(fast, took), max(slow, took)
}
