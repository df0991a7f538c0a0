package optim

// Linear raises the weight from start to beta within the warm-up, t of W steps:
//
//	w = start + (beta - start) min(1, t/W)
//
// Source: Bowman et al. 2016, "Generating sentences from a continuous space" (arXiv 1511.06349).
type Linear struct{}

func init() { Schedules.Add("linear", Linear{}) }

// At is the weight at a share of the warm-up.
func (Linear) At(k KLSchedule, t float64) float64 { return k.Start + (k.Beta-k.Start)*t }

// Reads are the settings beside beta.
func (Linear) Reads() []string { return []string{"start", "warm_up", "unit"} }

// Last is 0: the weight comes to beta once.
func (Linear) Last(KLSchedule, float64) float64 { return 0 }

// Check finds nothing.
func (Linear) Check(KLSchedule) error { return nil }
