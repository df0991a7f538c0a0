package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// ready is what a process says when it has warmed up.
const ready = "ready"

// A process is one side at work.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
}

// missing is what a configuration needs and this machine lacks.
type missing string

func (m missing) Error() string { return string(m) }

func start(cmd *exec.Cmd) (*process, error) {
	cmd.WaitDelay = 5 * time.Second // a compiler that it started may hold its output
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
	if strings.TrimSpace(line) == ready {
		return nil
	}
	var said struct{ Missing missing }
	if json.Unmarshal([]byte(line), &said) == nil && said.Missing != "" {
		return errors.Join(p.cmd.Wait(), said.Missing)
	}
	return fmt.Errorf("%s says %q instead of %s", p.cmd.Path, line, ready)
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
		err = errors.New("ended early")
	}
	return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, strings.TrimSpace(p.err.String()))
}

// group runs n processes at once. They warm up first and begin their timed parts together. The result is their
// sum, and the latest first step.
func group(ctx context.Context, n int, command func(context.Context) *exec.Cmd) (Run, error) {
	ctx, cancel := context.WithCancel(ctx) // if one fails the others are stopped
	defer cancel()
	var all []*process
	for range n {
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
		one.ProcessCPU = (p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()).Seconds()
		if i == 0 {
			sum = one
			continue
		}
		sum.TokensPerSecond += one.TokensPerSecond
		sum.Tokens += one.Tokens
		sum.Threads += one.Threads
		sum.Steps += one.Steps
		sum.CPUSeconds += one.CPUSeconds
		sum.ProcessCPU += one.ProcessCPU
		sum.PeakRSSBytes += one.PeakRSSBytes
		sum.StartRSSBytes += one.StartRSSBytes
		sum.Ceiling += one.Ceiling
		sum.Parts = sum.Parts.add(one.Parts)
		sum.SecondsToFirstStep = max(sum.SecondsToFirstStep, one.SecondsToFirstStep)
	}
	return sum, nil
}
