package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"vaelab/internal/record"
	"vaelab/internal/stats"
	"vaelab/variants"
)

// TestListVariants: each variant has one line, below the places where it acts, with its knob and its bound, all within
// 120 columns.
func TestListVariants(t *testing.T) {
	out := succeeds(t, "list", "variants").out
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > listColumns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, name := range variants.Methods.Names() {
		if n := len(regexp.MustCompile(`(?m)^  `+name+` +(–|[a-z][a-z_.]* [↑↓]) +\S`).FindAllString(out, -1)); n != 1 {
			t.Errorf("%d lines begin with %s, its knob and its bound:\n%s", n, name, out)
		}
	}
	has(t, "list variants", out, "\nhead: makes ", "  gamma ↑   KL >= D gamma²/2 ", "\npenalty, weigher: changes ")
	has(t, "list capacity", succeeds(t, "list", "capacity").out,
		"\n  acts on penalty, weigher: changes the KL term of the loss; sets the KL weight of each step\n  knob of the rate: c ↑\n  bound of the rate: none; settles at c\n",
		"  c: 4   (0,inf)   the rate rises with it\n")
}

// TestListCombinations: list says whether variants can be combined, why not, and where each acts.
func TestListCombinations(t *testing.T) {
	for name, parts := range map[string][]string{
		"bn+control-vae": {"combination bn+control-vae\n\n  allowed, at the default settings of each\n\n  bn           acts on head: makes ",
			"\n  control-vae  acts on weigher: sets ", "\n  Section kl must be left out, because control-vae sets the KL weight.\n"},
		"ln+bn":         {"  not allowed: ln and bn both act on the head (each makes ", "two entries of the grid"},
		"bn+flow-prior": {"allowed", "\n  The bound of bn is one of bn alone: together they have none.\n"},
		"bn+free-bits+info-vae": {"  allowed", "  free-bits  acts on penalty: ",
			"             knob of the rate lambda ↑; bound of the rate: none\n"},
		"bn-scaler+rms-scaler": {"not allowed: bn-scaler and rms-scaler both act on the head"},
	} {
		out := succeeds(t, "list", name).out
		has(t, "list "+name, out, parts...)
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(line); n > listColumns+1 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
	for name, want := range map[string]string{
		"bn+controlvae":   `unknown variant "controlvae"; did you mean "control-vae"? known: aggressive, `,
		"bn+":             `unknown variant ""; `,
		"bn+free-bits+bn": "bn+free-bits+bn: bn is given twice",
	} {
		r := vaelab(t, "list", name)
		if r.code != exitUsage {
			t.Errorf("list %s: exit code %d", name, r.code)
		}
		has(t, "list "+name, r.err, want)
	}
}

// TestMethodsPage: docs/methods.md is what the program writes, with a source for each variant and the formula of each that
// has one.
func TestMethodsPage(t *testing.T) {
	page := succeeds(t, "list", "variants", "--markdown").out
	if read(t, filepath.Join(root, "docs/methods.md")) != page {
		t.Error("docs/methods.md is not what the doc comments in variants/ say; run make methods")
	}
	for _, name := range variants.Methods.Names() {
		m, err := describeMethod(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Source == "" {
			t.Errorf(`the doc comment of %s has no paragraph that begins with "Source: "`, name)
		}
		if formula := func(p paragraph) bool { return p.Formula != "" }; !slices.ContainsFunc(m.Body, formula) && name != "vanilla" && name != "inputless" {
			t.Errorf("the doc comment of %s has no indented formula", name)
		}
		if n := strings.Count(page, "\n## "+name+"\n"); n != 1 {
			t.Errorf("%d sections are called %s", n, name)
		}
	}
	if r := vaelab(t, "list", "--markdown"); r.code != exitUsage || !strings.Contains(r.err, "vaelab list variants only") {
		t.Errorf("list --markdown: exit code %d, %s", r.code, r.err)
	}
}

// TestCosts: variants/cost.csv has the median, over the seeds of the published experiment remedies, of the CPU seconds of a
// trial over those of vanilla's of the same seed. -update writes it anew.
func TestCosts(t *testing.T) {
	set, err := record.Load(filepath.Join(root, "results/published/remedies"))
	if err != nil {
		t.Fatal(err)
	}
	seconds := map[string]map[int]float64{}
	for _, run := range set.Runs {
		cost, err := run.Cost()
		if err != nil {
			t.Fatalf("%s: %v", run.ID, err)
		}
		if seconds[run.Variant] == nil {
			seconds[run.Variant] = map[int]float64{}
		}
		seconds[run.Variant][run.Seed] = cost.CPUSeconds
	}
	var table strings.Builder
	fmt.Fprintln(&table, "variant,cpu_ratio")
	for _, name := range variants.Methods.Names() {
		var ratios []float64
		for seed, s := range seconds[name] {
			ratios = append(ratios, s/seconds["vanilla"][seed])
		}
		if len(ratios) > 0 {
			fmt.Fprintf(&table, "%s,%.2f\n", name, stats.Median(ratios))
		}
	}
	path := filepath.Join(root, "variants/cost.csv")
	if *update {
		if err := os.WriteFile(path, []byte(table.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if read(t, path) != table.String() {
		t.Error("variants/cost.csv is not what results/published/remedies says; run make methods")
	}
}
