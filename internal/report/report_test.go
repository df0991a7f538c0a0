package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/record"
)

// run is a finished trial with one row on the test split.
func run(variant string, seed int, values map[string]float64, settings ...string) record.Run {
	config := map[string]string{"train.lr": "0.001"}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		config[k] = v
	}
	return record.Run{State: record.Done,
		Trial: record.Trial{Experiment: "x", ID: fmt.Sprintf("%s-1/seed-%d", variant, seed), Variant: variant, Seed: seed, Config: config, Data: "d1"},
		Rows:  record.Entries(record.Row{Step: 10, Split: "test", Values: values})}
}

// pairs are n seeds of vanilla, whose KL is the seed, and of each other variant, whose KL is
// that plus its shift and a little that differs between seeds.
func pairs(n int, shifts map[string]float64) *record.Set {
	set := &record.Set{}
	for seed := 1; seed <= n; seed++ {
		set.Runs = append(set.Runs, run("vanilla", seed, map[string]float64{"kl": float64(seed), "nelbo": 100}))
		for _, name := range sorted(shifts) {
			set.Runs = append(set.Runs, run(name, seed, map[string]float64{"kl": float64(seed) + shifts[name] + 0.01*float64(seed%3), "nelbo": 100}))
		}
	}
	return set
}

// section returns a section of the report of a source.
func section(t *testing.T, s Source, title string) Section {
	t.Helper()
	for _, section := range New(s).Sections {
		if section.Title == title {
			return section
		}
	}
	t.Fatalf("no section %s", title)
	return Section{}
}

// named returns the table of a name.
func named(t *testing.T, tables []Table, name string) Table {
	t.Helper()
	for _, table := range tables {
		if table.Name == name {
			return table
		}
	}
	t.Fatalf("no table %s", name)
	return Table{}
}

// free makes ordinary spaces of those at which no line ends.
func free(text string) string { return strings.ReplaceAll(text, fixed, " ") }

// The marks are those of the interval, whatever the number of groups: Holm's p-values, 2/64 times two here, would show
// nothing.
func TestMeanTable(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		shifts map[string]float64
		want   map[string]string // group -> KL
		note   string
	}{
		// 1 ... 6: mean 3.5, s = 1.8708, t(5) = 2.5706.
		{"shown", 6, map[string]float64{"bn": 2}, map[string]string{"vanilla (baseline)": "3.50 ± 1.96", "bn": "5.51 ± 1.96 *"}, "The baseline is vanilla. Paired by seed"},
		{"two comparisons", 6, map[string]float64{"bn": 2, "ln": -3}, map[string]string{"bn": "5.51 ± 1.96 *", "ln": "0.51 ± 1.96 *"}, "excludes 0 (*) or contains 0 (~)"},
		// Differences 0 0.01 0.02 twice, less 0.01: on both sides of 0.
		{"not shown", 6, map[string]float64{"bn": -0.01}, map[string]string{"bn": "3.50 ± 1.96 ~"}, "contains 0 (~)"},
		{"five seeds", 5, map[string]float64{"bn": 2}, map[string]string{"bn": "5.01 ± 1.97"}, "No marks: a comparison with vanilla needs 6 finished seeds."},
		{"one seed", 1, map[string]float64{"bn": 2}, map[string]string{"vanilla (baseline)": "1.00", "bn": "3.01"}, "needs 6 finished seeds"},
	} {
		table := section(t, Source{Set: pairs(c.n, c.shifts)}, "Results").Tables[0]
		got := map[string]string{}
		for _, row := range table.Rows {
			got[row[0].Text] = free(row[2].String())
		}
		for group, want := range c.want {
			if got[group] != want {
				t.Errorf("%s: KL of %s is %q, want %q", c.name, group, got[group], want)
			}
		}
		if notes := strings.Join(table.Notes, " "); !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes do not say %q: %s", c.name, c.note, notes)
		}
	}
	// A failed trial is no smaller sample, and an unfinished one is left out.
	for state, want := range map[record.State]string{record.Failed: "", record.Damaged: "", record.Unfinished: "", record.Done: "*"} {
		set := pairs(6, map[string]float64{"bn": 2, "ln": 3})
		set.Runs[1].State = state // bn
		table := section(t, Source{Set: set}, "Results").Tables[0]
		if got := table.Rows[1][2].Mark + table.Rows[2][2].Mark; got != want+"*" {
			t.Errorf("with bn of seed 1 %v: marks %q, want %q", state, got, want+"*")
		}
		if notes := strings.Join(table.Notes, " "); strings.Contains(notes, "No mark") != (want == "") {
			t.Errorf("with bn of seed 1 %v: notes %s", state, notes)
		}
	}
}

