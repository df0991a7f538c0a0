package status

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Submission is what vaelab submit has given to a scheduler, and of which some trials have not begun.
type Submission struct {
	Folder   string   `json:"folder"`    // such as results/x/submit/1
	Jobs     []string `json:"jobs"`      // of the scheduler; whether it still has them is not known
	NotBegun int      `json:"not_begun"` // trials; those of several submissions count for the last
}

// The files of a submission's folder, with a line of column names each.
const (
	tasksFile = "tasks.csv" // task, trial
	jobsFile  = "jobs.csv"  // job, first, last, what
)

// submissions adds the trials of submissions that have no folder yet.
func (s *Set) submissions() {
	begun := map[string]bool{}
	for _, t := range s.Trials {
		begun[t.Name] = true
	}
	var dirs []string
	for _, pattern := range []string{"submit/*", "*/submit/*"} {
		some, _ := filepath.Glob(filepath.Join(s.Root, filepath.FromSlash(pattern), tasksFile)) // the pattern is well-formed
		dirs = append(dirs, some...)
	}
	// The last first, which has what was queued again.
	slices.SortFunc(dirs, func(a, b string) int { return later(filepath.Dir(b), filepath.Dir(a)) })
	for _, file := range dirs {
		dir := filepath.Dir(file)
		sub := Submission{Folder: dir}
		below, _ := filepath.Rel(s.Root, filepath.Dir(filepath.Dir(dir))) // of the experiment, which lies below
		ids, err := column(file, "trial")
		if err != nil {
			s.Warnings = append(s.Warnings, err.Error())
		}
		for _, id := range ids {
			name := filepath.ToSlash(filepath.Join(below, id))
			if begun[name] {
				continue
			}
			begun[name] = true
			sub.NotBegun++
			variant, _, _ := strings.Cut(id, "/")
			s.Trials = append(s.Trials, Trial{Name: name, ID: id, Variant: variant[:max(0, strings.LastIndexByte(variant, '-'))], State: NotBegun})
		}
		if sub.NotBegun == 0 {
			continue
		}
		if sub.Jobs, err = column(filepath.Join(dir, jobsFile), "job"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.Warnings = append(s.Warnings, err.Error())
		}
		s.Queued = append(s.Queued, sub)
	}
	slices.Reverse(s.Queued)
}

// later orders the folders of submissions by experiment, then by number.
func later(a, b string) int {
	if a, b := filepath.Dir(a), filepath.Dir(b); a != b {
		return strings.Compare(a, b)
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// column reads one column of a table.
func column(path, name string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	table := csv.NewReader(f)
	table.ReuseRecord = true
	head, err := table.Read()
	at := slices.Index(head, name)
	if err == nil && at < 0 {
		err = fmt.Errorf("there is no column %q", name)
	}
	var values []string
	for err == nil {
		var row []string
		if row, err = table.Read(); err == nil {
			values = append(values, strings.Clone(row[at]))
		}
	}
	if err == io.EOF && at >= 0 {
		return values, nil
	}
	return values, fmt.Errorf("%s: %w", path, err)
}
