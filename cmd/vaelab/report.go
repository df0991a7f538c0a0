package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/record"
	"vaelab/internal/report"
	"vaelab/internal/sweep"
	"vaelab/plots"
)

func reportCommand() *cobra.Command {
	var out, table, file string
	var files, figures []string
	var rows, anyRevision bool
	var as *plots.Output
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Write a report of trials as HTML, Markdown and LaTeX",
		Long: `Write a report of the trials so far as HTML, Markdown and LaTeX, with the same content: the
question, the claims and their verdicts if vaelab verify has judged them, tables with 95 % CIs and
paired tests, every figure that the rows allow, settings, warnings, provenance, and the command
for each part. DIR is a results folder or that of an experiment. Nothing is trained.

report.html needs no other file and shows the figures as SVG. report.md and report.tex show the PNG files
beside them, report.tex a PDF if --format names it; each figure also has a CSV with the same numbers.
With --latex-table NAME only that table is written, as a tabular of booktabs for \input in a paper.

The first paragraph answers the question as far as the verdicts do. The question, the notes and the
commands are those of the shipped experiment of the same name, or of the experiment given with
--experiment.

With --rows the folder of the report can be published. It also gets the verdicts and ` + record.ArchiveFile + `
with every row of every trial, at the precision of the training. report, plot, export and
verify --no-train read such a folder like one with trials. Every trial must name the revision of
the program that trained it, without uncommitted changes, so that others can build the same
program. The flag --unknown-revision also publishes trials that do not.`,
		Example: "  vaelab report results/kl-vanishing\n  vaelab report results/my --experiment my.yaml --out paper\n  vaelab report results/my --out published/my --rows --figure kl-curve,sweep\n  vaelab report results/my --out paper --format pdf --width 3.3in --no-caption\n  vaelab report results/my --latex-table results -o results.tex",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			dir, w, wErr := dirs[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
			alone := cmd.Flags().Changed("latex-table")
			if !alone && cmd.Flags().Changed("output") {
				return usageError{errors.New("--output goes with --latex-table only; --out names the folder of a report")}
			}
			if err := fileFor("output", file); err != nil {
				return err
			}
			if err := knownFigures(figures); err != nil {
				return err
			}
			set, err := loadSome(wErr, dirs)
			if err != nil {
				return err
			}
			if out == "" {
				out = dir
			}
			if rows && same(dir, out) {
				return usageError{fmt.Errorf("--rows: %s has the rows already; choose another folder for the report with --out", dir)}
			}
			if err := report.Traceable(set); rows && !anyRevision && err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			names := report.ExperimentNames(set)
			all, err := readGiven(wErr, set, files, names)
			if err != nil {
				return err
			}
			p := report.Publication{Dir: dir, Out: out, Rows: rows, Names: figures, Output: *as,
				Clean: func(text string) string { return escaped(text, "\n\t") }}
			p.Set, p.Version, p.Named = set, version(), report.FolderFor(dir, names)
			if rows {
				p.Named = report.FolderFor(out, names)
			}
			p.Folder = quoted([]string{p.Named})
			judged, err := report.ReadVerdicts(dir)
			if err != nil {
				return err
			}
			for _, v := range judged {
				for _, c := range v.Claims {
					c.Experiment = v.Experiment
					p.Verdicts = append(p.Verdicts, c)
				}
			}
			if err := identify(wErr, &p.Source, names, all, judged); err != nil {
				return err
			}
			if figures == nil {
				p.Names = allFigures(all, names)
			}
			if alone {
				return errors.Join(writeTable(w, file, table, &p), damaged(set))
			}
			if err := writable(out); err != nil {
				return err
			}
			failed := damaged(set) // before the report names the folders otherwise
			files, err := p.Write()
			for _, why := range p.LeftOut {
				fmt.Fprintf(wErr, "left out: %s\n", visible(strings.TrimSuffix(why, ".")))
			}
			for _, file := range files {
				fmt.Fprintln(w, file)
			}
			return errors.Join(err, failed)
		},
	}
	figureFlag(cmd, &figures)
	as = outputFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&table, "latex-table", "", "write only this `table` of the report, to be taken into a paper: claims, results, differences, medians ...")
	f.StringVarP(&file, "output", "o", stdoutName, "with --latex-table, the `file` to write; - is the standard output")
	_ = cmd.RegisterFlagCompletionFunc("latex-table", cobra.FixedCompletions([]string{"claims", "results", "differences", "medians", "p-values", "convergence", "further", "settings", "shared-settings", "provenance"}, cobra.ShellCompDirectiveNoFileComp))
	f.StringVar(&out, "out", "", "`folder` for the report and its figures (default DIR)")
	f.BoolVar(&rows, "rows", false, "also write every row of the trials, so that others can redraw the figures and judge the claims again")
	f.BoolVar(&anyRevision, "unknown-revision", false, "with --rows, also publish trials of a program whose revision is unknown or modified")
	f.StringArrayVar(&files, "experiment", nil, "the `experiment` that the trials are of, as vaelab run took it: a YAML file or a shipped name; may be repeated")
	for _, other := range []string{"out", "rows", "figure", "format", "width", "dpi", "no-caption"} {
		cmd.MarkFlagsMutuallyExclusive("latex-table", other)
	}
	return cmd
}

