package watch

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"vaelab/internal/status"
	"vaelab/plots"
)

// A header is what the page says of the folder as a whole.
type header struct {
	Title    string   `json:"title"`
	Folder   string   `json:"folder"`
	Total    int      `json:"total"`
	Count    []count  `json:"count"`   // of the states that there are, those that need attention first
	Reading  bool     `json:"reading"` // rows that are there are still being read
	Problem  string   `json:"problem,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Reports  []link   `json:"reports,omitempty"`
	Figures  []offer  `json:"figures"`
	Drawn    int      `json:"drawn"` // the version of the figures
}

type count struct {
	State status.State `json:"state"`
	N     int          `json:"n"`
}

type link struct {
	Text string `json:"text"`
	To   string `json:"to"`
}

// An offer is a figure that a browser may ask for.
type offer struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	Open bool   `json:"open"` // at first
}

// header is the present one, but for the counts.
func (s *Site) header() header {
	m := &s.model
	h := header{Title: s.title, Folder: m.root, Reading: m.backlog, Warnings: m.warnings, Figures: s.gallery.offers, Drawn: s.gallery.drawn()}
	if m.problem != nil {
		h.Problem = m.problem.Error()
	}
	for _, dir := range m.reports {
		l := link{"report", reportRoute}
		if dir != "." {
			l = link{"report of " + dir, reportRoute + "/" + (&url.URL{Path: dir}).EscapedPath()}
		}
		h.Reports = append(h.Reports, l)
	}
	return h
}

// offers are all figures, those that are shown at first before the others.
func offers(open []string) (all []offer) {
	names := slices.Clone(open)
	for _, name := range plots.Figures.Names() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i, name := range names {
		_, doc, _ := strings.Cut(strings.TrimRight(plots.Figures.Doc(name), ":,"), " ") // without the type's name
		all = append(all, offer{name, doc, i < len(open)})
	}
	return all
}

// A board is what is published, as JSON: each browser takes from it what is newer than what it has.
type board struct {
	mu      sync.Mutex
	version int
	header  note
	trials  map[string]*note
	order   []string       // names of trials in alphabetical order
	gone    map[string]int // names of trials that are not there any more, with the version
	reports []string       // folders with a report
	changed chan struct{}  // closed when there is something new, or it is time for a sign of life
	told    time.Time      // when that was last
	now     time.Time      // by the clock of the file server
}

// A note is JSON and the version in which it was put there.
type note struct {
	text    []byte
	version int
}

func newBoard() *board {
	return &board{trials: map[string]*note{}, gone: map[string]int{}, changed: make(chan struct{})}
}

// signOfLife is the time after which browsers get something even if nothing has changed: some proxies close what is silent.
const signOfLife = 15 * time.Second

// put publishes the header and the trials that have changed.
func (b *board) put(h header, m *model, now time.Time) {
	counts := map[status.State]int{}
	for _, t := range m.trials {
		counts[t.State]++
	}
	for _, state := range status.States {
		if n := counts[state]; n > 0 {
			h.Count = append(h.Count, count{state, n})
		}
	}
	h.Total = len(m.trials)
	text, _ := json.Marshal(h) // nothing in it lacks a JSON
	b.mu.Lock()
	defer b.mu.Unlock()
	next, news := b.version+1, false
	if !bytes.Equal(text, b.header.text) {
		b.header, news = note{text, next}, true
	}
	others := false // names
	for name, t := range m.trials {
		if !t.changed {
			continue
		}
		t.changed, news = false, true
		text, _ := json.Marshal(t.View)
		if b.trials[name] == nil {
			others = true
		}
		b.trials[name] = &note{text, next}
		delete(b.gone, name)
	}
	for name := range b.trials {
		if m.trials[name] == nil {
			delete(b.trials, name)
			b.gone[name], news, others = next, true, true
		}
	}
	if others {
		b.order = slices.Sorted(maps.Keys(b.trials))
	}
	b.now, b.reports = m.serverTime(now), m.reports
	if news {
		b.version = next
	}
	if news || now.Sub(b.told) >= signOfLife {
		b.told = now
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// trialsAtOnce is the number of trials in one event, so that a browser can draw the first of many.
const trialsAtOnce = 250

// since returns what is newer than a version as server-sent events, the version that they lead to, and a channel that is
// closed when there is more. Of version 0 that is everything.
func (b *board) since(version int) (events []byte, now int, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out bytes.Buffer
	event := func(name string, write func()) {
		out.WriteString("event: " + name + "\ndata: ")
		write() // JSON has no line breaks
		out.WriteString("\n\n")
	}
	if b.header.version > version {
		event("folder", func() { out.Write(b.header.text) })
	}
	var changed [][]byte
	for _, name := range b.order {
		if n := b.trials[name]; n.version > version {
			changed = append(changed, n.text)
		}
	}
	var gone []string
	for name, v := range b.gone {
		if v > version && version > 0 {
			gone = append(gone, name)
		}
	}
	if version == 0 || len(gone) > 0 {
		event("gone", func() {
			text, _ := json.Marshal(gone) // null for all
			out.Write(text)
		})
	}
	for some := range slices.Chunk(changed, trialsAtOnce) {
		event("trials", func() {
			out.WriteByte('[')
			out.Write(bytes.Join(some, []byte(",")))
			out.WriteByte(']')
		})
	}
	event("now", func() {
		text, _ := json.Marshal(b.now.Unix())
		out.Write(text)
	})
	return out.Bytes(), b.version, b.changed
}

// hasReport tells whether a folder has a report, as far as is known.
func (b *board) hasReport(dir string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.reports, dir)
}
