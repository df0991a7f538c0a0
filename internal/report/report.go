package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// A Source is what a report is made of.
type Source struct {
	Set         *record.Set
	Experiments []Experiment // of the set's trials
	Verdicts    []Verdict    // none if the claims have not been judged
	Figures     []Figure     // those that the rows allow
	LeftOut     []string     // why other figures are not there
	Notes       []string     // doubts from outside of the set
	Folder      string       // the results folder as a shell reads it: "results/kl-vanishing"
	Version     string       // of the program that writes the report
}

// An Experiment is what is known of an experiment beside its trials.
type Experiment struct {
	Name     string
	Question string // "" if its file is not known
	Notes    string // of its file; paragraphs with empty lines between
	File     string // what to give to vaelab run, as a shell reads it; "" if it is not known

	// Baseline selects what the others are compared with; nil leaves it to baselines.
	Baseline claims.Selection

	// Converged says when a trial counts as converged; the zero value is converge.Default.
	Converged converge.Settings
}

// A Figure is a drawing as a report shows it.
type Figure struct {
	Name    string   // "kl-curve"; the picture lies in the files kl-curve.png and so on beside the report
	Doc     string   // what it shows, one line
	Finding string   // the first sentence of the caption, with a number of these data; "" if there is none
	Caption string   // as it stands below the picture, too
	SVG     []byte   // of the page, without the caption
	PNG     []byte   // instead of an SVG that is too large
	Formats []string // of the files; nil if there is a PNG
	Bare    bool     // the files have no caption
	Inches  float64  // width of the files
	Command string   // that draws it
}

// Alt is what a screen reader says of the picture: the finding or, without one, the caption.
func (f Figure) Alt() string { return cmp.Or(f.Finding, f.Caption) }

// Reading is the caption without the finding: how to read the figure.
func (f Figure) Reading() string { return strings.TrimSpace(strings.TrimPrefix(f.Caption, f.Finding)) }

// File is the picture's file for a page that takes files of these formats, the best first; "" if there is none.
func (f Figure) File(formats ...string) string {
	for _, format := range formats {
		if slices.Contains(f.Formats, format) || f.Formats == nil && format == "png" {
			return f.Name + "." + format
		}
	}
	return ""
}

// A Report is a title and sections.
type Report struct {
	Title    string
	Lead     []string // questions
	Answers  []string // one for each experiment of which something has been measured
	Status   string   // what trials there are
	Notes    []string // of the experiments
	Sections []Section
}

// A Section is text, tables, figures and a list under a heading, in this order.
type Section struct {
	Title   string
	Text    []string // paragraphs
	Tables  []Table
	Figures []Figure
	List    []string // items
	Command string   // that makes it again; lines for a shell
}

// ID is the section's anchor.
func (s Section) ID() string { return strings.ReplaceAll(strings.ToLower(s.Title), " ", "-") }

// A Table has a header and rows of as many cells.
type Table struct {
	Name    string // in kebab-case, by which a command asks for it: "results"; no other table of a report has it
	Caption string
	Header  []string
	Rows    [][]Cell
	Left    int      // so many columns hold text, the others numbers
	Words   bool     // the last column holds text, too
	Head    int      // the column that says what a row is about
	Folded  bool     // pages that can show it on demand
	Notes   []string // sentences below it
}

// Label is the caption or, without one, the name.
func (t Table) Label() string { return cmp.Or(t.Caption, t.Name) }

// A Cell is one entry of a table.
type Cell struct {
	Text string
	Mark string // of a number that is compared with a baseline: "*", "~" or none
	Kind string // of a verdict, for its colour: "holds", "does not hold", "undecided"
}

// String is the cell as the pages print it.
func (c Cell) String() string {
	if c.Mark == "" {
		return c.Text
	}
	return c.Text + fixed + c.Mark
}

// New arranges a report. Sections without content are left out.
func New(s Source) *Report {
	groups := s.Set.Groups()
	r := &Report{Title: title(s.Experiments)}
	for _, e := range s.Experiments {
		of := ""
		if len(s.Experiments) > 1 {
			of = e.Name + ": "
		}
		if e.Question != "" {
			r.Lead = append(r.Lead, of+e.Question)
		}
		for i, paragraph := range paragraphs(e.Notes) {
			if i == 0 {
				paragraph = of + "Notes: " + paragraph
			}
			r.Notes = append(r.Notes, paragraph)
		}
	}
	r.Answers, r.Status = answers(s, groups), status(s.Set, groups)
	for _, section := range []Section{
		judged(s), results(s, groups), convergence(s, groups), figures(s), further(s, groups), settings(s, groups), warnings(s, groups), provenance(s),
	} {
		if len(section.Text)+len(section.List)+len(section.Tables)+len(section.Figures) > 0 {
			r.Sections = append(r.Sections, section)
		}
	}
	return r
}

// paragraphs are the parts of a text between empty lines, each on one line.
func paragraphs(text string) (all []string) {
	var words []string
	for line := range strings.Lines(text + "\n\n") {
		if fields := strings.Fields(line); len(fields) > 0 {
			words = append(words, fields...)
		} else if len(words) > 0 {
			all, words = append(all, strings.Join(words, " ")), nil
		}
	}
	return all
}

// title is the experiments' names.
func title(experiments []Experiment) string {
	var names []string
	for _, e := range experiments {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}

// status says how many trials there are, and how they stand.
func status(set *record.Set, groups []record.Group) string {
	n := map[record.State]int{}
	for _, r := range set.Runs {
		n[r.State]++
	}
	text := fmt.Sprintf("%s of %s: %d done", count(len(set.Runs), "trial"), count(len(groups), "setting"), n[record.Done])
	if n[record.Unfinished] > 0 {
		text += fmt.Sprintf(", %d unfinished", n[record.Unfinished])
	}
	for _, s := range []record.State{record.Failed, record.Damaged} {
		if n[s] > 0 {
			text += fmt.Sprintf(", %d %v", n[s], s)
		}
	}
	if n[record.Done] < len(set.Runs) {
		text += " (see Warnings)"
	}
	return text + "."
}

// count is "1 trial", "2 trials".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// figures is the section of all figures.
func figures(s Source) Section {
	section := Section{Title: "Figures", Figures: s.Figures}
	for _, why := range s.LeftOut {
		section.List = append(section.List, "Left out: "+why)
	}
	return section
}

// again is the commands that train the trials.
func again(s Source) string {
	var lines []string
	for _, e := range s.Experiments {
		if e.File == "" {
			continue
		}
		var seeds []int
		for _, r := range s.Set.Runs {
			if r.Experiment == e.Name {
				seeds = append(seeds, r.Seed)
			}
		}
		lines = append(lines, "vaelab run "+e.File+" --seeds "+seedList(seeds))
	}
	return strings.Join(lines, "\n")
}

// seedList is seeds as the flag --seeds takes them: a count if they are 1 to n, else a list.
func seedList(seeds []int) string {
	seeds = slices.Clone(seeds)
	slices.Sort(seeds)
	seeds = slices.Compact(seeds)
	n := len(seeds)
	if n > 0 && seeds[0] == 1 && seeds[n-1] == n {
		return strconv.Itoa(n)
	}
	var list []string
	for _, s := range seeds {
		list = append(list, strconv.Itoa(s))
	}
	text := strings.Join(list, ",")
	if n == 1 {
		text += "," // a single number would be a count
	}
	return text
}

// sorted returns the keys of a map in order.
func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// plain returns cells of text.
func plain(texts ...string) (cells []Cell) {
	for _, t := range texts {
		cells = append(cells, Cell{Text: t})
	}
	return cells
}
