package owner

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// A Watch claims folders for one process. It remembers the claims of others that it has seen, so that it can tell the
// dead from the living. It may be used by several goroutines.
type Watch struct {
	Me  Process
	Now func() time.Time

	mu   sync.Mutex
	seen map[string]sighting // by folder
}

// A sighting is how a claim was when it last changed.
type sighting struct {
	number int
	size   int64
	since  time.Time // on our own clock
	grown  bool      // it has grown while we looked
}

// Take claims a folder, which must exist. The error is a *Held if another process has it, or may have it: then Take has
// to be called again, some time later, until it knows.
func (w *Watch) Take(dir string) (*Claim, error) {
	for {
		s, err := Look(dir)
		if err != nil {
			return nil, err
		}
		if held := w.judge(dir, s); held != nil {
			return nil, held
		}
		c, err := take(dir, s.Number, w.Me)
		if errors.Is(err, fs.ErrExist) || errors.Is(err, ErrLost) {
			continue // another process was faster
		}
		return c, err
	}
}

// Wait is Take again and again, until the folder is ours, ctx ends, or held does not want to go on waiting: then the error
// is its *Held.
func (w *Watch) Wait(ctx context.Context, dir string, held func(*Held) (wait bool)) (*Claim, error) {
	for {
		claim, err := w.Take(dir)
		var by *Held
		if !errors.As(err, &by) || !held(by) {
			return claim, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.After(time.Second):
		}
	}
}

// After is when to look again at what others have.
func (w *Watch) After(pause time.Duration) <-chan time.Time { return time.After(pause) }

// judge returns a Held if the claim is not known to be dead.
func (w *Watch) judge(dir string, s State) *Held {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Now()
	last, known := w.seen[dir]
	if w.seen == nil {
		w.seen = map[string]sighting{}
	}
	if s.Number == 0 || s.Released || s.By.Gone() || s.By.Before(w.Me) {
		delete(w.seen, dir)
		return nil
	}
	if !known || last.number != s.Number {
		last = sighting{s.Number, s.Size, now, false}
	} else if last.size != s.Size {
		last = sighting{s.Number, s.Size, now, true}
	}
	w.seen[dir] = last
	if now.Sub(last.since) > missed*s.By.heartbeat() {
		delete(w.seen, dir)
		return nil
	}
	return &Held{By: s.By, Alive: last.grown || s.By.here(w.Me)}
}
