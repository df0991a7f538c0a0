package sweep

import (
	"path/filepath"
	"slices"

	"vaelab/internal/record"
)

// Archived returns the jobs of an experiment whose trials all lie in an archive below results, so that they can be judged
// where their data are not. It loads none: each trial's data are those that the archive has its settings and seed with. ok is
// false if the archive lacks a trial, if a trial was trained on several data, or if there are trials beside the archive;
// then Prepare has to say which data are meant.
func (e *Experiment) Archived(results string, archive []record.Run) (jobs []Job, ok bool) {
	folders, err := filepath.Glob(filepath.Join(results, e.Name, "*", "seed-*"))
	if err != nil || slices.ContainsFunc(folders, record.IsTrial) {
		return nil, false
	}
	type key struct {
		settings string
		seed     int
	}
	digests := map[key][]string{}
	for _, r := range archive {
		k := key{Settings(r.Config), r.Seed}
		if r.Experiment == e.Name && !slices.Contains(digests[k], r.Data) {
			digests[k] = append(digests[k], r.Data)
		}
	}
	for i, t := range e.Trials {
		settings := Settings(t.Config)
		found := digests[key{settings, t.Seed}]
		if len(found) != 1 {
			return nil, false
		}
		t.Trial.Data = found[0]
		t.ID = named(t.Trial, settings)
		jobs = append(jobs, Job{Trial: t, Position: i, Dir: t.Trial.Dir(results), content: settings + found[0]})
	}
	return jobs, len(jobs) > 0
}
