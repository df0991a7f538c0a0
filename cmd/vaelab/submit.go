package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/submit"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
)

// A submission holds the flags that say how an experiment becomes tasks of an engine.
type submission struct {
	slurm  bool
	tasks  int
	atOnce int
	keep   string
	print  bool
	pods   pods
}

func submitCommand() *cobra.Command {
	var c choice
	var s submission
	cmd := &cobra.Command{
		Use:   "submit EXPERIMENT --slurm|--k8s [flags] [-- SBATCH ARGUMENTS]",
		Short: "Queue the trials of an experiment on a cluster",
		Long: `Divide the trials of an experiment that are not trained yet into tasks, and queue them in Slurm: an
array of tasks, and a job that judges the claims and makes the report when all tasks have ended.
What is behind -- goes to sbatch as it is, such as the partition, the account, the time limit and the
memory of a task. A task trains its trials side by side on the processors that it gets (-c).

Each submission has a folder, results/EXPERIMENT/submit/1, 2 ...:
  ` + submit.ExperimentFile + `   the experiment with --set, --seeds and what it extends in it, and absolute paths of its data
  ` + submit.ProgramFile + `            a copy of this program
  ` + submit.TaskScript + `, ` + submit.ReportScript + ` what sbatch is given
  ` + submit.TasksFile + `         which task trains which trials
  ` + submit.JobsFile + `          the numbers of the jobs
  ` + submit.LogFolder + `               what the tasks say, a file each
So neither an edited experiment nor a rebuilt program changes a queued task. The nodes must see the
folder, and the data, under the same paths.

Without --tasks a few steps of each setting are trained, as vaelab plan does, and the tasks get about
an hour each on one processor. Shorter tasks start sooner, and there is less to do again if a node
fails; each needs some seconds to start.

A task whose time limit is near saves checkpoints and queues itself again. scancel ends tasks for
good; they save checkpoints, too. The same command again queues only trials that are neither done nor
queued. vaelab status shows how the trials stand.

With --k8s --print it shows the manifest of a Kubernetes Job with one pod a task, for kubectl create. The
paths of the data must be absolute, as the pods see them. The data are not read here; without --tasks
there is one task a trial, and at most 1,000.`,
		Example: `  vaelab submit my.yaml --slurm -- -p cpu -A project -t 2:00:00 --mem 2G
  vaelab submit my.yaml --slurm --tasks 50 --at-once 10 -- -c 4
  vaelab submit my.yaml --slurm --print -- -p cpu
  vaelab submit my.yaml --k8s --image registry.example.org/me/vaelab:1 --print > job.yaml`,
		Args: func(cmd *cobra.Command, given []string) error {
			given, _ = behindDash(cmd, given)
			return args(cobra.ExactArgs(1))(cmd, given)
		},
		RunE: func(cmd *cobra.Command, given []string) error {
			given, extra := behindDash(cmd, given)
			if err := s.check(cmd, extra); err != nil {
				return err
			}
			if s.pods.on {
				return s.toKubernetes(cmd, c, given[0])
			}
			return s.toSlurm(cmd, c, given[0], extra)
		},
	}
	c.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&s.slurm, "slurm", false, "queue the tasks in Slurm, with sbatch")
	f.IntVar(&s.tasks, "tasks", 0, "`number` of tasks (default: tasks of about an hour)")
	f.IntVar(&s.atOnce, "at-once", 0, "largest `number` of tasks at a time (default: as many as there is room for)")
	keepFlag(cmd, &s.keep)
	f.BoolVar(&s.print, "print", false, "write and queue nothing; show the scripts and the commands, or the manifest")
	s.pods.flags(cmd)
	return cmd
}

// behindDash divides arguments into those before -- and those behind it.
func behindDash(cmd *cobra.Command, given []string) (before, behind []string) {
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		return given[:n], given[n:]
	}
	return given, nil
}

func (s submission) check(cmd *cobra.Command, extra []string) error {
	changed := cmd.Flags().Changed
	switch {
	case !s.slurm && len(extra) > 0:
		return usageError{fmt.Errorf("-- %s: arguments behind -- are for sbatch; add --slurm", quoted(extra))}
	case s.slurm && s.pods.on:
		return usageError{errors.New("--slurm and --k8s exclude each other; leave one of them out")}
	case !s.slurm && !s.pods.on:
		return usageError{errors.New("say where the tasks are to run: --slurm or --k8s")}
	case s.slurm && len(s.pods.given(cmd)) > 0:
		return usageError{fmt.Errorf("%s: is for --k8s; say the same to sbatch behind --", strings.Join(s.pods.given(cmd), ", "))}
	case changed("tasks") && s.tasks < 1:
		return usageError{fmt.Errorf("--tasks %d: must be at least 1", s.tasks)}
	case changed("at-once") && s.atOnce < 1:
		return usageError{fmt.Errorf("--at-once %d: must be at least 1; leave it out for no limit", s.atOnce)}
	}
	return checkKeep(s.keep)
}

