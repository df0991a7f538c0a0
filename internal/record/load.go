package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Format is the version of the layout that this package reads and writes.
const Format = 1

// The files of a trial's folder.
const (
	TrialFile    = "trial.json"
	ManifestFile = "manifest.json"
	RowsFile     = "rows.jsonl"
	DoneFile     = "DONE"
	FailedFile   = "FAILED"
)

// A Trial describes one trial; it is trial.json.
type Trial struct {
	Format     int               `json:"format"` // version of the layout, see Format
	Experiment string            `json:"experiment"`
	ID         string            `json:"id"`      // "<variant>-<hash8>/seed-<s>"
	Variant    string            `json:"variant"` // "bn", "bn+free-bits"
	Seed       int               `json:"seed"`
	Config     map[string]string `json:"config"` // every resolved setting: "variant.bn.gamma": "0.5"
	Data       string            `json:"data_digest"`
}

// Dir returns the trial's folder below the results folder.
func (t Trial) Dir(results string) string {
	return filepath.Join(results, t.Experiment, filepath.FromSlash(t.ID))
}

// Save writes trial.json into dir, which it makes if need be.
func (t Trial) Save(dir string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return WriteFileAtomic(filepath.Join(dir, TrialFile), append(text, '\n'))
}

// State says how a trial stands.
type State int

// A trial is Unfinished until its folder has DONE or FAILED. If it has both, because a
// trial that failed was run again, it is Done.
const (
	Unfinished State = iota
	Done
	Failed
)

func (s State) String() string { return [...]string{"unfinished", "done", "failed"}[s] }

// A Run is one trial with what it has measured so far.
type Run struct {
	Trial
	Dir    string // its folder
	Rows   []Row  // in the order written
	State  State
	Reason string // why it failed
}

// A Set is what Load found.
type Set struct {
	Runs     []Run   // by folder, then by seed
	Warnings []error // doubts that do not stop the work
}

// Load reads all trials in and below the folders: whole results, one experiment or one
// trial, in any mix; a trial reached twice is read once. A folder without a trial, a last
// row that is cut off and a trial that lies in two places are Warnings; a folder that does
// not exist, an unknown format and a broken row are errors.
func Load(dirs ...string) (*Set, error) {
	set := &Set{}
	read := map[string]bool{}    // by absolute folder
	place := map[string]string{} // trial -> folder
	for _, root := range dirs {
		found, err := trialDirs(root)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: no %s in or below it", root, TrialFile))
		}
		for _, dir := range found {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			if read[abs] {
				continue
			}
			read[abs] = true
			run, warning, err := loadRun(dir)
			if err != nil {
				return nil, err
			}
			if warning != nil {
				set.Warnings = append(set.Warnings, warning)
			}
			id := run.Experiment + "/" + run.ID
			if other, ok := place[id]; ok {
				set.Warnings = append(set.Warnings, fmt.Errorf("%s: the same trial as %s; both are counted", dir, other))
			}
			place[id] = dir
			set.Runs = append(set.Runs, run)
		}
	}
	sort.SliceStable(set.Runs, func(i, j int) bool {
		a, b := set.Runs[i], set.Runs[j]
		if p, q := filepath.Dir(a.Dir), filepath.Dir(b.Dir); p != q {
			return p < q
		}
		return a.Seed < b.Seed
	})
	return set, nil
}

// trialDirs returns the folders in and below root that hold a trial.json.
func trialDirs(root string) ([]string, error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	var dirs []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", root, err)
		}
		if !d.IsDir() {
			return nil
		}
		dir := filepath.Join(root, filepath.FromSlash(path))
		if _, err := os.Stat(filepath.Join(dir, TrialFile)); err == nil {
			dirs = append(dirs, dir)
			return fs.SkipDir
		}
		return nil
	})
	return dirs, err
}

// loadRun reads one trial's folder.
func loadRun(dir string) (run Run, warning, err error) {
	path := filepath.Join(dir, TrialFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return run, nil, err
	}
	run.Dir = dir
	if err := json.Unmarshal(text, &run.Trial); err != nil {
		return run, nil, fmt.Errorf("%s: %v; delete the folder %s and run the experiment again", path, err, dir)
	}
	if run.Format != Format {
		return run, nil, fmt.Errorf("%s: format %d, but this program reads format %d only; use the version that wrote it",
			path, run.Format, Format)
	}
	path = filepath.Join(dir, RowsFile)
	switch text, err = os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist): // it has not measured anything yet
	case err != nil:
		return run, nil, err
	default:
		if run.Rows, warning, err = readRows(path, text); err != nil {
			return run, nil, err
		}
	}
	if reason, err := os.ReadFile(filepath.Join(dir, FailedFile)); err == nil {
		run.State, run.Reason = Failed, strings.TrimSpace(string(reason))
	}
	if _, err := os.Stat(filepath.Join(dir, DoneFile)); err == nil {
		run.State, run.Reason = Done, ""
	}
	return run, warning, nil
}
