package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinkedFolders: experiments, settings, trials and results that have been moved and linked back are found by every
// command, each trial once, and a loop of links does no harm.
func TestLinkedFolders(t *testing.T) {
	folder(t, "near.yaml", tiny+claimed, "far.yaml", strings.Replace(tiny, "epochs: 2", "epochs: 3", 1)+claimed)
	succeeds(t, "run", "near.yaml", "-q")
	succeeds(t, "run", "far.yaml", "-q")
	want := succeeds(t, "export", "results").out
	link := func(to, from string) {
		t.Helper()
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		to, err := filepath.Abs(to)
		if err != nil {
			t.Fatal(err)
		}
		link(to, from)
	}
	seed := trials(t, "results")[0]
	settings := filepath.Dir(trials(t, "results")[2])
	move(seed, "a-seed")
	move(settings, "a-setting")
	move("results/far", "an-experiment")
	move("results", "everything")
	link(".", "results/loop")
	link("..", "results/up")
	link("near", "results/again")

	if got := succeeds(t, "export", "results").out; got != want {
		t.Errorf("export of linked folders has %d bytes, want %d", len(got), len(want))
	}
	for _, name := range []string{"near", "far"} {
		if r := succeeds(t, "run", name+".yaml", "-q"); !strings.Contains(r.err, "2 done, 0 to train") {
			t.Errorf("run of a linked experiment trains again:\n%s", r.err)
		}
		if r := vaelab(t, "verify", name+".yaml", "--no-train"); r.code == exitNotJudged || strings.Contains(r.out, "has not finished") {
			t.Errorf("verify of a linked experiment: exit code %d\n%s%s", r.code, r.out, r.err)
		}
	}
	has(t, "eval", succeeds(t, "eval", seed).out, "kl ")
	has(t, "plot", succeeds(t, "plot", "results", "--out", "figures").out, "figures/kl-curve.png")
	succeeds(t, "report", "results", "--out", "page", "--experiment", "near.yaml", "--experiment", "far.yaml")
	page := read(t, "page/report.md")
	if n := strings.Count(page, "| "+said+" |"); n != 2 {
		t.Errorf("the table of claims has a claim of two experiments %d times:\n%s", n, page)
	}
	if r := succeeds(t, "export", "results/far"); !strings.Contains(r.out, "\nfar,") {
		t.Errorf("export of a link to an experiment: %.200s%s", r.out, r.err)
	}
}

const said = "No KL of a linked trial is below 0"

// claimed has two trials and a claim.
const claimed = `grid: [{variant: vanilla}, {variant: bn}]
claims:
  - say: ` + said + `
    source: a test
    bound: {metric: kl, of: bn, at_least: 0}
`
