package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
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
		Long: `Compute every metric for the weights of a trial (those it tested, or the latest checkpoint of
an unfinished trial), under running statistics. The folder of a trial may have been moved; if its
data are not found, give their path, for example with --set data.text.test=FILE. A file
model.safetensors of vaelab has its settings, too.

For other weights, such as those saved by PyTorch, --config names an experiment with model,
variant, data and vocabulary; --set must leave a single setting. Parameters must have the names of
the reference code (encoder.lstm.weight_ih_l0, decoder.pred_linear.weight ...). F16 and BF16 are
converted to float32, and a prefix that all names share is removed.

A name that ends in _se is the standard error over examples of the metric before it. A metric that
is not a number is printed as NaN, and the exit code is 1. The last line compares the model with a
unigram and a bigram model, or with independent pixels.

--iw-samples K adds the importance-weighted estimate of -ln p(x) and its perplexity, which counts
</s> as a symbol. --all adds linear probes of mu trained on 100 to 10000 labels, if the data have
labels.`,
		Example: `  vaelab eval results/kl-vanishing/bn-1a2b3c4d/seed-1 --iw-samples 500
  vaelab eval model.safetensors --set data.text.test=test.txt
  vaelab eval theirs.safetensors --config my.yaml --set variant=bn --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := within("--iw-samples", samples, 0, 100_000); err != nil {
				return err
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0], true)
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
			row := record.Row{Split: c.split, Values: values, Vectors: vectors}
			w := cmd.OutOrStdout()
			notes := append(remarks(row, t.set.Floors(part)), report.Remarks(t.trial.Trial, row, samples > 0)...)
			if all && part.Labels == nil {
				notes = append(notes, "No probe is measured, because the data have no labels.")
			}
			if asJSON {
				w = cmd.ErrOrStderr() // for the notes
				err = printJSONRow(cmd.OutOrStdout(), row)
			} else {
				err = printMetrics(w, part.N(), row)
			}
			if err != nil {
				return err
			}
			for _, note := range notes {
				if _, err := fmt.Fprintln(w, fold(note)); err != nil {
					return err
				}
			}
			return broken(row, part.N())
		},
	}
	c.flags(cmd)
	c.splitFlag(cmd)
	f := cmd.Flags()
	f.IntVar(&samples, "iw-samples", 0, "`number` of z for the importance-weighted likelihood (the papers use 500)")
	f.BoolVar(&all, "all", false, "also measure probes, which takes longer")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// longVector is how many numbers of a vector are read in a terminal; a histogram has more.
const longVector = 64

func printJSONRow(w io.Writer, row record.Row) error {
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// printMetrics prints every metric of a row of n examples, those without a value, too.
func printMetrics(w io.Writer, n int, row record.Row) error {
	fmt.Fprintf(w, "%s split, %s, running statistics, nats per example\n", row.Split, count(n, "example"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(row.Values)) {
		fmt.Fprintf(t, "%s\t%s%s\n", name, report.Decimal(row.Values[name], 4), lacks(row, name, n))
	}
	for _, name := range slices.Sorted(maps.Keys(row.Vectors)) {
		v := row.Vectors[name]
		if len(v) > longVector {
			fmt.Fprintf(t, "%s\t%d numbers, see --json\n", name, len(v))
			continue
		}
		fmt.Fprintf(t, "%s\t%.3f\n", name, v)
	}
	return t.Flush()
}

// lacks says what a metric without a value would take, "" if it has one or should have one.
func lacks(row record.Row, name string, n int) string {
	least := map[string]int{"gap": 2, "gap_se": 2, "nelbo_se": 2, "iw_nll_se": 2, "mode_recovery": 4}[name]
	switch {
	case !math.IsNaN(row.Values[name]):
		return ""
	case n < least:
		return fmt.Sprintf(" (needs %d examples)", least)
	case name == "bn_gap" && !math.IsNaN(row.Values["kl"]):
		return " (needs two examples in a batch)"
	}
	return ""
}

// broken is the error for metrics of a row of n examples that should be finite numbers and are not, by name. A perplexity
// may overflow.
func broken(row record.Row, n int) error {
	var names []string
	for name, v := range row.Values {
		overflows := math.IsInf(v, 1) && strings.HasSuffix(name, "ppl")
		if (math.IsNaN(v) || math.IsInf(v, 0)) && !overflows && lacks(row, name, n) == "" {
			names = append(names, name)
		}
	}
	for name, vector := range row.Vectors {
		if slices.ContainsFunc(vector, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			names = append(names, name)
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("not finite: %s; the weights are finite but the computation overflows: the model has diverged", strings.Join(names, ", "))
}

// remarks are what to know of a row beside its numbers: metrics at their cap, and how the model compares with
// those that learn next to nothing.
func remarks(row record.Row, floors []data.Floor) (notes []string) {
	entry := record.Entries(row)[0]
	for _, metric := range []string{"mi", "mi_batch"} {
		if limit, at := record.AtCap(entry, metric); at {
			notes = append(notes, fmt.Sprintf("%s is within 10 %% of its cap of %.2f, the logarithm of the number of examples: the estimate is too low and differences mean nothing.", metric, limit))
		}
	}
	if len(floors) > 0 {
		line := "NLL of an example of this split: " + floorsLine(floors) + "."
		best := slices.MinFunc(floors, func(a, b data.Floor) int { return cmp.Compare(a.NLL, b.NLL) })
		for _, metric := range []string{"nelbo", "iw_nll"} {
			if v, ok := row.Values[metric]; ok {
				line += fmt.Sprintf(" %s is %s the %s.", metric, apart(v-best.NLL), best.Model)
			}
		}
		notes = append(notes, line)
	}
	return notes
}

// apart is "2.1 nats below" or "2.1 nats above".
func apart(d float64) string {
	if d < 0 {
		return report.Decimal(-d, 1) + " nats below"
	}
	return report.Decimal(d, 1) + " nats above"
}