func TestDifferenceAndMedian(t *testing.T) {
	tables := section(t, Source{Set: pairs(6, map[string]float64{"bn": 2, "ln": 3})}, "Results").Tables
	// Differences 2.01 2.02 2.00 twice.
	if got := free(tables[1].Rows[0][1].String()); got != "2.01 [2.00, 2.02] *" {
		t.Errorf("difference is %q", got)
	}
	if got := free(tables[1].Rows[0][2].String()); got != "0.00 [0.00, 0.00] ~" { // equal NELBO
		t.Errorf("difference of NELBO is %q", got)
	}
	if got := free(tables[2].Rows[0][1].String() + ", " + tables[2].Rows[0][2].String()); got != "0.062, 1" { // 2 · 2/64
		t.Errorf("p-values are %s", got)
	}
	if got := free(tables[3].Rows[0][2].String()); got != "3.50 [1.00, 6.00]" || len(tables[3].Notes) > 0 {
		t.Errorf("median is %q, notes %q", got, tables[3].Notes)
	}
	five := section(t, Source{Set: pairs(5, map[string]float64{"bn": 2})}, "Results").Tables
	if len(five) != 3 || !strings.HasPrefix(five[2].Caption, "Median") {
		t.Errorf("five seeds have %d tables; no p can count", len(five))
	}
	for _, table := range five[1:] {
		if got := strings.Join(table.Notes, ""); got != "n = 5: the CI is the range over seeds, with a confidence of 93.8 %; 95 % needs 6 seeds." {
			t.Errorf("five seeds: %q", got)
		}
	}
}

// declared is an experiment whose file declares a baseline.
func declared(settings ...string) []Experiment {
	s := claims.Selection{}
	for i := 0; i < len(settings); i += 2 {
		s[settings[i]] = settings[i+1]
	}
	return []Experiment{{Name: "x", Baseline: s}}
}

// What is compared shares everything but the variant; what shares nothing is not compared.
func TestBaselines(t *testing.T) {
	one := map[string]float64{"kl": 1}
	other := run("bn", 1, one)
	other.Data = "d2"
	for _, c := range []struct {
		name        string
		runs        []record.Run
		want        string
		factor      string
		experiments []Experiment
	}{
		{"vanilla", []record.Run{run("bn", 1, one), run("vanilla", 1, one)}, "bn~vanilla", "", nil},
		{"the first", []record.Run{run("ln", 1, one), run("bn", 1, one)}, "ln~bn", "", nil},
		{"by model", []record.Run{run("bn", 1, one, "model=a"), run("vanilla", 1, one, "model=a"), run("bn", 1, one, "model=b"), run("vanilla", 1, one, "model=b")},
			"bn model=a~vanilla model=a bn model=b~vanilla model=b", "", nil},
		{"other data", []record.Run{run("vanilla", 1, one), other, run("ln", 1, one)}, "ln~vanilla", "", nil},
		{"another setting is the factor", []record.Run{run("vanilla", 1, one, "kl.beta=1"), run("vanilla", 1, one, "kl.beta=4")}, "vanilla β=4~vanilla β=1", "kl.beta", nil},
		{"two factors", []record.Run{run("vanilla", 1, one), run("bn", 1, one, "train.lr=1", "variant.bn.gamma=2")}, "", "", nil},
		{"declared", []record.Run{run("bn", 1, one), run("vanilla", 1, one), run("ln", 1, one)}, "vanilla~bn ln~bn", "", declared("variant", "bn")},
		{"declared with its setting", []record.Run{run("vanilla", 1, one), run("bn", 1, one, "variant.bn.gamma=1"), run("bn", 1, one, "variant.bn.gamma=2")},
			"vanilla~bn γ=2 bn γ=1~bn γ=2", "", declared("variant", "bn", "variant.bn.gamma", "2")},
		{"declared, not the variant", []record.Run{run("bn", 1, one, "train.lr=1"), run("vanilla", 1, one, "train.lr=1"), run("bn", 1, one, "train.lr=2"), run("vanilla", 1, one, "train.lr=2")},
			"vanilla lr=1~vanilla lr=2 bn lr=1~bn lr=2", "", declared("train.lr", "2.0")},
		{"declared by another experiment", []record.Run{run("bn", 1, one), run("vanilla", 1, one)}, "bn~vanilla", "", []Experiment{{Name: "y", Baseline: claims.Selection{"variant": "bn"}}}},
		{"a factor, and one declared elsewhere", []record.Run{run("bn", 1, one, "kl.beta=1"), run("bn", 1, one, "kl.beta=4")}, "bn β=4~bn β=1", "kl.beta",
			[]Experiment{{Name: "y", Baseline: claims.Selection{"variant": "bn"}}}},
		{"declared, but not run", []record.Run{run("bn", 1, one), run("vanilla", 1, one)}, "", "", declared("variant", "ln")},
	} {
		groups := (&record.Set{Runs: c.runs}).Groups()
		b := baselines(groups, c.experiments)
		var got []string
		for _, i := range sorted(b.of) {
			got = append(got, groups[i].Label+"~"+groups[b.of[i]].Label)
		}
		if absent := c.name == "declared, but not run"; (len(b.missing) > 0) != absent {
			t.Errorf("%s: missing %q", c.name, b.missing)
		}
		if strings.Join(got, " ") != c.want || b.factor != c.factor {
			t.Errorf("%s: %q, factor %q; want %q, %q", c.name, got, b.factor, c.want, c.factor)
		}
	}
}

