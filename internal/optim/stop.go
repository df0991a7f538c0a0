package optim

// Stop ends training when a metric of the validation split has stopped improving: after Patience
// evaluations in a row none of which was better than the best one by more than MinDelta. The best
// moves only with an improvement of that size, so that many small ones add up to one. Training never stops before
// MinUpdates updates of the decoder; if the patience is exceeded then, it stops at the next evaluation without an improvement.
//
// Evaluations before the KL weight is final (KLSchedule.Final) do not count. Patience is counted
// in evaluations, which are train.eval_every epochs apart; a trial that is to be found converged
// needs patience for as many steps as that takes (vaelab list converged).
type Stop struct {
	// Metric is the metric that must improve: objective, nelbo or rec, which fall, or mi or gap, which
	// rise. The objective is what training minimises at the final KL weight. Of a method that minimises
	// something else than nelbo, such as free-bits, nelbo is lowest after collapse.
	Metric string `yaml:"metric" choice:"objective|nelbo|rec|mi|gap" neutral:"objective"`
	// Patience is the number of evaluations without an improvement after which training stops; 0 never stops.
	Patience int `yaml:"patience" range:"[0,inf)" neutral:"0"`
	// MinDelta is the smallest difference that is an improvement, in the metric's unit.
	MinDelta float64 `yaml:"min_delta" range:"[0,inf)" neutral:"0"`
	// MinUpdates is the least number of updates of the decoder before training stops, so that methods which stop by different
	// objectives have at least as many in common. Those before the decoder was last drawn anew, as fbp does, do not count.
	MinUpdates int `yaml:"min_updates" range:"[0,inf)" neutral:"0"`
}

// DefaultStop is off.
var DefaultStop = Stop{Metric: "objective"}

// Rises reports whether a larger value of the metric is better.
func (s Stop) Rises() bool { return s.Metric == "mi" || s.Metric == "gap" }

// Waiting is the memory of a Stop.
type Waiting struct {
	Best float64 // the last value that was an improvement
	Seen bool    // whether there was one
	Bad  int     // evaluations since
	Over bool    // the patience is exceeded, after MinUpdates
}

// Judge records an evaluation's metric, after so many updates of the decoder.
func (w *Waiting) Judge(s Stop, value float64, updates int) {
	better := w.Best - value
	if s.Rises() {
		better = -better
	}
	if !w.Seen || better > s.MinDelta {
		w.Best, w.Seen, w.Bad = value, true, 0
		return
	}
	w.Bad++
	w.Over = s.Patience > 0 && w.Bad >= s.Patience && updates >= s.MinUpdates
}
