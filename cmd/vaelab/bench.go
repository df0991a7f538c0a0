package main

import (
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/sweep"
	"vaelab/internal/tensor"
)

func benchCommand() *cobra.Command {
	var c choice
	var long time.Duration
	cmd := &cobra.Command{
		Use:   "bench EXPERIMENT",
		Short: "Measure how fast this machine trains an experiment",
		Long: `Train each setting of an experiment for a few seconds on one core and on all cores. Print
tokens per second and the share of the processor's multiply-add ceiling (matrix products only;
a dash without kernels). Nothing is saved.

Trials side by side, one core each, usually train more tokens per second together than one trial
on all cores: compare the number of cores times the rate on one core with the rate on all cores.`,
		Example: "  vaelab bench kl-vanishing\n  vaelab bench my.yaml --set model.lstm.dec_hidden=512",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			w := cmd.OutOrStdout()
			e, jobs, err := c.prepare(cmd.ErrOrStderr(), given[0])
			if err != nil {
				return err
			}
			cores := runtime.GOMAXPROCS(0)
			ceiling := tensor.Ceiling(time.Now)
			fmt.Fprintf(w, "%s\n%s, %d cores", e.Title(), tensor.Kernel(), cores)
			if ceiling > 0 {
				fmt.Fprintf(w, ", one core at most %.0f GFLOP/s", ceiling/1e9)
			}
			fmt.Fprint(w, "\n\n")
			share := func(flops float64, cores int) string {
				if ceiling == 0 || flops == 0 {
					return "–"
				}
				return fmt.Sprintf("%.0f %%", 100*flops/ceiling/float64(cores))
			}
			defer tensor.SetProcs(1)
			group, _ := labels(jobs)
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintf(t, "setting\ttokens/s, 1 core\tshare\ttokens/s, %d cores\tshare\ttime each, 1 core\t\n", cores)
			for i, j := range jobs {
				if i > 0 && group[i] == group[i-1] {
					continue
				}
				var one, all sweep.Estimate
				for _, m := range []struct {
					procs int
					to    *sweep.Estimate
				}{{1, &one}, {cores, &all}} {
					tensor.SetProcs(m.procs)
					if *m.to, err = sweep.Measure(j, time.Now, long); err != nil {
						return fmt.Errorf("%s: %w", group[i], err)
					}
				}
				fmt.Fprintf(t, "%s\t%.0f\t%s\t%.0f\t%s\t%v\t\n", group[i], one.Tokens, share(one.Flops, 1),
					all.Tokens, share(all.Flops, cores), one.Total.Round(time.Second))
			}
			return t.Flush()
		},
	}
	c.flags(cmd)
	_ = cmd.Flags().MarkHidden("out")
	cmd.Flags().DurationVar(&long, "time", 3*time.Second, "`time` to train each setting, on one core and on all cores")
	return cmd
}
