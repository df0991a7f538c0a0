// Package status tells how the trials of a results folder stand, from files alone: no process and no scheduler is asked.
package status

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"vaelab/internal/folder"
	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/train"
)

// A State is how a trial stands. That of a trial that fails, and is run again, is Running.
type State string

const (
	Done       State = "done"       // its files are not checked for damage, see record.Check
	Running    State = "running"    // a process has claimed it, and lives as far as we can see
	Stale      State = "stale"      // a process has claimed it, and shows no sign of life; vaelab run takes it over
	Stopped    State = "stopped"    // nobody works on it; vaelab run resumes it
	Failed     State = "failed"     // Trial.Note is the reason
	Unreadable State = "unreadable" // Trial.Note says why
	NotBegun   State = "not begun"  // a submission names it, and it has no folder yet
)

// States are all states, those that need attention first.
var States = []State{Failed, Unreadable, Stale, Stopped, Running, NotBegun, Done}

// A Trial is one trial. Times are by the clock of the file server, so that those of hosts do not matter.
type Trial struct {
	Name    string `json:"name"` // path of its folder below the folder that was read; its ID for that folder itself
	ID      string `json:"id"`
	Variant string `json:"variant,omitempty"`
	State   State  `json:"state"`
	Note    string `json:"note,omitempty"` // what else is to be said of the state

	// Of a trial that is not done, and has been claimed:
	Owner  *owner.Process `json:"owner,omitempty"`          // who claimed it last; all its fields are empty if the claim does not say
	Since  *time.Time     `json:"since,omitempty"`          // when the claim was made, exact to one heartbeat
	Held   float64        `json:"held_seconds,omitempty"`   // from Since to the last heartbeat, or until now if it is running
	Silent float64        `json:"silent_seconds,omitempty"` // since the last heartbeat or the release

	// Queued is the scheduler's name of the task that is to train a trial which has not begun, such as "12_3" of Slurm.
	Queued string `json:"queued,omitempty"`

	Row    *Row    `json:"row,omitempty"`    // the last one, if it is not done and has any
	Epochs float64 `json:"epochs,omitempty"` // of the training at most, for a trial with a Row
}

// A Set is what Read found.
type Set struct {
	Root        string        `json:"folder"`
	Now         time.Time     `json:"now"`         // by the clock of the file server, or of this host
	LocalClock  bool          `json:"local_clock"` // Now is by the clock of this host, since the folder cannot be written
	Count       map[State]int `json:"count"`
	Trials      []Trial       `json:"trials"` // by name
	Submissions []Submission  `json:"submissions,omitempty"`
	Archive     bool          `json:"archive"`            // there is a record.ArchiveFile, too, whose trials are not among Trials
	Warnings    []string      `json:"warnings,omitempty"` // files of submissions that cannot be read
}

// atATime is the number of trials that are read side by side. On a network file system the time goes into waiting.
const atATime = 32

// Read looks at the trials in and below a folder: whole results, one experiment or one trial. It writes nothing but a file
// that tells the file server's time and is removed at once; local tells the time if none can be made.
func Read(root string, local func() time.Time) (*Set, error) {
	found, err := find(root)
	if err != nil {
		return nil, err
	}
	set := &Set{Root: root}
	if set.Now, err = record.ServerTime(root); err != nil {
		set.Now, set.LocalClock = local(), true
	}
	set.look(found, true)
	return set, nil
}

// At is Read for one who looks often, knows the time and reads the rows himself: it writes nothing, and no trial has a Row.
func At(root string, now time.Time) (*Set, error) {
	found, err := find(root)
	if err != nil {
		return nil, err
	}
	set := &Set{Root: root, Now: now, LocalClock: true}
	set.look(found, false)
	return set, nil
}

// look reads the trials in the places that were found, each with its last row or without.
func (s *Set) look(found []place, rows bool) {
	_, err := os.Stat(filepath.Join(s.Root, record.ArchiveFile))
	s.Archive, s.Count = err == nil, map[State]int{}
	trials := make([]Trial, len(found))
	var all sync.WaitGroup
	free := make(chan struct{}, atATime)
	for i, f := range found {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			if f.names == nil {
				f.read()
			}
			if f.isTrial() {
				trials[i] = f.look(s.Root, s.Now, rows)
			}
		})
	}
	all.Wait()
	s.Trials = slices.DeleteFunc(trials, func(t Trial) bool { return t.State == "" })
	s.submissions()
	slices.SortFunc(s.Trials, func(a, b Trial) int { return strings.Compare(a.Name, b.Name) })
	for _, state := range States {
		s.Count[state] = 0 // so that scripts find a number
	}
	for _, t := range s.Trials {
		s.Count[t.State]++
	}
}

// A place is a folder that has a trial, or a trial's name.
type place struct {
	dir   string
	names []string // of its files
	err   error    // that they cannot be read
}

