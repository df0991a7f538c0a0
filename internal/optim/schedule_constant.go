package optim

// Constant is the weight beta from the first step. With beta other than 1 the model is a beta-VAE.
//
// Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework".
type Constant struct{}

func init() { Schedules.Add("constant", Constant{}) }

// At is beta.
func (Constant) At(k KLSchedule, _ float64) float64 { return k.Beta }

// Reads is nothing.
func (Constant) Reads() []string { return nil }

// Last is 0: the weight comes to beta once.
func (Constant) Last(KLSchedule, float64) float64 { return 0 }

// Check finds nothing.
func (Constant) Check(KLSchedule) error { return nil }