// hard is a set with all that can go wrong, and names that mean something to each form.
func hard() Source {
	set := pairs(3, map[string]float64{"bn": 1})
	set.Warnings = []error{errors.New("results/x/a_b|c:12: last line left out")}
	for i := range set.Runs {
		set.Runs[i].Manifest = record.Manifest{Version: "v1", Kernel: "avx2", OS: "linux", Arch: "amd64", Started: fmt.Sprintf("2026-01-0%dT00:00:00Z", i%3+1), Seconds: 2,
			Revision: "0a1b", CPU: "model A", CPUSeconds: 3, PeakMemory: int64(i+40) * 1e6}
	}
	set.Runs[0].Manifest.Kernel = "gonum blas32"
	set.Runs[3].Manifest.Kernel = "avx512" // gives the bytes of avx2
	set.Runs[1].Manifest.Modified, set.Runs[1].Manifest.CPU = "true", "model B"
	set.Runs[4].Manifest.Revision, set.Runs[4].Manifest.Resumed = "", true
	set.Runs[2].Manifest.Warnings = []string{"glyphs: 3 images left out"}
	set.Runs[3].Data = "d2"
	set.Runs[4].Rows = append(set.Runs[4].Rows, record.Entries(
		record.Row{Split: "train", Values: map[string]float64{"kl": 0.1, "floor": 1}},
		record.Row{Split: "test", Values: map[string]float64{"kl": math.NaN(), "odd_metric": 1e-3}})...)
	failed := run(`<b>&"evil" $x_1$ ~{\%} 漢|`, 1, nil)
	failed.State, failed.Reason, failed.Rows = record.Failed, "loss is NaN at step 3; try <less>\nand more", nil
	set.Runs = append(set.Runs, failed, record.Run{Trial: record.Trial{Experiment: "x", Variant: "empty", Seed: 9}})
	half, p := 0.5, 0.03
	return Source{
		Set: set, Folder: "results/x", Version: "v2",
		Experiments: []Experiment{{Name: "x", Question: "Does a_b < c & d hold 50 % of the time?", File: "x.yaml"}},
		Verdicts: []Verdict{{Say: "KL | stays", Source: "a & b 2020", Outcome: "holds", N: 6, What: "test kl", Wanted: "at least 1", Estimate: &half, Lo: &half, Hi: &half, Level: &half, Levels: &claims.Levels{Of: -3.602, Than: 10.61}, P: &p, Holm: &p, Test: "sign-flip test", Reason: "inside"},
			{Say: "no", Outcome: "does not hold"}, {Say: "maybe", Outcome: "undecided", Reason: "too few"}},
		Figures: []Figure{{Name: "kl-curve", Doc: "Shows KL(q(z|x) || p(z)).", Caption: `A "caption" with [γ] √ and <x>.`, PNG: []byte("\x89PNG"), Command: "vaelab plot results/x --figure kl-curve"}},
		LeftOut: []string{"theta: no trial has a theta."},
	}
}

