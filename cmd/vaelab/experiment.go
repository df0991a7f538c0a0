package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/sweep"
)

// A choice holds the flags that say which experiment, and what to change in it.
type choice struct {
	sets  []string
	seeds string
	out   string

	outGiven    func() bool // whether --out is; nil in a command without it
	forClaims   bool        // run at least the seeds that the experiment's claims need
	soundClaims bool        // a faulty claim is left out, and named
}

func (c *choice) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	c.setFlag(cmd)
	f.StringVar(&c.seeds, "seeds", "", "seeds to run: a `count`, or a list such as 3,5,8")
	f.StringVar(&c.out, "out", resultsFolder(), "results `folder`; "+resultsVariable+" sets another default")
	c.outGiven = func() bool { return f.Changed("out") }
	cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return experimentOrFile(cmd, given, typed)
	}
}

// setFlag is the flag that changes an experiment.
func (c *choice) setFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&c.sets, "set", nil, "change a setting, such as train.lr=0.01 or data=godoc (`key=value`); may be repeated")
}

// read reads a file, or a shipped experiment by its name, and prints the notes.
func (c *choice) read(wErr io.Writer, name string) (*sweep.Experiment, error) {
	below, err := dataFolder()
	if err == nil {
		err = c.sayResults(wErr)
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	folder := err == nil && info.IsDir()
	if folder && !slices.Contains(experiments.Names(), name) {
		return nil, fmt.Errorf("%s: is a folder; must be a YAML file or the name of an experiment (vaelab list experiments)", name)
	}
	opts := sweep.Options{Sets: c.sets, Seeds: c.seeds, ForClaims: c.forClaims, SoundClaims: c.soundClaims, Data: below, DataSaid: dataVariable}
	e, err := sweep.Read(name, opts)
	if folder || errors.Is(err, fs.ErrNotExist) { // a folder of that name, such as its results, is not meant
		short := strings.TrimSuffix(path.Base(name), ".yaml")
		text, builtin := experiments.Read(short)
		switch {
		case builtin != nil:
			return nil, fmt.Errorf("%s: no such file, and %w", name, registry.Unknown("experiment", short, experiments.Names()))
		case !strings.HasSuffix("/experiments/"+experiments.Path(short), "/"+strings.TrimSuffix(name, ".yaml")+".yaml"):
			return nil, fmt.Errorf("%s: no such file; the program has an experiment %s: give its name without a folder", name, short)
		}
		e, err = sweep.Parse(name, text, opts)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range e.Unjudged {
		fmt.Fprintf(wErr, "vaelab: claim left out: %s\n", visible(f))
	}
	for _, n := range e.Notes {
		fmt.Fprintf(wErr, "vaelab: note: %s\n", visible(n))
	}
	return e, nil
}

// prepare reads an experiment and loads its data.
func (c *choice) prepare(wErr io.Writer, name string) (*sweep.Experiment, []sweep.Job, error) {
	e, err := c.read(wErr, name)
	if err != nil {
		return nil, nil, err
	}
	jobs, err := c.jobs(wErr, e)
	return e, jobs, err
}

// trainable loads the data of an experiment that is about to be trained: if anything is left to train, results can be
// written.
func (c *choice) trainable(wErr io.Writer, e *sweep.Experiment) ([]sweep.Job, error) {
	jobs, err := c.jobs(wErr, e)
	if err == nil {
		err = c.ready(jobs)
	}
	return jobs, err
}

// ready returns why jobs could not be kept, if anything is left to train.
func (c *choice) ready(jobs []sweep.Job) error {
	if allDone(jobs) {
		return nil
	}
	return errors.Join(sweep.CheckFormat(jobs), writable(c.out))
}

// allDone tells whether nothing is left to train.
func allDone(jobs []sweep.Job) bool {
	return !slices.ContainsFunc(jobs, func(j sweep.Job) bool { return !j.Done })
}

// jobs loads the data of an experiment, and prints their warnings and where its trials lie if not under their names.
func (c *choice) jobs(wErr io.Writer, e *sweep.Experiment) ([]sweep.Job, error) {
	said := len(e.Notes)
	jobs, err := e.Prepare(c.out)
	if err != nil {
		return nil, err
	}
	for _, n := range e.Notes[said:] {
		fmt.Fprintf(wErr, "vaelab: note: %s\n", n)
	}
	warned := map[string]bool{}
	for _, j := range jobs {
		warnings := j.Set.Warnings
		if j.Trial.Train.Probe && (j.Set.Train.Labels == nil || j.Set.Test.Labels == nil) {
			warnings = append(slices.Clip(warnings), fmt.Errorf("train.probe: the %s data have no labels in train or test; no probe is measured", j.Set.Name))
		}
		for _, w := range warnings {
			if !warned[w.Error()] {
				warned[w.Error()] = true
				fmt.Fprintf(wErr, "vaelab: warning: %v\n", visible(w.Error()))
			}
		}
	}
	for _, u := range untrainedOf(jobs) {
		kind := "note"
		if u.share() > untrainedWarn {
			kind = "warning"
		}
		fmt.Fprintf(wErr, "vaelab: %s: data %s: %v\n", kind, u.set.Name, u)
	}
	return jobs, nil
}

// writable reports early that nothing could be kept.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("results cannot be written: %w; choose another folder with --out", err)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("results cannot be written: %w; choose another folder with --out", err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// asked is the jobs' trials as a set that can be compared, without what they have measured.
func asked(jobs []sweep.Job) *record.Set {
	set := &record.Set{}
	for _, j := range jobs {
		set.Runs = append(set.Runs, record.Run{Trial: j.Trial.Trial, Dir: j.Dir})
	}
	sweep.Complete(set)
	return set
}

// labels names each job shortly and visibly, by what varies between them, and its seed.
func labels(jobs []sweep.Job) (group, full []string) {
	set := asked(jobs)
	byDir := map[string]string{}
	for _, g := range set.Groups() {
		for _, r := range g.Runs {
			byDir[r.Dir] = visible(g.Label)
		}
	}
	for _, j := range jobs {
		group = append(group, byDir[j.Dir])
		full = append(full, fmt.Sprintf("%s seed %d", byDir[j.Dir], j.Seed))
	}
	return group, full
}
