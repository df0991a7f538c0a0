package submit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The files of a submission, in a folder of its own, submit/1, submit/2 ..., below the results of its experiment.
const (
	ExperimentFile = "experiment.yaml" // frozen: an edited experiment changes no queued task
	ProgramFile    = "vaelab"          // a copy: nor does a rebuilt program
	TaskScript     = "job.sh"
	ReportScript   = "report.sh"
	TasksFile      = "tasks.csv"
	JobsFile       = "jobs.csv"
	LogFolder      = "log"
)

// parent is the folder of all submissions of an experiment, whose results are in dir.
func parent(dir string) string { return filepath.Join(dir, "submit") }

// Earlier lists the folders of an experiment's submissions, the oldest first.
func Earlier(dir string) ([]string, error) {
	numbers, err := numbers(dir)
	var folders []string
	for _, k := range numbers {
		folders = append(folders, numbered(dir, k))
	}
	return folders, err
}

func numbered(dir string, k int) string { return filepath.Join(parent(dir), strconv.Itoa(k)) }

func numbers(dir string) ([]int, error) {
	entries, err := os.ReadDir(parent(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []int
	for _, e := range entries {
		if k, err := strconv.Atoi(e.Name()); err == nil && k > 0 && e.IsDir() && strconv.Itoa(k) == e.Name() {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all, err
}

// Next is the folder that New makes, if no other process makes it first.
func Next(dir string) (string, error) {
	all, err := numbers(dir)
	if err != nil || len(all) == 0 {
		return numbered(dir, 1), err
	}
	return numbered(dir, all[len(all)-1]+1), nil
}

// Open makes the folder of an experiment's submissions, which one process at a time should claim, and returns it.
func Open(dir string) (string, error) { return parent(dir), os.MkdirAll(parent(dir), 0o777) }

// Close removes the folders of an experiment that are empty.
func Close(dir string) {
	if os.Remove(parent(dir)) == nil {
		os.Remove(dir)
	}
}

// New makes the folder of a new submission, after Open. Two processes at a time get two.
func New(dir string) (string, error) {
	for {
		folder, err := Next(dir)
		if err != nil {
			return "", err
		}
		if err = os.Mkdir(folder, 0o777); err == nil {
			return folder, os.Mkdir(filepath.Join(folder, LogFolder), 0o777)
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}