// Summary says in its head which numbers it has, and has those of the report's tables.
func TestSummary(t *testing.T) {
	for _, c := range []struct {
		n    int
		head string
		want string // bn's KL, and what stands below it
	}{
		// 3.01 ... 8.00 as in TestMeanTable: 3.01 4.02 5.00 6.01 7.02 8.00, of which the middle is 5.505, a little less in binary.
		{6, "median over n seeds, below it its distribution-free 95 % CI", "5.50 *|3.01..8.00"},
		{5, "mean ± standard deviation over n seeds", "5.01 ±1.58|"},
		{1, "one seed per group", "3.01|"},
	} {
		table := Summary(pairs(c.n, map[string]float64{"bn": 2}))
		if !strings.Contains(table.Caption, c.head) {
			t.Errorf("%d seeds: the head is %q", c.n, table.Caption)
		}
		var got, below string
		for i, row := range table.Rows {
			if row[0].Text == "bn" {
				got = free(row[2].String())
				if i+1 < len(table.Rows) {
					below = table.Rows[i+1][2].Text
				}
			}
		}
		if got+"|"+below != c.want {
			t.Errorf("%d seeds: %q over %q, want %q", c.n, got, below, c.want)
		}
	}
	// A metric that only five of six seeds have has no interval at 95 %, and a baseline that is not there is named.
	set := pairs(6, nil)
	row := set.Runs[0].Rows[0].Row()
	delete(row.Values, "nelbo")
	set.Runs[0].Rows = record.Entries(row)
	table := Summary(set, declared("variant", "bn")...)
	if got := table.Rows[1][2].Text + " " + table.Rows[1][3].Text; got != "1.00..6.00 n=5" {
		t.Errorf("KL of 6 seeds and NELBO of 5: %q", got)
	}
	if got := table.Notes[0]; got != "The baseline that the experiment's file declares, bn, is not among these trials." {
		t.Errorf("without its baseline: %q", got)
	}
	if rows := Summary(&record.Set{Runs: []record.Run{{}}}).Rows; rows != nil {
		t.Errorf("nothing measured has rows %v", rows)
	}
}