// allFigures are the names of all figures, and first those that the files of the experiments ask for.
func allFigures(all map[string]given, names []string) (figures []string) {
	var wanted []string
	for _, name := range names {
		if e, ok := all[name]; ok {
			wanted = append(wanted, e.Figures...)
		}
	}
	for _, name := range append(wanted, plots.Figures.Names()...) {
		if !slices.Contains(figures, name) {
			figures = append(figures, name)
		}
	}
	return figures
}

// writeTable writes one table of a report for LaTeX.
func writeTable(w io.Writer, file, name string, p *report.Publication) error {
	t, err := report.New(p.Source).Table(name)
	if err != nil {
		return usageError{fmt.Errorf("--latex-table: %w", err)}
	}
	text, err := t.Tabular()
	if err != nil {
		return err
	}
	_, err = writeOut(w, file, func(w io.Writer) error {
		_, err := io.WriteString(w, p.Clean(string(text)))
		return err
	})
	return err
}

// same tells whether two names are of one folder; the second need not exist.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// A given is an experiment with what the user gives for it: a file or a shipped name.
type given struct {
	*sweep.Experiment
	file string
}

// readGiven reads the experiments given to the report, by the names that the trials have for them. A file
// may have been renamed since: then its trials tell. It refuses an experiment that no trial is of, which is a mistake, and two of
// one name.
func readGiven(wErr io.Writer, set *record.Set, files, names []string) (map[string]given, error) {
	all := map[string]given{}
	for _, file := range files {
		e, err := new(choice).read(wErr, file)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, e.Name) {
			former := e.Former(set)
			if len(former) != 1 {
				return nil, usageError{fmt.Errorf("--experiment %s: no trial is of an experiment %s; there are: %s", file, e.Name, strings.Join(names, ", "))}
			}
			e.Name = former[0]
		}
		if other, ok := all[e.Name]; ok {
			return nil, usageError{fmt.Errorf("--experiment %s: %s is the experiment %s, too; give one of them", file, other.file, e.Name)}
		}
		all[e.Name] = given{e, file}
	}
	return all, nil
}

// addShipped adds the shipped experiments of these names that are not given.
func addShipped(wErr io.Writer, names []string, all map[string]given) error {
	for _, name := range names {
		if _, ok := all[name]; !ok && slices.Contains(experiments.Names(), name) {
			e, err := new(choice).read(wErr, name)
			if err != nil {
				return err
			}
			all[name] = given{e, name}
		}
	}
	return nil
}

// identify finds the files of the experiments that are not given, adds them, and says where trials are not what they ask for.
func identify(wErr io.Writer, s *report.Source, names []string, all map[string]given, judged []report.Verdicts) error {
	if err := addShipped(wErr, names, all); err != nil {
		return err
	}
	for _, name := range names {
		one := report.Experiment{Name: name}
		for _, v := range judged {
			if v.Experiment == name {
				one.Question, one.Notes = v.Question, v.Notes
			}
		}
		if e, ok := all[name]; ok {
			e.Settle(s.Set)
			one.File, one.Question, one.Notes, one.Baseline, one.Converged = quoted([]string{e.file}), e.Question, e.Remarks, e.Baseline, e.Converged
			trials, strayed, settings, missing := e.Strayed(s.Set)
			s.Notes = append(s.Notes, report.Strayed(name, trials, strayed, settings, missing)...)
		}
		s.Experiments = append(s.Experiments, one)
	}
	return nil
}
