package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/report"
	"vaelab/internal/train"
)

func evalCommand() *cobra.Command {
	var c weights
	var samples int
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "eval " + weightsUsage,
		Short: "Measure the weights of a trial, or of a safetensors file, on a split",
		Long: `Compute every metric for a trial's weights (those it tested, or the latest checkpoint of
an unfinished trial), under running statistics. Or for bare weights, such as a PyTorch user
may have saved: then --config names an experiment that says model, variant, data and
vocabulary, with one setting left after --set. Parameters carry the names of the field's
reference code (encoder.lstm.weight_ih_l0, decoder.pred_linear.weight ...).

With --iw-samples K also the importance-weighted estimate of -ln p(x) and its perplexity. With
--all also linear probes of mu that learn from 100 to 10000 labels, if the data have labels.`,
		Example: `  vaelab eval results/kl-vanishing/bn-1a2b3c4d/seed-1 --iw-samples 500
  vaelab eval model.safetensors --config my.yaml --set variant=bn --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if samples < 0 {
				return usageError{fmt.Errorf("--iw-samples %d: wants at least 1, or 0 for none", samples)}
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0])
			if err != nil {
				return err
			}
			part, err := t.split(c.split)
			if err != nil {
				return err
			}
			if samples > 0 {
				t.trial.Train.IWSamples = samples
			}
			depth := train.Final
			if all {
				depth = train.Full
			}
			values, vectors, err := train.Measure(cmd.Context(), t.model, t.trial, t.set, part, depth)
			if err != nil {
				return err
			}
			return printMetrics(cmd.OutOrStdout(), c.split, part.N(), values, vectors, asJSON)
		},
	}
	c.flags(cmd)
	c.splitFlag(cmd)
	f := cmd.Flags()
	f.IntVar(&samples, "iw-samples", 0, "`samples` of z for the importance-weighted likelihood (the papers use 500)")
	f.BoolVar(&all, "all", false, "add probes, which take longer")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// longVector is how many numbers of a vector are read in a terminal; a histogram has more.
const longVector = 64

func printMetrics(w io.Writer, split string, n int, values map[string]float64, vectors map[string][]float64, asJSON bool) error {
	if asJSON {
		row := record.Row{Split: split, Values: values, Vectors: vectors}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	}
	fmt.Fprintf(w, "%s split, %d examples, running statistics, nats per example\n", split, n)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range names {
		if !math.IsNaN(values[name]) {
			fmt.Fprintf(t, "%s\t%s\n", name, report.Decimal(values[name], 4))
		}
	}
	for _, name := range sortedKeys(vectors) {
		v := vectors[name]
		if len(v) > longVector {
			fmt.Fprintf(t, "%s\t%d numbers, see --json\n", name, len(v))
			continue
		}
		fmt.Fprintf(t, "%s\t%.3f\n", name, v)
	}
	return t.Flush()
}

func sortedKeys(m map[string][]float64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
