package owner

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// elsewhere is a process of another machine.
func elsewhere(host string) Process {
	return Process{Host: host, PID: 7, System: "that of " + host, HeartbeatSeconds: 30}
}

// A clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) watch(me Process) *Watch {
	return &Watch{Me: me, Now: func() time.Time { return c.now }}
}

func held(t *testing.T, w *Watch, dir string) *Held {
	t.Helper()
	c, err := w.Take(dir)
	var h *Held
	if !errors.As(err, &h) {
		t.Fatalf("got claim %v, error %v; want the folder held", c, err)
	}
	return h
}

func taken(t *testing.T, w *Watch, dir string, number int) *Claim {
	t.Helper()
	c, err := w.Take(dir)
	if err != nil || c.Number() != number {
		t.Fatalf("got claim %v, error %v; want claim %d", c, err, number)
	}
	return c
}

// TestDead: a claim is dead if it has not grown for three heartbeats on the observer's clock, and not before.
func TestDead(t *testing.T) {
	dir := t.TempDir()
	var c clock
	first := taken(t, c.watch(elsewhere("n1")), dir, 1)
	other := c.watch(elsewhere("n2"))
	if h := held(t, other, dir); h.Alive || h.By.Host != "n1" || !strings.Contains(h.Error(), "n1, process 7") {
		t.Errorf("got %+v", h)
	}
	c.now = c.now.Add(89 * time.Second)
	if err := first.write("."); err != nil {
		t.Fatal(err)
	}
	if h := held(t, other, dir); !h.Alive {
		t.Error("a claim that has grown does not count as alive")
	}
	c.now = c.now.Add(90 * time.Second)
	held(t, other, dir)
	c.now = c.now.Add(time.Second)
	second := taken(t, other, dir, 2)
	if err := first.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("the first owner does not know that it has lost the folder: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Error(err)
	}
	if s, err := Look(dir); err != nil || s.Number != 2 || s.Released || s.By.Host != "n2" {
		t.Errorf("after the first owner's Release: %+v, %v", s, err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
	third := taken(t, c.watch(elsewhere("n3")), dir, 3)
	if err := third.Clear(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left after Clear: %v", left)
	}
	if err := second.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("after Clear: %v", err)
	}
	taken(t, c.watch(elsewhere("n4")), dir, 1)
	if err := first.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("another's claim with our number: %v", err)
	}
}

