package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/report"
)

// screen is as many columns as a table may be wide.
const screen = 120

// printTable prints the summary of a set of trials, and what is doubtful about them.
func printTable(w io.Writer, set *record.Set, experiments ...report.Experiment) error {
	t := report.Summary(set, experiments...)
	if len(t.Rows) == 0 {
		fmt.Fprintln(w, "no trial has been evaluated yet")
		return printFailed(w, set)
	}
	fmt.Fprintln(w, fold(visible(t.Caption)))
	fmt.Fprint(w, aligned(t))
	fmt.Fprintln(w)
	for _, note := range t.Notes {
		fmt.Fprintln(w, item(visible(note)))
	}
	for _, line := range claims.Entangled(set) {
		fmt.Fprintln(w, item("note: "+visible(line)))
	}
	if err := printDoubts(w, set); err != nil {
		return err
	}
	return printFailed(w, set)
}

// printDoubts names the groups whose trials do what neither their method nor the means let expect, those
// that do the same in one line.
func printDoubts(w io.Writer, set *record.Set) error {
	var order []string
	groups := map[string][]string{} // by the doubt
	for _, g := range set.Groups() {
		for _, doubt := range report.Doubts(g) {
			if groups[doubt] == nil {
				order = append(order, doubt)
			}
			groups[doubt] = append(groups[doubt], g.Label)
		}
	}
	for _, doubt := range order {
		if _, err := fmt.Fprintln(w, item(fmt.Sprintf("note: %s: %s.", visible(strings.Join(groups[doubt], ", ")), visible(doubt)))); err != nil {
			return err
		}
	}
	return nil
}

func printFailed(w io.Writer, set *record.Set) error {
	for _, r := range set.Runs {
		if r.State != record.Failed && r.State != record.Damaged {
			continue
		}
		if _, err := fmt.Fprintf(w, "%v: %s: %s\n", r.State, r.ID, r.Reason); err != nil {
			return err
		}
	}
	return nil
}

// aligned is a table as lines of text. The columns that would make them longer than a screen is wide
// follow below, with the labels again.
func aligned(t report.Table) string {
	lines := append([][]string{t.Header}, signed(t)...)
	width := make([]int, len(t.Header))
	for i := range width {
		for _, line := range lines {
			width[i] = max(width[i], gutter+utf8.RuneCountInString(line[i]))
		}
	}
	var text strings.Builder
	for from := t.Left; from < len(width); {
		to, total := from, 0
		for _, w := range width[:t.Left] {
			total += w
		}
		for to < len(width) && (to == from || total+width[to] <= screen) {
			total += width[to]
			to++
		}
		for _, cells := range lines {
			line := ""
			for i, cell := range cells {
				switch {
				case i >= t.Left && (i < from || i >= to):
				case t.Words && i == len(width)-1:
					line += strings.Repeat(" ", gutter) + cell
				default:
					line += fmt.Sprintf("%*s", width[i], cell)
				}
			}
			fmt.Fprintln(&text, strings.TrimRight(line, " "))
		}
		from = to
	}
	return text.String()
}

// gutter is the room between two columns.
const gutter = 2

// signed are the cells' texts. A mark after a number has a column of its own: where others of the
// table's column have one, a space stands for it. Intervals, whose rows have no label, may reach below it.
func signed(t report.Table) (lines [][]string) {
	marked := make([]bool, len(t.Header))
	for _, row := range t.Rows {
		for i, c := range row {
			marked[i] = marked[i] || c.Mark != ""
		}
	}
	for _, row := range t.Rows {
		var line []string
		for i, c := range row {
			if marked[i] && row[0].Text != "" && c.Mark == "" {
				c.Mark = " "
			}
			line = append(line, visible(c.Text)+c.Mark)
		}
		lines = append(lines, line)
	}
	return lines
}

// item is a note below a table: a dash, and its lines below each other.
func item(text string) string {
	return "- " + strings.ReplaceAll(foldAt(text, screen-2), "\n", "\n  ")
}

// fold breaks a text into lines of a screen's width.
func fold(text string) string { return foldAt(text, screen) }

// foldAt breaks a text into lines of a width, in characters.
func foldAt(text string, width int) string {
	var folded strings.Builder
	n := 0
	for i, word := range strings.Split(text, " ") {
		size := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case n+1+size > width:
			folded.WriteString("\n")
			n = 0
		default:
			folded.WriteString(" ")
			n++
		}
		folded.WriteString(word)
		n += size
	}
	return folded.String()
}
