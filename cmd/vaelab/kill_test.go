package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vaelab/internal/host"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
)

var longTests = flag.Bool("long", false, "kill 300 times, not a handful, and make up 10,000 trials, not dozens")

// long is an experiment that takes a second or two, in which everything happens that a
// checkpoint must keep: running statistics, the best weights, a learning rate that decays, regimes in and after their first phase.
const long = `# Does it go on?
base:
  data: {synthetic: {train: 128, valid: 64, test: 64, length: 6, vocab: 50, hidden: 10, embed: 10}}
  model: {lstm: {latent_dim: 4, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 60, batch_size: 16, log_every: 1, eval_every: 4, lr: 0.01, decay: {from: 8, max: 60}}
grid:
  - variant: {aggressive: {every: 2, most: 4}}
  - variant: {bn-scaler: {tau: 0.5}, fbp: {ae_epochs: 20, patience: 0}}
seeds: 2
`

// killable starts a run and returns the function that ends it with a signal, as soon as
// all trials together have written so many bytes of rows and after a little more, or lets
// it finish if that comes first.
func killable(t *testing.T, results string, end syscall.Signal, bytesOfRows int64, more time.Duration, args ...string) (text string, err error) {
	t.Helper()
	cmd := process(nil, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var once sync.Once
	for {
		select {
		case err := <-ended:
			noPanic(t, args, out.String())
			return out.String(), err
		case <-time.After(time.Millisecond):
		}
		if rowBytes(results) >= bytesOfRows {
			once.Do(func() {
				time.Sleep(more)
				cmd.Process.Signal(end) // too late is no error
			})
		}
	}
}

// rowBytes is the size of all rows below a folder.
func rowBytes(results string) (size int64) {
	files, _ := filepath.Glob(filepath.Join(results, "*", "*", "*", "rows*.jsonl"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			size += info.Size()
		}
	}
	return size
}

// signalled tells whether a process was ended by a signal that it did not catch.
func signalled(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled()
}

// TestInterruptions is the promise of the program: however often and whenever a run is
// killed, and on however many cores it runs, the rows and weights are the same bytes.
func TestInterruptions(t *testing.T) {
	folder(t, "long.yaml", long)
	command := func(results string, more ...string) []string {
		return append([]string{"run", "long.yaml", "--out", results, "--checkpoint", "50ms", "-j", "2"}, more...)
	}
	if text, err := process([]string{"GOMAXPROCS=2"}, command("whole")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	all := rowBytes("whole")

	t.Run("one core, one at a time", func(t *testing.T) {
		if text, err := process([]string{"GOMAXPROCS=1"}, command("one", "-j", "1")...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		sameResults(t, "whole", "one")
	})

	t.Run("SIGKILL", func(t *testing.T) {
		enough := 4
		if *longTests {
			enough = 300
		}
		rng := rand.New(rand.NewPCG(1, 2))
		killed, resumed := 0, 0
		for round := 0; killed < enough && round < enough/2; round++ {
			results := fmt.Sprintf("killed-%d", round)
			for i := range 7 {
				at := int64((float64(i) + rng.Float64()) / 7 * float64(all))
				text, err := killable(t, results, syscall.SIGKILL, at, time.Duration(rng.IntN(60))*time.Millisecond, command(results)...)
				if signalled(err) {
					killed++
				}
				if strings.Contains(text, "from a checkpoint") {
					resumed++
				}
				if strings.Contains(text, "damaged") || strings.Contains(text, "from the start") {
					t.Errorf("what a kill left is taken for damage:\n%s", text)
				}
			}
			text, err := process(nil, command(results)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			sameResults(t, "whole", results)
			for _, dir := range trials(t, results) {
				onlyFinished(t, dir)
			}
			succeeds(t, "verify", results, "--files")
		}
		t.Logf("killed %d times, resumed from a checkpoint %d times", killed, resumed)
		if killed < enough || resumed < killed/4 {
			t.Errorf("killed %d times, resumed from a checkpoint %d times; the test does not test that", killed, resumed)
		}
	})

	t.Run("SIGHUP", func(t *testing.T) {
		if signal.Ignored(syscall.SIGHUP) {
			t.Skip("the tests run under nohup")
		}
		text, err := killable(t, "hung-up", syscall.SIGHUP, all/10, 0, command("hung-up")...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Fatalf("%v, want exit code %d\n%s", err, exitInterrupted, text)
		}
		has(t, "message", text, "have saved a checkpoint. To resume:\n")
	})

	t.Run("nohup", func(t *testing.T) {
		signal.Ignore(syscall.SIGHUP) // as its children inherit
		defer signal.Reset(syscall.SIGHUP)
		if text, err := killable(t, "nohup", syscall.SIGHUP, all/10, 0, command("nohup")...); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		sameResults(t, "whole", "nohup")
	})

	t.Run("SIGINT", func(t *testing.T) {
		text, err := killable(t, "stopped", syscall.SIGINT, all/10, 0, command("stopped")...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Fatalf("%v, want exit code %d\n%s", err, exitInterrupted, text)
		}
		has(t, "message", text, "stopped after", "have saved a checkpoint. To resume:\n  vaelab run long.yaml --out stopped --checkpoint 50ms -j 2\n")
		if strings.Contains(text, "canceled") {
			t.Errorf("the message speaks of contexts:\n%s", text)
		}
		var open string // a trial that was running
		for _, dir := range trials(t, "stopped") {
			if train.Resumable(dir) {
				open = dir
			}
		}
		if open == "" {
			t.Fatal("no checkpoint is left")
		}
		has(t, "eval of an unfinished trial", succeeds(t, "eval", open).out, "test split, 64 examples", "kl ")
		has(t, "plot of an unfinished run", succeeds(t, "plot", "stopped").out, filepath.Join("stopped", "kl-curve.png"))
		has(t, "export of an unfinished run", succeeds(t, "export", "stopped").out, ",train,kl,")
		write(t, filepath.Join(open, ".last.safetensors."+host.ID()+"-1-0.tmp"), "half a checkpo")
		if r := succeeds(t, command("stopped")...); !strings.Contains(r.err, "from a checkpoint") {
			t.Errorf("it did not go on from a checkpoint:\n%s", r.err)
		}
		sameResults(t, "whole", "stopped")
		onlyFinished(t, open)
	})
}

// TestStoppedInTest: a run hears that it should stop while it tests, too, and the same command tests again from the
// checkpoint that stands before the test.
func TestStoppedInTest(t *testing.T) {
	folder(t, "slow.yaml", strings.Replace(tiny, "epochs: 2", "epochs: 2, iw_samples: 4000", 1)+"grid: [{variant: bn}]\n")
	started := time.Now()
	if text, err := process(nil, "run", "slow.yaml", "--out", "whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	took := time.Since(started)
	args := []string{"run", "slow.yaml", "--out", "stopped", "--checkpoint", "1h"}
	cmd := process(nil, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for { // until the only checkpoint is there
		if found, _ := filepath.Glob(filepath.Join("stopped", "*", "*", "*", "last*.safetensors")); len(found) > 0 {
			break
		}
		if time.Since(started) > time.Minute {
			t.Fatalf("there is no checkpoint before the test\n%s", out.String())
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(took / 5)
	signalled := time.Now()
	cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v, want exit code %d\n%s", err, exitInterrupted, out.String())
	}
	if slow := time.Since(signalled); slow > took/2 {
		t.Errorf("stopped %v after the signal; the whole run takes %v", slow, took)
	}
	has(t, "message", out.String(), "stopped after", "have saved a checkpoint. To resume:\n  vaelab run slow.yaml --out stopped --checkpoint 1h\n")
	if r := succeeds(t, args...); !strings.Contains(r.err, "from a checkpoint") {
		t.Errorf("it did not go on from a checkpoint:\n%s", r.err)
	}
	sameResults(t, "whole", "stopped")
}

// TestOtherKernels: a trial that was begun with other kernels is not gone on with, and a group that mixes them is warned of.
func TestOtherKernels(t *testing.T) {
	if name := tensor.Kernel(); !strings.HasPrefix(name, "avx") {
		t.Skip("no other kernels here than", name)
	}
	folder(t, "long.yaml", strings.Replace(long, "epochs: 60", "epochs: 20", 1))
	command := []string{"run", "long.yaml", "--checkpoint", "0s", "-j", "1", "--seeds", "2", "--set", "variant=bn"}
	if text, err := killable(t, "results", syscall.SIGINT, 1000, 0, command...); err == nil {
		t.Fatalf("it was not stopped\n%s", text)
	}
	if err := os.CopyFS("twin", os.DirFS("results")); err != nil {
		t.Fatal(err)
	}
	text, err := process([]string{"VAELAB_KERNEL=avx2"}, append(command, "--seeds", "1", "--out", "twin")...).CombinedOutput()
	if err != nil || !strings.Contains(string(text), "1 of them from a checkpoint") || strings.Contains(string(text), "from the start") {
		t.Errorf("avx2 does not resume what %s began: %v\n%s", tensor.Kernel(), err, text)
	}
	text, err = process([]string{"VAELAB_KERNEL=generic"}, append(command, "--seeds", "1")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	const note = `vaelab: note: bn seed 1: results/long/bn-[0-9a-f]{8}/seed-1/last.1.safetensors: the class of kernels must be "\S+ (v3 )?float32 gonum blas32", and is "\S+ (v3 )?float32 avx2 or avx512"; the trial is trained from the start\n`
	if !regexp.MustCompile(note).Match(text) {
		t.Errorf("no note says that the trial is begun anew:\n%s", text)
	}
	r := succeeds(t, command...)
	has(t, "the table", r.out, "note: bn: its trials ran with kernels that round differently: ")
	succeeds(t, "report", "results/long")
	has(t, "the report", read(t, "results/long/report.md"), "The trials ran with kernels that round differently", "bn: its trials ran with kernels that round differently")
	if r := succeeds(t, append(command, "--seeds", "2,3", "--out", "results2")...); strings.Contains(r.out, "round differently") {
		t.Errorf("one class is warned of:\n%s", r.out)
	}
}

// onlyFinished fails if a finished trial's folder holds more than trial, manifest, rows, weights, vocabulary and DONE.
func onlyFinished(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 6 {
		t.Errorf("%s has %d files: %v", dir, len(entries), entries)
	}
}
