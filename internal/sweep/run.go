package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
)

// A Job is a trial with its data and its folder.
type Job struct {
	train.Trial
	Position int // among the experiment's Trials
	Set      *data.Set
	Dir      string
	Done     bool    // there is nothing left to train
	Damage   []error // what is damaged in its folder; then it is not done

	content string // what content returns of its trial
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
	var set *data.Set
	var settings string
	for i, t := range e.Trials {
		anew := i == 0 || !maps.Equal(t.Config, e.Trials[i-1].Config) // else another seed of the same settings
		if anew {
			var err error
			if set, err = load(t, sets); err != nil {
				return nil, e.located(t, err)
			}
			settings = Settings(t.Config)
		}
		t.Trial.Data = set.Digest
		t.ID = named(t.Trial, settings)
		if k, ok := first[t.ID]; ok {
			fault := fmt.Sprintf("%s: grid: has the same settings as the entry at %s, and the same data under other paths; each trial must differ in some setting", e.entries[i], e.entries[k])
			if !e.set && !slices.Contains(faults, fault) { // there are several seeds
				faults = append(faults, fault)
			}
			continue
		}
		first[t.ID] = i
		if anew {
			e.noteAll(i, t, set, lengths)
			if fault := e.tooFewExamples(i, t, set); fault != "" && !slices.Contains(faults, fault) { // several settings may have one place
				faults = append(faults, fault)
			}
		}
		jobs = append(jobs, Job{Trial: t, Position: i, Set: set, Dir: t.Trial.Dir(results), content: settings + set.Digest})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if !e.part {
		e.find(results, jobs)
	}
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
	Noted(job int, note string)        // something that the user should know
	Ended(job int, err error)          // for a job that was Started; owner.ErrLost if another process goes on with it
	Held(job int, by owner.Process)    // another process has it, and it is looked at again later
	EndedElsewhere(job int, err error) // another process has ended it
}

// A Runner runs jobs side by side. Other processes may run the same jobs at the same time, on other machines too, if they
// see the same folders: a job is trained by the process that has claimed its folder.
type Runner struct {
	Parallel   int           // trials at a time
	Checkpoint time.Duration // between two checkpoints of a trial
	Now        func() time.Time
	CPU        func() time.Duration // CPU time of the process so far; nil if it is not known
	PeakMemory func() int64         // largest resident memory of the process so far, in bytes; nil if it is not known
	Observer   Observer
	Manifest   record.Manifest // what the manifest of every trial says of the program and the processor
	Weightless bool            // finished trials keep no weights and no vocabulary
	Watch      *owner.Watch    // who we are, and what we have seen of others

	// Leave gives up jobs that a living process has: their error is an *owner.Held. Else Run waits for those processes.
	Leave bool
}

// Run trains every job that is not done. It goes on after a failure and returns all of
// them joined; if ctx ends, running trials leave a checkpoint and ctx's error is joined. The jobs that other processes
// have come last. Run takes over those whose process has died. If the batch system has started this task again, which
// it does when it has lost sight of this process, that start takes jobs over; then Run ends as if ctx had.
func (r Runner) Run(ctx context.Context, jobs []Job) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := pass{Runner: r, stop: stop, jobs: jobs, errs: make([]error, len(jobs)), held: make([]bool, len(jobs)), cpu: newMeter(r.CPU)}
	defer tensor.SetProcs(1)
	next, back := make(chan int), make(chan int)
	var workers sync.WaitGroup
	for range max(1, min(r.Parallel, len(jobs))) {
		workers.Go(func() {
			for i := range next {
				p.errs[i] = p.one(ctx, i)
				back <- i
			}
		})
	}
	p.dispatch(ctx, next, back)
	close(next)
	workers.Wait()
	for i, err := range p.errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			p.errs[i] = fmt.Errorf("%s: %w", jobs[i].Dir, err)
		} else {
			p.errs[i] = nil
		}
	}
	return errors.Join(append(p.errs, ctx.Err())...)
}

// A pass is one Run.
type pass struct {
	Runner
	slow    sync.Once // says that bf16 is not faster here
	stop    context.CancelFunc
	jobs    []Job
	errs    []error // how each job has ended
	held    []bool  // whether another process had it when we looked last
	cpu     *meter
	running atomic.Int32
}

// The time between two looks at the jobs that others have: at first, and at most.
const (
	shortLook = 50 * time.Millisecond
	longLook  = 2 * time.Second
)

// dispatch sends jobs to the workers, and those that others have again and again, until all have ended or ctx has.
func (p *pass) dispatch(ctx context.Context, next chan<- int, back <-chan int) {
	var fresh, held []int
	for i, j := range p.jobs {
		if !j.Done {
			fresh = append(fresh, i)
		}
	}
	pause := shortLook
	again := p.Watch.After(pause)
	ended := ctx.Done()
	for working := 0; working+len(fresh)+len(held) > 0; {
		var send chan<- int // nil, to which nothing can be sent
		first := 0
		if len(fresh) > 0 {
			send, first = next, fresh[0]
		}
		select {
		case send <- first:
			fresh = fresh[1:]
			working++
		case i := <-back:
			working--
			var by *owner.Held
			if p.held[i] = errors.As(p.errs[i], &by) && !(p.Leave && by.Alive) && ctx.Err() == nil; p.held[i] {
				p.errs[i] = nil
				held = append(held, i)
			}
		case <-again:
			fresh, held = append(fresh, held...), nil
			pause = min(2*pause, longLook)
			again = p.Watch.After(pause)
		case <-ended:
			fresh, held, ended = nil, nil, nil
		}
	}
}

