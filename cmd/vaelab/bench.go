package main

import (
	"fmt"
	"io"
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
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench EXPERIMENT",
		Short: "Measure how fast this machine trains an experiment",
		Long: `Train each setting of an experiment for a few seconds on one core and on all cores. Print
tokens per second and the share of the multiply-add ceiling of the instruction set in use (matrix products only;
a dash without kernels). Nothing is saved.

Trials side by side, one core each, usually train more tokens per second together than one trial
on all cores: compare the number of cores times the rate on one core with the rate on all cores.

--json prints the same numbers; docs/exchange.md explains its keys.`,
		Example: "  vaelab bench kl-vanishing\n  vaelab bench my.yaml --set model.lstm.dec_hidden=512\n  vaelab bench my.yaml --json | jq .settings[0].one_core.tokens_per_second",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			e, jobs, err := c.prepare(cmd.ErrOrStderr(), given[0])
			if err != nil {
				return err
			}
			return bench(cmd.OutOrStdout(), e, jobs, long, asJSON)
		},
	}
	c.flags(cmd)
	_ = cmd.Flags().MarkHidden("out")
	cmd.Flags().DurationVar(&long, "time", 3*time.Second, "`time` to train each setting, on one core and on all cores")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// A speed is what bench measures of a setting on some cores. Its JSON is that of --json.
type speed struct {
	Tokens  float64  `json:"tokens_per_second"`
	Share   *float64 `json:"share"` // of the ceiling, 0 to 1; null without kernels, or if the model does not count its operations
	Seconds seconds  `json:"seconds_per_trial"`
}

// A benched setting is its speeds.
type benched struct {
	Label string `json:"label"`
	One   speed  `json:"one_core"`
	All   speed  `json:"all_cores"`
}

// bench measures each setting of the jobs for a time and prints its speed.
func bench(w io.Writer, e *sweep.Experiment, jobs []sweep.Job, long time.Duration, asJSON bool) error {
	cores := runtime.GOMAXPROCS(0)
	ceiling := tensor.Ceiling(time.Now)
	measure := func(s setting, procs int) (speed, error) {
		tensor.SetProcs(procs)
		est, err := sweep.Measure(s.jobs[0], time.Now, long)
		if err != nil {
			return speed{}, fmt.Errorf("%s: %w", s.label, err)
		}
		v := speed{Tokens: est.Tokens, Seconds: seconds(est.Total)}
		if ceiling > 0 && est.Flops > 0 {
			v.Share = orNull(est.Flops / ceiling / float64(procs))
		}
		return v, nil
	}
	defer tensor.SetProcs(1)
	if !asJSON {
		fmt.Fprintf(w, "%s\n%s, %d cores", visible(e.Title()), tensor.Kernel(), cores)
		if ceiling > 0 {
			fmt.Fprintf(w, ", FMA ceiling (%s) of one core %.0f GFLOP/s", tensor.Kernel(), ceiling/1e9)
		}
		fmt.Fprint(w, "\n\n")
	}
	var all []benched
	for _, s := range settingsOf(jobs) {
		b := benched{Label: s.label}
		var err error
		if b.One, err = measure(s, 1); err != nil {
			return err
		}
		if b.All, err = measure(s, cores); err != nil {
			return err
		}
		all = append(all, b)
	}
	if asJSON {
		return printJSON(w, struct {
			Experiment string    `json:"experiment"`
			Question   string    `json:"question"`
			Kernel     string    `json:"kernel"`
			Cores      int       `json:"cores"`
			Ceiling    float64   `json:"ceiling_flops"` // operations a second on one core; 0 without kernels
			Settings   []benched `json:"settings"`
		}{e.Name, e.Question, tensor.Kernel(), cores, ceiling, all})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "setting\ttokens/s, 1 core\tshare\ttokens/s, %d cores\tshare\ttime each, 1 core\t\n", cores)
	for _, b := range all {
		fmt.Fprintf(t, "%s\t%.0f\t%s\t%.0f\t%s\t%v\t\n", b.Label, b.One.Tokens, b.One.share(), b.All.Tokens, b.All.share(),
			time.Duration(b.One.Seconds).Round(time.Second))
	}
	return t.Flush()
}

// share is the share of the ceiling as text.
func (s speed) share() string {
	if s.Share == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100**s.Share)
}
