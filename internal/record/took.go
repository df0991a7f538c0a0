package record

import "errors"

// Took returns the seconds of the wall clock that a finished trial took, its evaluations included,
// and its training steps. The error says why that is not known: the manifest lacks it, or
// the trial went on from a checkpoint, and the manifest knows its last part only.
func (r Run) Took() (seconds float64, steps int, err error) {
	if len(r.Rows) > 0 {
		steps = r.Rows[len(r.Rows)-1].Step
	}
	switch m := r.Manifest; {
	case r.State != Done:
		return 0, 0, errors.New("the trial has not finished")
	case m.Resumed:
		return 0, 0, errors.New("the trial was interrupted, so that its time is not known")
	case m.Seconds <= 0 || steps == 0:
		return 0, 0, errors.New("its " + ManifestFile + " does not say how long it took")
	}
	return r.Manifest.Seconds, steps, nil
}
