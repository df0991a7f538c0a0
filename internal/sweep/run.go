package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
)

// A Job is a trial with its data and its folder.
type Job struct {
	train.Trial
	Set    *data.Set
	Dir    string
	Done   bool    // there is nothing left to train
	Damage []error // what is damaged in its folder; then it is not done
}

// Is tells whether a trial is this job's, though another version of the program may have named it: of the
// same experiment, seed and data, with the same Settings.
func (j Job) Is(t record.Trial) bool {
	return t.Experiment == j.Experiment && t.Seed == j.Seed && content(t) == content(j.Trial.Trial)
}

// Prepare loads every data set once and finds each trial's folder below results, under the trial's name or where
// else it lies; where it does is in Notes. Two entries of the grid whose data turn out to be the same are a fault, but
// not where a --set may have made them equal: there the first stands for both.
func (e *Experiment) Prepare(results string) ([]Job, error) {
	var faults Faults
	sets := map[string]*data.Set{}
	var jobs []Job
	first := map[string]int{} // ID -> its trial
	lengths := map[string]length{}
	for i, t := range e.Trials {
		set, err := load(t, sets)
		if err != nil {
			return nil, e.located(t, err)
		}
		Identify(&t, set.Digest)
		if k, ok := first[t.ID]; ok {
			fault := fmt.Sprintf("%s: grid: has the same settings as the entry at %s, and the same data under other paths; each trial must differ in some setting", e.entries[i], e.entries[k])
			if !e.set && !slices.Contains(faults, fault) { // there are several seeds
				faults = append(faults, fault)
			}
			continue
		}
		first[t.ID] = i
		e.noteShort(i, t, set, lengths)
		e.noteFreeBits(i, t)
		e.noteMasks(i, t)
		e.noteUncertain(i, t)
		e.noteTarget(i, t, set)
		e.noteCodes(i, t, set)
		if fault := e.tooFewExamples(i, t, set); fault != "" && !slices.Contains(faults, fault) { // there are several seeds
			faults = append(faults, fault)
		}
		jobs = append(jobs, Job{Trial: t, Set: set, Dir: t.Trial.Dir(results)})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	e.find(results, jobs)
	check(jobs)
	return jobs, nil
}

// load returns the data of a trial, each set once: those loaded before are in sets by their settings and by their
// digests, because equal data may lie in several places.
func load(t train.Trial, sets map[string]*data.Set) (*data.Set, error) {
	config := map[string]string{}
	for k, v := range t.Config {
		if k == "data" || strings.HasPrefix(k, "data.") {
			config[k] = v
		}
	}
	key := fmt.Sprint(config) // in the order of their keys
	if set, ok := sets[key]; ok {
		return set, nil
	}
	set, err := t.Data.Load()
	if err != nil {
		return nil, err
	}
	content := Settings(config) + set.Digest
	if same, ok := sets[content]; ok {
		set = same
	}
	sets[key], sets[content] = set, set
	return set, nil
}

// check finds out which jobs are done, as many at a time as there are processors: every file is read, so that what is
// damaged is trained again.
func check(jobs []Job) {
	var next atomic.Int64
	var pool sync.WaitGroup
	for range min(len(jobs), runtime.GOMAXPROCS(0)) {
		pool.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				run, damage := record.Check(jobs[i].Dir)
				if err := checkName(run); err != nil {
					damage = append(damage, err)
				} else if len(damage) == 0 && run.ID != "" && run.ID != jobs[i].ID {
					damage = append(damage, &record.Damage{Dir: jobs[i].Dir, File: record.TrialFile, What: fmt.Sprintf("it is of %s, and must be of %s", run.ID, jobs[i].ID)})
				}
				jobs[i].Done, jobs[i].Damage = run.State == record.Done && len(damage) == 0, damage
			}
		})
	}
	pool.Wait()
}

// An Observer is told how the jobs fare. Its methods are called from several goroutines.
type Observer interface {
	Started(job int)
	Progress(job int, p train.Progress)
	Noted(job int, note string) // something that the user should know
	Ended(job int, err error)
}

// A Runner runs jobs side by side.
type Runner struct {
	Parallel   int           // trials at a time
	Checkpoint time.Duration // between two checkpoints of a trial
	Now        func() time.Time
	CPU        func() time.Duration // CPU time of the process so far; nil if it is not known
	PeakMemory func() int64         // largest resident memory of the process so far, in bytes; nil if it is not known
	Observer   Observer
	Manifest   record.Manifest // what the manifest of every trial says of the program and the processor
}