// TestWait: a folder that another has is waited for, until it is free, the caller has enough, or the context ends.
func TestWait(t *testing.T) {
	dir := t.TempDir()
	var c clock
	first := taken(t, c.watch(elsewhere("n1")), dir, 1)
	other := c.watch(elsewhere("n2"))
	var by *Held
	if _, err := other.Wait(context.Background(), dir, func(*Held) bool { return false }); !errors.As(err, &by) || by.By.Host != "n1" {
		t.Errorf("given up: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := other.Wait(ctx, dir, func(*Held) bool { cancel(); return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	claim, err := other.Wait(context.Background(), dir, func(*Held) bool { return first.Release() == nil })
	if err != nil || claim.Number() != 2 {
		t.Errorf("released: claim %v, %v", claim, err)
	}
}

// TestClocks: a claim lives as long as it grows, whatever time its file and its text say.
func TestClocks(t *testing.T) {
	dir := t.TempDir()
	var c clock
	claim := taken(t, c.watch(elsewhere("n1")), dir, 1)
	other := c.watch(elsewhere("n2"))
	for hour := -3; hour <= 3; hour++ {
		when := time.Now().Add(time.Duration(hour) * time.Hour)
		if err := os.Chtimes(claim.path(), when, when); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(60 * time.Second)
		held(t, other, dir)
		if err := claim.write("."); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCut: a claim that says nothing, because its process was killed while it made it, is dead after the usual time.
func TestCut(t *testing.T) {
	for _, text := range []string{"", `{"host":"n1"`, "no JSON\n", `{"heartbeat_seconds":1e300}` + "\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "claim.4"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		var c clock
		w := c.watch(elsewhere("n2"))
		if h := held(t, w, dir); text == "" && h.Error() != "held by an unknown process" {
			t.Errorf("%q: %v", text, h)
		}
		c.now = c.now.Add(89 * time.Second)
		held(t, w, dir)
		c.now = c.now.Add(2 * time.Second)
		taken(t, w, dir, 5)
	}
}

// TestRestarted: the same job started again takes over at once; another job, another cluster and an earlier start do not.
func TestRestarted(t *testing.T) {
	job := func(job, cluster string, restarts int) Process {
		p := elsewhere("n1")
		p.Job, p.Cluster, p.Restarts = job, cluster, restarts
		return p
	}
	for _, c := range []struct {
		again Process
		takes bool
	}{
		{job("12_3", "c", 1), true}, {job("12_3", "c", 2), true}, {job("12_3", "c", 0), false},
		{job("12_4", "c", 1), false}, {job("12_3", "d", 1), false}, {job("", "", 1), false},
	} {
		dir := t.TempDir()
		var now clock
		taken(t, now.watch(job("12_3", "c", 0)), dir, 1)
		if c.takes {
			taken(t, now.watch(c.again), dir, 2)
		} else {
			held(t, now.watch(c.again), dir)
		}
	}
}

// TestGone: a process that has ended on this machine is dead at once, and one that runs is alive.
func TestGone(t *testing.T) {
	me := This(Heartbeat)
	if me.System == "" {
		t.Skip("the system does not name itself")
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	child := me
	child.PID, child.Born = cmd.Process.Pid, born(cmd.Process.Pid)
	dir := t.TempDir()
	var c clock
	taken(t, c.watch(child), dir, 1)
	if h := held(t, c.watch(me), dir); !h.Alive {
		t.Error("a process that runs here does not count as alive")
	}
	reused := child
	reused.Born += "1"
	if !reused.Gone() || child.Gone() || me.Gone() || elsewhere("n1").Gone() {
		t.Error("a process is taken for another of its number, or one that lives for one that has ended")
	}
	cmd.Process.Kill()
	for born(child.PID) != "" { // until it is a zombie
		time.Sleep(time.Millisecond)
	}
	taken(t, c.watch(me), dir, 2)
	cmd.Wait()
}

// TestRace: of eight that claim at a time just one is the owner, also of a folder whose owner is dead.
func TestRace(t *testing.T) {
	var c clock
	for round := range 50 {
		dir := t.TempDir()
		if round%2 == 1 {
			claim := taken(t, c.watch(elsewhere("n0")), dir, 1)
			if err := claim.Release(); err != nil {
				t.Fatal(err)
			}
		}
		var owners atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if claim, err := c.watch(elsewhere("n1")).Take(dir); err == nil && claim.Check() == nil {
					owners.Add(1)
				} else if !errors.As(err, new(*Held)) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if owners.Load() != 1 {
			t.Fatalf("round %d: %d owners", round, owners.Load())
		}
	}
}

// TestKeep: heartbeats grow the claim, and end the context of an owner that has been overtaken.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	me := elsewhere("n1")
	me.HeartbeatSeconds = 0.002
	var now clock
	claim := taken(t, now.watch(me), dir, 1)
	ctx := claim.Keep(context.Background())
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s, err := Look(dir)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", s, err)
		}
		if s.Beats > 2 {
			if began := s.Began(); began.After(s.Modified) || s.Silent(s.Modified) || !s.Silent(s.Modified.Add(time.Minute)) {
				t.Errorf("began %v, modified %v", began, s.Modified)
			}
			break
		}
	}
	if ctx.Err() != nil {
		t.Fatal("the owner has lost its folder to nobody")
	}
	if _, err := take(dir, 1, elsewhere("n2")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the owner does not notice")
	}
	if !errors.Is(context.Cause(ctx), ErrLost) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	if err := claim.Clear(); !errors.Is(err, ErrLost) {
		t.Errorf("Clear by one that is no owner: %v", err)
	}
}

// TestNames: only files that are named as claims are.
func TestNames(t *testing.T) {
	for name, want := range map[string]int{"claim.1": 1, "claim.12": 12, "claim.0": 0, "claim.01": 0, "claim.-1": 0, "claim.": 0, "claim.1.tmp": 0, "rows.1.jsonl": 0} {
		if got := numberOf(name); got != want || Is(name) != (want > 0) {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// BenchmarkClaim: one trial's claim, a check before each of ten checkpoints, and its end.
func BenchmarkClaim(b *testing.B) {
	dir := b.TempDir()
	w := &Watch{Me: This(Heartbeat), Now: time.Now}
	for b.Loop() {
		claim, err := w.Take(dir)
		if err != nil {
			b.Fatal(err)
		}
		claim.Keep(context.Background())
		for range 10 {
			if err := claim.Check(); err != nil {
				b.Fatal(err)
			}
		}
		if err := claim.Clear(); err != nil {
			b.Fatal(err)
		}
	}
}
