package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"vaelab/internal/train"
)

// plainEvery is the time between two lines of a running trial where there is no terminal.
const plainEvery = 10 * time.Second

// A display shows running trials: a bar each on a terminal, else a line each every ten
// seconds. It is a sweep.Observer.
type display struct {
	mu    sync.Mutex
	w     io.Writer
	names []string
	bars  *mpb.Progress // nil where there is no terminal
	quiet bool
	total int // trials to train
	ended int
	state map[int]*shown
}

// shown is a running trial's place on the display.
type shown struct {
	bar           *mpb.Bar
	started, last time.Time
	first         int // the step it started from
	progress      train.Progress
}

func newDisplay(w io.Writer, names []string, total int, quiet bool) *display {
	d := &display{w: w, names: names, total: total, quiet: quiet, state: map[int]*shown{}}
	if f, ok := w.(*os.File); ok && !quiet && term.IsTerminal(int(f.Fd())) &&
		os.Getenv("NO_COLOR") == "" && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" {
		d.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(30))
	}
	return d
}

// Started begins a trial.
func (d *display) Started(job int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state[job] = &shown{started: time.Now(), last: time.Now(), first: -1}
}

// Progress moves a trial's bar or, now and then, prints its line.
func (d *display) Progress(job int, p train.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.state[job]
	if s.first < 0 {
		s.first = p.Step - 1
	}
	s.progress = p
	switch {
	case d.quiet:
	case d.bars != nil:
		if s.bar == nil {
			s.bar = d.bars.AddBar(int64(p.Steps),
				mpb.BarRemoveOnComplete(),
				mpb.PrependDecorators(decor.Name(d.names[job], decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
					d.mu.Lock()
					defer d.mu.Unlock()
					return s.text()
				})))
		}
		s.bar.SetCurrent(int64(p.Step))
	case time.Since(s.last) >= plainEvery:
		s.last = time.Now()
		fmt.Fprintf(d.w, "%s: %s\n", d.names[job], s.text())
	}
}

// text is "step 120/2100, KL 1.05, rec 60.2, 1m20s left".
func (s *shown) text() string {
	p := s.progress
	out := fmt.Sprintf("step %d/%d", p.Step, p.Steps)
	if p.Rec != 0 {
		out += fmt.Sprintf(", KL %.2f, rec %.2f", p.KL, p.Rec)
	}
	if done := p.Step - s.first; done > 0 {
		left := time.Since(s.started) / time.Duration(done) * time.Duration(p.Steps-p.Step)
		out += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return out
}

// Ended says how a trial ended.
func (d *display) Ended(job int, err error) {
	d.mu.Lock()
	s := d.state[job]
	d.ended++
	what := "done"
	if err != nil {
		what = "stopped: " + err.Error()
	}
	line := fmt.Sprintf("[%d/%d] %s: %s in %v\n", d.ended, d.total, d.names[job], what, time.Since(s.started).Round(time.Second))
	d.mu.Unlock()
	if s.bar != nil && !s.bar.Completed() {
		s.bar.Abort(true)
	}
	switch {
	case d.quiet:
	case d.bars != nil:
		fmt.Fprint(d.bars, line)
	default:
		fmt.Fprint(d.w, line)
	}
}

func (d *display) close() {
	if d.bars != nil {
		d.bars.Wait()
	}
}
