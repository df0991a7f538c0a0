package main

import (
	"context"
	"os/exec"
	"runtime"
	"testing"
)

func TestUsage(t *testing.T) {
	// user, nice, system, idle, iowait, irq, softirq, steal, guest (in user already)
	before, err := parseUsage("cpu  100 100 100 1000 100 0 0 0 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	if err != nil || before != (usage{3, 14}) {
		t.Fatalf("%+v, %v", before, err)
	}
	after, err := parseUsage("cpu  200 150 150 1600 100 50 50 100 90 0\n")
	if err != nil || after != (usage{7, 24}) {
		t.Fatalf("%+v, %v", after, err)
	}
	// 4 of 10 seconds of processors at work, 1.5 of them ours.
	if got := othersShare(before, after, 1.5); got != 0.25 {
		t.Errorf("others' share %v, want 0.25", got)
	}
	if got := othersShare(before, after, 5); got != 0 {
		t.Errorf("others' share %v, want 0", got)
	}
	if got := othersShare(after, after, 0); got != 0 {
		t.Errorf("others' share of no time %v", got)
	}
	for _, wrong := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6", "cpu 1 2 3 4 x 6"} {
		if u, err := parseUsage(wrong); err == nil {
			t.Errorf("%q was read as %+v", wrong, u)
		}
	}
}

// TestBesides: on Linux the load is a share, and without it the work is done all the same.
func TestBesides(t *testing.T) {
	done := false
	load, err := besides(context.Background(), func() (float64, error) { done = true; return 0, nil })
	if err != nil || !done || load.Before < 0 || load.Before > 1 || load.During < 0 || load.During > 1 {
		t.Errorf("%+v, %v, done %v", load, err, done)
	}
	if _, err := readUsage(); (err == nil) != (runtime.GOOS == "linux") {
		t.Errorf("on %s: %v", runtime.GOOS, err)
	}
}

// TestMissingProcess: a process that lacks something says so instead of "ready".
func TestMissingProcess(t *testing.T) {
	sh := shell(t)
	_, err := group(context.Background(), 1, func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, sh, "-c", `echo '{"missing": "a hammer"}'`)
	})
	if err == nil || err.Error() != "a hammer" {
		t.Errorf("%v", err)
	}
}