// Run trains every job that is not done. It goes on after a failure and returns all of
// them joined; if ctx ends, running trials leave a checkpoint and ctx's error is joined.
func (r Runner) Run(ctx context.Context, jobs []Job) error {
	next := make(chan int)
	errs := make([]error, len(jobs))
	var pool sync.WaitGroup
	var running atomic.Int32
	cpu := newMeter(r.CPU)
	defer tensor.SetProcs(1)
	for range max(1, min(r.Parallel, len(jobs))) {
		pool.Go(func() {
			for i := range next {
				r.Observer.Started(i)
				share(&running, 1)
				errs[i] = r.one(ctx, jobs[i], i, cpu)
				share(&running, -1)
				r.Observer.Ended(i, errs[i])
			}
		})
	}
	for i, j := range jobs {
		if j.Done || ctx.Err() != nil {
			continue
		}
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	pool.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			errs[i] = fmt.Errorf("%s: %w", jobs[i].Dir, err)
		} else {
			errs[i] = nil
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// Tidy removes what a process killed between a trial's last result and its own end has left
// in the folders of the jobs done. A folder that another process still holds, or that may
// not be written, stays as it is.
func Tidy(jobs []Job) {
	for _, j := range jobs {
		if !j.Done {
			continue
		}
		unlock, err := record.Lock(j.Dir)
		if err != nil {
			continue
		}
		_ = train.Tidy(j.Dir) // what may not be removed does no harm
		unlock()
	}
}

// share divides the processors among the running trials, whose number changes by n.
func share(running *atomic.Int32, n int32) {
	tensor.SetProcs(runtime.GOMAXPROCS(0) / max(1, int(running.Add(n))))
}

// one trains one trial in its folder.
func (r Runner) one(ctx context.Context, j Job, index int, cpu *meter) error {
	if err := os.MkdirAll(j.Dir, 0o777); err != nil {
		return err
	}
	unlock, err := record.Lock(j.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	now := []Job{j}
	if check(now); now[0].Done {
		return nil // another process has done it meanwhile
	}
	aside, err := record.SetAside(j.Dir, train.ModelFile, train.VocabFile)
	if err != nil {
		return err
	}
	if aside != "" {
		r.Observer.Noted(index, fmt.Sprintf("%s: damaged files are in %s; the trial is trained from the start", j.Dir, aside))
	}
	if err := j.Trial.Trial.Save(j.Dir); err != nil {
		return err
	}
	started := r.Now()
	m := r.manifest(j, started)
	m.Resumed = j.Resumable()
	if err := m.Save(j.Dir); err != nil {
		return err
	}
	cpu.begin(index)
	defer cpu.end(index) // for a trial that fails or stops
	due := started.Add(r.Checkpoint)
	return train.Run(ctx, j.Trial, j.Set, j.Dir, train.Hooks{
		Progress: func(p train.Progress) { r.Observer.Progress(index, p) },
		CheckpointDue: func() bool {
			now := r.Now()
			if now.Before(due) {
				return false
			}
			due = now.Add(r.Checkpoint)
			return true
		},
		Class: m.Class(),
		Note:  func(note string) { r.Observer.Noted(index, note) },

		Settings: Naming(j.Config),
		Finished: func(resumed bool) error {
			m.Resumed, m.CPUSeconds, m.Seconds = resumed, cpu.end(index).Seconds(), r.Now().Sub(started).Seconds()
			if r.PeakMemory != nil {
				m.PeakMemory = r.PeakMemory()
			}
			return m.Save(j.Dir)
		},
	})
}

// manifest says with what and where a trial runs, and that it has not ended.
func (r Runner) manifest(j Job, started time.Time) record.Manifest {
	m := r.Manifest
	m.Go, m.OS, m.Arch, m.Procs = runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)
	m.Precision, m.Kernel = fmt.Sprintf("float%d", tensor.Bits), tensor.Kernel()
	m.Data, m.Started = j.Set.Name+" "+j.Set.Digest, started.UTC().Format(time.RFC3339)
	for _, w := range j.Set.Warnings {
		m.Warnings = append(m.Warnings, w.Error())
	}
	return m
}

// Resumable tells whether an interrupted trial left a checkpoint.
func (j Job) Resumable() bool {
	_, err := os.Stat(filepath.Join(j.Dir, train.CheckpointFile))
	return !errors.Is(err, fs.ErrNotExist)
}
