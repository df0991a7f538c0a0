package submit

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Queued returns the jobs of submissions that wait or run, as squeue says, and the trials that their tasks are to
// train, by ID.
func Queued(submissions []string) (jobs []string, trials map[string]bool, err error) {
	type known struct {
		Job
		tasks [][]string
	}
	all := map[string]known{}
	var ids []string
	for _, folder := range submissions {
		jobs, err := ReadJobs(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue // nothing of it is queued
		}
		if err != nil {
			return nil, nil, err
		}
		tasks, err := ReadTasks(folder)
		if err != nil {
			return nil, nil, err
		}
		for _, j := range jobs {
			all[j.ID] = known{j, tasks}
			ids = append(ids, j.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil, nil
	}
	elements, err := squeue(ids)
	if err != nil {
		return nil, nil, err
	}
	trials = map[string]bool{}
	for _, e := range elements {
		j, ok := all[e.job]
		if !ok {
			continue
		}
		if !slices.Contains(jobs, e.job) {
			jobs = append(jobs, e.job)
		}
		if task := j.First + e.index; j.What == ArrayJob && task <= j.Last && task < len(j.tasks) {
			for _, id := range j.tasks[task] {
				trials[id] = true
			}
		}
	}
	return jobs, trials, nil
}

// An element is one task of an array in the queue, or a job without an array.
type element struct {
	job   string
	index int // 0 without an array
}

// squeue lists what has not ended of jobs.
func squeue(jobs []string) ([]element, error) {
	// -r writes each element of an array on a line, also those that wait; %F is the array's number, %K the index.
	out, err := command("squeue", "--noheader", "-r", "--format=%F %K", "--jobs="+strings.Join(jobs, ","))
	if err != nil {
		if strings.Contains(err.Error(), "Invalid job id") { // Slurm has forgotten the only job
			return nil, nil
		}
		return nil, err
	}
	var all []element
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("squeue: %q: must be the number of a job and an index", strings.TrimSpace(line))
		}
		index, err := strconv.Atoi(fields[1])
		if err != nil || index < 0 {
			index = 0 // N/A
		}
		all = append(all, element{fields[0], index})
	}
	return all, nil
}
