package status

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/submit"
)

// A Submission is what vaelab submit has given to a scheduler, and of which some trials have not begun.
type Submission struct {
	Folder   string   `json:"folder"`    // such as results/x/submit/1
	Jobs     []string `json:"jobs"`      // of the scheduler; whether it still has them is not known
	NotBegun int      `json:"not_begun"` // trials; those of several submissions count for the last
}

// submissions adds the trials that submissions name and that have no folder yet. Of an experiment the last submission comes
// first, which has what was queued again.
func (s *Set) submissions() {
	begun := map[string]bool{}
	for _, t := range s.Trials {
		begun[t.Name] = true
	}
	for _, pattern := range []string{"submit", "*/submit"} {
		parents, _ := filepath.Glob(filepath.Join(s.Root, filepath.FromSlash(pattern))) // the pattern is well-formed
		for _, parent := range parents {
			experiment := filepath.Dir(parent)
			folders, err := submit.Earlier(experiment)
			s.warn(err)
			for _, folder := range slices.Backward(folders) {
				s.submission(folder, experiment, begun)
			}
		}
	}
}

// submission adds the trials of one submission, and to those that have begun or are added.
func (s *Set) submission(folder, experiment string, begun map[string]bool) {
	tasks, err := submit.ReadTasks(folder)
	s.warn(err)
	jobs, err := submit.ReadJobs(folder)
	s.warn(err)
	sub := Submission{Folder: folder}
	for _, j := range jobs {
		sub.Jobs = append(sub.Jobs, j.ID)
	}
	below, err := filepath.Rel(s.Root, experiment)
	s.warn(err)
	for task, ids := range tasks {
		for _, id := range ids {
			name := filepath.ToSlash(filepath.Join(below, id))
			if begun[name] {
				continue
			}
			begun[name] = true
			sub.NotBegun++
			variant, _, _ := strings.Cut(id, "/")
			t := Trial{Name: name, ID: id, Variant: variant[:max(0, strings.LastIndexByte(variant, '-'))], State: NotBegun}
			for _, j := range jobs {
				if j.What == submit.ArrayJob && j.First <= task && task <= j.Last {
					t.Queued = fmt.Sprintf("%s_%d", j.ID, task-j.First)
				}
			}
			s.Trials = append(s.Trials, t)
		}
	}
	if sub.NotBegun > 0 {
		s.Submissions = append(s.Submissions, sub)
	}
}

// warn keeps the error of a submission's file. A file that is not there yet is none.
func (s *Set) warn(err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Warnings = append(s.Warnings, err.Error())
	}
}
