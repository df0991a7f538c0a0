package sweep

import (
	"slices"

	"vaelab/internal/record"
)

// Former are the names of experiments some of whose trials e asks for.
func (e *Experiment) Former(set *record.Set) (names []string) {
	asked := e.asked()
	for _, r := range set.Runs {
		if _, ok := asked[Settings(r.Config)]; ok && !slices.Contains(names, r.Experiment) {
			names = append(names, r.Experiment)
		}
	}
	return names
}

// Strayed counts the experiment's trials in a set and those of them with settings that its file does not ask for, then
// the settings that it asks for and those of them that have no trial.
func (e *Experiment) Strayed(set *record.Set) (trials, strayed, settings, missing int) {
	asked := e.asked()
	for _, r := range set.Runs {
		if r.Experiment != e.Name {
			continue
		}
		trials++
		key := Settings(r.Config)
		if _, ok := asked[key]; ok {
			asked[key] = true
		} else {
			strayed++
		}
	}
	for _, there := range asked {
		if !there {
			missing++
		}
	}
	return trials, strayed, len(asked), missing
}

// asked are the settings that the experiment asks for, false each.
func (e *Experiment) asked() map[string]bool {
	asked := map[string]bool{}
	for _, t := range e.Trials {
		asked[Settings(t.Config)] = false
	}
	return asked
}
