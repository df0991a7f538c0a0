package optim

import "math"

// Cyclical has M cycles of length W/M. In each the weight rises linearly from 0 to beta over the first fraction ratio, and then
// stays there. After the last cycle it is beta.
//
// Source: Fu et al. 2019, "Cyclical annealing schedule: a simple approach to mitigating KL vanishing" (arXiv 1903.10145).
type Cyclical struct{}

func init() { Schedules.Add("cyclical", Cyclical{}) }

// At is the weight at a share of the warm-up.
func (Cyclical) At(k KLSchedule, t float64) float64 { return cycle(k, t, 0) }

// Last is the beginning of the last cycle.
func (Cyclical) Last(k KLSchedule, w float64) float64 {
	return w * float64(k.Cycles-1) / float64(k.Cycles)
}

// Reads are the settings beside beta.
func (Cyclical) Reads() []string { return []string{"warm_up", "unit", "cycles", "ratio"} }

// Check finds nothing.
func (Cyclical) Check(KLSchedule) error { return nil }

// cycle is the weight within cycles that begin with a fraction zero at weight 0.
func cycle(k KLSchedule, t, zero float64) float64 {
	_, at := math.Modf(t * float64(k.Cycles))
	return k.Beta * min(1, max(0, (at-zero)/k.Ratio))
}
