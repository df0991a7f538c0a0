package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/sweep"
)

// A selection holds the flags that say which of an experiment's trials a process is for.
type selection struct {
	task, trials string
}

func (s *selection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.task, "task", "", "train share `i/n` of the trials only, i from 0, and draw and print nothing")
	f.StringVar(&s.trials, "trials", "", "only the trials at these `positions` of the experiment, such as 0-17,23; the first is 0")
}

// of leaves the experiment the trials that are meant. An empty text is a mistake: else a variable that is not set would
// make each task train everything.
func (s *selection) of(cmd *cobra.Command, e *sweep.Experiment) error {
	if cmd.Flags().Changed("trials") {
		which, err := sweep.ParsePositions(s.trials, len(e.Trials))
		if err != nil {
			return usageError{fmt.Errorf("--trials %w", err)}
		}
		e.Keep(which)
	}
	if !cmd.Flags().Changed("task") {
		return nil
	}
	task, err := sweep.ParseTask(s.task)
	if err != nil {
		return usageError{fmt.Errorf("--task %w", err)}
	}
	e.Keep(sweep.Shares(e.Trials, task.Of)[task.Index])
	return nil
}

// errRequeued says that the batch system will start this task again.
var errRequeued = errors.New("requeued")

// ended makes of a training's error what the exit code says. If a time limit was near and nothing else stopped the
// program, the batch system is asked to start the task again, but not if nothing was trained: then it would be
// stopped as early again, without end.
func (s *stopping) ended(wErr io.Writer, err error, trained bool) error {
	if !stopped(err) || !s.limit.Load() || s.stop.Load() {
		return err
	}
	task := owner.SlurmTask()
	if task == "" {
		fmt.Fprintf(wErr, "vaelab: %v\n", errLimit)
		return err
	}
	if !trained {
		fmt.Fprintf(wErr, "vaelab: warning: %v, and job %s has not trained a step; it is not queued again. Ask for more time (-t)\n", errLimit, task)
		return err
	}
	out, failed := exec.Command("scontrol", "requeue", task).CombinedOutput()
	if failed != nil {
		fmt.Fprintf(wErr, "vaelab: warning: scontrol requeue %s: %s; start the task again by hand\n", task, cmp.Or(strings.TrimSpace(string(out)), failed.Error()))
		return err
	}
	fmt.Fprintf(wErr, "vaelab: %v; job %s saved its checkpoints and is queued again\n", errLimit, task)
	return errRequeued
}

// unlessStopped does what changes nothing, such as reading data, which may take minutes. If ctx ends first, it is left to
// end with the program.
func unlessStopped(ctx context.Context, do func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drawn tells whether there are figures and all of them are newer than all trials: they were drawn after the last was done.
// Both times are of the same file server.
func drawn(dir string, figures []string, jobs []sweep.Job) bool {
	var last time.Time
	for _, j := range jobs {
		info, err := os.Stat(filepath.Join(j.Dir, record.DoneFile))
		if err != nil {
			return false
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	for _, name := range figures {
		info, err := os.Stat(filepath.Join(dir, name+".png"))
		if err != nil || !info.ModTime().After(last) {
			return false
		}
	}
	return len(figures) > 0
}

// alone does what only one process is to do in a folder. If another is doing it, it says so and does nothing.
func (t *training) alone(ctx context.Context, wErr io.Writer, dir, what string, do func() error) error {
	if os.MkdirAll(dir, 0o777) != nil {
		return do() // nothing can be written here anyway
	}
	said := false
	claim, err := t.watch().Wait(ctx, dir, func(by *owner.Held) bool {
		if by.Alive {
			fmt.Fprintf(wErr, "vaelab: note: %v %s\n", by.By, what)
		} else if !said { // it may be dead
			said = true
			fmt.Fprintf(wErr, "vaelab: note: %s is %v; waiting %v at most for a sign of life\n", visible(dir), by, owner.Patience)
		}
		return !by.Alive
	})
	switch {
	case stopped(err):
		return err
	case errors.As(err, new(*owner.Held)):
		return nil
	case err != nil:
		return do() // the folder cannot be written
	}
	claim.Keep(ctx)
	return errors.Join(do(), claim.Clear())
}
