package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"vaelab/internal/sweep"
)

// A setting is the jobs that differ in their seed only.
type setting struct {
	label string
	jobs  []sweep.Job
}

// settingsOf divides jobs by their settings, in their order.
func settingsOf(jobs []sweep.Job) []setting {
	group, _ := labels(jobs)
	var all []setting
	for i, j := range jobs {
		if i == 0 || group[i] != group[i-1] {
			all = append(all, setting{label: group[i]})
		}
		last := &all[len(all)-1]
		last.jobs = append(last.jobs, j)
	}
	return all
}

// missing counts the jobs that are not done.
func (s setting) missing() int {
	n := 0
	for _, j := range s.jobs {
		if !j.Done {
			n++
		}
	}
	return n
}

// measure trains a few steps of the setting.
func (s setting) measure() (sweep.Estimate, error) {
	est, err := sweep.Measure(s.jobs[0], time.Now, 500*time.Millisecond)
	if err != nil {
		return est, fmt.Errorf("%s: %w", s.label, err)
	}
	return est, nil
}

// mostMeasured is how many settings outlook measures: a second each.
const mostMeasured = 16

// outlook is how long jobs take in all on one processor, one after another. It measures some settings, of all sizes, and
// reckons the others from the nearest of them by sweep.Work. It tells how many of how many it measured.
func outlook(jobs []sweep.Job) (total time.Duration, measured, settings int, err error) {
	all := settingsOf(jobs)
	slices.SortStableFunc(all, func(a, b setting) int {
		return cmp.Compare(sweep.Work(a.jobs[0].Trial), sweep.Work(b.jobs[0].Trial))
	})
	measured = min(mostMeasured, len(all))
	for m := range measured {
		part := all[m*len(all)/measured : (m+1)*len(all)/measured]
		middle := part[len(part)/2]
		est, err := middle.measure()
		if err != nil {
			return 0, 0, 0, err
		}
		for _, s := range part {
			ratio := sweep.Work(s.jobs[0].Trial) / sweep.Work(middle.jobs[0].Trial)
			total += time.Duration(float64(est.Total) * ratio * float64(len(s.jobs)))
		}
	}
	return total, measured, len(all), nil
}
