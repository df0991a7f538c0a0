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
	cmd := &cobra.Command{
		Use:   "plan EXPERIMENT",
		Short: "Show the trials of an experiment and how long they would take",
		Long: `Read and check an experiment, load its data, list its trials, and estimate the time from
a few training steps and evaluations of each setting. The estimate is the range of three
measurements. A line says if other programs use the processors at the same time. With train.stop
the estimate is an upper limit, because training may end earlier. Nothing is saved.

The notes of the file are printed first. If it extends another file, the settings of both together
follow, each key with the file or files that say it.`,
		Example: "  vaelab plan my.yaml\n  vaelab plan tau-sweep --seeds 6",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if parallel < 1 {
				return usageError{fmt.Errorf("-j %d: must be at least 1", parallel)}
			}
			w := cmd.OutOrStdout()
			e, jobs, err := c.prepare(cmd.ErrOrStderr(), given[0])
			if err != nil {
				return err
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
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "setting\tseeds\tto train\tweights\tsteps\tms/step\ttime each")
			var fast, slow bill
			todo, stops := 0, false
			spare := spared(runtime.GOMAXPROCS(0), machine.CPUTime)
			for _, j := range jobs {
				printDamage(cmd.ErrOrStderr(), j.Damage)
			}
			for _, s := range settingsOf(jobs) {
				missing := s.missing()
				est, err := s.measure()
				if err != nil {
					return err
				}
				fast.add(missing, est.Total)
				slow.add(missing, est.Slowest)
				todo += missing
				most := ""
				if s.jobs[0].Train.Stop.Patience > 0 {
					most, stops = "up to ", true
				}
				fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s%d\t%.1f\t%s%v\n", s.label, len(s.jobs), missing, est.Parameters, most, est.Steps,
					est.Step.Seconds()*1000, most, span(est.Total, est.Slowest))
			}
			if err := t.Flush(); err != nil {
				return err
			}
			side := max(1, min(parallel, todo, runtime.GOMAXPROCS(0))) // more share the same processors
			about := "about"
			if stops {
				about = "at most about"
			}
			spare = min(spare, spared(runtime.GOMAXPROCS(0), machine.CPUTime))
			upper := slow.of(side)
			if spare < mostlyOurs { // as measured, or what more programs than processors leave
				upper = max(upper, time.Duration(float64(fast.of(side))/spare))
			}
			fmt.Fprintf(w, "\n%s %s with %s side by side\n", about, span(fast.of(side), upper), count(parallel, "trial"))
			if spare < mostlyOurs {
				fmt.Fprintf(w, "Other programs use about %.0f %% of the %s now. The upper end assumes that they continue, the lower that they stop.\n",
					100*(1-spare), count(runtime.GOMAXPROCS(0), "processor"))
			}
			return nil
		},
	}
	c.flags(cmd)
	cmd.Flags().IntVarP(&parallel, "parallel", "j", runtime.GOMAXPROCS(0), "`trials` side by side")
	return cmd
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
