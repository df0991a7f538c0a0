package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/record"
	"vaelab/internal/report"
	"vaelab/internal/sweep"
	"vaelab/plots"
)

func runCommand() *cobra.Command {
	var c choice
	var t training
	var s selection
	cmd := &cobra.Command{
		Use:   "run EXPERIMENT",
		Short: "Train the trials of an experiment and draw its figures",
		Long: `Train every trial of an experiment that is not trained yet, print a table of results, and draw
the experiment's figures: those that its file lists, by default kl-curve, z-use and, if a variant
has a theta, theta. EXPERIMENT is a YAML file or the name of an experiment that ships with
the program (vaelab list experiments).

A trial is known by its settings, its data and its seed. The same command again trains nothing,
and one more seed trains one more trial per setting. The path of the data does not matter. If the
file was renamed, the trials in the results folder of its former name are used there, with a note.
Ctrl-C saves checkpoints; rerun the command to resume. A trial that fails is marked with the
reason; the others continue, and the exit code is 1.

Several processes may run the same command at the same time, on several machines that share the
results folder. Each trial is trained by one of them; when the last is done, one prints the table and
draws the figures. A trial whose process has died is taken over from its checkpoint: at once if it died
on this machine, else after three heartbeats without a sign of life.

With --task i/n a process trains share i of n, prints no table and draws nothing, so that any engine
which starts a command with an index can run an experiment: i from 0 to n-1, all with the same n.
Shares follow from the settings alone and are about equally large. vaelab submit writes such tasks
for Slurm and Kubernetes, and vaelab status shows where they stand (docs/scale.md).

Exit codes:
  0    all trials are done; or Slurm has queued this task again, because a time limit is near (SIGUSR1)
  1    a trial failed, or the results cannot be written
  2    a wrong flag, or an error in the file
  130  unfinished: stopped, or with --task a living process has a trial; run the same command again

The table has mean ± standard deviation over seeds; from six seeds on, the median and below
it its 95 % CI. A mark compares a cell with the baseline, paired by seed, as vaelab verify
judges an order claim: the 95 % CI of the median difference excludes 0 (*) or contains 0 (~).
With fewer than six seeds there are no marks. The baseline is vanilla, or the first group if
there is none; the file's line baseline: bn, or baseline: {variant: bn, variant.bn.gamma: 0.5},
declares another.`,
		Example: `  vaelab run kl-vanishing
  vaelab run my.yaml --seeds 6 -j 4
  vaelab run ptb --set data.text.train=ptb.train.txt --set data.text.valid=ptb.valid.txt \
      --set data.text.test=ptb.test.txt`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := t.check(); err != nil {
				return err
			}
			w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
			e, err := c.read(wErr, given[0])
			if err != nil {
				return err
			}
			if err := s.of(cmd, e); err != nil {
				return err
			}
			t.task = s.task != ""
			var stop stopping // from before the data are read: unhandled, Go exits with 2 if it is process 1 of a container
			ctx, restore := stop.watch(cmd.Context())
			defer restore()
			var jobs []sweep.Job
			err = unlessStopped(ctx, func() (err error) {
				jobs, err = c.trainable(wErr, e)
				return err
			})
			if err != nil {
				return stop.ended(wErr, err, false)
			}
			failed := t.missing(ctx, wErr, e, jobs)
			if stopped(failed) || t.task {
				return stop.ended(wErr, failed, t.trained)
			}
			dir := filepath.Join(c.out, e.Name)
			return errors.Join(failed, t.alone(ctx, wErr, dir, "prints the table and draws the figures of "+visible(dir), func() error {
				if t.waited && drawn(dir, e.Figures, jobs) {
					fmt.Fprintf(wErr, "vaelab: note: another process has printed the table and drawn the figures of %s\n", visible(dir))
					return nil
				}
				return conclude(w, wErr, e, jobs, dir)
			}))
		},
	}
	s.flags(cmd)
	c.flags(cmd)
	t.flags(cmd)
	return cmd
}

