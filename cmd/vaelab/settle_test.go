package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestSettle: a figure counts as converged what the report's table does, by the criterion of the experiment, which differs from
// the default.
func TestSettle(t *testing.T) {
	out := t.TempDir()
	succeeds(t, "report", filepath.Join("..", "..", "results", "published", "controllers"), "--figure", "frontier", "--out", out)
	text := read(t, filepath.Join(out, "report.md"))
	open, all := 0, 0
	for _, row := range regexp.MustCompile(`(?m)^\|.*\| (\d+)[ \x{a0}]of[ \x{a0}](\d+) \|$`).FindAllStringSubmatch(text, -1) {
		converged, _ := strconv.Atoi(row[1])
		trials, _ := strconv.Atoi(row[2])
		open, all = open+trials-converged, all+trials
	}
	if all == 0 || open == 0 || open == all {
		t.Fatalf("the table has %d of %d trials that have not converged", open, all)
	}
	has(t, "the table", text, "the last 1000 steps")
	has(t, "the caption", read(t, filepath.Join(out, "report.html")), fmt.Sprintf("Not converged: %d of %d finished trials.", open, all))
}