// What differs stands with each group, what does not once.
func TestSettings(t *testing.T) {
	v := map[string]float64{"kl": 1}
	set := &record.Set{Runs: []record.Run{
		run("bn", 1, v, "data=a", "model=x", "model.x.size=5", "variant.bn.gamma=1", "train.clip=5", "train.decay.max=2"),
		run("bn", 2, v, "data=a", "model=x", "model.x.size=5", "variant.bn.gamma=1", "train.clip=5", "train.decay.max=2"),
		run("bn", 1, v, "data=a", "model=y", "model.y.depth=3", "model.y.size=9", "variant.bn.gamma=2", "train.clip=5", "train.decay.max=2")}}
	tables := section(t, Source{Set: set}, "Settings").Tables
	for i, want := range []string{
		"bn γ=1 model=x|1, 2|model=x, variant.bn.gamma=1;bn γ=2 model=y|1|model=y, variant.bn.gamma=2;",
		"general|data=a;model.x|size=5;model.y|depth=3, size=9;train|clip=5, lr=0.001;train.decay|max=2;",
	} {
		got := ""
		for _, row := range tables[i].Rows {
			for k, c := range row {
				if k > 0 {
					got += "|"
				}
				got += c.Text
			}
			got += ";"
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	table := section(t, Source{Set: pairs(2, map[string]float64{"bn": 1})}, "Settings").Tables[0]
	if got := fmt.Sprint(table.Caption, table.Header, table.Rows[1]); got != "Groups, which differ in the variant only[group seeds] [bn 1, 2]" {
		t.Errorf("without other settings: %s", got)
	}
}

func TestWarnings(t *testing.T) {
	got := strings.Join(section(t, hard(), "Warnings").List, "\n")
	for _, want := range []string{
		"Failed: <b>", "loss is NaN at step 3; try <less>", "Unfinished: empty", "eps violates the floor", "kernels that round differently: amd64  avx2 or avx512 (5), amd64  gonum blas32 (1).",
		"its trials ran with kernels that round differently: amd64",
		"The revision of the program is unknown in 3 of 8 trials", "The program had uncommitted changes in 1 of 8 trials", "different CPU models: model A (5), model B (1). Their times do not compare.",
		"different revisions: 0a1b (4), 0a1b modified (1), unknown (1). Versions may train differently.", "glyphs: 3 images left out", "have different data: digests", "last line left out", "Not all groups have the same seeds",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no warning says %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "and more") {
		t.Error("a reason has more than its first line")
	}
	many := &record.Set{}
	for seed := range 100 {
		r := run("bn", seed, map[string]float64{"kl": 1})
		r.State, r.Manifest.Revision = record.Unfinished, "0a1b"
		many.Runs = append(many.Runs, r)
	}
	if list := section(t, Source{Set: many}, "Warnings").List; len(list) != mostItems || !strings.HasPrefix(list[mostItems-1], "and 89 more") {
		t.Errorf("a hundred unfinished trials are %d items: %q", len(list), list)
	}
}

// TestProvenance: what the manifests say of the program, the processor and the cost. Trials without a number are
// not counted with it.
func TestProvenance(t *testing.T) {
	table := section(t, hard(), "Provenance").Tables[0]
	got := map[string]string{}
	for _, row := range table.Rows {
		got[row[0].Text] = row[1].Text
	}
	for what, want := range map[string]string{
		"revisions": "0a1b (4), 0a1b modified (1), unknown (1)", "CPU models": "model A (5), model B (1)", "wall clock": "12 s of 6 trials",
		"CPU time": "18 s of 6 trials", "peak memory": "40 to 45 MB of the process", "without a manifest": "2 trials",
	} {
		if got[what] != want {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
	if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, "The times of 1 trial that resumed a checkpoint cover only the part after the last resumption.") || !strings.Contains(notes, "side by side share it") {
		t.Errorf("notes: %s", notes)
	}
	old := hard()
	for i := range old.Set.Runs {
		m := &old.Set.Runs[i].Manifest
		m.CPU, m.CPUSeconds, m.PeakMemory, m.Resumed = "", 0, 0, false
	}
	table = section(t, old, "Provenance").Tables[0]
	for _, row := range table.Rows {
		if what := row[0].Text; what == "CPU models" || what == "CPU time" || what == "peak memory" {
			t.Errorf("manifests of an earlier version: %s is %s", what, row[1].Text)
		}
	}
	if len(table.Notes) > 0 {
		t.Errorf("manifests of an earlier version: notes %q", table.Notes)
	}
}

func TestHTML(t *testing.T) {
	page, err := New(hard()).HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{`src="data:image/png;base64,iVBORw=="`, "&lt;b&gt;&amp;", `class="does-not-hold"`, "vaelab verify x.yaml", "vaelab run x.yaml --seeds ", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http:", "https:", "<b>&", "ZgotmplZ"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("tags do not match: %v", err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	page, err := New(hard()).Markdown()
	if err != nil {
		t.Fatal(err)
	}
	bars := regexp.MustCompile(`(^|[^\\])\|`)
	columns := 0
	for _, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := len(bars.FindAllString(line, -1))
		if columns > 0 && n != columns {
			t.Errorf("%d columns, not %d: %s", n-1, columns-1, line)
		}
		columns = n
	}
	for _, want := range []string{"](kl-curve.png)", `KL \| stays`, "n = 6; levels −3.602 and 10.61; sign-flip", "\nLevels: what the two methods have at the rate, ", `odd\_metric`, "```\nvaelab verify x.yaml\n```"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// What means something to LaTeX loses its meaning, and what pdflatex would stop at is written otherwise.
func TestLaTeXEscape(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`\`, `\textbackslash{}`}, {"{}", `\{\}`}, {"$", `\$`}, {"&", `\&`}, {"#", `\#`}, {"%", `\%`}, {"^", `\textasciicircum{}`}, {"~", `$\sim$`},
		{"a_b", `a\_\allowbreak{}b`}, {"<|>", `\textless{}\textbar{}\textgreater{}`}, {`"`, `\textquotedbl{}`}, {"?`", `?\textasciigrave{}`},
		{"--set a---b", "-{}-set a-{}--b"}, {"1–2", "1--2"}, {",,", ",{},"}, {"μ ± σ²", `$\mu$ $\pm$ $\sigma$$^2$`}, {"−½", `$-$$\frac12$`}, {"1" + fixed + "%", `1~\%`},
		{"a\nb\tc", "a b c"}, {"\x00\x1b\u0085", "???"}, {"漢я\U0001F600", "???"}, {"é", "é"}, {"\xff", "?"}, {"", ""},
	} {
		if got := latexEscape(c.text); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
}

// compiled is the log of pdflatex about report.tex, which lies beside the other files. The test is skipped without a pdflatex
// that has booktabs.
func compiled(t *testing.T, files map[string][]byte) string {
	t.Helper()
	pdflatex, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("no pdflatex")
	}
	if err := exec.Command("kpsewhich", "booktabs.sty").Run(); err != nil {
		t.Skip("pdflatex without booktabs")
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a longtable knows its columns from the run before
		cmd := exec.Command(pdflatex, "-interaction=nonstopmode", "-halt-on-error", "report.tex")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out[max(0, len(out)-2000):])
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "report.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// TestLaTeXFits: no line of a report of published trials is wider than the text: with three groups, with forty, and with labels and
// differences so long that rows and columns change places.
func TestLaTeXFits(t *testing.T) {
	for _, name := range []string{"image-decoders", "remedies", "ln-by-decoder", "sigma-vae"} {
		set, err := record.Load(filepath.Join("..", "..", "results", "published", name))
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := ReadVerdicts(filepath.Join("..", "..", "results", "published", name))
		if err != nil {
			t.Fatal(err)
		}
		s := Source{Set: set, Experiments: []Experiment{{Name: name}}}
		for _, v := range verdicts {
			s.Verdicts = append(s.Verdicts, v.Claims...)
		}
		page, err := New(s).LaTeX()
		if err != nil {
			t.Fatal(err)
		}
		log := compiled(t, map[string][]byte{"report.tex": page})
		for _, line := range strings.Split(log, "\n") {
			if strings.Contains(line, "Overfull \\hbox") {
				t.Errorf("%s: %s", name, line)
			}
		}
		main := regexp.MustCompile(`(?s)Mean \$\\pm\$ 95 \\% CI\}\\nopagebreak\n\n.*?\\begin\{longtable\}\{(.*?)\}\n`).FindSubmatch(page)
		if main == nil || !regexp.MustCompile(`^@\{\}(l|>\{[^}]*\}p\{\d+pt\})r+@\{\}$`).Match(main[1]) {
			t.Errorf("%s: numbers of the main table may break: %s", name, main)
		}
	}
}

// TestTabular: a table alone, to be taken into a paper, compiles there; its numbers and its rules are those of the report.
func TestTabular(t *testing.T) {
	r := New(hard())
	var names []string
	document := `\documentclass{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp,booktabs,array}\begin{document}` + "\n"
	files := map[string][]byte{}
	for _, section := range r.Sections {
		for _, table := range section.Tables {
			names = append(names, table.Name)
			text, err := table.Tabular()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`\begin{tabular}{@{}`, `\toprule`, `\midrule`, `\bottomrule`, `\end{tabular}`} {
				if strings.Count(string(text), want) != 1 {
					t.Errorf("%s has %s %d times:\n%s", table.Name, want, strings.Count(string(text), want), text)
				}
			}
			if n := strings.Count(string(text), `\\`+"\n"); n != len(table.Rows)+1 {
				t.Errorf("%s has %d lines, want %d", table.Name, n, len(table.Rows)+1)
			}
			files[table.Name+".tex"] = text
			document += `\input{` + table.Name + "}\n\n"
		}
	}
	table, err := r.Table("results")
	if text, _ := table.Tabular(); err != nil || !strings.Contains(string(text), "\nvanilla (baseline) & 2~of~3 & 1.50 $\\pm$~6.35 & 100.00 $\\pm$~0.00 \\\\\n") {
		t.Errorf("results: %v\n%s", err, text)
	}
	if _, err := r.Table("reslts"); err == nil || !strings.Contains(err.Error(), `unknown table "reslts"; did you mean "results"?`) {
		t.Errorf("reslts: %v", err)
	}
	if len(names) < 6 {
		t.Errorf("tables %q", names)
	}
	files["report.tex"] = []byte(document + `\end{document}`)
	compiled(t, files)
}

// TestLaTeXCompiles: pdflatex, if there is one, makes a PDF of the hardest report, and of every letter.
func TestLaTeXCompiles(t *testing.T) {
	s := hard()
	for r := ' '; r <= 'ÿ'; r++ {
		s.Notes = append(s.Notes, "a "+string(r)+" "+string(r)+string(r)+"[z]")
	}
	s.Notes = append(s.Notes, "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΠΣΦΨΩ √²½≥≤≈×·→∞‖‘’“”…—–−")
	page, err := New(s).LaTeX()
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	log := compiled(t, map[string][]byte{"report.tex": page, "kl-curve.png": picture.Bytes()})
	if strings.Contains(log, "Missing character") {
		t.Errorf("a letter is not in the typeface:\n%s", log)
	}
}

// What usually stops LaTeX is checked without one, too.
func TestLaTeX(t *testing.T) {
	page, err := New(hard()).LaTeX()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	var open []string
	for _, m := range regexp.MustCompile(`\\(begin|end)\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] == "begin":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("\\end{%s} in %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	depth := 0
	bare := regexp.MustCompile(`\\[\\{}$&#%_]|<#1`).ReplaceAllString(text, "")
	for _, r := range bare {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r > 'ÿ' || strings.ContainsRune("#%", r):
			t.Errorf("%q is not escaped", r)
		}
	}
	if depth != 0 || len(open) != 0 {
		t.Errorf("%d braces and %v are open at the end", depth, open)
	}
	for _, body := range regexp.MustCompile(`(?s)\\begin\{longtable\}\{(.*?)@\{\}\}\n(.*?)\\end\{longtable\}`).FindAllStringSubmatch(text, -1) {
		columns := -1
		for _, line := range strings.Split(body[2], "\n") {
			if !strings.HasSuffix(line, `\\`) {
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\&`, ""), "&")
			if columns >= 0 && n != columns {
				t.Errorf("%d columns, not %d: %s", n+1, columns+1, line)
			}
			columns = n
		}
	}
	for _, want := range []string{`\includegraphics[`, "{kl-curve.png}", `$\pm$`, `\toprule`, `-{}-figure kl-curve`} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q", want)
		}
	}
}

// A report depends on its source only, and there is one of anything.
func TestAnything(t *testing.T) {
	for name, set := range map[string]*record.Set{
		"empty": {}, "one trial without rows": {Runs: []record.Run{{}}}, "one trial": {Runs: []record.Run{run("bn", 1, map[string]float64{"kl": 1})}},
	} {
		var pages [2]string
		for i := range pages {
			r := New(Source{Set: set})
			for _, form := range []func() ([]byte, error){r.HTML, r.Markdown, r.LaTeX} {
				page, err := form()
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				pages[i] += string(page)
			}
		}
		if pages[0] != pages[1] {
			t.Errorf("%s: not the same twice", name)
		}
	}
	a, _ := New(hard()).HTML()
	b, _ := New(hard()).HTML()
	if !bytes.Equal(a, b) {
		t.Error("not the same twice")
	}
}

func TestSeedList(t *testing.T) {
	for _, c := range []struct {
		seeds []int
		want  string
	}{{[]int{2, 1, 3, 1}, "3"}, {[]int{1}, "1"}, {[]int{5}, "5,"}, {[]int{8, 3}, "3,8"}} {
		if got := seedList(c.seeds); got != c.want {
			t.Errorf("%v: %q, want %q", c.seeds, got, c.want)
		}
	}
}