// find returns the places in and below root. Those with a trial's name are still to be read, side by side.
func find(root string) ([]place, error) {
	var all []place
	_, err := folder.Files(root, func(dir string) bool {
		p := place{dir: dir}
		is := record.PlaceOf(dir) != ""
		if !is {
			p.read()
			is = p.has(record.TrialFile)
		}
		if is {
			all = append(all, p)
		}
		return !is
	})
	return all, err
}

// read reads the names of the files.
func (p *place) read() {
	var entries []fs.DirEntry
	entries, p.err = os.ReadDir(p.dir)
	for _, e := range entries {
		p.names = append(p.names, e.Name())
	}
}

// isTrial tells whether a trial has been begun there, or claimed.
func (p place) isTrial() bool {
	return p.err != nil || p.has(record.TrialFile) || p.has(record.DoneFile) || slices.ContainsFunc(p.names, owner.Is)
}

// look tells how the trial in a folder stands, and where it is if its rows are to be read.
func (p place) look(root string, now time.Time, rows bool) Trial {
	t := Trial{Name: p.dir}
	if below, err := filepath.Rel(root, p.dir); err == nil {
		t.Name = filepath.ToSlash(below)
	}
	is, err := p.trial()
	if err == nil && !p.has(record.DoneFile) {
		err = t.stands(p, now)
		if rows {
			t.row(p)
		}
	} else if err == nil {
		t.State = Done
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = fmt.Errorf("%s: %w", filepath.Base(path.Path), path.Err)
		}
		t.State, t.Note = Unreadable, err.Error()
	}
	t.ID, t.Variant = is.id, is.variant
	if t.ID == "" {
		t.ID = record.PlaceOf(p.dir)
	}
	if t.Name == "." {
		t.Name = t.ID
	}
	return t
}

// stands finds the state of a trial that is not done.
func (t *Trial) stands(p place, now time.Time) error {
	claim, err := owner.Look(p.dir)
	if err != nil {
		return err
	}
	if claim.Number > 0 {
		began := claim.Began()
		t.Owner, t.Since = &claim.By, &began
		t.Silent = max(0, now.Sub(claim.Modified).Seconds())
		t.Held = claim.Modified.Sub(began).Seconds()
	}
	held := claim.Number > 0 && !claim.Released
	reason, failed := record.Failure(p.dir)
	switch {
	case held && claim.By.Gone():
		t.State, t.Note = Stale, "its process has ended on this host"
	case held && claim.Silent(now):
		t.State = Stale
	case held:
		t.State = Running
		t.Held += t.Silent
	case failed:
		t.State, t.Note = Failed, reason.Error()
	default:
		t.State = Stopped
		if !p.resumable() {
			t.Note = "no checkpoint; it will begin anew"
		}
	}
	if unknown := claim.By == (owner.Process{}); held && unknown {
		t.Note = fmt.Sprintf("claim.%d does not say whose it is", claim.Number)
		if claim.Size == 0 {
			t.Note = fmt.Sprintf("claim.%d is empty", claim.Number)
		}
	}
	return nil
}

// has tells whether a trial's folder has a file.
func (p place) has(name string) bool { return slices.Contains(p.names, name) }

// resumable tells whether there is a checkpoint.
func (p place) resumable() bool {
	_, ok := record.Latest(p.names, train.CheckpointFile)
	return ok
}

// A head is what trial.json says at its beginning.
type head struct {
	format      int
	id, variant string
}

// trial reads the beginning of trial.json: the settings behind it are most of the file. A trial that has been claimed and
// not begun has none.
func (p place) trial() (head, error) {
	if p.err != nil || !p.has(record.TrialFile) {
		return head{}, p.err
	}
	f, err := os.Open(filepath.Join(p.dir, record.TrialFile))
	if err != nil {
		return head{}, err
	}
	defer f.Close()
	h, err := readHead(json.NewDecoder(f))
	if err != nil {
		return h, fmt.Errorf("%s: %w", record.TrialFile, err)
	}
	if h.format < 1 || h.format > record.Format {
		return h, fmt.Errorf("format %d, but this program reads formats 1 to %d; use the version that wrote it", h.format, record.Format)
	}
	return h, nil
}

// readHead reads the fields of an object until the head is complete.
func readHead(object *json.Decoder) (h head, err error) {
	if begin, err := object.Token(); err != nil || begin != json.Delim('{') {
		return h, cmp.Or(err, errors.New("must be an object"))
	}
	for h.format == 0 || h.id == "" || h.variant == "" {
		if !object.More() {
			return h, errors.New("must have format, id and variant")
		}
		key, err := object.Token()
		if err != nil {
			return h, err
		}
		switch key {
		case "format":
			err = object.Decode(&h.format)
		case "id":
			err = object.Decode(&h.id)
		case "variant":
			err = object.Decode(&h.variant)
		default:
			err = object.Decode(&json.RawMessage{})
		}
		if err != nil {
			return h, err
		}
	}
	return h, nil
}
