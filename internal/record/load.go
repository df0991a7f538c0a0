package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"vaelab/internal/folder"
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
	Dir      string // its folder
	Manifest Manifest
	Rows     []Row // in the order written
	State    State
	Reason   string // why it failed
}

// A Set is what Load found.
type Set struct {
	Runs     []Run   // by folder, then by seed
	Warnings []error // doubts that do not stop the work
}

// Load reads all trials in and below the folders: whole results, one experiment or one
// trial, in any mix, through links too; a trial reached twice is read once. An ArchiveFile is read in the folders
// themselves and not below them, where those of others may lie; trials that are there as folders, too, are
// left out of it. A folder without a trial, a last row that is cut off and a trial that lies in two
// places are Warnings; a folder that does not exist, an unknown format and a broken row are errors.
func Load(dirs ...string) (*Set, error) {
	set := &Set{}
	var found []string
	var archives []Run
	read := map[string]bool{} // by real folder
	for _, root := range dirs {
		below, err := trialDirs(root)
		if err != nil {
			return nil, err
		}
		packed, err := LoadArchive(root)
		if err != nil {
			return nil, err
		}
		archives = append(archives, packed...)
		if len(below)+len(packed) == 0 {
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: no %s in or below it", root, TrialFile))
		}
		for _, dir := range below {
			real, err := filepath.EvalSymlinks(dir)
			if err == nil {
				real, err = filepath.Abs(real)
			}
			if err != nil {
				return nil, err
			}
			if !read[real] {
				read[real] = true
				found = append(found, dir)
			}
		}
	}
	place := map[string]string{} // trial -> folder
	for _, l := range loadRuns(found) {
		if l.err != nil {
			return nil, l.err
		}
		set.Warnings = append(set.Warnings, l.warnings...)
		id := l.run.Experiment + "/" + l.run.ID
		if other, ok := place[id]; ok {
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: the same trial as %s; both are counted", l.run.Dir, other))
		}
		place[id] = l.run.Dir
		set.Runs = append(set.Runs, l.run)
	}
	for _, run := range archives {
		id := run.Experiment + "/" + run.ID
		if other, ok := place[id]; ok {
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: left out of an archive, because there is %s", run.ID, other))
			continue
		}
		place[id] = run.Dir
		set.Runs = append(set.Runs, run)
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

// trialDirs returns the folders in and below root, behind links too, that hold a trial.json.
func trialDirs(root string) ([]string, error) {
	var cause *fs.PathError
	switch info, err := os.Stat(root); {
	case errors.As(err, &cause):
		return nil, fmt.Errorf("%s: %w", root, cause.Err)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s: not a directory; wants the folder of results, of an experiment or of a trial", root)
	}
	var dirs []string
	_, err := folder.Files(root, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, TrialFile))
		if err == nil {
			dirs = append(dirs, dir)
		}
		return err != nil
	})
	return dirs, err
}

// A loaded trial, or why it could not be.
type loaded struct {
	run      Run
	warnings []error
	err      error
}

// loadRuns reads the folders side by side, as many as there are processors. Reading is nearly
// all arithmetic on decimals: 500 trials of 1,000 rows take half the time on two cores.
func loadRuns(dirs []string) []loaded {
	all := make([]loaded, len(dirs))
	var next atomic.Int64
	var pool sync.WaitGroup
	for range min(len(dirs), runtime.GOMAXPROCS(0)) {
		pool.Go(func() {
			var text bytes.Buffer // for one file after the other: they are most of the bytes
			for i := next.Add(1) - 1; i < int64(len(dirs)); i = next.Add(1) - 1 {
				all[i] = loadRun(dirs[i], &text)
			}
		})
	}
	pool.Wait()
	return all
}

// loadRun reads one trial's folder. The buffer is its own for as long as it runs.
func loadRun(dir string, rows *bytes.Buffer) (l loaded) {
	l.run.Dir = dir
	path := filepath.Join(dir, TrialFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return loaded{err: err}
	}
	if err := json.Unmarshal(text, &l.run.Trial); err != nil {
		return loaded{err: fmt.Errorf("%s: %v; delete the folder %s and run the experiment again", path, err, dir)}
	}
	if l.run.Format != Format {
		return loaded{err: fmt.Errorf("%s: format %d, but this program reads format %d only; use the version that wrote it",
			path, l.run.Format, Format)}
	}
	var warning error
	path = filepath.Join(dir, RowsFile)
	switch err := readInto(rows, path); {
	case errors.Is(err, fs.ErrNotExist): // it has not measured anything yet
	case err != nil:
		return loaded{err: err}
	default:
		if l.run.Rows, warning, err = readRows(path, rows.Bytes()); err != nil {
			return loaded{err: err}
		}
		l.warn(warning)
	}
	l.run.Manifest, warning = readManifest(dir)
	l.warn(warning)
	if reason, err := os.ReadFile(filepath.Join(dir, FailedFile)); err == nil {
		l.run.State, l.run.Reason = Failed, strings.TrimSpace(string(reason))
	}
	if _, err := os.Stat(filepath.Join(dir, DoneFile)); err == nil {
		l.run.State, l.run.Reason = Done, ""
	}
	return l
}

// readInto reads a whole file into the buffer.
func readInto(b *bytes.Buffer, path string) error {
	b.Reset()
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = b.ReadFrom(f)
	return err
}

// warn keeps a warning, if there is one.
func (l *loaded) warn(warning error) {
	if warning != nil {
		l.warnings = append(l.warnings, warning)
	}
}
