package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"vaelab/internal/machine"
)

// mostBusy is the share of all processors that others may use beside a comparison.
const mostBusy = 0.1

// usage is the time of all processors together so far, in seconds: at work, and in all.
type usage struct{ work, all float64 }

// statFile is where Linux says it.
const statFile = "/proc/stat"

// readUsage fails elsewhere than on Linux.
func readUsage() (usage, error) {
	text, err := os.ReadFile(statFile)
	if err != nil {
		return usage{}, err
	}
	return parseUsage(string(text))
}

// parseUsage reads the first line of /proc/stat: cpu, user, nice, system, idle, iowait, irq, softirq, steal,
// in hundredths of a second. What a hypervisor steals counts as work of others. What follows is in user already.
func parseUsage(stat string) (usage, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return usage{}, fmt.Errorf("%s: no times of processors in %q", statFile, line)
	}
	var u usage
	for i, field := range fields[1:min(9, len(fields))] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return usage{}, fmt.Errorf("%s: %w", statFile, err)
		}
		u.all += ticks / 100
		if i != 3 && i != 4 {
			u.work += ticks / 100
		}
	}
	return u, nil
}

// othersShare is the share of all processors' time between two readings that was not ours.
func othersShare(before, after usage, ours float64) float64 {
	if after.all <= before.all {
		return 0
	}
	return max(0, after.work-before.work-ours) / (after.all - before.all)
}

// A Load is what others used of all processors, before a pair and while it ran.
type Load struct {
	Before float64 `json:"before"`
	During float64 `json:"during"`
}

func (l Load) most() float64 { return max(l.Before, l.During) }

// idle watches the processors for a moment in which this program does nothing.
func idle(ctx context.Context) (float64, error) {
	before, err := readUsage()
	if err != nil {
		return 0, err
	}
	own := machine.CPUTime()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(500 * time.Millisecond):
	}
	after, err := readUsage()
	return othersShare(before, after, (machine.CPUTime() - own).Seconds()), err
}

// besides does work, which returns the CPU time of its processes, and watches what others use before and meanwhile.
func besides(ctx context.Context, work func() (float64, error)) (Load, error) {
	share, err := idle(ctx)
	if err != nil {
		_, err := work()
		return Load{}, err
	}
	before, _ := readUsage()
	own := machine.CPUTime()
	used, err := work()
	after, _ := readUsage()
	return Load{share, othersShare(before, after, used+(machine.CPUTime()-own).Seconds())}, err
}

// busy says that others use too much.
func busy(share float64) error {
	return hintedError{
		fmt.Errorf("others use %.0f %% of the processors, more than %.0f %%: no ratios", 100*share, 100*mostBusy),
		"end the other programs, or measure all the same with -busy",
	}
}
