package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"vaelab/internal/folder"
)

// Format is the version of the layout that this package writes. It reads format 1, too, in which DONE is empty.
const Format = 2

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
// trial that failed was run again, it is Done. It is Damaged if one of its files is not what was written:
// then it has no rows and counts as not done.
const (
	Unfinished State = iota
	Done
	Failed
	Damaged
)

var stateNames = [...]string{"unfinished", "done", "failed", "damaged"}

func (s State) String() string { return stateNames[s] }

// A Run is one trial with what it has measured so far.
type Run struct {
	Trial
	Dir      string // its folder
	Manifest Manifest
	Rows     []Entry // in the order written
	State    State
	Reason   string // why it failed, or what is damaged
	Files    Sums   // what DONE says of its files; nil if it does not
}

// A Set is what Load found.
type Set struct {
	Runs     []Run   // by folder, then by seed
	Warnings []error // doubts that do not stop the work
	Damage   []error // the files that are damaged, each a *Damage

	// Knobs are the settings that move the rate of a method, by full key: "rises" if the KL rises with the setting, or
	// "falls". Rows do not know them; sweep.Complete does.
	Knobs map[string]string

	// Flat says, by experiment, when a trial counts as converged. Rows do not know it; the experiment's file does. Others count by
	// converge.Default.
	Flat map[string]Flat

	// Compared are, by experiment, the comparisons of two methods that it claims. Rows do not know them; the experiment's file does.
	Compared map[string][]Comparison
}

// A Comparison is a claim that compares trials with others.
type Comparison struct {
	Of, Than func(Trial) bool // which trials
	Free     []string         // the settings in which they may differ, by full key
	Rate     float64          // the KL in nats at which they are compared; NaN unless the claim has one
}

// Flat is the largest fall of a validation objective, in nats over a trial's last steps, that counts as none; see
// converge.Settings.
type Flat struct {
	Steps     int
	Tolerance float64
}