// kept is what a task is to be told of --keep; empty if it does that anyway.
func (s submission) kept() string {
	if s.keep == keepWeights {
		return ""
	}
	return s.keep
}

// toSlurm queues an experiment in Slurm.
func (s submission) toSlurm(cmd *cobra.Command, c choice, name string, extra []string) (err error) {
	if _, err := exec.LookPath("sbatch"); err != nil && !s.print {
		return fmt.Errorf("there is no sbatch on the PATH: log in where Slurm is; or see the scripts with --print; or start tasks here: seq 0 3 | xargs -P 4 -I{} vaelab run %s --task {}/4",
			quoted([]string{name}))
	}
	e, jobs, err := c.prepare(cmd.ErrOrStderr(), name)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(filepath.Join(c.out, e.Name))
	if err != nil {
		return err
	}
	if s.print {
		return s.rest(cmd.Context(), cmd, e, jobs, dir, extra)
	}
	at, err := submit.Open(dir)
	if err == nil {
		err = writable(at)
	}
	if err != nil {
		return fmt.Errorf("results cannot be written: %w; choose another folder with --out", err)
	}
	defer submit.Close(dir)
	ctx, stop := untilStopped(cmd.Context()) // Ctrl-C ends sbatch, and what it has queued is cancelled
	defer stop()
	turn, err := turnIn(ctx, cmd.ErrOrStderr(), at)
	if err != nil {
		return err
	}
	err = s.rest(ctx, cmd, e, jobs, dir, extra)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, ctx.Err()) // sbatch has ended for the same reason
	}
	return errors.Join(err, turn.Clear())
}

// turnIn waits until no other process submits the same experiment. Else both would queue the same trials.
func turnIn(ctx context.Context, wErr io.Writer, at string) (*owner.Claim, error) {
	said := false
	claim, err := (&owner.Watch{Me: owner.This(owner.Heartbeat), Now: time.Now}).Wait(ctx, at, func(by *owner.Held) bool {
		if !said {
			said = true
			fmt.Fprintf(wErr, "vaelab: note: %s is %v, which submits the same experiment; waiting for it\n", visible(at), by)
		}
		return true
	})
	if err == nil {
		claim.Keep(ctx)
	}
	return claim, err
}

// rest queues the jobs that are neither done nor queued, or shows what that takes.
func (s submission) rest(ctx context.Context, cmd *cobra.Command, e *sweep.Experiment, jobs []sweep.Job, dir string, extra []string) error {
	w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	earlier, err := submit.Earlier(dir)
	if err != nil {
		return err
	}
	after, queued, err := submit.Queued(earlier)
	if s.print && errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(wErr, "vaelab: warning: there is no squeue on the PATH; trials that are queued are taken for missing ones")
	} else if err != nil {
		return err
	}
	left, err := s.left(w, wErr, jobs, queued)
	if err != nil || len(left) == 0 {
		return err
	}
	if err := s.size(w, left); err != nil {
		return err
	}
	text, err := e.Freeze()
	if err != nil {
		return err
	}
	job := submit.Slurm{
		Experiment: e.Name, Results: filepath.Dir(dir), Tasks: s.tasks, AtOnce: s.atOnce, Claims: len(e.Claims) > 0,
		Keep: s.kept(), Seeds: seedsOf(e), After: after, Args: extra,
	}
	noteSeeds(wErr, e, len(job.Seeds))
	if len(left) < len(e.Trials) {
		job.Trials = sweep.FormatPositions(positions(left))
	}
	job.MaxArray, err = submit.MaxArray()
	if s.print && err != nil {
		job.MaxArray = submit.DefaultMaxArray
		fmt.Fprintf(wErr, "vaelab: note: Slurm does not say how large an array may be (scontrol show config); %d is assumed, its default\n", job.MaxArray)
	} else if err != nil {
		return err
	}
	arrays, err := job.Arrays()
	if err != nil {
		return usageError{err}
	}
	if s.print {
		if job.Folder, err = submit.Next(dir); err != nil {
			return err
		}
		return errors.Join(job.Check(), preview(w, job, arrays))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return queue(w, wErr, job, arrays, dir, earlier, text, shares(left, s.tasks))
}

// positions are those of jobs among the trials of their experiment.
func positions(jobs []sweep.Job) (all []int) {
	for _, j := range jobs {
		all = append(all, j.Position)
	}
	return all
}

// left returns the jobs that are neither done nor queued, and says how many are what.
func (s submission) left(w, wErr io.Writer, jobs []sweep.Job, queued map[string]bool) ([]sweep.Job, error) {
	var left []sweep.Job
	done, waiting := 0, 0
	for _, j := range jobs {
		printDamage(wErr, j.Damage)
		switch {
		case j.Done:
			done++
		case queued[j.ID]:
			waiting++
		default:
			left = append(left, j)
		}
	}
	fmt.Fprintf(w, "%s: %d done, %d queued, %d to submit\n", count(len(jobs), "trial"), done, waiting, len(left))
	if s.tasks > len(left) && len(left) > 0 {
		return nil, usageError{fmt.Errorf("--tasks %d: must be 1 to %d, the number of trials to submit", s.tasks, len(left))}
	}
	return left, nil
}

