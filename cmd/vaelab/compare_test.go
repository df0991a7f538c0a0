package main

import "testing"

// TestCompare compares two runs of an experiment, one with another setting, and refuses folders without a trial in common.
func TestCompare(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn]}]\nseeds: 2\n", "ln.yaml", tiny+"grid: [{variant: ln}]\n")
	succeeds(t, "run", "tiny.yaml")
	succeeds(t, "run", "tiny.yaml", "--out", "faster", "--set", "train.lr=0.01")
	succeeds(t, "run", "ln.yaml", "--out", "other")
	r := succeeds(t, "compare", "results", "faster")
	has(t, "stdout", r.out, "A: results\nB: faster\n", "vanilla", "bn", "NELBO", "- Settings that differ: train.lr: 0.001 in A, 0.01 in B.")
	if r := vaelab(t, "compare", "results", "other"); r.code != exitFailed || r.err != "vaelab: error: results and other have no variant in common that has been evaluated in both\n" {
		t.Errorf("exit code %d\n%s", r.code, r.err)
	}
	if r := vaelab(t, "compare", "results"); r.code != exitUsage {
		t.Errorf("one folder: exit code %d\n%s", r.code, r.err)
	}
}
