package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vaelab/internal/owner"
	"vaelab/internal/record"
	"vaelab/internal/train"
)

// TestTasks: the tasks of an experiment train each of its trials once, and nothing else; they print no table and draw
// nothing.
func TestTasks(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn, ln]}]\nseeds: 2\nfigures: [kl-curve]\n")
	succeeds(t, "run", "tiny.yaml", "--out", "whole")
	trained := 0
	for i := range 4 {
		r := succeeds(t, "run", "tiny.yaml", "--task", fmt.Sprintf("%d/4", i))
		if r.out != "" || strings.Contains(r.err, "kl-curve") {
			t.Errorf("task %d prints\n%s%s", i, r.out, r.err)
		}
		done := len(trials(t, "results"))
		if n := done - trained; n != []int{2, 2, 1, 1}[i] {
			t.Errorf("task %d trains %d of 6 trials", i, n)
		}
		trained = done
		has(t, "its log", r.err, "/seed-", ": done in ")
	}
	sameResults(t, "whole", "results")
	if drawn, _ := filepath.Glob("results/tiny/*.png"); len(drawn) > 0 {
		t.Errorf("tasks have drawn %v", drawn)
	}
	if r := succeeds(t, "run", "tiny.yaml", "--task", "9/10"); !strings.Contains(r.err, "0 trials, 0 done, 0 to train") {
		t.Errorf("a task without a share:\n%s", r.err)
	}
	succeeds(t, "run", "tiny.yaml", "--out", "some", "--trials", "1-2,5", "--task", "0/1")
	if got := len(trials(t, "some")); got != 3 {
		t.Errorf("--trials 1-2,5 trains %d trials", got)
	}
	for given, want := range map[string]string{
		"--task 3/3": "--task 3/3: the share must be 0 to 2; the first is 0", "--task 0/0": "--task 0/0: there must be 1 to ", "--task x": `--task "x": must be i/n`,
		"--task -1/2": "--task -1/2: the share must be 0 to 1", "--task 1/2/3": "must be i/n", "--trials 6": "--trials 6: 6 is beyond the last trial, 5",
		"--trials 2-1": `--trials "2-1": must be positions of trials such as 0-17,23`, "--trials ,": "must be positions", "--task=": `--task "": must be i/n`, "--trials=": `--trials "": must be positions`, "--heartbeat 0s": "--heartbeat 0s: must be 10ms to 1h",
	} {
		r := vaelab(t, append([]string{"run", "tiny.yaml"}, strings.Fields(given)...)...)
		if r.code != exitUsage || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d\n%s", given, r.code, r.err)
		}
	}
}

// TestSeveralAtOnce: three processes that run one experiment end well, with the results of one and with one set of figures.
func TestSeveralAtOnce(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn, ln, bn-scaler]}]\nseeds: 2\nfigures: [kl-curve, z-use]\n")
	succeeds(t, "run", "tiny.yaml", "--out", "whole")
	var all sync.WaitGroup
	var tables atomic.Int32
	for range 3 {
		all.Go(func() {
			text, err := process(nil, "run", "tiny.yaml", "-j", "2").CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			if strings.Contains(string(text), "Test split, last row of each trial") {
				tables.Add(1)
			}
		})
	}
	all.Wait()
	if tables.Load() != 1 {
		t.Errorf("%d tables, want one", tables.Load())
	}
	sameResults(t, "whole", "results")
	for _, dir := range trials(t, "results") {
		onlyFinished(t, dir)
	}
	for _, name := range []string{"kl-curve", "z-use"} {
		if a, b := read(t, "whole/tiny/"+name+".csv"), read(t, "results/tiny/"+name+".csv"); a != b {
			t.Errorf("%s.csv differs", name)
		}
	}
	left, err := filepath.Glob("results/tiny/*")
	if err != nil || slices.ContainsFunc(left, func(name string) bool { return owner.Is(filepath.Base(name)) || record.IsPart(filepath.Base(name)) }) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestHeldTask: a task does not wait for a trial that a living process has: it says who, and is unfinished.
func TestHeldTask(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\nseeds: 2\n")
	succeeds(t, "run", "tiny.yaml", "--seeds", "1")
	second := filepath.Join(filepath.Dir(trials(t, "results")[0]), "seed-2")
	if err := os.Mkdir(second, 0o777); err != nil {
		t.Fatal(err)
	}
	me := owner.This(owner.Heartbeat) // it lives: it runs this test
	claim, err := (&owner.Watch{Me: me, Now: time.Now}).Take(second)
	if err != nil {
		t.Fatal(err)
	}
	r := vaelab(t, "run", "tiny.yaml", "--task", "0/1")
	if r.code != exitInterrupted {
		t.Errorf("exit code %d", r.code)
	}
	has(t, "stderr", r.err, fmt.Sprintf("%s: held by %v\n", second, me), "vaelab: unfinished, because living processes have these trials", "  vaelab run tiny.yaml --task 0/1\n")
	if _, failed := record.Failure(second); failed {
		t.Error("a trial of another process is marked as failed")
	}
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	succeeds(t, "run", "tiny.yaml", "--task", "0/1")
}

