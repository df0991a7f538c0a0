package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/machine"
	"vaelab/internal/owner"
	"vaelab/internal/sweep"
)

// A training holds the flags that say how trials are trained.
type training struct {
	parallel  int
	every     time.Duration
	heartbeat time.Duration
	quiet     bool
	keep      string
	task      bool // this is a task: its log is a file, and jobs that other processes have are left to them
	waited    bool // for a trial that another process has ended
	trained   bool // a step

	own *owner.Watch // see watch
}

// The values of --keep.
const (
	keepWeights = "weights"
	keepNone    = "none"
)

func (t *training) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVarP(&t.parallel, "parallel", "j", runtime.GOMAXPROCS(0), "number of `trials` that train side by side")
	f.DurationVar(&t.every, "checkpoint", 30*time.Second, "`time` between two checkpoints of a trial")
	f.DurationVar(&t.heartbeat, "heartbeat", owner.Heartbeat, "`time` between two signs of life; without three of them another process takes a trial over")
	keepFlag(cmd, &t.keep)
	f.BoolVarP(&t.quiet, "quiet", "q", false, "print no progress")
}

func (t *training) check() error {
	switch {
	case t.parallel < 1:
		return usageError{fmt.Errorf("-j %d: must be at least 1", t.parallel)}
	case t.every < 0:
		return usageError{fmt.Errorf("--checkpoint %v: must be at least 0s", t.every)}
	case t.heartbeat < 10*time.Millisecond || t.heartbeat > time.Hour:
		return usageError{fmt.Errorf("--heartbeat %v: must be 10ms to 1h", t.heartbeat)}
	}
	return checkKeep(t.keep)
}

// keepFlag is the flag that says what a finished trial's folder has.
func keepFlag(cmd *cobra.Command, keep *string) {
	cmd.Flags().StringVar(keep, "keep", keepWeights, "what finished trials keep beside their rows: `weights` or none")
}

func checkKeep(keep string) error {
	if keep != keepWeights && keep != keepNone {
		return usageError{fmt.Errorf("--keep %s: must be %s or %s", keep, keepWeights, keepNone)}
	}
	return nil
}

// watch claims the folders that this process works in.
func (t *training) watch() *owner.Watch {
	if t.own == nil {
		t.own = &owner.Watch{Me: owner.This(t.heartbeat), Now: time.Now}
	}
	return t.own
}

// missing trains the jobs of an experiment that are not done, with a line about how many they
// are. It goes on after a failure and returns all of them; if the user stops it, the error is
// context.Canceled.
func (t *training) missing(ctx context.Context, wErr io.Writer, e *sweep.Experiment, jobs []sweep.Job) error {
	runner := sweep.Runner{
		Parallel: t.parallel, Checkpoint: t.every, Now: time.Now, CPU: machine.CPUTime, PeakMemory: machine.PeakMemory,
		Manifest: thisProgram(), Weightless: t.keep == keepNone, Watch: t.watch(), Leave: t.task,
	}
	runner.Tidy(jobs)
	todo, resume, damaged := 0, 0, 0
	for _, j := range jobs {
		if !j.Done {
			todo++
			if j.Resumable() {
				resume++
			}
			if len(j.Damage) > 0 {
				printDamage(wErr, j.Damage)
				damaged++
			}
		}
	}
	fmt.Fprintf(wErr, "%s\n", visible(e.Title()))
	fmt.Fprintf(wErr, "%s, %d done, %d to train", count(len(jobs), "trial"), len(jobs)-todo, todo)
	if resume > 0 {
		fmt.Fprintf(wErr, ", %d of them from a checkpoint", resume)
	}
	if damaged > 0 {
		fmt.Fprintf(wErr, ", %d of them because they are damaged", damaged)
	}
	fmt.Fprintln(wErr)
	if todo == 0 {
		return nil
	}
	show := t.display(wErr, jobs, todo)
	runner.Observer = show
	failed := runner.Run(ctx, jobs)
	show.close()
	t.waited, t.trained = show.waited, show.trained.Load()
	if t.trained {
		failed = keeping(failed, "running trials have saved a checkpoint")
	}
	return failed
}

// display shows the jobs that are trained. In a task each has a line a minute, and is named as its folder is.
func (t *training) display(wErr io.Writer, jobs []sweep.Job, todo int) *display {
	if !t.task {
		_, names := labels(jobs)
		return newDisplay(wErr, names, todo, 0, t.quiet)
	}
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.ID
	}
	return newDisplay(wErr, names, todo, time.Minute, t.quiet)
}

// stopped tells whether the user stopped the program.
func stopped(err error) bool { return errors.Is(err, context.Canceled) }

// count is "1 trial", "2 trials".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
