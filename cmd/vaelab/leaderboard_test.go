package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/report"
)

// A leaderTask is a task of the benchmark whose rows are published.
type leaderTask struct{ Name, Question, Verdicts string }

// leaderColumns are those of a ranking's table that the page has.
var leaderColumns = []string{"method", "reach", "Δ NLL", "Δ gap", "MI/KL", "density gap", "CPU s", "state"}

// protocolRates are the rates of a task in the protocol's table of tasks.
var protocolRates = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|[^|]*\\| [0-9]+ \\| ([0-9., ]+) \\|")

// TestLeaderboard: docs/leaderboard.md is what the rows in results/published/benchmark say, task by task, at the rates of the
// protocol and against the baseline of the claims. -update writes it anew.
func TestLeaderboard(t *testing.T) {
	var head struct {
		Tasks   []leaderTask
		Remarks []string
		Command string
	}
	var page report.Report
	protocol := map[string]string{}
	for _, m := range protocolRates.FindAllStringSubmatch(read(t, filepath.Join(root, "experiments/benchmark/README.md")), -1) {
		protocol[m[1]] = m[2]
	}
	for _, name := range experiments.Names() {
		folder := path.Join("results/published/benchmark", name)
		dir := filepath.Join(root, filepath.FromSlash(folder))
		if _, err := os.Stat(filepath.Join(dir, record.ArchiveFile)); err != nil {
			continue // another experiment, or one that has not been run
		}
		e, err := new(choice).read(io.Discard, name)
		if err != nil {
			t.Fatal(err)
		}
		if protocol[name] == "" {
			continue // it is no task
		}
		rates, err := ratesOf(strings.Split(protocol[name], ","))
		if err != nil {
			t.Fatal(err)
		}
		baseline := baselineOf(t, e.Claims, rates)
		if head.Command == "" {
			head.Command = fmt.Sprintf("vaelab rank %s --at %g --baseline %s", folder, rates[0], baseline)
		}
		task := leaderTask{Name: name, Question: e.Question}
		var refuted []string
		if task.Verdicts, refuted = verdictsIn(t, dir); name == "t0-linear" { // the protocol wants a remark on the other tasks
			head.Remarks = refuted
		}
		head.Tasks = append(head.Tasks, task)
		set, err := load(io.Discard, []string{dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := settleGiven(io.Discard, set, nil); err != nil {
			t.Fatal(err)
		}
		all, err := report.Rank(set, rates, baseline)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			page.Sections = append(page.Sections, report.Section{Title: fmt.Sprintf("%s at %g nats", name, r.Rate), Tables: []report.Table{columnsOf(r.Table(), leaderColumns)}})
		}
	}
	if len(head.Tasks) == 0 {
		t.Fatal("no task of the benchmark is published")
	}
	var text strings.Builder
	if err := template.Must(template.ParseFiles("testdata/leaderboard.md.tmpl")).Execute(&text, head); err != nil {
		t.Fatal(err)
	}
	tables, err := page.Markdown()
	if err != nil {
		t.Fatal(err)
	}
	text.WriteString(string(tables[strings.Index(string(tables), "\n## "):]))
	file := filepath.Join(root, "docs/leaderboard.md")
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if read(t, file) != text.String() {
		t.Error("docs/leaderboard.md is not what results/published/benchmark says; run make leaderboard")
	}
}

// baselineOf is the variant with which all claims compare methods at equal rates.
func baselineOf(t *testing.T, said []claims.Claim, rates []float64) (baseline string) {
	t.Helper()
	for _, c := range said {
		m, ok := c.Kind.(claims.Matched)
		if !ok {
			continue
		}
		if than := m.Than["variant"]; !slices.Contains(rates, m.Rate) || baseline != "" && baseline != than {
			t.Errorf("%s: at %g nats against %s; the protocol has the rates %v, other claims %s", c.Say, m.Rate, than, rates, baseline)
		}
		baseline = m.Than["variant"]
	}
	return baseline
}

// verdictsIn counts the verdicts in a folder, "37, 1, 7", and lists the claims that do not hold.
func verdictsIn(t *testing.T, dir string) (counts string, refuted []string) {
	t.Helper()
	judged, err := report.ReadVerdicts(dir)
	if err != nil || len(judged) != 1 {
		t.Fatalf("%s: %d verdicts.json, %v", dir, len(judged), err)
	}
	n := map[string]int{}
	for _, v := range judged[0].Claims {
		if n[v.Outcome]++; v.Outcome == string(claims.Refuted) {
			refuted = append(refuted, v.Say)
		}
	}
	return fmt.Sprintf("%d, %d, %d", n[string(claims.Holds)], n[string(claims.Refuted)], n[string(claims.Undecided)]), refuted
}

// columnsOf is a table with these of its columns only; it may lack some of them.
func columnsOf(t report.Table, names []string) report.Table {
	keep := func(row []report.Cell) (kept []report.Cell) {
		for i, c := range row {
			if slices.Contains(names, t.Header[i]) {
				kept = append(kept, c)
			}
		}
		return kept
	}
	for i, row := range t.Rows {
		t.Rows[i] = keep(row)
	}
	t.Header = slices.DeleteFunc(slices.Clone(t.Header), func(h string) bool { return !slices.Contains(names, h) })
	return t
}
