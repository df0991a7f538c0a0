package optim

import "fmt"

// CyclicalZero is cyclical with a fraction zero of each cycle at weight 0, before the rise, which takes the next fraction
// ratio.
//
// Source: Li et al. 2020, "Optimus: organizing sentences via pre-trained modeling of a latent space" (arXiv 2004.04092).
type CyclicalZero struct{}

func init() { Schedules.Add("cyclical-zero", CyclicalZero{}) }

// At is the weight at a share of the warm-up.
func (CyclicalZero) At(k KLSchedule, t float64) float64 { return cycle(k, t, k.Zero) }

// Last is the beginning of the last cycle.
func (CyclicalZero) Last(k KLSchedule, w float64) float64 { return Cyclical{}.Last(k, w) }

// Reads are the settings beside beta.
func (CyclicalZero) Reads() []string { return append(Cyclical{}.Reads(), "zero") }

// Check tells whether zero and ratio fit into a cycle.
func (CyclicalZero) Check(k KLSchedule) error {
	if k.Zero+k.Ratio > 1 {
		return fmt.Errorf("zero %v and ratio %v do not fit into one cycle; their sum must be at most 1", k.Zero, k.Ratio)
	}
	return nil
}
