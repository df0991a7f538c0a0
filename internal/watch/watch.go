// Package watch shows the trials of a results folder on a page that changes while they run. It reads files and writes none.
//
// A Site is the page with its server. Poll looks at the folder and passes on what has changed; the program calls it again
// and again. Browsers get changes as server-sent events, and ask for a figure when somebody sees it.
//
// Watching costs little, whatever the size of the folder: each kind of work waits in proportion to the processor time that it
// took last (see pause). Of rows.jsonl only what was appended is read.
package watch

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"vaelab/plots"
)

// Options are what a Site is told by the program.
type Options struct {
	Now     func() time.Time
	Cost    func() time.Duration // processor time of this process so far
	Figures []string             // shown when the page is opened; the others are there to be opened
	Token   string               // that browsers must have; none if empty
	AnyHost bool                 // browsers may know the server by any name; else only by those of this machine itself
}

// A Site is the page of one folder.
type Site struct {
	o       Options
	title   string
	model   model
	board   *board
	gallery *gallery
	handler http.Handler
	streams chan struct{} // has one for each browser that gets events
}

// New makes the page of a folder. It is an error if the folder has no trial.
func New(root string, o Options) (*Site, error) {
	for _, name := range o.Figures {
		if _, err := plots.Figures.Get(name); err != nil {
			return nil, err
		}
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	s := &Site{o: o, title: filepath.Base(abs), board: newBoard(), gallery: newGallery(root, o), streams: make(chan struct{}, streams)}
	s.model = model{root: root, trials: map[string]*trial{}}
	if err := s.model.look(o.Now()); err != nil {
		return nil, err
	}
	if len(s.model.trials) == 0 {
		return nil, fmt.Errorf("%s: there is no trial in or below this folder; vaelab run trains some", root)
	}
	s.handler = s.routes()
	s.publish(o.Now())
	return s, nil
}

// The shortest times between two pieces of work of one kind, and how many times its processor time each waits: looking and
// reading take at most 1 % of one processor each, figures 2 %.
const (
	everyRows    = time.Second
	everyLook    = 2 * time.Second
	everyFigures = 5 * time.Second

	restOfLook    = 100
	restOfFigures = 50
)

// pause is the time from one piece of work to the next.
func pause(least, cost time.Duration, rest int) time.Duration {
	return max(least, time.Duration(rest)*cost)
}

// readAtOnce is the number of bytes of rows that one Poll reads. A large folder is read in parts, between which browsers
// get what is known.
const readAtOnce = 16 << 20

// Poll looks at the folder and passes on what has changed. It returns how long to wait until the next call. It is for one
// goroutine.
func (s *Site) Poll() time.Duration {
	m, now, before := &s.model, s.o.Now(), s.o.Cost()
	wait := pause(everyLook, m.lookCost, restOfLook)
	if !m.soon {
		wait *= 5 // heartbeats, links and reports change without a sign in a trial's folder
	}
	if now.Sub(m.looked) >= wait {
		m.problem = m.look(now)
		m.lookCost = s.o.Cost() - before
		before = s.o.Cost()
	}
	m.read(now, readAtOnce)
	s.publish(now)
	if m.backlog {
		return s.o.Now().Sub(now) // half of the time is left to browsers on this machine
	}
	return max(pause(everyRows, s.o.Cost()-before, restOfLook), 10*s.o.Now().Sub(now)) // a slow file server is spared, too
}

// publish puts what has changed on the board.
func (s *Site) publish(now time.Time) {
	s.gallery.supply(&s.model, now)
	s.board.put(s.header(), &s.model, now)
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