// Load reads all trials in and below the folders: whole results, one experiment or one
// trial, in any mix, through links too; a trial reached twice is read once. An ArchiveFile is read in the folders
// themselves and not below them, where those of others may lie; trials that are there as folders, too, are
// left out of it.
//
// Rows, settings and manifest are compared with the sums in DONE, and the sizes of the other files. A trial with a
// damaged file is Damaged, and has no rows. If the damaged file is trial.json, nobody knows which trial it is: it is
// not among the runs. Both are in Damage. A folder without a trial, trials without sums, a last row that is cut off in a
// trial that is not done, a trial that lies in two places and a folder that has another trial's name are Warnings; of one trial
// twice the one under another trial's name is left out. A folder that does not exist is an error. One below it
// that cannot be read, of a trial or of several, is in Damage, and the others are read.
func Load(dirs ...string) (*Set, error) {
	set := &Set{}
	var found []string
	var archives []Run
	read := map[string]bool{} // by real folder
	for _, root := range dirs {
		below, closed, err := trialDirs(root)
		if err != nil {
			return nil, err
		}
		set.Damage = append(set.Damage, closed...)
		packed, err := LoadArchive(root)
		if err != nil {
			set.Damage = append(set.Damage, err)
		}
		archives = append(archives, packed...)
		if len(below)+len(packed)+len(closed) == 0 && err == nil {
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: there is no %s in or below this folder", root, TrialFile))
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
	unchecked := 0
	all := loadRuns(found)
	slices.SortStableFunc(all, func(a, b loaded) int { return cmp.Compare(len(a.misplaced), len(b.misplaced)) }) // none first
	for _, l := range all {
		set.Warnings = append(set.Warnings, l.warnings...)
		set.Damage = append(set.Damage, l.damage...)
		if l.lost {
			continue
		}
		if l.run.State == Done && l.run.Files == nil {
			unchecked++
		}
		id := l.run.Experiment + "/" + l.run.ID
		other, twice := place[id]
		switch name := l.misplaced; {
		case twice && name != "":
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: left out: it has the name of %s, but holds the same trial as %s", l.run.Dir, name, other))
			continue
		case twice:
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: the same trial as %s; both are counted", l.run.Dir, other))
		case name != "":
			set.Warnings = append(set.Warnings, fmt.Errorf("%s: has the name of %s, but holds %s; it is counted as that", l.run.Dir, name, l.run.ID))
		}
		place[id] = l.run.Dir
		set.Runs = append(set.Runs, l.run)
	}
	if unchecked > 0 {
		set.Warnings = append(set.Warnings, fmt.Errorf("finished trials of an older version, whose files cannot be checked because their %s has no checksums: %d", DoneFile, unchecked))
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

// Failure is why the trial in a folder has failed, as FAILED says.
func Failure(dir string) (reason error, failed bool) {
	text, err := os.ReadFile(filepath.Join(dir, FailedFile))
	if err != nil {
		return nil, false
	}
	return errors.New(strings.TrimSpace(string(text))), true
}

// Retry takes back that the trial in a folder has failed, because it is trained again.
func Retry(dir string) error {
	err := os.Remove(filepath.Join(dir, FailedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// IsTrial tells whether a trial has been begun in a folder: there is a trial.json, or its DONE without it in a folder that
// has a trial's name.
func IsTrial(dir string) bool {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	return has(TrialFile) || PlaceOf(dir) != "" && has(DoneFile)
}

// trialDirs returns the folders of trials in and below root, behind links too, and a *Damage for each folder that cannot be
// read; root itself must be readable.
func trialDirs(root string) (dirs []string, closed []error, err error) {
	var cause *fs.PathError
	switch info, err := os.Stat(root); {
	case errors.As(err, &cause):
		return nil, nil, fmt.Errorf("%s: %w", root, cause.Err)
	case err != nil:
		return nil, nil, err
	case !info.IsDir():
		return nil, nil, fmt.Errorf("%s: is not a folder; must be the folder of results, of an experiment or of a trial", root)
	}
	_, err = folder.Files(root, func(dir string) bool {
		if IsTrial(dir) {
			dirs = append(dirs, dir)
			return false
		}
		if dir == root {
			return true
		}
		err := readable(dir)
		if errors.As(err, &cause) {
			err = cause.Err
		}
		if err != nil {
			closed = append(closed, &Damage{Dir: dir, What: fmt.Sprintf("the folder cannot be read: %v", err)})
		}
		return err == nil
	})
	return dirs, closed, err
}

// readable returns why a folder cannot be listed, or its files not be opened.
func readable(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	f.Close()
	if _, err := os.Stat(filepath.Join(dir, TrialFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// A loaded trial, with what is wrong with it.
type loaded struct {
	run       Run
	lost      bool   // which trial it is is not known
	misplaced string // the ID of another trial, whose name the folder has: somebody copied or renamed it
	warnings  []error
	damage    []error
}

// loadRuns reads the folders side by side, as many as there are processors. Reading is nearly
// all arithmetic on decimals: 500 trials of 1,000 rows take half the time on two cores.
func loadRuns(dirs []string) []loaded {
	all := make([]loaded, len(dirs))
	sideBySide(len(dirs), func() func(int) {
		var m memory
		return func(i int) { all[i] = loadRun(dirs[i], &m) }
	})
	return all
}

// A memory is what one trial after the other is read with: the text of rows.jsonl is most of the bytes.
type memory struct {
	text bytes.Buffer
	rows rowReader
}

// sideBySide does n things, as many at a time as there are processors. Each of these has a worker of its own.
func sideBySide(n int, worker func() func(i int)) {
	var next atomic.Int64
	var pool sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		pool.Go(func() {
			do := worker()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	pool.Wait()
}

// loadRun reads one trial's folder. The memory is its own for as long as it runs.
func loadRun(dir string, m *memory) loaded {
	l := loaded{run: Run{Dir: dir}}
	l.read(m, true)
	l.judge()
	return l
}

// Check checks every file of the trial in a folder: all that Load checks, and the sums of the files whose size alone
// Load compares. It returns the trial without its rows, and what is damaged. A trial without sums is checked as far as
// Load does.
func Check(dir string) (Run, []error) {
	l := loaded{run: Run{Dir: dir}}
	if !IsTrial(dir) {
		return l.run, nil
	}
	l.read(new(memory), false)
	for name := range l.run.Files {
		if !slices.Contains(readByLoad, name) {
			l.add(l.run.Files.checkFile(dir, name, true))
		}
	}
	l.judge()
	l.run.Rows = nil
	return l.run, l.damage
}

// CheckAll checks the trials in and below a folder, and its archive. It returns the trials in folders without their rows, the
// number of those in the archive, and what is damaged.
func CheckAll(root string) (runs []Run, archived int, damage []error, err error) {
	dirs, damage, err := trialDirs(root)
	if err != nil {
		return nil, 0, nil, err
	}
	packed, err := LoadArchive(root)
	if err != nil {
		damage = append(damage, err)
	}
	runs = make([]Run, len(dirs))
	found := make([][]error, len(dirs))
	sideBySide(len(dirs), func() func(int) {
		return func(i int) { runs[i], found[i] = Check(dirs[i]) }
	})
	return runs, len(packed), append(damage, slices.Concat(found...)...), nil
}

// readByLoad are the files that Load reads; of the others it compares the size.
var readByLoad = []string{RowsFile, TrialFile, ManifestFile}

// read reads the files, and the rows unless they need not be parsed, because DONE has their sum.
func (l *loaded) read(m *memory, parse bool) {
	// DONE comes first: if it is there the other files are final.
	sums, done, err := readDone(l.run.Dir)
	l.add(err)
	l.run.Files = sums
	l.trial()
	if done && err == nil && sums == nil && l.run.Format != 1 && !l.lost {
		l.add(&Damage{l.run.Dir, DoneFile, "it is empty; it must list the trial's files with their sums"})
	}
	if reason, failed := Failure(l.run.Dir); failed {
		l.run.State, l.run.Reason = Failed, reason.Error()
	}
	if done {
		l.run.State, l.run.Reason = Done, ""
	}
	l.rows(m, parse || sums == nil)
	l.manifest()
	if parse {
		for name := range sums {
			if !slices.Contains(readByLoad, name) {
				l.add(sums.checkFile(l.run.Dir, name, false))
			}
		}
	}
}

// judge marks the trial if anything is damaged.
func (l *loaded) judge() {
	if len(l.damage) == 0 {
		return
	}
	slices.SortFunc(l.damage, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	var reasons []string
	for _, err := range l.damage {
		d := err.(*Damage)
		reasons = append(reasons, d.File+": "+d.What)
	}
	l.run.State, l.run.Reason, l.run.Rows = Damaged, strings.Join(reasons, "; "), nil
}

// trial reads trial.json.
func (l *loaded) trial() {
	lost := func(format string, args ...any) {
		l.lost = true
		l.add(&Damage{l.run.Dir, TrialFile, fmt.Sprintf(format, args...)})
	}
	text, err := os.ReadFile(filepath.Join(l.run.Dir, TrialFile))
	if err != nil {
		lost("%s", unreadable(err))
		return
	}
	if err := l.run.Files.check(l.run.Dir, TrialFile, SumOf(text)); err != nil {
		l.lost = true
		l.add(err)
		return
	}
	switch err := json.Unmarshal(text, &l.run.Trial); {
	case err != nil:
		lost("%v", err)
	case l.run.Format < 1 || l.run.Format > Format:
		lost("format %d, but this program reads formats 1 to %d; use the version that wrote it", l.run.Format, Format)
	default:
		if place := PlaceOf(l.run.Dir); place != l.run.ID {
			l.misplaced = place
		}
	}
}

// unreadable says that a file is missing, or why else it cannot be read.
func unreadable(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it is missing"
	}
	return "it cannot be read: " + err.Error()
}

// idForm is the form of a trial's ID.
var idForm = regexp.MustCompile(`[^/]+-[0-9a-f]{8}/seed-[0-9]+$`)

// PlaceOf is the ID of the trial that belongs into a folder, going by its name; "" if the folder has no such name.
func PlaceOf(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	return idForm.FindString(filepath.ToSlash(abs))
}

// rows reads rows.jsonl, or what is there of it yet.
func (l *loaded) rows(m *memory, parse bool) {
	name := RowsFile
	if l.run.State != Done {
		name = latestRows(l.run.Dir)
	}
	path := filepath.Join(l.run.Dir, name)
	stored, err := readInto(&m.text, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.run.State != Done: // it has not measured anything yet
		return
	case err != nil:
		l.add(&Damage{l.run.Dir, name, unreadable(err)})
		return
	}
	var source io.ReaderAt // of the vectors, if it is certain that the file stays as it is
	if _, ok := l.run.Files[RowsFile]; ok {
		if err := l.run.Files.check(l.run.Dir, RowsFile, SumOf(m.text.Bytes())); err != nil {
			l.add(err)
			return
		}
		source = stored
	}
	if !parse {
		return
	}
	rows, cut, err := m.rows.all(m.text.Bytes(), source)
	switch {
	case err != nil:
		l.add(&Damage{l.run.Dir, name, err.Error()})
	case cut > 0 && l.run.State == Done:
		l.add(&Damage{l.run.Dir, RowsFile, fmt.Sprintf("line %d, the last, is cut off, but the trial is done", cut)})
	case cut > 0:
		l.warnings = append(l.warnings, fmt.Errorf("%s:%d: last line left out: still being written or cut off", path, cut))
	}
	l.run.Rows = rows
}

// manifest reads manifest.json. It is no part of what was measured: without a sum to check it by, a broken
// one is a warning.
func (l *loaded) manifest() {
	path := filepath.Join(l.run.Dir, ManifestFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if sum, ok := l.run.Files[ManifestFile]; ok {
			l.add(&Damage{l.run.Dir, ManifestFile, fmt.Sprintf("it is missing; %s says %v", DoneFile, sum)})
		}
		return
	}
	if err == nil {
		if err := l.run.Files.check(l.run.Dir, ManifestFile, SumOf(text)); err != nil {
			l.add(err)
			return
		}
		err = json.Unmarshal(text, &l.run.Manifest)
	}
	if err != nil {
		l.run.Manifest = Manifest{}
		l.warnings = append(l.warnings, fmt.Errorf("%s: left out: %w", path, err))
	}
}

// readInto reads a whole file into the buffer.
func readInto(b *bytes.Buffer, path string) (*storedText, error) {
	b.Reset()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	_, err = b.ReadFrom(f)
	return &storedText{path, int64(b.Len()), info.ModTime()}, err
}

// add keeps a damage, if there is one.
func (l *loaded) add(damage error) {
	if damage != nil {
		l.damage = append(l.damage, damage)
	}
}
