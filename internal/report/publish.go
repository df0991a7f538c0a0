package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"vaelab/internal/record"
	"vaelab/plots"
)

// A Publication is a report with what lies beside it in its folder: figures, and the rows if they are published.
type Publication struct {
	Source // Write fills in its Figures and LeftOut

	Dir    string                   // the folder that the trials are of
	Named  string                   // that folder, or the report's if the rows are written, as the report's commands name it
	Out    string                   // the folder of the report
	Rows   bool                     // every row of every trial is written, too
	Names  []string                 // of the figures
	Output plots.Output             // of their files beside the report
	Clean  func(text string) string // what the report's files pass through, so that nothing in them steers a terminal
}

// Write writes the report and what belongs beside it, and returns the paths of the report's three forms. LeftOut then
// says which figures the rows do not allow.
func (p *Publication) Write() (files []string, err error) {
	if p.Rows {
		if p.Set, err = publish(p.Set, p.Dir, p.Out); err != nil {
			return nil, err
		}
	}
	for _, list := range [][]error{p.Set.Warnings, p.Set.Damage} { // name the folder as the commands do
		for i, err := range list {
			list[i] = errors.New(moved(err.Error(), p.Dir, p.Named))
		}
	}
	if err := p.drawAll(&record.Set{Runs: p.Set.Runs, Knobs: p.Set.Knobs, Flat: p.Set.Flat, Compared: p.Set.Compared}); err != nil { // the page has the warnings once
		return nil, err
	}
	r := New(p.Source)
	if err := p.Set.Err(); err != nil {
		return nil, err
	}
	for _, form := range []struct {
		name  string
		bytes func() ([]byte, error)
	}{{"report.html", r.HTML}, {"report.md", r.Markdown}, {"report.tex", r.LaTeX}} {
		text, err := form.bytes()
		if err != nil {
			return files, err
		}
		file := filepath.Join(p.Out, form.name)
		if err := record.WriteFileAtomic(file, []byte(p.Clean(string(text)))); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

// drawAll draws those of the figures that the rows of a set allow, side by side, and saves them beside the report.
func (p *Publication) drawAll(set *record.Set) error {
	drawn, refused, failed := make([]Figure, len(p.Names)), make([]error, len(p.Names)), make([]error, len(p.Names))
	next := make(chan int)
	var pool sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		pool.Go(func() {
			for i := range next {
				drawn[i], refused[i], failed[i] = p.drawOne(set, p.Names[i])
			}
		})
	}
	for i := range p.Names {
		next <- i
	}
	close(next)
	pool.Wait()
	for i := range p.Names {
		switch {
		case failed[i] != nil:
			return failed[i]
		case refused[i] != nil:
			p.LeftOut = append(p.LeftOut, refused[i].Error()+".")
		default:
			p.Figures = append(p.Figures, drawn[i])
		}
	}
	return nil
}

// drawOne draws and saves one figure; refused is what the rows lack.
func (p *Publication) drawOne(set *record.Set, name string) (f Figure, refused, failed error) {
	var err error
	d, refused, failed := plots.Save(set, p.Out, name, p.Output)
	if refused != nil || failed != nil {
		return f, refused, failed
	}
	f = Figure{Name: name, Doc: shows(name), Finding: d.Finding, Caption: d.Caption, Formats: p.Output.Formats, Bare: p.Output.NoCaption, Inches: d.Inches(),
		Command: fmt.Sprintf("vaelab plot %s --figure %s", p.Folder, name)}
	d = d.As(plots.Layout{NoCaption: true}) // the page has it as text
	if f.SVG, err = d.SVG(); err != nil {
		return f, nil, err
	}
	if _, err := inlineSVG(f.SVG, name); err != nil || len(f.SVG) > largestSVG {
		f.SVG = nil
		f.PNG, err = d.PNG()
		return f, nil, err
	}
	return f, nil, nil
}

// shows is a figure's doc comment as a sentence about the figure: without its Go name.
func shows(name string) string {
	_, text, _ := strings.Cut(plots.Figures.Doc(name), " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// publish writes the trials' rows and the verdicts of a results folder into another, and returns the
// set as it will be read from there. It rounds the numbers of the set itself, too.
func publish(set *record.Set, dir, out string) (*record.Set, error) {
	set = withoutFolders(set)
	if err := record.WriteFile(filepath.Join(out, record.ArchiveFile), func(w io.Writer) error { return record.WriteArchive(w, set) }); err != nil {
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
	out := &record.Set{Runs: slices.Clone(set.Runs), Warnings: set.Warnings, Damage: set.Damage, Knobs: set.Knobs, Flat: set.Flat, Compared: set.Compared}
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

// moved is a text in which every path that begins with a folder begins with another one.
func moved(text, from, to string) string {
	begin := regexp.MustCompile(`(^|\s)` + regexp.QuoteMeta(filepath.Clean(from)) + `([/\\:;,\s]|$)`)
	return begin.ReplaceAllString(text, "${1}"+strings.ReplaceAll(to, "$", "$$")+"${2}")
}

// Traceable returns an error if the program that ran some of the trials cannot be built again.
func Traceable(set *record.Set) error {
	unknown, modified := Untraceable(set)
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

// ExperimentNames are the names of a set's experiments, in alphabetical order.
func ExperimentNames(set *record.Set) []string {
	names := map[string]bool{}
	for _, r := range set.Runs {
		names[r.Experiment] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// FolderFor is the folder as the report's commands name it: as given if it is below the
// working folder, else where results lie by default, because no other machine has this one's
// folders.
func FolderFor(dir string, names []string) string {
	switch {
	case filepath.IsLocal(dir):
		return path.Clean(filepath.ToSlash(dir))
	case len(names) == 1:
		return "results/" + names[0]
	}
	return "results"
}

// Strayed says how many of an experiment's trials have settings that its file does not have, and how many settings
// of the file have no trial.
func Strayed(name string, trials, strayed, settings, missing int) (notes []string) {
	if strayed > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s of %s have settings that its file does not have (because of --set, or another version of the file or of the program); the commands of this report do not train them.", strayed, count(trials, "trial"), name))
	}
	if missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s in the file of %s have no trial here.", missing, count(settings, "setting"), name))
	}
	return notes
}