// conclude prints the table and draws the figures of the jobs, done or not.
func conclude(w, wErr io.Writer, e *sweep.Experiment, jobs []sweep.Job, dir string) error {
	var dirs []string
	for _, j := range jobs {
		dirs = append(dirs, j.Dir)
	}
	set, err := load(wErr, dirs)
	if err != nil {
		return err
	}
	claim(set, e)
	e.Settle(set)
	fmt.Fprintln(w)
	if err := printTable(w, set, report.Experiment{Name: e.Name, Baseline: e.Baseline, Converged: e.Converged}); err != nil {
		return err
	}
	for _, s := range sets(jobs) {
		if line := gate(s.Floors(s.Test), set.Groups(), s.Digest); line != "" {
			fmt.Fprintln(w, item(visible(line)))
		}
	}
	fmt.Fprintln(w)
	failed := errors.Join(damaged(set), set.Err())
	if measured := slices.ContainsFunc(set.Runs, func(r record.Run) bool { return len(r.Rows) > 0 }); !measured {
		return failed
	}
	if err := writable(dir); err != nil && allDone(jobs) {
		fmt.Fprintf(wErr, "vaelab: warning: no figure is drawn, because %s is not writable; vaelab plot %s --out FOLDER draws them elsewhere\n", visible(dir), visible(quoted([]string{dir})))
		return failed
	}
	for _, name := range e.Figures {
		refused, err := draw(w, set, dir, name, plots.Output{})
		if refused != nil && e.Usual { // nobody has asked for it
			fmt.Fprintf(wErr, "left out: %s\n", visible(refused.Error()))
			refused = nil
		}
		failed = errors.Join(failed, refused, err)
	}
	return failed
}

// load reads trials from disk, makes those of older versions comparable, and prints what is doubtful about them and what is
// damaged.
func load(wErr io.Writer, dirs []string) (*record.Set, error) {
	set, err := record.Load(dirs...)
	if err != nil {
		return nil, err
	}
	if len(set.Runs)+len(set.Damage) > 0 { // else there is one thing to say, and loadSome says it
		for _, warning := range set.Warnings {
			fmt.Fprintf(wErr, "vaelab: warning: %v\n", visible(warning.Error()))
		}
	}
	sweep.CheckNames(set)
	printDamage(wErr, set.Damage)
	sweep.Complete(set)
	if err := settle(set); err != nil {
		return nil, err
	}
	if len(set.Runs) > manyRuns {
		debug.SetGCPercent(25)
	}
	return set, nil
}

// settle tells a set when the trials of shipped experiments count as converged.
func settle(set *record.Set) error {
	for _, name := range report.ExperimentNames(set) {
		text, err := experiments.Read(name)
		if err != nil {
			continue // the user's own
		}
		e, err := sweep.Parse(name, text, sweep.Options{})
		if err != nil {
			return err
		}
		e.Settle(set)
	}
	return nil
}

// manyRuns is a number of trials that are most of the memory: as much again for garbage would be more than a gigabyte
// for ten thousand of them.
const manyRuns = 1000

// loadSome is load for a command that needs a trial.
func loadSome(wErr io.Writer, dirs []string) (*record.Set, error) {
	for _, dir := range dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, absent(dir)
		}
	}
	set, err := load(wErr, dirs)
	if err == nil && len(set.Runs) == 0 {
		if err = damaged(set); err == nil {
			err = fmt.Errorf("%s: there is no trial in or below this folder; vaelab run trains some", strings.Join(dirs, ", "))
		}
	}
	return set, err
}

// printDamage prints a line for each damaged file.
func printDamage(wErr io.Writer, damage []error) {
	for _, err := range damage {
		fmt.Fprintf(wErr, "vaelab: warning: %s\n", visible(err.Error()))
	}
}

// damaged is the error of a command that has left out damaged trials and folders that cannot be read; nil if there are none.
func damaged(set *record.Set) (failed error) {
	folders := 0
	for _, err := range set.Damage {
		var d *record.Damage
		if errors.As(err, &d) && d.File == "" {
			folders++
		}
	}
	if n := len(set.Damage) - folders; n > 0 {
		failed = fmt.Errorf("damaged files, named above: %d; their trials are left out. Copy the files again, or let vaelab run train those trials again", n)
	}
	if folders > 0 {
		failed = errors.Join(failed, fmt.Errorf("folders that cannot be read, named above: %d; the trials in them are left out. Change their permissions", folders))
	}
	return failed
}

// claim makes all trials of a set those of one experiment, in whose name some may have been trained under another name.
func claim(set *record.Set, e *sweep.Experiment) {
	for i := range set.Runs {
		set.Runs[i].Experiment = e.Name
	}
}

// draw makes one figure, as PNG unless other formats are asked for, and says where it is; refused is what the rows lack.
func draw(w io.Writer, set *record.Set, dir, name string, out plots.Output) (refused, failed error) {
	switch _, refused, failed = plots.Save(set, dir, name, out); {
	case refused != nil:
		return fmt.Errorf("figure %w", refused), nil // it begins with the name
	case failed != nil:
		return nil, fmt.Errorf("figure %s cannot be written: %w", name, failed)
	}
	formats := out.Formats
	if len(formats) == 0 {
		formats = plots.Formats[:1]
	}
	for _, format := range formats {
		_, err := fmt.Fprintln(w, filepath.Join(dir, name+"."+format))
		failed = errors.Join(failed, err)
	}
	return nil, failed
}