// TestStopWhileReading: a signal that comes while the data are read is not lost, and does not kill. A task under Slurm that has
// no time to train is not queued again, or it would be without end.
func TestStopWhileReading(t *testing.T) {
	folder(t, "x.yaml", "base:\n  data: {text: {train: train.txt, valid: valid.txt, test: valid.txt}}\n  model: {lstm: {latent_dim: 2, embed_dim: 2, enc_hidden: 2, dec_hidden: 2}}\n",
		"valid.txt", corpus())
	if err := syscall.Mkfifo("train.txt", 0o600); err != nil {
		t.Skip(err)
	}
	for which, says := range map[syscall.Signal]string{
		syscall.SIGTERM: "\nvaelab: stopped. To resume:\n", syscall.SIGUSR1: "the time limit is near, and job 12 has not trained a step; it is not queued again. Ask for more time (-t)\n",
	} {
		cmd := process([]string{"SLURM_JOB_ID=12"}, "run", "x.yaml", "--task", "0/1")
		var text strings.Builder
		cmd.Stdout, cmd.Stderr = &text, &text
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pipe, err := os.OpenFile("train.txt", os.O_WRONLY, 0) // returns when the program has opened it for reading
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(which); err != nil {
			t.Fatal(err)
		}
		for range 20 { // the same signal again, as timeout sends it; an error says that the program has ended
			time.Sleep(20 * time.Microsecond)
			cmd.Process.Signal(which)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted || !strings.Contains(text.String(), says) {
			t.Errorf("%v: %v, want exit code %d\n%s", which, err, exitInterrupted, &text)
		}
		pipe.Close() // only now: the data are never read to their end
		if rowBytes("results") > 0 {
			t.Errorf("%v: it trained", which)
		}
	}
}

// TestLaterVersion: what a later version of the program has trained is neither used nor replaced.
func TestLaterVersion(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\nseeds: 2\n")
	succeeds(t, "run", "tiny.yaml")
	file := filepath.Join(trials(t, "results")[0], record.TrialFile)
	write(t, file, strings.Replace(read(t, file), `"format": 2`, `"format": 9`, 1))
	r := vaelab(t, "run", "tiny.yaml")
	want := "vaelab: error: " + file + ": format 9, but this program writes format 2; use the version that wrote it, or another folder with --out\n"
	if r.code != exitFailed || r.err != want {
		t.Errorf("exit code %d\n%s", r.code, r.err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), record.DoneFile)); err != nil {
		t.Error(err)
	}
}

// TestTimeLimit: at SIGUSR1 a task saves its checkpoints and has Slurm queue it again, by the number of the task and not
// of the array. Without Slurm, or if Slurm refuses, it is unfinished.
func TestTimeLimit(t *testing.T) {
	folder(t, "long.yaml", strings.Replace(long, "epochs: 60", "epochs: 600", 1))
	if err := os.Mkdir("bin", 0o777); err != nil {
		t.Fatal(err)
	}
	slurm := []string{"SLURM_JOB_ID=13", "SLURM_ARRAY_JOB_ID=12", "SLURM_ARRAY_TASK_ID=1", "PATH=" + must(filepath.Abs("bin")) + ":" + os.Getenv("PATH")}
	for _, c := range []struct {
		name, scontrol string
		env            []string
		signals        []syscall.Signal
		code           int
		says           string
	}{
		{"queued again", "#!/bin/sh\necho $* > asked\n", slurm, []syscall.Signal{syscall.SIGUSR1}, exitOK, "the time limit is near; job 12_1 saved its checkpoints and is queued again"},
		{"refused", "#!/bin/sh\necho no such job >&2\nexit 1\n", slurm, []syscall.Signal{syscall.SIGUSR1}, exitInterrupted, "scontrol requeue 12_1: no such job; start the task again by hand"},
		{"no Slurm", "#!/bin/sh\nexit 1\n", nil, []syscall.Signal{syscall.SIGUSR1}, exitInterrupted, "vaelab: the time limit is near\n"},
		{"cancelled", "#!/bin/sh\necho $* > asked-wrongly\n", slurm, []syscall.Signal{syscall.SIGTERM}, exitInterrupted, "vaelab: stopped; "},
	} {
		if err := os.WriteFile("bin/scontrol", []byte(c.scontrol), 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := process(c.env, "run", "long.yaml", "--task", "1/4", "--out", "results")
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		before := trainedTo("results")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); trainedTo("results") <= before && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		for _, s := range c.signals {
			cmd.Process.Signal(s)
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		code := 0
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit code %d\n%s", c.name, code, out.String())
		}
		if dir := trials(t, "results")[0]; !train.Resumable(dir) {
			t.Errorf("%s: no checkpoint in %s", c.name, dir)
		}
	}
	if got := read(t, "asked"); got != "requeue 12_1\n" {
		t.Errorf("scontrol %s", got)
	}
	if _, err := os.Stat("asked-wrongly"); err == nil {
		t.Error("a cancelled task has itself queued again")
	}
}

// trainedTo is the largest step that any row has. (The bytes of rows grow also when a trial that is resumed copies them.)
func trainedTo(results string) (step int) {
	files, _ := filepath.Glob(filepath.Join(results, "*", "*", "*", "rows*.jsonl"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for _, found := range regexp.MustCompile(`"step":(\d+)`).FindAllSubmatch(text, -1) {
			n, _ := strconv.Atoi(string(found[1]))
			step = max(step, n)
		}
	}
	return step
}

func must(path string, err error) string {
	if err != nil {
		panic(err)
	}
	return path
}
