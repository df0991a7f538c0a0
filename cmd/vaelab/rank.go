package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/report"
	"vaelab/internal/table"
)

// rankFormats are what --format takes.
var rankFormats = []string{"text", "markdown", "csv", "json"}

func rankCommand() *cobra.Command {
	var at, files []string
	var baseline, format string
	cmd := &cobra.Command{
		Use:   "rank DIR...",
		Short: "Compare methods at equal rates",
		Long: `Compare the methods of the trials in and below DIR at equal rates. A rate is a KL in nats. DIR holds trials
or an archive that vaelab report --rows wrote.

A method that is given more KL has more mutual information and another likelihood. So one setting of one
method does not compare with one setting of another. Train each method with several values of its dial,
the setting that moves its KL:

  grid:
    - variant: {control-vae: {c: [0.5, 1, 2, 4]}}
    - variant: {bn: {gamma: [0.3, 0.5, 0.7, 1]}}

rank joins the trials of a seed by straight lines, in the order of the KL that they achieved, and reads
each metric off at the rates of --at. It extrapolates nothing. There is a table for each data set and rate,
with the lowest IW-NLL first, and these columns:

  n            seeds with a finished trial at every value of the dial
  reach        the KL that all of these seeds span
  dial error   |KL/target - 1|, of methods that steer the KL to a target
  IW-NLL, gap, MI, density gap, probe, CPU s   median over seeds at the rate (vaelab list metrics)
  Δ            difference from --baseline, paired by seed, with its 95 % CI: * excludes 0, ~ contains 0
  p, Holm      of the paired test; corrected over the methods of the column
  state        what keeps a method from being read off, and trials that failed or had not converged

A difference follows the rules of the claim matched (vaelab list matched), so that a claim about it has the
same numbers. A method that differs from the baseline in more than its own settings is not compared, unless a
claim compares the two and names those settings. Claims and the criterion of convergence are those of the
shipped experiment of the same name as the trials', or of the experiment given with --experiment.
The formats csv and json have all numbers in full precision; json has the notes, too.`,
		Example: `  vaelab rank results/published/knobs --at 1,2
  vaelab rank results/my --at 2 --baseline bn --format markdown > rank.md`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			rates, err := ratesOf(at)
			if err != nil {
				return err
			}
			if !slices.Contains(rankFormats, format) {
				return usageError{fmt.Errorf("--format: %w", registry.Unknown("format", format, rankFormats))}
			}
			if cmd.Flags().Changed("baseline") && baseline == "" {
				return usageError{errors.New("--baseline: the name is empty; name a method")}
			}
			set, err := loadSome(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			if err := settleGiven(cmd.ErrOrStderr(), set, files); err != nil {
				return err
			}
			all, err := report.Rank(set, rates, baseline)
			if errors.As(err, new(report.UnknownBaseline)) {
				return usageError{fmt.Errorf("--baseline: %w", err)}
			}
			if err := errors.Join(err, set.Err()); err != nil {
				return err
			}
			return errors.Join(printRanking(cmd.OutOrStdout(), all, format), damaged(set))
		},
	}
	cmd.Flags().StringSliceVar(&at, "at", nil, "compare at this `rate`, a KL in nats; may be several, with commas")
	cmd.Flags().StringVar(&baseline, "baseline", "", "compare with this `method`: a variant, or a method as the table names it")
	cmd.Flags().StringArrayVar(&files, "experiment", nil, "the `experiment` that the trials are of, as vaelab run took it: a YAML file or a shipped name; may be repeated")
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown, csv or json")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(rankFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// settleGiven gives a set its experiments' criteria of convergence and comparisons.
func settleGiven(wErr io.Writer, set *record.Set, files []string) error {
	names := report.ExperimentNames(set)
	all, err := readGiven(wErr, set, files, names)
	if err == nil {
		err = addShipped(wErr, names, all)
	}
	for _, name := range names {
		if e, ok := all[name]; ok {
			e.Settle(set)
		}
	}
	return err
}

// ratesOf are the rates of --at.
func ratesOf(given []string) (rates []float64, err error) {
	if len(given) == 0 {
		return nil, usageError{errors.New("--at: no rate; name a KL in nats, such as --at 2 or --at 1,2 (vaelab plot DIR --figure frontier shows which ones methods reach)")}
	}
	for _, text := range given {
		rate, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(rate > 0) || math.IsInf(rate, 0) {
			return nil, usageError{fmt.Errorf("--at %s: must be a number of nats above 0, or several with commas, such as 1,2", text)}
		}
		if slices.Contains(rates, rate) {
			return nil, usageError{fmt.Errorf("--at %s: given twice", text)}
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

// printRanking prints the tables in a format.
func printRanking(w io.Writer, all []report.Ranking, format string) error {
	switch format {
	case "markdown":
		page := report.Report{Title: "Methods at equal rates", Status: fmt.Sprintf("Data sets and rates: %d.", len(all))}
		for _, r := range all {
			t := r.Table()
			page.Sections = append(page.Sections, report.Section{Title: fmt.Sprintf("%s at %g nats", r.Data, r.Rate), Tables: []report.Table{t}})
		}
		page.Sections = append(page.Sections, report.Section{Title: "Columns and marks", List: report.Legend(all)})
		text, err := page.Markdown()
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	case "csv":
		_, err := table.Write(w, "csv", rankColumns(), rankRows(all))
		return err
	case "json":
		return printJSON(w, rankingJSON(all))
	}
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		t := r.Table()
		fmt.Fprintln(w, fold(visible(t.Caption)))
		fmt.Fprint(w, aligned(t))
		if len(t.Notes) > 0 {
			fmt.Fprintln(w)
		}
		for _, note := range t.Notes {
			fmt.Fprintln(w, item(visible(note)))
		}
	}
	fmt.Fprintln(w)
	for _, note := range report.Legend(all) {
		if _, err := fmt.Fprintln(w, item(visible(note))); err != nil {
			return err
		}
	}
	return nil
}

// A rankColumn is a column of the CSV and a key of the JSON. What is NaN or empty is missing.
type rankColumn struct {
	name string
	of   func(r report.Ranking, m report.Ranked) any // string, int or float64
}

// rankedBy are the columns that say which table a row is of; the JSON has them once.
var rankedBy = []rankColumn{
	{"data", func(r report.Ranking, _ report.Ranked) any { return r.Data }},
	{"data_digest", func(r report.Ranking, _ report.Ranked) any { return r.Digest }},
	{"split", func(r report.Ranking, _ report.Ranked) any { return r.Split }},
	{"rate", func(r report.Ranking, _ report.Ranked) any { return r.Rate }},
	{"baseline", func(r report.Ranking, _ report.Ranked) any { return r.Baseline }},
}

// rankedOf are the columns of a method.
func rankedOf() []rankColumn {
	all := []rankColumn{
		{"method", func(_ report.Ranking, m report.Ranked) any { return m.Method }},
		{"dial", func(_ report.Ranking, m report.Ranked) any { return m.Dial }},
		{"dial_values", func(_ report.Ranking, m report.Ranked) any { return m.Points }},
		{"seeds", func(_ report.Ranking, m report.Ranked) any { return m.Seeds }},
		{"trials", func(_ report.Ranking, m report.Ranked) any { return m.Trials }},
		{"finished", func(_ report.Ranking, m report.Ranked) any { return m.Done }},
		{"failed", func(_ report.Ranking, m report.Ranked) any { return m.Failed }},
		{"not_converged", func(_ report.Ranking, m report.Ranked) any { return m.Open }},
		{"reach_low", func(_ report.Ranking, m report.Ranked) any { return m.Low }},
		{"reach_high", func(_ report.Ranking, m report.Ranked) any { return m.High }},
		{"dial_error", func(_ report.Ranking, m report.Ranked) any { return m.DialError }},
		{"dial_error_worst", func(_ report.Ranking, m report.Ranked) any { return m.DialWorst }},
		{"state", func(_ report.Ranking, m report.Ranked) any { return m.State }},
	}
	for _, metric := range report.RankedMetrics {
		all = append(all, rankColumn{metric, func(_ report.Ranking, m report.Ranked) any {
			if v, ok := m.Values[metric]; ok {
				return v
			}
			return math.NaN()
		}})
	}
	all = append(all, rankColumn{"mi_per_rate", func(r report.Ranking, m report.Ranked) any {
		if v, ok := m.Values["mi"]; ok {
			return v / r.Rate
		}
		return math.NaN()
	}}, rankColumn{"mi_at_cap", func(_ report.Ranking, m report.Ranked) any {
		if m.Capped {
			return 1
		}
		return 0
	}}, rankColumn{"likelihood", func(_ report.Ranking, m report.Ranked) any { return m.Likelihood }})
	for k, what := range []string{"likelihood", "gap"} {
		number := func(name string, of func(d report.RankedDifference) float64) {
			all = append(all, rankColumn{what + "_" + name, func(_ report.Ranking, m report.Ranked) any {
				if d := m.Differences[k]; d.Made {
					return of(d)
				}
				return math.NaN()
			}})
		}
		number("difference", func(d report.RankedDifference) float64 { return d.Median })
		number("low", func(d report.RankedDifference) float64 { return d.Interval.Lo })
		number("high", func(d report.RankedDifference) float64 { return d.Interval.Hi })
		number("level", func(d report.RankedDifference) float64 { return d.Interval.Level })
		number("pairs", func(d report.RankedDifference) float64 { return float64(len(d.Values)) })
		number("p", func(d report.RankedDifference) float64 { return d.P })
		number("p_holm", func(d report.RankedDifference) float64 { return d.Holm })
		all = append(all, rankColumn{what + "_mark", func(_ report.Ranking, m report.Ranked) any {
			if d := m.Differences[k]; d.Made {
				return d.Mark()
			}
			return ""
		}})
	}
	return all
}

// rankColumns are the columns of the CSV.
func rankColumns() (columns []table.Column) {
	nothing := report.Ranked{Values: map[string]float64{}}
	for _, c := range append(slices.Clone(rankedBy), rankedOf()...) {
		column := table.Column{Name: c.name, Missing: true}
		switch c.of(report.Ranking{}, nothing).(type) {
		case int:
			column.Type = table.Integer
		case float64:
			column.Type = table.Number
		}
		columns = append(columns, column)
	}
	return columns
}

// rankRows are the rows of the CSV: table after table, best first.
func rankRows(all []report.Ranking) iter.Seq[[]table.Cell] {
	return func(yield func([]table.Cell) bool) {
		for _, r := range all {
			for _, m := range r.Methods {
				var row []table.Cell
				for _, c := range append(slices.Clone(rankedBy), rankedOf()...) {
					switch v := c.of(r, m).(type) {
					case string:
						row = append(row, table.Cell{Text: v, Missing: v == ""})
					case int:
						row = append(row, table.Cell{Integer: int64(v)})
					case float64:
						row = append(row, table.Cell{Number: v, Missing: math.IsNaN(v)})
					}
				}
				if !yield(row) {
					return
				}
			}
		}
	}
}

// rankingJSON is a list of tables: what each is about, its methods, best first, and its notes. A number that there is not is null.
func rankingJSON(all []report.Ranking) []map[string]any {
	object := func(r report.Ranking, m report.Ranked, columns []rankColumn) map[string]any {
		keys := map[string]any{}
		for _, c := range columns {
			keys[c.name] = c.of(r, m)
			if v, ok := keys[c.name].(float64); ok {
				keys[c.name] = orNull(v)
			}
		}
		return keys
	}
	tables := []map[string]any{}
	for _, r := range all {
		t := object(r, report.Ranked{}, rankedBy)
		methods := []map[string]any{}
		for _, m := range r.Methods {
			methods = append(methods, object(r, m, rankedOf()))
		}
		t["methods"], t["notes"] = methods, append([]string{}, r.Notes...)
		tables = append(tables, t)
	}
	return tables
}
