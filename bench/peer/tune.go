package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Of the short runs that choose what goes into the pairs.
const (
	tuneSeconds = 1.0
	tuneWarmup  = 1

	defaultLimit = 3 * time.Minute
)

// sameDigits is why a configuration is not measured further.
const sameDigits = "the same digits as with highest"

// An Entry is a configuration at a number of threads, and what it did.
type Entry struct {
	Config
	Threads  int    `json:"threads"`
	Check    *Check `json:"check,omitempty"`
	Measured string `json:"measured_precision,omitempty"` // the precision of its check
	Tuning   *Run   `json:"tuning,omitempty"`
	Left     string `json:"left_out,omitempty"` // why it is not in the pairs
	Runs     []Run  `json:"runs,omitempty"`     // one a pair
}

func (e *Entry) String() string { return fmt.Sprintf("%s, %s", e.Config, count(e.Threads, "thread")) }

// tune makes our checks and a short run of each of the other side's configurations at each number of threads, and
// checks each configuration in its first run. It fails if a plain one does not compute the same.
func (c comparison) tune(ctx context.Context, r *Result) error {
	for _, config := range ourConfigs {
		e := &Entry{Config: config, Threads: c.ourThreads(), Check: new(Check)}
		p, err := start(c.ourCheck(ctx, e))
		if err != nil {
			return err
		}
		if err := p.result(e.Check); err != nil {
			return err
		}
		r.Ours = append(r.Ours, e)
		if e.Measured, err = config.judge(*e.Check, *r.Ours[0].Check); err != nil {
			return fmt.Errorf("%s: %w", config, err)
		}
	}
	c.work.Seconds, c.work.Warmup = min(tuneSeconds, c.work.Seconds), tuneWarmup
	same := false // coarser products are the same on this machine
	for _, config := range c.configs {
		if c.work.Size.Scripts[config.Framework] == "" {
			continue
		}
		var first *Entry
		for _, threads := range c.threads {
			e := &Entry{Config: config, Threads: threads}
			r.Peers = append(r.Peers, e)
			if same && config.Like != "" {
				e.Left = "medium is no other product here"
				break
			}
			if err := c.tuneOne(ctx, r, e, first); err != nil {
				return fmt.Errorf("%s: %w", e, err)
			}
			same = same || e.Left == sameDigits
			fmt.Fprintf(c.log, "%s: %s: %s\n", r.Size.Name, e, e.said())
			if first = cmp.Or(first, e); first.Left != "" {
				break
			}
		}
	}
	finalists(r.Peers, c.best)
	return nil
}

// tuneOne runs e for a short time; first is the entry that was checked, nil if e is that.
func (c comparison) tuneOne(ctx context.Context, r *Result, e, first *Entry) error {
	limited, cancel := context.WithTimeoutCause(ctx, c.limit, fmt.Errorf("no result within %v", c.limit))
	defer cancel()
	run, err := group(limited, c.processes(), c.theirs(e, first == nil))
	var lacks missing
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &lacks):
		e.Left = string(lacks)
		return nil
	case limited.Err() != nil:
		e.Left = context.Cause(limited).Error()
		return nil
	case err != nil && e.plain():
		return err
	case err != nil:
		e.Left = lastLine(err.Error())
		return nil
	}
	e.Tuning = &run
	if first != nil {
		e.Check, e.Measured = first.Check, first.Measured
		return nil
	}
	if e.Check = run.Check; e.Check == nil {
		return errors.New("it made no check")
	}
	reference := *r.Ours[0].Check
	if e.Measured, err = e.judge(*e.Check, reference); err != nil {
		if e.plain() {
			return err
		}
		e.Left = err.Error()
	}
	for _, other := range r.Peers {
		if e.Like != "" && other.Framework == e.Framework && other.Name == e.Like && other.Check != nil && *other.Check == *e.Check {
			e.Left = sameDigits
		}
	}
	return nil
}

// said is the outcome of the short run.
func (e *Entry) said() string {
	switch {
	case e.Tuning == nil:
		return e.Left
	case e.Left != "":
		return fmt.Sprintf("%.0f tokens/s; %s", e.Tuning.TokensPerSecond, e.Left)
	}
	return fmt.Sprintf("%.0f tokens/s, %s", e.Tuning.TokensPerSecond, e.Measured)
}

// finalists leaves out all but the n fastest of each framework and precision, and what is less than half as fast
// as its framework's fastest of that precision or of float32: coarser products do not replace float32.
func finalists(entries []*Entry, n int) {
	in := func(e *Entry) bool { return e.Left == "" }
	of := func(f string, precisions ...string) (out []*Entry) {
		for _, e := range entries {
			if in(e) && e.Framework == f && slices.Contains(precisions, e.Measured) {
				out = append(out, e)
			}
		}
		slices.SortStableFunc(out, func(a, b *Entry) int { return cmp.Compare(b.Tuning.TokensPerSecond, a.Tuning.TokensPerSecond) })
		return out
	}
	for _, e := range entries {
		if in(e) && e.Tuning.TokensPerSecond < of(e.Framework, e.Measured, float32Products)[0].Tuning.TokensPerSecond/2 {
			e.Left = "less than half as fast as the fastest"
		}
	}
	for _, e := range entries {
		if in(e) && slices.Index(of(e.Framework, e.Measured), e) >= n {
			e.Left = "slower than those in the pairs"
		}
	}
}
