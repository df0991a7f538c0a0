package watch

import (
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/status"
	"vaelab/internal/sweep"
)

// A model is what is known of a folder. It is for the goroutine that polls.
type model struct {
	root   string
	trials map[string]*trial // by name
	order  []*trial          // those that are worked on first

	looked   time.Time
	lookCost time.Duration
	soon     bool // a trial's folder has other files than when it was looked at
	problem  error
	warnings []string
	reports  []string // folders below root that have a report.html
	archive  bool     // was read
	backlog  bool     // there are rows to read at once
	again    bool     // done trials are looked at, too, with the next read
	changes  int      // counts what a figure could show

	// The clock of the file server is ahead of this machine's by so much, or behind. It is learnt from the times of files
	// that change while they are watched.
	ahead  time.Duration
	learnt bool
}

// serverTime is the time by the clock that stamps the files.
func (m *model) serverTime(local time.Time) time.Time { return local.Add(m.ahead) }

// stamped learns from the time of a file that has changed between two looks. It was seen later than it was written, so the
// shortest delay is the nearest to the truth.
func (m *model) stamped(at, local time.Time) {
	if ahead := at.Sub(local); !m.learnt || ahead > m.ahead {
		m.ahead, m.learnt = ahead, true
	}
}

// look finds the trials and how they stand.
func (m *model) look(local time.Time) error {
	m.looked, m.soon, m.again = local, false, true
	set, err := status.At(m.root, m.serverTime(local))
	if err != nil {
		return err
	}
	m.warnings = set.Warnings
	found := map[string]bool{}
	settled := false // the settings of all trials are as they were
	for _, s := range set.Trials {
		found[s.Name] = true
		t, ok := m.trials[s.Name]
		if !ok {
			t = &trial{dir: filepath.Join(m.root, filepath.FromSlash(s.Name))}
			if record.IsTrial(m.root) {
				t.dir = m.root
			}
			m.trials[s.Name] = t
		}
		if t.stands(s, set.Now) {
			m.changes++
		}
		settled = t.readSettings() || settled
	}
	for name, t := range m.trials {
		if !found[name] && !t.archived {
			delete(m.trials, name)
			m.changes++
			settled = true
		}
	}
	if set.Archive && !m.archive {
		m.archive = true
		settled = m.unpack() || settled
	}
	if settled {
		m.label()
	}
	m.sort()
	m.findReports()
	return nil
}

// unpack adds the trials of the folder's archive that are not there as folders.
func (m *model) unpack() bool {
	runs, err := record.LoadArchive(m.root)
	if err != nil {
		m.warnings = append(m.warnings, err.Error())
	}
	for _, run := range runs {
		if _, ok := m.trials[run.ID]; ok {
			continue
		}
		t := &trial{archived: true, settings: run.Trial}
		t.Name, t.State, t.Note, t.Seed = run.ID, status.Done, run.Reason, run.Seed
		if run.State != record.Done {
			t.State = status.Failed
		}
		t.take(run.Rows)
		t.changed = true
		m.trials[run.ID] = t
	}
	return len(runs) > 0
}

// label gives the trials of each experiment the names of their settings, as its figures have them.
func (m *model) label() {
	sets := map[string]*record.Set{}
	of := map[string]*trial{} // by the name in place of a folder
	for _, name := range slices.Sorted(maps.Keys(m.trials)) {
		t := m.trials[name]
		if t.settings.ID == "" {
			continue
		}
		set := sets[t.settings.Experiment]
		if set == nil {
			set = &record.Set{}
			sets[t.settings.Experiment] = set
		}
		set.Runs = append(set.Runs, record.Run{Trial: t.settings, Dir: name})
		of[name] = t
	}
	place := 0
	for _, experiment := range slices.Sorted(maps.Keys(sets)) {
		set := sets[experiment]
		sweep.Complete(set)
		for _, g := range set.Groups() {
			for _, run := range g.Runs {
				of[run.Dir].called(g.Label, place)
			}
			place++
		}
	}
}

// sort puts the trials in the order in which their rows are read.
func (m *model) sort() {
	m.order = slices.SortedFunc(maps.Values(m.trials), func(a, b *trial) int {
		if d, e := a.State == status.Done, b.State == status.Done; d != e {
			if e {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// mostReports is the most reports that the page links to.
const mostReports = 50

// findReports looks for reports in the folder and in those of experiments below it. What lies outside, behind a link, is
// none.
func (m *model) findReports() {
	m.reports = nil
	root, err := os.OpenRoot(m.root)
	if err != nil {
		return
	}
	defer root.Close()
	places := map[string]bool{".": true}
	for name := range m.trials {
		places[path.Dir(path.Dir(name))] = true // of name/seed-1
	}
	for _, dir := range slices.Sorted(maps.Keys(places)) {
		if info, err := root.Stat(path.Join(dir, reportFile)); err == nil && info.Mode().IsRegular() && len(m.reports) < mostReports {
			m.reports = append(m.reports, dir)
		}
	}
}

// reportFile is what vaelab report writes.
const reportFile = "report.html"

// read reads the rows that have been appended, up to a number of bytes.
func (m *model) read(local time.Time, most int64) {
	m.backlog = false
	for _, t := range m.order {
		switch done := t.State == status.Done && t.read && !m.again; {
		case done, t.archived, t.State == status.NotBegun:
			continue
		case most <= 0:
			m.backlog = true
			return
		}
		begun := !t.rowsAt.IsZero()
		got, n := t.readRows(most)
		most -= n
		if t.stirred {
			t.stirred, m.soon = false, true
		}
		if got {
			m.changes++
			if begun {
				m.stamped(t.rowsAt, local)
			}
			t.estimate()
		}
		m.backlog = m.backlog || t.more
	}
	m.again = m.backlog && m.again
}

// readSettings reads trial.json if it has not been read. It tells whether it has now.
func (t *trial) readSettings() bool {
	if t.settings.ID != "" || t.State == status.NotBegun {
		return false
	}
	path := filepath.Join(t.dir, record.TrialFile)
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &t.settings) != nil {
		t.settings = record.Trial{}
		return false
	}
	t.began = info.ModTime()
	t.Seed, t.changed = t.settings.Seed, true
	return t.settings.ID != ""
}
