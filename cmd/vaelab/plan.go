package main

import (
	"fmt"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/sweep"
)

func planCommand() *cobra.Command {
	var c choice
	var parallel int
	cmd := &cobra.Command{
		Use:   "plan EXPERIMENT",
		Short: "Show the trials of an experiment and how long they would take",
		Long: `Read and check an experiment, load its data, list its trials, and estimate the time from
a few training steps and one evaluation of each setting. With train.stop the estimate is an
upper limit, because training may end earlier. Nothing is saved.`,
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
			group, _ := labels(jobs)
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "setting\tseeds\tto train\tweights\tsteps\tms/step\ttime each")
			var total, longest time.Duration
			todo, stops := 0, false
			for _, j := range jobs {
				printDamage(cmd.ErrOrStderr(), j.Damage)
			}
			for i := 0; i < len(jobs); {
				to, missing := i, 0
				for ; to < len(jobs) && group[to] == group[i]; to++ {
					if !jobs[to].Done {
						missing++
					}
				}
				est, err := sweep.Measure(jobs[i], time.Now, 500*time.Millisecond)
				if err != nil {
					return fmt.Errorf("%s: %w", group[i], err)
				}
				total += est.Total * time.Duration(missing)
				todo += missing
				if missing > 0 {
					longest = max(longest, est.Total)
				}
				most := ""
				if jobs[i].Train.Stop.Patience > 0 {
					most, stops = "up to ", true
				}
				fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s%d\t%.1f\t%s%v\n", group[i], to-i, missing, est.Parameters, most, est.Steps,
					est.Step.Seconds()*1000, most, est.Total.Round(time.Second))
				i = to
			}
			if err := t.Flush(); err != nil {
				return err
			}
			side := max(1, min(parallel, todo, runtime.GOMAXPROCS(0))) // more share the same processors
			about := "about"
			if stops {
				about = "at most about"
			}
			fmt.Fprintf(w, "\n%s %v with %s side by side\n", about, max(longest, total/time.Duration(side)).Round(time.Second), count(parallel, "trial"))
			return nil
		},
	}
	c.flags(cmd)
	cmd.Flags().IntVarP(&parallel, "parallel", "j", runtime.GOMAXPROCS(0), "`trials` side by side")
	return cmd
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
