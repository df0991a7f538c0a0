package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/machine"
	"vaelab/internal/sweep"
)

func planCommand() *cobra.Command {
	var c choice
	var parallel int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan EXPERIMENT",
		Short: "Show the trials of an experiment and how long they would take",
		Long: `Read and check an experiment, load its data, list its trials, and estimate the time from
a few training steps and evaluations of each setting. The estimate is the range of three
measurements. A line says if other programs use the processors at the same time. With train.stop
the estimate is an upper limit, because training may end earlier. Nothing is saved.

The notes of the file are printed first. If it extends another file, the settings of both together
follow, each key with the file or files that say it.

--json prints data, settings, trials and times in seconds; docs/exchange.md explains its keys.`,
		Example: "  vaelab plan my.yaml\n  vaelab plan tau-sweep --seeds 6\n  vaelab plan my.yaml --json | jq .slowest_seconds",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if parallel < 1 {
				return usageError{fmt.Errorf("-j %d: must be at least 1", parallel)}
			}
			w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
			e, jobs, err := c.prepare(wErr, given[0])
			if err != nil {
				return err
			}
			if asJSON {
				p, err := newPlan(wErr, e, jobs, parallel)
				if err != nil {
					return err
				}
				return printJSON(w, p)
			}
			fmt.Fprintf(w, "%s\n", visible(e.Title()))
			if err := printFile(w, e); err != nil {
				return err
			}
			for _, set := range sets(jobs) {
				fmt.Fprintf(w, "data %s: %d training, %d validation, %d test examples: %v\n",
					set.Name, set.Train.N(), set.Valid.N(), set.Test.N(), set.Space())
				if line := floorsLine(set.Floors(set.Test)); line != "" {
					fmt.Fprintf(w, "  NLL of a test example: %s\n", line)
				}
			}
			for _, u := range untrainedOf(jobs) {
				fmt.Fprintf(w, "data %s: %v\n", u.set.Name, u)
			}
			fmt.Fprintln(w)
			p, err := newPlan(wErr, e, jobs, parallel)
			if err != nil {
				return err
			}
			return p.print(w)
		},
	}
	c.flags(cmd)
	cmd.Flags().IntVarP(&parallel, "parallel", "j", runtime.GOMAXPROCS(0), "`trials` side by side")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON, with every trial")
	return cmd
}

// A plan is what an experiment would take. Its JSON is that of --json.
type plan struct {
	Experiment string           `json:"experiment"`
	Question   string           `json:"question"`
	Notes      string           `json:"notes,omitempty"`
	Extends    string           `json:"extends,omitempty"`
	Data       []plannedData    `json:"data"`
	Settings   []plannedSetting `json:"settings"`
	Trials     []plannedTrial   `json:"trials"`
	ToTrain    int              `json:"to_train"` // trials
	Parallel   int              `json:"parallel"` // trials side by side, as asked for
	Low        seconds          `json:"seconds"`
	High       seconds          `json:"slowest_seconds"`
	AtMost     bool             `json:"at_most"`    // train.stop may end trials earlier
	Processors int              `json:"processors"` // of this machine that the program may use
	Free       float64          `json:"free"`       // the share of them that other programs leave
}

// plannedData is a data set with its examples.
type plannedData struct {
	Name       string   `json:"name"`
	Train      int      `json:"train"`
	Valid      int      `json:"valid"`
	Test       int      `json:"test"`
	Untrained  int      `json:"untrained,omitempty"`   // training examples that no epoch has
	TrivialNLL *float64 `json:"trivial_nll,omitempty"` // of a test example under the best model that learns next to nothing, in nats
}

// A plannedSetting is the trials that differ in their seed only.
type plannedSetting struct {
	Label      string  `json:"label"`
	Trials     int     `json:"trials"`
	ToTrain    int     `json:"to_train"`
	Parameters int     `json:"parameters"`
	Steps      int     `json:"steps"`
	Step       seconds `json:"seconds_per_step"`
	Total      seconds `json:"seconds_per_trial"`
	Slowest    seconds `json:"slowest_seconds_per_trial"`
	AtMost     bool    `json:"at_most"`
}

// A plannedTrial is one trial.
type plannedTrial struct {
	ID    string `json:"id"`
	Label string `json:"label"` // of its setting
	Seed  int    `json:"seed"`
	Done  bool   `json:"done"`
}

