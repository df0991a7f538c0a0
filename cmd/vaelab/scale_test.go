package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
)

// wide is an experiment of four variants with so many values of a knob and of the learning rate, and six seeds:
// 16 and 34 make 9,996 trials. Its trials have 199 or 200 rows of 32 latent dimensions, as the trainer writes them.
func wide(knobs, rates int) string {
	list := func(n int, low, high float64) string {
		var values []string
		for i := range n {
			values = append(values, fmt.Sprintf("%.5f", low+(high-low)*float64(i)/float64(n)))
		}
		return "[" + strings.Join(values, ", ") + "]"
	}
	lr, knob := list(rates, 0.001, 0.01), list(knobs, 0.2, 0.9)
	return `# What do ten thousand trials cost beside their training?
base:
  data: {synthetic: {train: 128, valid: 64, test: 64, length: 6, vocab: 50, hidden: 10, embed: 10}}
  model: {lstm: {latent_dim: 32, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 22, batch_size: 16, log_every: 1, lr: ` + lr + `}
grid:
  - variant: vanilla
  - variant: {bn: {gamma: ` + knob + `}}
  - variant: {ln: {gamma: ` + knob + `}}
  - variant: {bn-scaler: {tau: ` + knob + `}}
seeds: 6
figures: [kl-curve, z-use, theta]
`
}

// decimals finds the fourth to sixth decimal of the long numbers in rows, whose changes make other rows of the same form.
var decimals = regexp.MustCompile(`\.\d{3}(\d{3})\d`)

// madeUp writes the trials of an experiment's file as if they had been trained. The rows of a variant are those of one
// trial that was, with other digits. It returns the number of trials and the size of a trial's folder on average.
func madeUp(t *testing.T, file string) (trials int, size int64) {
	t.Helper()
	succeeds(t, "run", file, "-q", "--out", "trained", "--seeds", "1,", "--set", "train.lr=0.005",
		"--set", "variant.bn.gamma=0.5", "--set", "variant.ln.gamma=0.5", "--set", "variant.bn-scaler.tau=0.5")
	set, err := record.Load("trained")
	if err != nil {
		t.Fatal(err)
	}
	trained := map[string]record.Run{}
	for _, r := range set.Runs {
		trained[r.Variant] = r
	}
	e, err := sweep.Read(file, sweep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var pool sync.WaitGroup
	const side = 2
	for first := range side {
		pool.Go(func() {
			for i := first; i < len(e.Trials); i += side {
				trial := e.Trials[i]
				from := trained[trial.Variant]
				sweep.Identify(&trial, from.Data)
				if err := makeUp(from.Dir, trial.Trial.Dir("results"), trial.Trial, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	pool.Wait()
	var total int64
	err = filepath.WalkDir("results", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, err := d.Info()
			total += info.Size()
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(e.Trials), total / int64(len(e.Trials))
}

// makeUp makes one trial of another's folder.
func makeUp(from, to string, trial record.Trial, n int) error {
	if err := trial.Save(to); err != nil {
		return err
	}
	rows, err := os.ReadFile(filepath.Join(from, record.RowsFile))
	if err != nil {
		return err
	}
	for k, at := range decimals.FindAllSubmatchIndex(rows, -1) {
		copy(rows[at[2]:at[3]], fmt.Sprintf("%03d", (n*7919+k*104729)%1000))
	}
	if err := os.WriteFile(filepath.Join(to, record.RowsFile), rows, 0o666); err != nil {
		return err
	}
	others := []string{record.TrialFile, record.ManifestFile, train.ModelFile, train.VocabFile}
	for _, name := range others[1:] {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o666)
		}
		if err != nil {
			return err
		}
	}
	return record.WriteDone(to, record.SumOf(rows), others...)
}

// A spent is what a command took.
type spent struct {
	cpu, wall time.Duration
	peak      int // VmHWM, in MB; 0 if the system does not say
	out       []byte
}

// measure runs a command in a process of its own.
func measure(t *testing.T, args ...string) spent {
	t.Helper()
	var out bytes.Buffer
	cmd := process(nil, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s := spent{}
	for {
		select {
		case err := <-ended:
			s.wall, s.cpu, s.out = time.Since(started), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), out.Bytes()
			if err != nil {
				t.Fatalf("vaelab %s: %v\n%s", quoted(args), err, out.Bytes()[max(0, out.Len()-2000):])
			}
			return s
		case <-time.After(20 * time.Millisecond):
			// Not the system's maximum for an ended child, which counts this process before it became the other, too.
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if _, after, ok := bytes.Cut(status, []byte("VmHWM:")); ok {
				kB := 0
				fmt.Sscan(string(after), &kB)
				s.peak = max(s.peak, kB/1000)
			}
		}
	}
}

// TestTenThousandTrials measures what is done with finished trials: with -long ten thousand of them, 5 GB in the folder for
// temporary files, within the limits that docs/scale.md states; else a few, without limits.
func TestTenThousandTrials(t *testing.T) {
	knobs, rates := 2, 1
	if *longTests {
		knobs, rates = 16, 34
	}
	folder(t, "big.yaml", wide(knobs, rates))
	trials, size := madeUp(t, "big.yaml")
	t.Logf("%d trials of %d settings, %d kB each", trials, trials/6, size/1000)
	for _, c := range []struct {
		args []string
		wall time.Duration // at most, with -long
		peak int           // MB, the same
	}{
		{[]string{"run", "big.yaml"}, 2 * time.Minute, 1000},
		{[]string{"plot", "results/big", "--out", "figures"}, time.Minute, 1000},
		{[]string{"report", "results/big", "--experiment", "big.yaml", "--out", "page"}, time.Minute, 1000},
		{[]string{"report", "results/big", "--experiment", "big.yaml", "--out", "packed", "--rows", "--unknown-revision", "--figure", "sweep"}, 20 * time.Minute, 1000},
		{[]string{"report", "packed", "--experiment", "big.yaml", "--out", "again", "--figure", "sweep"}, 5 * time.Minute, 0},
	} {
		s := measure(t, c.args...)
		t.Logf("| `vaelab %s` | %.1f | %.1f | %d |", quoted(c.args), s.cpu.Seconds(), s.wall.Seconds(), s.peak)
		if *longTests && (s.wall > c.wall || c.peak > 0 && s.peak > c.peak) {
			t.Errorf("vaelab %s: %v and %d MB; at most %v and %d MB", quoted(c.args), s.wall, s.peak, c.wall, c.peak)
		}
	}
	if info, err := os.Stat(filepath.Join("packed", record.ArchiveFile)); err != nil {
		t.Error(err)
	} else {
		t.Logf("%s: %d MB", record.ArchiveFile, info.Size()/1e6)
	}
}

// TestFilesOfATrial: a finished trial has seven files at most, because file systems of clusters limit their number.
func TestFilesOfATrial(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid:\n  - variant: bn\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	trials, err := filepath.Glob("results/tiny/*/seed-1")
	if err != nil || len(trials) != 1 {
		t.Fatal(trials, err)
	}
	files, err := os.ReadDir(trials[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if len(names) > 7 {
		t.Errorf("%d files: %s", len(names), strings.Join(names, ", "))
	}
	if _, err := os.Stat(filepath.Join(trials[0], record.DoneFile)); errors.Is(err, fs.ErrNotExist) {
		t.Error("the trial is not done")
	}
}
