package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"

	"vaelab/internal/report"
	"vaelab/internal/train"
)

// drive shows trials side by side, one of which fails and one of which is stopped.
func drive(d *display, step time.Duration) {
	var all sync.WaitGroup
	for job := range d.names {
		all.Go(func() {
			d.Started(job)
			steps := 1000
			var err error
			switch job {
			case 1:
				steps, err = 10, errors.New("diverged")
			case 2:
				steps, err = 100, context.Canceled
			}
			for s := range steps {
				d.Progress(job, train.Progress{Step: s + 1, Steps: 1000, Rec: 60, KL: 1})
				time.Sleep(step)
			}
			d.Ended(job, err)
		})
	}
	all.Wait()
	d.close()
}

// TestBars: a bar asks for its text from a goroutine of its own, while the trial waits for the bar. They must
// not wait for each other. The line of each trial's end stays, those after the last refresh of the bars too.
func TestBars(t *testing.T) {
	for refresh, step := range map[time.Duration]time.Duration{time.Millisecond: 100 * time.Microsecond, time.Hour: 0} {
		var w bytes.Buffer
		d := newDisplay(io.Discard, []string{"a", "b", "c", "d"}, 4, 0, false)
		d.bars = barsOn(cupwriter.New(&w, true), mpb.WithAutoRefresh(), mpb.WithRefreshRate(refresh))
		done := make(chan bool)
		go func() {
			drive(d, step)
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("the display hangs")
		}
		for _, line := range []string{"] a: done in ", "] b: failed after ", "] c: stopped after ", "] d: done in "} {
			if !strings.Contains(w.String(), line) {
				t.Errorf("with a refresh every %v the display lacks %q", refresh, line)
			}
		}
	}
}

// TestPlainDisplay: without a terminal, each trial's end is a line, whole.
func TestPlainDisplay(t *testing.T) {
	var w bytes.Buffer
	names := []string{"vanilla seed 1", "bn seed 1", "ln seed 1", "bn seed 2"}
	drive(newDisplay(&w, names, len(names), 0, false), 0)
	has(t, "display", w.String(),
		"] vanilla seed 1: done in 0s\n", "] bn seed 1: failed after 0s: diverged\n", "] ln seed 1: stopped after 0s\n", "[4/4] ")
	if n := bytes.Count(w.Bytes(), []byte("\n")); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, w.String())
	}
	w.Reset()
	drive(newDisplay(&w, names, len(names), 0, true), 0)
	if w.Len() > 0 {
		t.Errorf("--quiet shows %q", w.String())
	}
}

// TestSay: a line has what is known, the state of collapse only after an evaluation.
func TestSay(t *testing.T) {
	s := shown{first: 7, started: time.Now()}
	for want, p := range map[string]train.Progress{
		"step 7/100":                                 {Step: 7, Steps: 100},
		"step 7/100, KL 1.05, rec 60.21":             {Step: 7, Steps: 100, KL: 1.049, Rec: 60.21},
		"step 7/100, KL 1.05, rec 60.21, collapsing": {Step: 7, Steps: 100, KL: 1.049, Rec: 60.21, State: "collapsing"},
	} {
		if got := s.say(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestQuoted(t *testing.T) {
	got := quoted([]string{"run", "my.yaml", "--set", "data={text: {train: it's}}", "", "-j=2"})
	want := `run my.yaml --set 'data={text: {train: it'\''s}}' '' -j=2`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecimal(t *testing.T) {
	for v, want := range map[float64]string{-0.004: "0.00", -0.006: "-0.01", 0: "0.00", 12.345: "12.35", -10: "-10.00", 9999999: "9999999.00", -1.234e47: "-1.23e+47"} {
		if got := report.Decimal(v, 2); got != want {
			t.Errorf("%s: got %s, want %s", fmt.Sprint(v), got, want)
		}
	}
}
