package optim

import "math"

// Sigmoid raises the weight to beta along a logistic curve around the middle of the warm-up:
//
//	w = beta / (1 + e^(-10 (t/W - 1/2)))   for t < W, then beta
//
// Source: Bowman et al. 2016, "Generating sentences from a continuous space" (arXiv 1511.06349), figure 2. The slope is that
// of the code of ControlVAE (Shao et al. 2020, arXiv 2004.05988).
type Sigmoid struct{}

func init() { Schedules.Add("sigmoid", Sigmoid{}) }

// At is the weight at a share of the warm-up.
func (Sigmoid) At(k KLSchedule, t float64) float64 { return k.Beta / (1 + math.Exp(-10*(t-0.5))) }

// Reads are the settings beside beta.
func (Sigmoid) Reads() []string { return []string{"warm_up", "unit"} }

// Last is 0: the weight comes to beta once.
func (Sigmoid) Last(KLSchedule, float64) float64 { return 0 }

// Check finds nothing.
func (Sigmoid) Check(KLSchedule) error { return nil }