// newPlan measures what the jobs of an experiment take, so many of them side by side.
func newPlan(wErr io.Writer, e *sweep.Experiment, jobs []sweep.Job, parallel int) (*plan, error) {
	procs := runtime.GOMAXPROCS(0)
	p := &plan{Experiment: e.Name, Question: e.Question, Notes: e.Remarks, Extends: e.Extends,
		Parallel: parallel, Processors: procs, Free: spared(procs, machine.CPUTime)}
	for _, set := range sets(jobs) {
		d := plannedData{Name: set.Name, Train: set.Train.N(), Valid: set.Valid.N(), Test: set.Test.N()}
		for _, f := range set.Floors(set.Test) {
			if d.TrivialNLL == nil || f.NLL < *d.TrivialNLL {
				d.TrivialNLL = orNull(f.NLL)
			}
		}
		for _, u := range untrainedOf(jobs) {
			if u.set == set {
				d.Untrained = max(d.Untrained, u.n)
			}
		}
		p.Data = append(p.Data, d)
	}
	for _, j := range jobs {
		printDamage(wErr, j.Damage)
	}
	var fast, slow bill
	for _, s := range settingsOf(jobs) {
		est, err := s.measure()
		if err != nil {
			return nil, err
		}
		missing, stops := s.missing(), s.jobs[0].Train.Stop.Patience > 0
		fast.add(missing, est.Total)
		slow.add(missing, est.Slowest)
		p.ToTrain += missing
		p.AtMost = p.AtMost || stops
		p.Settings = append(p.Settings, plannedSetting{s.label, len(s.jobs), missing, est.Parameters, est.Steps, seconds(est.Step), seconds(est.Total), seconds(est.Slowest), stops})
		for _, j := range s.jobs {
			p.Trials = append(p.Trials, plannedTrial{j.ID, s.label, j.Seed, j.Done})
		}
	}
	side := max(1, min(parallel, p.ToTrain, procs)) // more share the same processors
	p.Free = min(p.Free, spared(procs, machine.CPUTime))
	low, high := fast.of(side), slow.of(side)
	if p.Free < mostlyOurs { // as measured, or what more programs than processors leave
		high = max(high, time.Duration(float64(low)/p.Free))
	}
	p.Low, p.High = seconds(low), seconds(high)
	return p, nil
}

// print prints the table of settings and the sum.
func (p *plan) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "setting\tseeds\tto train\tweights\tsteps\tms/step\ttime each")
	for _, s := range p.Settings {
		most := ""
		if s.AtMost {
			most = "up to "
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s%d\t%.1f\t%s%v\n", s.Label, s.Trials, s.ToTrain, s.Parameters, most, s.Steps,
			time.Duration(s.Step).Seconds()*1000, most, span(time.Duration(s.Total), time.Duration(s.Slowest)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	about := "about"
	if p.AtMost {
		about = "at most about"
	}
	fmt.Fprintf(w, "\n%s %s with %s side by side\n", about, span(time.Duration(p.Low), time.Duration(p.High)), count(p.Parallel, "trial"))
	if p.Free < mostlyOurs {
		fmt.Fprintf(w, "Other programs use about %.0f %% of the %s now. The upper end assumes that they continue, the lower that they stop.\n",
			100*(1-p.Free), count(p.Processors, "processor"))
	}
	return nil
}

// printFile prints the notes of an experiment's file, and what it says together with the one that it extends.
func printFile(w io.Writer, e *sweep.Experiment) error {
	if e.Remarks != "" {
		fmt.Fprintf(w, "notes:\n%s", indented(e.Remarks))
	}
	if e.Extends == "" {
		return nil
	}
	text, err := e.Resolved()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "extends %s; the two files say together, without claims, --set and --seeds:\n%s", visible(e.Extends), indented(text))
	return err
}

// indented is lines of a file below a line that names them.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + visible(strings.TrimRight(line, "\n")) + "\n")
	}
	return b.String()
}

// A bill is what trials take, in all and the longest of them.
type bill struct{ total, longest time.Duration }

func (b *bill) add(trials int, each time.Duration) {
	if trials > 0 {
		b.total += each * time.Duration(trials)
		b.longest = max(b.longest, each)
	}
}

// of is what they take with so many of them side by side, each on a processor of its own.
func (b *bill) of(side int) time.Duration { return max(b.longest, b.total/time.Duration(side)) }

// span is a range of times for people: "12s to 15s", or "12s" where both ends are that.
func span(low, high time.Duration) string {
	from, to := rounded(low), rounded(high)
	if from == to {
		return from.String()
	}
	return fmt.Sprintf("%v to %v", from, to)
}

// rounded keeps the digits of a time that an estimate supports.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d < time.Hour:
		return d.Round(time.Second)
	}
	return d.Round(time.Minute)
}

// mostlyOurs is the share of the processors below which plan mentions other programs: the system itself needs some.
const mostlyOurs = 0.9

// spared is the share of the processors that the program gets when it wants all: the CPU time that it spends in a tenth
// of a second of work on each, over that of the wall clock. It is 1 where CPU time is not known.
func spared(procs int, cpu func() time.Duration) float64 {
	const long = 100 * time.Millisecond
	begun, spent := time.Now(), cpu()
	var all sync.WaitGroup
	for range procs {
		all.Go(func() {
			for time.Since(begun) < long {
			}
		})
	}
	all.Wait()
	spent = cpu() - spent
	if spent <= 0 {
		return 1
	}
	return min(1, spent.Seconds()/(time.Since(begun).Seconds()*float64(procs)))
}

// sets are the data of the jobs, each once.
func sets(jobs []sweep.Job) []*data.Set {
	var all []*data.Set
	for _, j := range jobs {
		if !slices.Contains(all, j.Set) {
			all = append(all, j.Set)
		}
	}
	return all
}