// size chooses the number of tasks, if the user has not, and says how.
func (s *submission) size(w io.Writer, left []sweep.Job) error {
	if s.tasks > 0 {
		return nil
	}
	total, measured, settings, err := outlook(left)
	if err != nil {
		return err
	}
	s.tasks = min(len(left), max(1, int((total+time.Hour-1)/time.Hour)))
	about := "about"
	for _, j := range left {
		if j.Train.Stop.Patience > 0 {
			about = "at most about"
		}
	}
	from := ""
	if measured < settings {
		from = fmt.Sprintf(", by measuring %d of %d settings", measured, settings)
	}
	each := ""
	if s.tasks > 1 {
		each = fmt.Sprintf(" of %s %v", about, rounded(total/time.Duration(s.tasks)))
	}
	fmt.Fprintf(w, "%s %v on one processor%s: %s%s; --tasks sets another number\n", about, rounded(total), from, count(s.tasks, "task"), each)
	return nil
}

// shares are the IDs of the trials of each task, as run --task divides them.
func shares(left []sweep.Job, n int) [][]string {
	var trials []train.Trial
	for _, j := range left {
		trials = append(trials, j.Trial)
	}
	var tasks [][]string
	for _, share := range sweep.Shares(trials, n) {
		var ids []string
		for _, i := range share {
			ids = append(ids, left[i].ID)
		}
		tasks = append(tasks, ids)
	}
	return tasks
}

// seedsOf are the seeds of an experiment, in their order.
func seedsOf(e *sweep.Experiment) (seeds []int) {
	for _, t := range e.Trials {
		if !slices.Contains(seeds, t.Seed) {
			seeds = append(seeds, t.Seed)
		}
	}
	return seeds
}

// noteSeeds says early that the claims will be undecided.
func noteSeeds(wErr io.Writer, e *sweep.Experiment, seeds int) {
	need := 0
	for _, claim := range e.Claims {
		need = max(need, claim.SeedsNeeded())
	}
	if seeds < need {
		fmt.Fprintf(wErr, "vaelab: note: the claims need %d seeds to be decided, and the experiment has %d; --seeds %[1]d adds the others\n", need, seeds)
	}
}

// preview prints what would be written and done.
func preview(w io.Writer, job submit.Slurm, arrays []submit.Array) error {
	task, report := job.Scripts(arrays)
	fmt.Fprintf(w, "\n%s:\n\n%s\n", filepath.Join(job.Folder, submit.TaskScript), task)
	fmt.Fprintf(w, "%s:\n\n%s\n", filepath.Join(job.Folder, submit.ReportScript), report)
	var ids []string
	for i, a := range arrays {
		fmt.Fprintln(w, quoted(job.ArrayCommand(a, len(arrays) > 1)))
		ids = append(ids, fmt.Sprintf("ARRAY%d", i+1))
	}
	_, err := fmt.Fprintln(w, quoted(job.ReportCommand(ids)))
	return err
}

// queue writes the folder of a submission and calls sbatch. Where that queues nothing, the folder is removed again.
func queue(w, wErr io.Writer, job submit.Slurm, arrays []submit.Array, dir string, earlier []string, text []byte, tasks [][]string) (err error) {
	if job.Folder, err = submit.New(dir); err != nil {
		return err
	}
	var jobs []submit.Job
	defer func() {
		if err != nil && len(jobs) == 0 {
			err = errors.Join(err, os.RemoveAll(job.Folder))
		}
	}()
	if err := job.Check(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	task, report := job.Scripts(arrays)
	err = errors.Join(
		record.WriteFileAtomic(filepath.Join(job.Folder, submit.ExperimentFile), text),
		record.WriteFileAtomic(filepath.Join(job.Folder, submit.TaskScript), []byte(task)),
		record.WriteFileAtomic(filepath.Join(job.Folder, submit.ReportScript), []byte(report)),
		submit.WriteTasks(job.Folder, tasks),
		submit.CopyProgram(program, job.Folder, earlier),
	)
	if err != nil {
		return err
	}
	jobs, said, err := job.Submit(arrays)
	if said = strings.TrimSpace(said); said != "" {
		fmt.Fprintln(wErr, visible(said))
	}
	if err != nil {
		return err
	}
	ids := submit.IDs(jobs)
	last := len(ids) - 1
	what := "job"
	if last > 1 {
		what = "jobs"
	}
	fmt.Fprintf(w, "submitted: %s as %s %s, their report as job %s\n", count(job.Tasks, "task"), what, strings.Join(ids[:last], ", "), ids[last])
	_, err = fmt.Fprintf(w, "in %s; to cancel: scancel %s\nvaelab status %s shows how the trials stand\n", visible(job.Folder), strings.Join(ids, " "), visible(quoted([]string{dir})))
	return err
}
