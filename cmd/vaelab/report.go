package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/report"
	"vaelab/internal/sweep"
	"vaelab/plots"
)

func reportCommand() *cobra.Command {
	var out string
	var files, figures []string
	var rows, anyRevision bool
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Write a report of trials as HTML, Markdown and LaTeX",
		Long: `Write a report of the trials so far as HTML, Markdown and LaTeX, with the same content: the
question, the claims and their verdicts if vaelab verify has judged them, tables with 95 % CIs and
paired tests, every figure that the rows allow, settings, warnings, provenance, and the command
for each part. DIR is a results folder or that of an experiment. Nothing is trained.

report.html needs no other file. report.md and report.tex show the PNG files beside them; each
figure also has a CSV with the same numbers. The question and the commands are those of the shipped
experiment of the same name, or of the experiment given with --experiment.

With --rows the folder of the report can be published. It also gets the verdicts and ` + record.ArchiveFile + `
with every row of every trial, at the precision of the training. report, plot, export and
verify --no-train read such a folder like one with trials. Every trial must name the revision of
the program that trained it, without uncommitted changes, so that others can build the same
program. The flag --unknown-revision also publishes trials that do not.`,
		Example: "  vaelab report results/kl-vanishing\n  vaelab report results/my --experiment my.yaml --out paper\n  vaelab report results/my --out published/my --rows --figure kl-curve,sweep",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			dir, w, wErr := dirs[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
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
			if err := traceable(set); rows && !anyRevision && err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			names := experimentsOf(set)
			all, err := readGiven(wErr, set, files, names)
			if err != nil {
				return err
			}
			if figures == nil {
				figures = plots.Figures.Names()
			}
			for _, name := range figures {
				if _, err := plots.Figures.Get(name); err != nil {
					return usageError{err}
				}
			}
			folder := folderFor(dir, names)
			s := report.Source{Set: set, Version: version(), Folder: quoted([]string{folder})}
			judged, err := verdicts(dir)
			if err != nil {
				return err
			}
			for _, v := range judged {
				s.Verdicts = append(s.Verdicts, v.Claims...)
			}
			if err := identify(wErr, &s, names, all, judged); err != nil {
				return err
			}
			if err := writable(out); err != nil {
				return err
			}
			if rows {
				if s.Set, err = publish(set, dir, out); err != nil {
					return err
				}
				folder = folderFor(out, names)
				s.Folder = quoted([]string{folder})
			}
			for _, list := range [][]error{s.Set.Warnings, s.Set.Damage} { // name the folder as the commands do
				for i, err := range list {
					list[i] = errors.New(moved(err.Error(), dir, folder))
				}
			}
			if err := drawAll(wErr, &s, out, figures); err != nil {
				return err
			}
			return errors.Join(writeReport(w, report.New(s), out), damaged(set))
		},
	}
	figureFlag(cmd, &figures)
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`folder` for the report and its figures (default DIR)")
	f.BoolVar(&rows, "rows", false, "also write every row of the trials, so that others can redraw the figures and judge the claims again")
	f.BoolVar(&anyRevision, "unknown-revision", false, "with --rows, also publish trials of a program whose revision is unknown or modified")
	f.StringArrayVar(&files, "experiment", nil, "the `experiment` that the trials are of, as vaelab run took it: a YAML file or a shipped name; may be repeated")
	return cmd
}

