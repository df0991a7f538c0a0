package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// A stopping is how the user or the system asks the program to stop: by Ctrl-C, by SIGTERM, or by SIGHUP when a terminal
// closes, unless nohup has the program ignore that. The second such signal ends the program at once, unless it comes with
// the first: timeout of GNU sends one to the program and one to its group. SIGUSR1 says that a time limit is near, as batch
// systems send it on demand.
type stopping struct {
	limit, stop atomic.Bool // the signals that came
}

// echo is how long after the first signal a second one counts as the same.
const echo = 200 * time.Millisecond

// errLimit is why the context ends if a time limit is near.
var errLimit = errors.New("the time limit is near")

// watch returns a context that ends at the first signal, and a function that gives the signals their usual meaning back.
func (s *stopping) watch(ctx context.Context) (context.Context, func()) {
	signals := append([]os.Signal{os.Interrupt, syscall.SIGTERM}, limitSignals...)
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	came := make(chan os.Signal, len(signals))
	signal.Notify(came, signals...)
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case which := <-came:
				if isLimit(which) {
					s.limit.Store(true)
					cancel(errLimit)
					continue
				}
				s.stop.Store(true)
				cancel(context.Canceled)
				time.AfterFunc(echo, func() { signal.Stop(came) }) // then the next one ends the program
				return
			case <-ended:
				return
			}
		}
	}()
	return ctx, func() {
		if !s.stop.Load() {
			signal.Stop(came)
		}
		close(ended)
		cancel(context.Canceled)
	}
}

// A kept is the error of a command that was stopped, with what stays of its work.
type kept struct {
	error
	what string
}

// Unwrap returns the error itself.
func (k kept) Unwrap() error { return k.error }

// keeping says what stays of the work of a command, if err is that it was stopped.
func keeping(err error, what string) error {
	if !stopped(err) {
		return err
	}
	return kept{err, what}
}

// isLimit tells whether a signal says that a time limit is near.
func isLimit(which os.Signal) bool {
	for _, s := range limitSignals {
		if which == s {
			return true
		}
	}
	return false
}

// untilStopped is stopping.watch for a command that makes no difference between the signals.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return new(stopping).watch(ctx)
}
