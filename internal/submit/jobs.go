package submit

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"vaelab/internal/record"
)

// What a job of a submission does.
const (
	ArrayJob  = "array"  // it trains the tasks First to Last, each an element of the array
	ReportJob = "report" // it judges the claims and makes the report
)

// A Job is a job of the batch system.
type Job struct {
	ID          string
	First, Last int // tasks; both 0 for a report
	What        string
}

// IDs are those of jobs.
func IDs(jobs []Job) (ids []string) {
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

var jobsHeader = []string{"job", "first", "last", "what"}

// WriteJobs writes the jobs of a submission.
func WriteJobs(folder string, jobs []Job) error {
	return record.WriteFile(filepath.Join(folder, JobsFile), func(w io.Writer) error {
		c := csv.NewWriter(w)
		c.Write(jobsHeader)
		for _, j := range jobs {
			c.Write([]string{j.ID, strconv.Itoa(j.First), strconv.Itoa(j.Last), j.What})
		}
		c.Flush()
		return c.Error()
	})
}

// ReadJobs reads what WriteJobs has written.
func ReadJobs(folder string) ([]Job, error) {
	path := filepath.Join(folder, JobsFile)
	rows, err := readCSV(path, jobsHeader)
	if err != nil {
		return nil, err
	}
	var jobs []Job
	for i, row := range rows {
		j := Job{ID: row[0], What: row[3]}
		var errFirst, errLast error
		j.First, errFirst = strconv.Atoi(row[1])
		j.Last, errLast = strconv.Atoi(row[2])
		if j.ID == "" || errFirst != nil || errLast != nil || j.First < 0 || j.Last < j.First {
			return nil, fmt.Errorf("%s:%d: %q is no job", path, i+2, row)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}
