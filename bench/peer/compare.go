package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ready is what a process says when it has warmed up.
const ready = "ready"

// Files that our side writes in a check and both read.
const (
	weightsFile = "weights.safetensors"
	dataFile    = "data.safetensors"
)

// Largest relative differences between both sides in float32 that can be rounding: a wrong
// bias or gate order shows as a percent and more.
const (
	lossTolerance = 1e-4
	gradTolerance = 1e-3
)

// A comparison is a whole run of the command.
type comparison struct {
	work    Work   // of the size that has its turn
	told    string // what the script is told of that size
	mode    string
	python  string
	threads []int // of PyTorch, each tried
	pairs   int
	log     io.Writer
}

// processes is how many of them compute at once.
func (c comparison) processes() int {
	if c.mode == "sweep" {
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

func (c comparison) run(ctx context.Context, list []Size) (*Report, error) {
	if err := c.findTorch(ctx); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, scripts); err != nil {
		return nil, err
	}
	report := &Report{
		Mode: c.mode, Cores: runtime.GOMAXPROCS(0), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processes: c.processes(), Pairs: c.pairs, Seconds: c.work.Seconds, Optimizer: c.work.Optimizer,
	}
	for _, s := range list {
		told, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		c.work.Size, c.told = s, string(told)
		c.work.Data = filepath.Join(dir, dataFile)
		result, err := c.compare(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		report.Results = append(report.Results, result)
	}
	return report, nil
}

// findTorch fails with advice if the interpreter has no PyTorch.
func (c comparison) findTorch(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, c.python, "-c", "import torch").CombinedOutput()
	if err == nil {
		return nil
	}
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); lines[0] != "" {
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return hintedError{
		fmt.Errorf("%s cannot import torch: %w", c.python, err),
		"install it with `pip install torch`, or Debian's python3-torch, and name the interpreter with -python; see bench/peer/README.md",
	}
}

// compare checks one size and measures it.
func (c comparison) compare(ctx context.Context, dir string) (*Result, error) {
	r := &Result{Size: c.work.Size, FlopPerToken: c.work.Size.Flop()}
	if err := c.check(ctx, dir, r); err != nil {
		return nil, err
	}
	for _, n := range c.threads {
		r.Torch = append(r.Torch, TorchRuns{Threads: n})
	}
	for pair := range c.pairs {
		turns := []func() error{
			func() error {
				run, err := c.group(ctx, c.ours)
				r.Ours = append(r.Ours, run)
				return err
			},
			func() error {
				for i := range r.Torch {
					torch := &r.Torch[i]
					run, err := c.group(ctx, func(ctx context.Context) *exec.Cmd { return c.torch(ctx, dir, torch.Threads) })
					torch.Runs = append(torch.Runs, run)
					if err != nil {
						return err
					}
				}
				return nil
			},
		}
		if pair%2 == 1 { // neither side always has the cooler machine
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(c.log, "%s: pair %d of %d: tokens/s ours %.0f, torch", r.Size.Name, pair+1, c.pairs, r.Ours[pair].TokensPerSecond)
		for _, t := range r.Torch {
			fmt.Fprintf(c.log, " %.0f (%s)", t.Runs[pair].TokensPerSecond, count(t.Threads, "thread"))
		}
		fmt.Fprintln(c.log)
	}
	r.summarise()
	return r, nil
}

// check stops a comparison of different work.
func (c comparison) check(ctx context.Context, dir string, r *Result) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ours := exec.CommandContext(ctx, self, "-ours", "check", "-sizes", c.work.Size.Name, "-dir", dir, "-seed", strconv.Itoa(c.work.Seed))
	torch := c.script(ctx, dir, "check", "--weights", filepath.Join(dir, weightsFile))
	for _, side := range []struct {
		cmd *exec.Cmd
		to  *Check
	}{{ours, &r.OurCheck}, {torch, &r.TorchCheck}} {
		p, err := start(side.cmd)
		if err != nil {
			return err
		}
		if err := p.result(side.to); err != nil {
			return err
		}
	}
	a, b := r.OurCheck, r.TorchCheck
	said := fmt.Sprintf("loss %.6f here and %.6f on PyTorch, gradient norm %.6f and %.6f, loss after %d steps %.6f and %.6f",
		a.Loss, b.Loss, a.GradNorm, b.GradNorm, checkSteps, a.Later, b.Later)
	fmt.Fprintf(c.log, "%s: %s\n", r.Size.Name, said)
	if !near(a.Loss, b.Loss, lossTolerance) || !near(a.GradNorm, b.GradNorm, gradTolerance) || !near(a.Later, b.Later, lossTolerance) {
		return fmt.Errorf("both sides do not compute the same: %s", said)
	}
	return nil
}

// near is false if one of them is no number.
func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Abs(b) }

