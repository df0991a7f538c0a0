package record

import "errors"

// A Cost is what a finished trial took, its evaluations included.
type Cost struct {
	Seconds    float64 // wall clock
	CPUSeconds float64 // see Manifest; 0 if it is not known
	Steps      int     // of training
}

// Cost returns what a finished trial took. The error says why that is not known: the manifest lacks it, or
// the trial resumed a checkpoint, and the manifest knows its last part only.
func (r Run) Cost() (Cost, error) {
	c := Cost{Seconds: r.Manifest.Seconds, CPUSeconds: r.Manifest.CPUSeconds}
	if len(r.Rows) > 0 {
		c.Steps = r.Rows[len(r.Rows)-1].Step
	}
	switch {
	case r.State != Done:
		return Cost{}, errors.New("the trial has not finished")
	case r.Manifest.Resumed:
		return Cost{}, errors.New("the trial was interrupted, so that its time is not known")
	case c.Seconds <= 0 || c.Steps == 0:
		return Cost{}, errors.New("its " + ManifestFile + " does not say how long it took")
	}
	return c, nil
}
