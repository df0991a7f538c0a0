package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Files that our side writes in a check and both read.
const (
	weightsFile = "weights.safetensors"
	dataFile    = "data.safetensors"
)

// A comparison is a whole run of the command.
type comparison struct {
	work    Work   // of the size that has its turn
	told    string // what a script is told of that size
	mode    string
	python  string
	dir     string // of scripts and of files for both sides
	configs []Config
	threads []int // of the other side, each tried
	best    int   // how many of each framework and precision go into the pairs
	limit   time.Duration
	pairs   int
	busy    bool // measure beside others
	log     io.Writer
}

// processes is how many of them compute at once.
func (c comparison) processes() int {
	if c.mode == "sweep" {
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

// ourThreads is how many processors a process of ours uses.
func (c comparison) ourThreads() int { return runtime.GOMAXPROCS(0) / c.processes() }

func (c comparison) run(ctx context.Context, list []Size) (*Report, error) {
	report := &Report{
		Mode: c.mode, Cores: runtime.GOMAXPROCS(0), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processes: c.processes(), Pairs: c.pairs, Seconds: c.work.Seconds, Optimizer: c.work.Optimizer, Busy: c.busy,
	}
	share, err := idle(ctx)
	if report.LoadKnown = err == nil; report.LoadKnown && share > mostBusy && !c.busy {
		return nil, busy(share)
	}
	if c.mode != "cores" {
		if err := c.findTorch(ctx); err != nil {
			return nil, err
		}
	}
	if c.dir, err = os.MkdirTemp("", "peer"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(c.dir)
	if err := os.CopyFS(c.dir, scripts); err != nil {
		return nil, err
	}
	for _, s := range list {
		told, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		c.work.Size, c.told = s, string(told)
		c.work.Data = filepath.Join(c.dir, dataFile)
		r := &Result{Size: s, FlopPerToken: s.Flop()}
		one := c.compare
		if c.mode == "cores" {
			one = c.scale
		}
		if err := one(ctx, r); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		r.summarise()
		report.Results = append(report.Results, r)
	}
	return report, nil
}

// findTorch fails with advice if the interpreter has no PyTorch.
func (c comparison) findTorch(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, c.python, "-c", "import torch").CombinedOutput()
	if err == nil {
		return nil
	}
	if last := lastLine(string(out)); last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return hintedError{
		fmt.Errorf("%s cannot import torch: %w", c.python, err),
		"install it with `pip install torch`, or Debian's python3-torch, and name the interpreter with -python; see bench/peer/README.md",
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// compare checks all configurations of one size, and measures ours and the best of the others in turns.
func (c comparison) compare(ctx context.Context, r *Result) error {
	if err := c.tune(ctx, r); err != nil {
		return err
	}
	sides := [][]*Entry{r.Ours, slices.DeleteFunc(slices.Clone(r.Peers), func(e *Entry) bool { return e.Left != "" })}
	if len(sides[1]) == 0 {
		return errors.New("nothing to compare with: no configuration gave a result")
	}
	return c.takeTurns(ctx, r, sides)
}

// takeTurns lets the sides run in turns, all entries of a side one after another.
func (c comparison) takeTurns(ctx context.Context, r *Result, sides [][]*Entry) error {
	for pair := range c.pairs {
		if pair > 0 {
			slices.Reverse(sides) // neither side always has the cooler machine
		}
		load, err := besides(ctx, func() (used float64, err error) {
			for _, e := range slices.Concat(sides...) {
				run, err := group(ctx, c.processes(), c.command(e))
				if err != nil {
					return 0, fmt.Errorf("%s: %w", e, err)
				}
				e.Runs = append(e.Runs, run)
				used += run.ProcessCPU
				fmt.Fprintf(c.log, "%s: pair %d of %d: %s: %.0f tokens/s\n", r.Size.Name, pair+1, c.pairs, e, run.TokensPerSecond)
			}
			return used, nil
		})
		if err != nil {
			return err
		}
		r.Loads = append(r.Loads, load)
	}
	return nil
}

// command is what starts a process of e.
func (c comparison) command(e *Entry) func(context.Context) *exec.Cmd {
	if e.Framework == "ours" {
		return c.ours(e)
	}
	return c.theirs(e, false)
}

// ours starts processes of our side that train.
func (c comparison) ours(e *Entry) func(context.Context) *exec.Cmd {
	return func(ctx context.Context) *exec.Cmd {
		return c.self(ctx, e, append([]string{"train", "-wait", "-data", c.work.Data}, c.work.flags("-")...)...)
	}
}

// ourCheck is a process of our side that writes the files of both and computes what all must agree on.
func (c comparison) ourCheck(ctx context.Context, e *Entry) *exec.Cmd {
	return c.self(ctx, e, "check", "-dir", c.dir, "-seed", strconv.Itoa(c.work.Seed))
}

// self is this program as our side.
func (c comparison) self(ctx context.Context, e *Entry, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	args = slices.Concat([]string{"-ours"}, args, []string{"-sizes", c.work.Size.Name}, e.Args)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", e.Threads))
	return cmd
}

// theirs starts processes of the other side that train, if asked after the check.
func (c comparison) theirs(e *Entry, check bool) func(context.Context) *exec.Cmd {
	return func(ctx context.Context) *exec.Cmd {
		w := c.work
		args := slices.Concat([]string{
			filepath.Join(c.dir, w.Size.Scripts[e.Framework]), "--size", c.told, "--data", w.Data, "--wait",
			"--lr", decimal(w.LR), "--threads", strconv.Itoa(e.Threads),
		}, w.flags("--"), e.Args)
		if check {
			args = append(args, "--weights", filepath.Join(c.dir, weightsFile))
		}
		cmd := exec.CommandContext(ctx, c.python, args...)
		if e.Tuning != nil { // what it compiled is kept; no idle pool of compilers beside a run in a pair
			cmd.Env = append(os.Environ(), "TORCHINDUCTOR_COMPILE_THREADS=1")
		}
		return cmd
	}
}

// flags are those that both sides have, under dashes.
func (w Work) flags(dashes string) []string {
	return []string{
		dashes + "optimizer", w.Optimizer, dashes + "warmup", strconv.Itoa(w.Warmup), dashes + "seconds", decimal(w.Seconds),
		dashes + "steps", strconv.Itoa(w.Steps), dashes + "seed", strconv.Itoa(w.Seed), dashes + "started", now(),
	}
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// now is the Unix time in seconds, to the microsecond.
func now() string { return decimal(float64(time.Now().UnixMicro()) / 1e6) }
