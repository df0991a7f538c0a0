package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"vaelab/internal/owner"
	"vaelab/internal/train"
)

// plainEvery is the time between two lines of a running trial where there is no terminal.
const plainEvery = 10 * time.Second

// A display shows running trials: a bar each on a terminal, else a line each from time to time.
// It is a sweep.Observer.
type display struct {
	names []string
	trial []shown       // by job
	bars  *bars         // nil where there is no terminal, or lines are asked for
	every time.Duration // between two lines of a trial
	quiet bool
	total int // trials to train

	mu     sync.Mutex // for what follows; never held while a bar is called, which waits for its text
	w      io.Writer
	ended  int
	waited bool // for a trial that another process has ended

	trained atomic.Bool // a step
}

// shown is a running trial's place on the display. Only text is read by a goroutine that is
// not the trial's.
type shown struct {
	bar           *mpb.Bar
	started, last time.Time
	first         int // the step it started from
	text          atomic.Value
}

// newDisplay makes a display. It has lines instead of bars if a time between them is given.
func newDisplay(w io.Writer, names []string, total int, lines time.Duration, quiet bool) *display {
	d := &display{w: w, names: names, total: total, quiet: quiet, trial: make([]shown, len(names)), every: cmp.Or(lines, plainEvery)}
	if lines == 0 {
		d.bars = newBars(w, quiet)
	}
	return d
}

// bars are the progress bars on a terminal, below lines that stay.
type bars struct {
	*mpb.Progress
	screen *cupwriter.Writer
}

// newBars makes bars if w is a terminal that can show them. Else, or if quiet, it returns nil.
func newBars(w io.Writer, quiet bool) *bars {
	if p, ok := w.(*printer); ok {
		w = p.w // bars move the cursor
	}
	if !quiet && isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" {
		return barsOn(cupwriter.New(w, false), mpb.WithWidth(30))
	}
	return nil
}

func barsOn(screen *cupwriter.Writer, options ...mpb.ContainerOption) *bars {
	return &bars{mpb.New(append(options, mpb.WithConsoleWriter(screen))...), screen}
}

// close waits for the bars to end. Then it writes the lines printed since their last refresh: mpb's Wait
// leaves them in the buffer.
func (b *bars) close() {
	b.Wait()
	if b.screen.Len() > 0 {
		_ = b.screen.Flush(0) // a terminal that is gone shows nothing
	}
}

// Started begins a trial.
func (d *display) Started(job int) {
	s := &d.trial[job]
	s.started, s.last, s.first = time.Now(), time.Now(), -1
}

// Progress moves a trial's bar or, now and then, prints its line.
func (d *display) Progress(job int, p train.Progress) {
	d.trained.Store(true)
	s := &d.trial[job]
	if s.first < 0 {
		s.first = p.Step - 1
	}
	switch {
	case d.quiet:
	case d.bars != nil:
		s.text.Store(s.say(p))
		if s.bar == nil {
			s.bar = d.bars.AddBar(int64(p.Steps),
				mpb.BarRemoveOnComplete(),
				mpb.PrependDecorators(decor.Name(d.names[job], decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return s.text.Load().(string) })))
		}
		s.bar.SetCurrent(int64(p.Step))
	case time.Since(s.last) >= d.every:
		s.last = time.Now()
		d.print(fmt.Sprintf("%s: %s\n", d.names[job], s.say(p)))
	}
}

// say is "step 120/2100, KL 1.05, rec 60.2, collapsing, 1m20s left".
func (s *shown) say(p train.Progress) string {
	out := fmt.Sprintf("step %d/%d", p.Step, p.Steps)
	if p.Rec != 0 {
		out += fmt.Sprintf(", KL %.2f, rec %.2f", p.KL, p.Rec)
	}
	if p.State != "" {
		out += ", " + p.State
	}
	if done := p.Step - s.first; done > 0 {
		left := time.Since(s.started) / time.Duration(done) * time.Duration(p.Steps-p.Step)
		out += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return out
}

// Noted prints what the user should know about a trial.
func (d *display) Noted(job int, note string) {
	d.print(fmt.Sprintf("vaelab: note: %s: %s\n", d.names[job], note))
}

// Held says that another process has a trial.
func (d *display) Held(job int, by owner.Process) {
	if d.quiet {
		return
	}
	until := ""
	if by == (owner.Process{}) { // its claim was cut off, or is being written
		until = fmt.Sprintf("; taken over if it shows no sign of life for %v", owner.Patience)
	}
	d.print(fmt.Sprintf("%s: held by %v%s\n", d.names[job], by, until))
}

// Ended says how a trial ended.
func (d *display) Ended(job int, err error) {
	s := &d.trial[job]
	if s.bar != nil && !s.bar.Completed() {
		s.bar.Abort(true)
	}
	s.bar = nil // it may be started again
	took := time.Since(s.started).Round(time.Second)
	switch {
	case err == nil:
		d.count(job, fmt.Sprintf("done in %v", took))
	case errors.Is(err, context.Canceled):
		d.count(job, fmt.Sprintf("stopped after %v", took))
	case errors.Is(err, owner.ErrLost):
		d.print(fmt.Sprintf("%s: stopped after %v, because %v\n", d.names[job], took, err))
	default:
		d.count(job, fmt.Sprintf("failed after %v: %v", took, err))
	}
}

// EndedElsewhere says how another process has ended a trial.
func (d *display) EndedElsewhere(job int, err error) {
	d.mu.Lock()
	d.waited = true
	d.mu.Unlock()
	if err != nil {
		d.count(job, fmt.Sprintf("failed in another process: %v", err))
		return
	}
	d.count(job, "done by another process")
}

// count prints the line of a trial that has ended.
func (d *display) count(job int, how string) {
	d.mu.Lock()
	d.ended++
	n := d.ended
	d.mu.Unlock()
	if !d.quiet {
		d.print(fmt.Sprintf("[%d/%d] %s: %s\n", n, d.total, d.names[job], how))
	}
}

// print writes a line that stays, above the bars if there are any.
func (d *display) print(line string) {
	if d.bars != nil {
		fmt.Fprint(&printer{w: d.bars}, line)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprint(d.w, line)
}

func (d *display) close() {
	if d.bars != nil {
		d.bars.close()
	}
}