// same tells whether two names are of one folder; the second need not exist.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// traceable returns an error if the program that ran some of the trials cannot be built again.
func traceable(set *record.Set) error {
	unknown, modified := report.Untraceable(set)
	trials := count(len(set.Runs), "trial")
	var why []string
	if unknown > 0 {
		why = append(why, fmt.Sprintf("%d of %s do not name the revision of the program", unknown, trials))
	}
	if modified > 0 {
		why = append(why, fmt.Sprintf("%d of %s ran a program with uncommitted changes", modified, trials))
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("%s, so nobody can build the same program and check the rows; commit, run make build, delete these trials and "+
		"train them again, or give --unknown-revision to publish them as they are", strings.Join(why, "; "))
}

// moved is a text in which every path that begins with a folder begins with another one.
func moved(text, from, to string) string {
	begin := regexp.MustCompile(`(^|\s)` + regexp.QuoteMeta(filepath.Clean(from)) + `([/\\:;,\s]|$)`)
	return begin.ReplaceAllString(text, "${1}"+strings.ReplaceAll(to, "$", "$$")+"${2}")
}

// withoutFolders returns the set with the files that trials read named without their folders, which are of
// one machine; the digest says what was in them. Different files of one name keep their folders, by which figures and
// tables tell them apart; equal ones have one path already (sweep.Complete).
func withoutFolders(set *record.Set) *record.Set {
	full := map[string]string{} // by name
	for _, r := range set.Runs {
		for _, file := range r.Config {
			if !filepath.IsAbs(file) {
				continue
			}
			if name := filepath.Base(file); full[name] == "" {
				full[name] = file
			} else if full[name] != file {
				full[name] = "several"
			}
		}
	}
	out := &record.Set{Runs: slices.Clone(set.Runs), Warnings: set.Warnings, Damage: set.Damage}
	for i, r := range out.Runs {
		out.Runs[i].Config = maps.Clone(r.Config)
		for key, file := range r.Config {
			if name := filepath.Base(file); filepath.IsAbs(file) && full[name] == file {
				out.Runs[i].Config[key] = name
			}
		}
	}
	return out
}

// publish writes the trials' rows and the verdicts of a results folder into another, and returns the
// set as it will be read from there.
func publish(set *record.Set, dir, out string) (*record.Set, error) {
	set = withoutFolders(record.Rounded(set))
	text, err := record.Archive(set)
	if err != nil {
		return nil, err
	}
	if err := record.WriteFileAtomic(filepath.Join(out, record.ArchiveFile), text); err != nil {
		return nil, err
	}
	judged, err := verdictFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range judged {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return nil, err
		}
		if err := record.WriteFileAtomic(to, text); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// experimentsOf are the names of a set's experiments, in alphabetical order.
func experimentsOf(set *record.Set) []string {
	names := map[string]bool{}
	for _, r := range set.Runs {
		names[r.Experiment] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// folderFor is the folder as the report's commands name it: as given if it is below the
// working folder, else where results lie by default, because no other machine has this one's
// folders.
func folderFor(dir string, names []string) string {
	switch {
	case filepath.IsLocal(dir):
		return path.Clean(filepath.ToSlash(dir))
	case len(names) == 1:
		return "results/" + names[0]
	}
	return "results"
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
			former := asksFor(e, set)
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

// asksFor are the names of experiments some of whose trials an experiment asks for.
func asksFor(e *sweep.Experiment, set *record.Set) (names []string) {
	asked := map[string]bool{}
	for _, t := range e.Trials {
		asked[sweep.Settings(t.Config)] = true
	}
	for _, r := range set.Runs {
		if asked[sweep.Settings(r.Config)] && !slices.Contains(names, r.Experiment) {
			names = append(names, r.Experiment)
		}
	}
	return names
}

// identify finds the files of the experiments that are not given, adds them, and says where trials are not what they ask for.
func identify(wErr io.Writer, s *report.Source, names []string, all map[string]given, judged []report.Verdicts) error {
	for _, name := range names {
		if _, ok := all[name]; !ok && slices.Contains(shipped(), name) {
			e, err := new(choice).read(wErr, name)
			if err != nil {
				return err
			}
			all[name] = given{e, name}
		}
		one := report.Experiment{Name: name}
		for _, v := range judged {
			if v.Experiment == name {
				one.Question = v.Question
			}
		}
		if e, ok := all[name]; ok {
			one.File, one.Question, one.Baseline, one.Converged = quoted([]string{e.file}), e.Question, e.Baseline, e.Converged
			s.Notes = append(s.Notes, strayed(e.Experiment, s.Set)...)
		}
		s.Experiments = append(s.Experiments, one)
	}
	return nil
}

// strayed says how many trials have settings that the experiment's file does not ask for, and how
// many settings that it asks for have no trial.
func strayed(e *sweep.Experiment, set *record.Set) (notes []string) {
	asked := map[string]bool{} // settings -> there is a trial
	for _, t := range e.Trials {
		asked[sweep.Settings(t.Config)] = false
	}
	other, all := 0, 0
	for _, r := range set.Runs {
		if r.Experiment != e.Name {
			continue
		}
		all++
		key := sweep.Settings(r.Config)
		if _, ok := asked[key]; !ok {
			other++
			continue
		}
		asked[key] = true
	}
	missing := 0
	for _, there := range asked {
		if !there {
			missing++
		}
	}
	if other > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s of %s have settings that its file does not have (because of --set, or another version of the file or of the program); the commands below do not train them.", other, count(all, "trial"), e.Name))
	}
	if missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s in the file of %s have no trial here.", missing, count(len(asked), "setting"), e.Name))
	}
	return notes
}

// verdictFiles are what vaelab verify has left in the folder or in those of its experiments, each once: one that is
// reached by a link as well has its own path.
func verdictFiles(dir string) (files []string, err error) {
	at := map[string]int{} // path without links -> number in files
	for _, pattern := range []string{verdictsFile, "*/" + verdictsFile} {
		found, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			path := filepath.Join(dir, filepath.FromSlash(name))
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				return nil, err
			}
			i, twice := at[real]
			switch {
			case !twice:
				at[real] = len(files)
				files = append(files, path)
			case filepath.Base(filepath.Dir(path)) == filepath.Base(filepath.Dir(real)):
				files[i] = path
			}
		}
	}
	return files, nil
}

// verdicts reads the verdictFiles.
func verdicts(dir string) (all []report.Verdicts, err error) {
	files, err := verdictFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		var v report.Verdicts
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; vaelab verify writes it again", file, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// drawAll draws those of the figures that the rows allow, side by side, and saves them beside the report.
func drawAll(wErr io.Writer, s *report.Source, out string, names []string) error {
	drawn, refused, failed := make([]report.Figure, len(names)), make([]error, len(names)), make([]error, len(names))
	next := make(chan int)
	var pool sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		pool.Go(func() {
			for i := range next {
				drawn[i], refused[i], failed[i] = drawOne(s, out, names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	pool.Wait()
	for i := range names {
		switch {
		case failed[i] != nil:
			return failed[i]
		case refused[i] != nil:
			fmt.Fprintf(wErr, "left out: %s\n", visible(refused[i].Error()))
			s.LeftOut = append(s.LeftOut, refused[i].Error()+".")
		default:
			s.Figures = append(s.Figures, drawn[i])
		}
	}
	return nil
}

// drawOne draws and saves one figure; refused is what the rows lack.
func drawOne(s *report.Source, out, name string) (f report.Figure, refused, failed error) {
	d, refused, failed := saveFigure(s.Set, out, name)
	if refused != nil || failed != nil {
		return f, refused, failed
	}
	picture, err := d.PNG()
	return report.Figure{Name: name, Doc: shows(name), Caption: d.Caption, PNG: picture,
		Command: fmt.Sprintf("vaelab plot %s --figure %s", s.Folder, name)}, nil, err
}

// shows is a figure's doc comment as a sentence about the figure: without its Go name.
func shows(name string) string {
	_, text, _ := strings.Cut(plots.Figures.Doc(name), " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// writeReport writes the three forms, in which nothing steers the terminal of someone who prints them there.
func writeReport(w io.Writer, r *report.Report, out string) error {
	for _, form := range []struct {
		name  string
		bytes func() ([]byte, error)
	}{{"report.html", r.HTML}, {"report.md", r.Markdown}, {"report.tex", r.LaTeX}} {
		text, err := form.bytes()
		if err != nil {
			return err
		}
		file := filepath.Join(out, form.name)
		if err := record.WriteFileAtomic(file, []byte(escaped(string(text), "\n\t"))); err != nil {
			return err
		}
		fmt.Fprintln(w, file)
	}
	return nil
}