// ours is a process of our side; in a sweep it has one processor.
func (c comparison) ours(ctx context.Context) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	w := c.work
	cmd := exec.CommandContext(ctx, self, "-ours", "train", "-wait", "-sizes", w.Size.Name, "-data", w.Data,
		"-optimizer", w.Optimizer, "-warmup", strconv.Itoa(w.Warmup), "-seconds", decimal(w.Seconds),
		"-steps", strconv.Itoa(w.Steps), "-seed", strconv.Itoa(w.Seed), "-started", now())
	if c.mode == "sweep" {
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	}
	return cmd
}

// torch is a process of the other side.
func (c comparison) torch(ctx context.Context, dir string, threads int) *exec.Cmd {
	w := c.work
	return c.script(ctx, dir, "train", "--wait",
		"--optimizer", w.Optimizer, "--lr", decimal(w.LR), "--warmup", strconv.Itoa(w.Warmup), "--seconds", decimal(w.Seconds),
		"--steps", strconv.Itoa(w.Steps), "--seed", strconv.Itoa(w.Seed), "--threads", strconv.Itoa(threads), "--started", now())
}

// script runs the other side's script for the size.
func (c comparison) script(ctx context.Context, dir, mode string, args ...string) *exec.Cmd {
	args = append([]string{filepath.Join(dir, c.work.Size.Script), mode, "--size", c.told, "--data", c.work.Data}, args...)
	return exec.CommandContext(ctx, c.python, args...)
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// now is the Unix time in seconds, to the microsecond.
func now() string { return decimal(float64(time.Now().UnixMicro()) / 1e6) }

// group runs as many processes at once as the mode asks for. They warm up first and begin
// their timed parts together. The result is their sum, and the latest first step.
func (c comparison) group(ctx context.Context, command func(context.Context) *exec.Cmd) (Run, error) {
	ctx, cancel := context.WithCancel(ctx) // if one fails the others are stopped
	defer cancel()
	var all []*process
	for range c.processes() {
		p, err := start(command(ctx))
		if err != nil {
			return Run{}, err
		}
		all = append(all, p)
	}
	for _, p := range all {
		if err := p.ready(); err != nil {
			return Run{}, err
		}
	}
	for _, p := range all {
		fmt.Fprintln(p.in, "go")
	}
	var sum Run
	for i, p := range all {
		var one Run
		if err := p.result(&one); err != nil {
			return Run{}, err
		}
		if i == 0 {
			sum = one
			continue
		}
		sum.TokensPerSecond += one.TokensPerSecond
		sum.Steps += one.Steps
		sum.PeakRSSBytes += one.PeakRSSBytes
		sum.StartRSSBytes += one.StartRSSBytes
		sum.Ceiling += one.Ceiling
		sum.SecondsToFirstStep = max(sum.SecondsToFirstStep, one.SecondsToFirstStep)
	}
	if sum.Ceiling > 0 {
		sum.Share = sum.TokensPerSecond * c.work.Size.Flop() / sum.Ceiling
	}
	return sum, nil
}

// A process is one side at work.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = &p.err
	p.in, p.out = in, bufio.NewReader(out)
	return p, cmd.Start()
}

// ready waits for the end of the warm-up.
func (p *process) ready() error {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return p.failure(p.cmd.Wait())
	}
	if strings.TrimSpace(line) != ready {
		return fmt.Errorf("%s says %q instead of %s", p.cmd.Path, line, ready)
	}
	return nil
}

// result reads what the process prints at its end.
func (p *process) result(to any) error {
	text, err := io.ReadAll(p.out)
	if err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return p.failure(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s: %q: %w", p.cmd.Path, text, err)
	}
	return nil
}

// failure is why a process ended.
func (p *process) failure(err error) error {
	if err == nil {
		err = fmt.Errorf("ended early")
	}
	return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, strings.TrimSpace(p.err.String()))
}
