package submit

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"vaelab/internal/record"
)

var tasksHeader = []string{"task", "trial"}

// WriteTasks writes which trials each task of a submission trains, by their IDs.
func WriteTasks(folder string, tasks [][]string) error {
	return record.WriteFile(filepath.Join(folder, TasksFile), func(w io.Writer) error {
		c := csv.NewWriter(w)
		c.Write(tasksHeader)
		for i, trials := range tasks {
			for _, id := range trials {
				c.Write([]string{strconv.Itoa(i), id})
			}
		}
		c.Flush()
		return c.Error()
	})
}

// ReadTasks returns the IDs of the trials of each task.
func ReadTasks(folder string) ([][]string, error) {
	path := filepath.Join(folder, TasksFile)
	rows, err := readCSV(path, tasksHeader)
	if err != nil {
		return nil, err
	}
	var tasks [][]string
	for i, row := range rows {
		task, err := strconv.Atoi(row[0])
		if err != nil || task < 0 || task > len(rows) {
			return nil, fmt.Errorf("%s:%d: %q is no number of a task", path, i+2, row[0])
		}
		for len(tasks) <= task {
			tasks = append(tasks, nil)
		}
		tasks[task] = append(tasks[task], row[1])
	}
	return tasks, nil
}

// readCSV returns the rows of a file below its header.
func readCSV(path string, header []string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.FieldsPerRecord = len(header)
	rows, err := c.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 || fmt.Sprint(rows[0]) != fmt.Sprint(header) {
		return nil, fmt.Errorf("%s: the first line must be %v; the file was written by another version or changed", path, header)
	}
	return rows[1:], nil
}
