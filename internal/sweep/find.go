package sweep

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"vaelab/internal/record"
)

// find gives jobs whose folder does not exist the one that holds their trial, if there is one, and notes it.
//
// In the experiment's own folder that is a trial under a name of an older version (OldNameOf), or one whose folder somebody has
// renamed. It is used in any state, so that it can resume. In the folder of another experiment it is a finished trial, as there is
// one if the file was renamed. Two experiments may have trials in common, however, and each is to have its own: what
// lies in a folder with trials that this file does not ask for, or in that of a file that still stands beside this one, is
// noted and not used.
func (e *Experiment) find(results string, jobs []Job) {
	s := search{asked: map[string]map[int]int{}, owned: map[string]bool{}, jobs: jobs}
	for i, j := range jobs {
		s.owned[j.Dir] = true
		key := j.content
		if s.asked[key] == nil {
			s.asked[key] = map[int]int{}
		}
		if _, err := os.Stat(filepath.Join(j.Dir, record.TrialFile)); err != nil {
			s.asked[key][j.Seed] = i
			s.missing++
		}
	}
	own := filepath.Join(results, e.Name)
	if old, _ := s.look(own); len(old) > 0 {
		s.use(old, e.Name)
		e.Notes = append(e.Notes, fmt.Sprintf("%s: %d of the trials there have other names, such as those of an older version; they are used as they are", own, len(old)))
	}
	folders, _ := os.ReadDir(results) // where there is none yet, nothing is found
	for _, folder := range folders {
		if folder.Name() == e.Name || !nameRule.MatchString(folder.Name()) {
			continue
		}
		dir := filepath.Join(results, folder.Name())
		there, others := s.look(dir)
		there = slices.DeleteFunc(there, func(f found) bool { return !finished(f.dir) })
		switch {
		case len(there) == 0:
		case others:
			e.Notes = append(e.Notes, fmt.Sprintf("%d finished trials of %s are in %s, beside others that are not in the file, and are not used; if the file was renamed, add the line \"experiment: %s\" to use them",
				len(there), e.Name, dir, folder.Name()))
		case e.stands(folder.Name()):
			e.Notes = append(e.Notes, fmt.Sprintf("%d finished trials of %s are in %s, and are not used, because the file of %[4]s is still there; add the line \"experiment: %[4]s\" to use them",
				len(there), e.Name, dir, folder.Name()))
		default:
			s.use(there, e.Name)
			e.Notes = append(e.Notes, fmt.Sprintf("%d finished trials of %s are in %s and are used there; add the line \"experiment: %s\" to the file to keep that name for all",
				len(there), e.Name, dir, folder.Name()))
		}
	}
}

// stands tells whether the file of another experiment stands beside this one's, or beside the one that it was frozen from: then this one is no new name of it.
func (e *Experiment) stands(name string) bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(e.origin), name+filepath.Ext(e.origin)))
	return err == nil
}

// A search is for the trials of jobs.
type search struct {
	jobs    []Job
	asked   map[string]map[int]int // content of each job's trial -> seeds of those that have no folder -> index of the job
	owned   map[string]bool        // the jobs' folders, whatever trials lie there now
	missing int                    // jobs without a folder
}

// content is what a trial trains on.
func content(t record.Trial) string { return Settings(t.Config) + t.Data }

// found is a trial that a job has no folder for.
type found struct {
	job   int
	trial record.Trial
	dir   string
}

// folderRule is that of the folders that hold a trial's seeds.
var folderRule = regexp.MustCompile(`^.+-[0-9a-f]{8}$`)

// look looks through the folder of an experiment, and tells whether it has trials whose settings no job has. It reads
// one trial.json where those are, and one a seed elsewhere.
func (s *search) look(dir string) (all []found, others bool) {
	if s.missing == 0 {
		return nil, false
	}
	folders, _ := os.ReadDir(dir) // it may be a file, or not be there
	for _, folder := range folders {
		if !folderRule.MatchString(folder.Name()) {
			continue
		}
		runs, _ := os.ReadDir(filepath.Join(dir, folder.Name()))
		for _, run := range runs {
			at := filepath.Join(dir, folder.Name(), run.Name())
			if s.owned[at] {
				continue
			}
			t, err := readTrial(at)
			if err != nil || !fits(t) {
				continue // a file, a folder that another program has made, or one with a damaged trial.json
			}
			seeds, ok := s.asked[content(t)]
			if !ok {
				others = true
			}
			if len(seeds) == 0 {
				break // the others in the folder differ in the seed only
			}
			if job, ok := seeds[t.Seed]; ok {
				all = append(all, found{job, t, at})
			}
		}
	}
	return all, others
}

// use makes what was found the jobs' own.
func (s *search) use(all []found, experiment string) {
	for _, f := range all {
		key := content(f.trial)
		if _, ok := s.asked[key][f.trial.Seed]; !ok {
			continue // it is there under two names
		}
		delete(s.asked[key], f.trial.Seed)
		s.missing--
		f.trial.Experiment, f.trial.Format = experiment, record.Format // as they will be saved if training resumes
		s.jobs[f.job].Trial.Trial, s.jobs[f.job].Dir = f.trial, f.dir
	}
}

// finished tells whether nothing is left to train in a trial's folder.
func finished(dir string) bool {
	run, damage := record.Check(dir)
	return run.State == record.Done && len(damage) == 0
}

func readTrial(dir string) (t record.Trial, err error) {
	text, err := os.ReadFile(filepath.Join(dir, record.TrialFile))
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, err
}
