package sweep

import (
	"sync"
	"time"
)

// A meter divides the CPU time of the process among the trials that run side by side. The time between
// two events, each the begin or the end of a trial, is divided equally among the trials that run in
// between. So the sum over trials is exact, and a trial that runs alone is charged all. Trials side by
// side have equally many processors (see share); each is charged what it used as far as they keep
// these equally busy.
type meter struct {
	cpu   func() time.Duration // of the process so far; nil if it is not known
	mu    sync.Mutex
	last  time.Duration         // cpu at the last event
	spent map[int]time.Duration // by the trials that run
}

func newMeter(cpu func() time.Duration) *meter {
	return &meter{cpu: cpu, spent: map[int]time.Duration{}}
}

// begin says that a trial begins.
func (m *meter) begin(trial int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.charge()
	m.spent[trial] = 0
}

// end says that a trial has ended, and returns its share; 0 if the CPU time is not known.
func (m *meter) end(trial int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.charge()
	spent := m.spent[trial]
	delete(m.spent, trial)
	return spent
}

// charge divides the time since the last event.
func (m *meter) charge() {
	if m.cpu == nil {
		return
	}
	now := m.cpu()
	for trial := range m.spent {
		m.spent[trial] += (now - m.last) / time.Duration(len(m.spent))
	}
	m.last = now
}
