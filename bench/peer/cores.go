package main

import (
	"context"
	"runtime"
)

// scale measures ours on all cores and on one, in turns.
func (c comparison) scale(ctx context.Context, r *Result) error {
	var check Check
	p, err := start(c.ourCheck(ctx, &Entry{Config: ourConfigs[0], Threads: runtime.GOMAXPROCS(0)})) // for its examples
	if err != nil {
		return err
	}
	if err := p.result(&check); err != nil {
		return err
	}
	var all, alone []*Entry
	for _, config := range ourConfigs {
		all = append(all, &Entry{Config: config, Threads: runtime.GOMAXPROCS(0), Measured: config.Precision})
		alone = append(alone, &Entry{Config: config, Threads: 1, Measured: config.Precision})
	}
	r.Ours, r.Peers = all, alone
	return c.takeTurns(ctx, r, [][]*Entry{all, alone})
}
