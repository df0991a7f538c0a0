package submit

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// TestNew: processes that submit at the same time get folders of their own, numbered without a gap.
func TestNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results", "x")
	if next, err := Next(dir); err != nil || next != filepath.Join(dir, "submit", "1") {
		t.Errorf("next: %s, %v", next, err)
	}
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	const n = 12
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := New(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, other := range []string{"007", "x", "log"} {
		if err := os.Mkdir(filepath.Join(dir, "submit", other), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	folders, err := Earlier(dir)
	if err != nil || len(folders) != n || folders[n-1] != filepath.Join(dir, "submit", "12") {
		t.Errorf("%d folders: %v, %v", n, folders, err)
	}
	if _, err := os.Stat(filepath.Join(folders[0], LogFolder)); err != nil {
		t.Error(err)
	}
}

// TestClose removes what is empty, and nothing else.
func TestClose(t *testing.T) {
	dir := opened(t)
	folder, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	Close(dir)
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	Close(dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// opened is the folder of an experiment, ready for submissions.
func opened(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "results", "x")
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCopyProgram: equal programs are one file, and a program of another build is another.
func TestCopyProgram(t *testing.T) {
	dir := opened(t)
	program := filepath.Join(dir, "program")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("x", 1<<20)
	var copies []os.FileInfo
	for _, text := range []string{large + "1", large + "1", large + "2", large, large + "1"} {
		write(text)
		earlier, err := Earlier(dir)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := CopyProgram(program, folder, earlier); err != nil {
			t.Fatal(err)
		}
		write("a new build")
		to := filepath.Join(folder, ProgramFile)
		got, err := os.ReadFile(to)
		if err != nil || string(got) != text {
			t.Errorf("the copy has %d bytes, want %d: %v", len(got), len(text), err)
		}
		info, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o100 == 0 {
			t.Errorf("mode %v", info.Mode())
		}
		copies = append(copies, info)
	}
	for i, want := range []int{0, 0, 2, 3, 0} {
		if !os.SameFile(copies[i], copies[want]) {
			t.Errorf("copy %d is not that of submission %d", i, want)
		}
	}
	if os.SameFile(copies[0], copies[2]) || os.SameFile(copies[0], copies[3]) {
		t.Error("different programs are one file")
	}
	if err := CopyProgram(filepath.Join(dir, "none"), dir, nil); err == nil {
		t.Error("a program that is not there is copied")
	}
}

// TestTables: tasks.csv and jobs.csv say what was written, and what is damaged is an error that names the file.
func TestTables(t *testing.T) {
	folder := t.TempDir()
	tasks := [][]string{{"vanilla-12345678/seed-1", "bn+free-bits-12345678/seed-2"}, {"bn-1234abcd/seed-1"}}
	jobs := []Job{{"12", 0, 1, ArrayJob}, {"13", 0, 0, ReportJob}}
	if err := WriteTasks(folder, tasks); err != nil {
		t.Fatal(err)
	}
	if err := WriteJobs(folder, jobs); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadTasks(folder); err != nil || !reflect.DeepEqual(got, tasks) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ReadJobs(folder); err != nil || !reflect.DeepEqual(got, jobs) {
		t.Errorf("%v, %v", got, err)
	}
	for _, c := range []struct{ file, text, want string }{
		{TasksFile, "", "tasks.csv: the first line must be [task trial]"},
		{TasksFile, "trial,task\n", "tasks.csv: the first line must be [task trial]"},
		{TasksFile, "task,trial\n0\n", "tasks.csv: record on line 2: wrong number of fields"},
		{TasksFile, "task,trial\n0,a\n-1,b\n", `tasks.csv:3: "-1" is no number of a task`},
		{TasksFile, "task,trial\n9999999,a\n", `tasks.csv:2: "9999999" is no number of a task`},
		{JobsFile, "job,first,last,what\n12,3,1,array\n", "jobs.csv:2: "},
		{JobsFile, "job,first,last,what\n12,0,x,array\n", "jobs.csv:2: "},
	} {
		if err := os.WriteFile(filepath.Join(folder, c.file), []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadTasks(folder)
		if c.file == JobsFile {
			_, err = ReadJobs(folder)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), folder) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}