// one trains one job, if no other process has it. The error is a *owner.Held if one has.
func (p *pass) one(ctx context.Context, i int) error {
	j := p.jobs[i]
	if err := os.MkdirAll(j.Dir, 0o777); err != nil {
		return err
	}
	claim, err := p.Watch.Take(j.Dir)
	var by *owner.Held
	if errors.As(err, &by) && !p.held[i] {
		p.Observer.Held(i, by.By)
	}
	if err != nil {
		return err
	}
	now := []Job{j}
	if check(now); now[0].Done {
		p.Observer.EndedElsewhere(i, nil)
		return claim.Clear()
	}
	if reason, failed := record.Failure(j.Dir); failed && p.held[i] { // while we waited
		p.Observer.EndedElsewhere(i, reason)
		return errors.Join(reason, claim.Release())
	}
	p.Observer.Started(i)
	share(&p.running, 1)
	err = p.train(ctx, claim, now[0], i)
	share(&p.running, -1)
	p.Observer.Ended(i, err)
	if errors.Is(err, owner.ErrLost) {
		if s, err := owner.Look(j.Dir); err == nil {
			if p.Watch.Me.Before(s.By) {
				p.Observer.Noted(i, fmt.Sprintf("%v has been started again and goes on; this process stops", s.By))
				p.stop()
				return ctx.Err()
			}
			return &owner.Held{By: s.By}
		}
	}
	return err
}

// share divides the processors among the running trials, whose number changes by n.
func share(running *atomic.Int32, n int32) {
	tensor.SetProcs(runtime.GOMAXPROCS(0) / max(1, int(running.Add(n))))
}

// train trains one job in the folder that it has claimed. The error is owner.ErrLost if another process takes that over.
func (p *pass) train(ctx context.Context, claim *owner.Claim, j Job, i int) (err error) {
	ctx = claim.Keep(ctx)
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), owner.ErrLost) {
			err = owner.ErrLost
		}
		if err == nil {
			err = claim.Clear()
		} else {
			err = errors.Join(err, claim.Release())
		}
	}()
	if err := record.Retry(j.Dir); err != nil {
		return err
	}
	mended, err := j.mend()
	if mended && err == nil {
		p.Observer.Noted(i, fmt.Sprintf("%s: %s was damaged; it has been written again", j.Dir, train.VocabFile))
	}
	if mended || err != nil {
		return err
	}
	aside, err := record.SetAside(j.Dir, train.ModelFile, train.VocabFile)
	if err != nil {
		return err
	}
	if aside != "" {
		p.Observer.Noted(i, fmt.Sprintf("%s: damaged files are in %s; the trial is trained from the start", j.Dir, aside))
	}
	if err := j.Trial.Trial.Save(j.Dir); err != nil {
		return err
	}
	started := p.Now()
	m := p.manifest(j, started)
	m.Resumed = j.Resumable()
	if why := tensor.SlowBF16(); j.Trial.Train.BF16() && why != "" {
		p.slow.Do(func() {
			p.Observer.Noted(i, "bf16 is not faster than float32 on this processor, which "+why+"; the results are the same on those where it is")
		})
	}
	if err := m.Save(j.Dir); err != nil {
		return err
	}
	p.cpu.begin(i)
	defer p.cpu.end(i) // for a trial that fails or stops
	due := started.Add(p.Checkpoint)
	return train.Run(ctx, j.Trial, j.Set, j.Dir, train.Hooks{
		Progress: func(at train.Progress) { p.Observer.Progress(i, at) },
		CheckpointDue: func() bool {
			now := p.Now()
			if now.Before(due) {
				return false
			}
			due = now.Add(p.Checkpoint)
			return true
		},
		Class: m.Class(),
		Note:  func(note string) { p.Observer.Noted(i, note) },
		Owner: claim.Number(),
		Owned: claim.Check,

		Weightless:   p.Weightless,
		Vocabularies: j.vocabularies(),

		Settings: Naming(j.Config),
		Finished: func(resumed bool) error {
			m.Resumed, m.CPUSeconds, m.Seconds = resumed, p.cpu.end(i).Seconds(), p.Now().Sub(started).Seconds()
			if p.PeakMemory != nil {
				m.PeakMemory = p.PeakMemory()
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
	if j.Trial.Train.BF16() {
		m.Kernel = tensor.KernelBF16()
	}
	m.Data, m.Started = j.Set.Name+" "+j.Set.Digest, started.UTC().Format(time.RFC3339)
	if r.Weightless {
		m.Kept = "none"
	}
	for _, w := range j.Set.Warnings {
		m.Warnings = append(m.Warnings, w.Error())
	}
	return m
}

// Resumable tells whether an interrupted trial left a checkpoint.
func (j Job) Resumable() bool { return train.Resumable(j.Dir) }

// CheckFormat returns an error if a folder that a job would train in has a trial of a later version of the program.
func CheckFormat(jobs []Job) error {
	for _, j := range jobs {
		if len(j.Damage) == 0 {
			continue
		}
		if t, err := readTrial(j.Dir); err == nil && t.Format > record.Format {
			return fmt.Errorf("%s: format %d, but this program writes format %d; use the version that wrote it, or another folder with --out",
				filepath.Join(j.Dir, record.TrialFile), t.Format, record.Format)
		}
	}
	return nil
}

// Tidy removes what a process killed between a trial's last result and its own end has left
// in the folders of the jobs done. A folder that another process still holds, or that may
// not be written, stays as it is.
func (r Runner) Tidy(jobs []Job) {
	for _, j := range jobs {
		if !j.Done || !train.Untidy(j.Dir, owner.Is) {
			continue
		}
		if claim, err := r.Watch.Take(j.Dir); err == nil {
			_ = errors.Join(train.Tidy(j.Dir), claim.Clear()) // what may not be removed does no harm
		}
	}
}
