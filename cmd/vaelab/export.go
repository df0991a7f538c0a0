package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/table"
	"vaelab/internal/train"
)

// An exportOf holds the flags that say what of the rows is written, and how.
type exportOf struct {
	out, format, board string
	wide               bool
	metrics, splits    []string
}

func exportCommand() *cobra.Command {
	var x exportOf
	cmd := &cobra.Command{
		Use:   "export DIR...",
		Short: "Write rows of trials as CSV, JSON lines or Parquet, or for TensorBoard",
		Long: `Write the measurements of the trials in and below DIR as one table, one number per row: experiment,
trial, variant, seed, the settings that vary, step, split, metric, value. Elements of a vector are
metrics such as kl_dim/3.

  --wide      one row per trial, step and split, and a column per metric; what was not measured there is
              missing. Vectors have columns only if --metric names them: --metric 'kl_dim/*'
  --metric    only these metrics: a name, a vector, or a pattern: kl, kl_dim, kl_dim/3, 'mi*', 'kl_dim/*'
  --split     only these splits: train, valid, test

The format is that of the file's ending, and CSV without one; --format names another:

  csv         with a header; missing is empty, not finite is NaN
  jsonl       an object per line; missing has no key, not finite is null
  parquet     step and seed int64, numbers double, texts dictionary-coded, settings that vary as strings; zstd

With --tensorboard write event files instead, which tensorboard --logdir shows: each trial is a run
with its numbers (train/kl, valid/kl ...; no vectors), its variant, seed and the settings that vary
are hyperparameters, and the figures are images. TensorBoard keeps numbers as float32.
docs/exchange.md shows how other programs read all of these.`,
		Example: `  vaelab export results/tau-sweep > tau.csv
  vaelab export results/tau-sweep -o tau.parquet --wide --split test
  vaelab export results/tau-sweep --metric kl --metric 'mi*' --format jsonl | jq .value
  vaelab export results/tau-sweep --tensorboard runs && tensorboard --logdir runs`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := x.check(cmd); err != nil {
				return err
			}
			set, err := loadSome(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			chosen, err := x.chosen(set)
			if err != nil {
				return usageError{err}
			}
			if x.board != "" {
				return errors.Join(exportTensorBoard(cmd.OutOrStdout(), cmd.ErrOrStderr(), set, chosen, x.board), damaged(set))
			}
			return errors.Join(x.write(cmd.OutOrStdout(), cmd.ErrOrStderr(), set, chosen), damaged(set))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&x.out, "output", "o", stdoutName, "`file` to write; - is the standard output")
	f.StringVar(&x.format, "format", "", "csv, jsonl or parquet (default the ending of --output, csv without one)")
	f.BoolVar(&x.wide, "wide", false, "one row per trial, step and split, with a column per metric")
	f.StringSliceVar(&x.metrics, "metric", nil, "only this `metric`, or those that match a pattern; may be repeated (vaelab list metrics)")
	f.StringSliceVar(&x.splits, "split", nil, "only this `split`; may be repeated")
	f.StringVar(&x.board, "tensorboard", "", "write event files below this `folder` instead")
	for _, other := range []string{"output", "format", "wide"} {
		cmd.MarkFlagsMutuallyExclusive(other, "tensorboard")
	}
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(table.Formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("split", cobra.FixedCompletions(splitNames, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("metric", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, m := range train.Metrics() {
			names = append(names, m.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// check refuses values that mean nothing and files that cannot be written, and sets the format.
func (x *exportOf) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	for _, name := range []string{"metric", "split", "tensorboard"} {
		if value := cmd.Flag(name).Value.String(); given(name) && (value == "" || value == "[]") {
			return usageError{fmt.Errorf("--%s: the name is empty", name)}
		}
	}
	if err := fileFor("output", x.out); err != nil {
		return err
	}
	ending := strings.ToLower(strings.TrimPrefix(filepath.Ext(x.out), "."))
	if !slices.Contains(table.Formats, ending) {
		if ending != "" && !given("format") { // such as .xlsx or .csv.gz, which a CSV file is not
			return usageError{fmt.Errorf("--output %s: the name must end in .%s, or --format must name the format", x.out, strings.Join(table.Formats, ", ."))}
		}
		ending = ""
	}
	switch {
	case given("format") && !slices.Contains(table.Formats, x.format):
		return usageError{fmt.Errorf("--format: %w", registry.Unknown("format", x.format, table.Formats))}
	case given("format") && ending != "" && x.format != ending:
		return usageError{fmt.Errorf("--format %s does not go with --output %s; leave one of them out, or name another file", x.format, x.out)}
	case !given("format"):
		x.format = cmp.Or(ending, "csv")
	}
	if p, ok := cmd.OutOrStdout().(*printer); ok && x.format == "parquet" && x.out == stdoutName && isTerminal(p.w) {
		return usageError{errors.New("--format parquet: a terminal cannot show it; name a file with --output")}
	}
	return nil
}

// chosen are the numbers that --metric and --split leave.
func (x *exportOf) chosen(set *record.Set) (*table.Selection, error) {
	chosen := table.All(set)
	if x.splits != nil {
		if err := chosen.Splits(set, x.splits); err != nil {
			return nil, fmt.Errorf("--split: %w", err)
		}
	}
	if x.metrics == nil {
		return chosen, nil
	}
	measured := map[string]bool{}
	for _, m := range train.Metrics() {
		measured[m.Name] = m.Vector
	}
	if err := chosen.Metrics(x.metrics, measured); err != nil {
		return nil, fmt.Errorf("--metric: %w", err)
	}
	return chosen, nil
}

// write writes the table.
func (x *exportOf) write(w, wErr io.Writer, set *record.Set, chosen *table.Selection) error {
	layout := table.Long
	if x.wide {
		layout = table.Wide
	}
	t, err := layout(set, chosen)
	if err != nil {
		return err
	}
	rows := 0
	_, err = writeOut(w, x.out, func(w io.Writer) (err error) {
		rows, err = t.Write(w, x.format)
		return err
	})
	if err != nil {
		return err
	}
	if len(t.LeftOut) > 0 {
		fmt.Fprintf(wErr, "vaelab: note: vectors are left out; --metric '%s/*' writes the columns of one: %s\n", visible(t.LeftOut[0]), visible(strings.Join(t.LeftOut, ", ")))
	}
	if rows == 0 {
		fmt.Fprintln(wErr, "vaelab: warning: the table has no row: nothing of that was measured yet")
	}
	return nil
}
