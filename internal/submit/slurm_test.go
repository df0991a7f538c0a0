package submit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// jobOf is an experiment of 48 trials, of which 12 are left.
func jobOf() Slurm {
	return Slurm{
		Experiment: "kl-vanishing", Folder: "/srv/me/the results/50%/kl-vanishing/submit/2", Results: "/srv/me/the results/50%",
		Tasks: 8, Trials: "0-9,17,23", AtOnce: 4, MaxArray: 1001, Claims: true, Seeds: []int{1, 2, 3}, Args: []string{"-p", "cpu", "-t", "2:00:00"},
	}
}

// TestScripts compares the scripts with those in testdata, and has a shell read them.
func TestScripts(t *testing.T) {
	plain := jobOf()
	large := jobOf()
	large.Tasks, large.MaxArray, large.Trials, large.Claims, large.AtOnce, large.Keep = 2500, 1001, "", false, 0, "none"
	for name, job := range map[string]Slurm{"slurm": plain, "slurm-large": large} {
		arrays, err := job.Arrays()
		if err != nil {
			t.Fatal(err)
		}
		task, report := job.Scripts(arrays)
		got := task + "\n" + report
		for _, a := range arrays {
			got += "\n" + Quoted(job.ArrayCommand(a, len(arrays) > 1))
		}
		got += "\n" + Quoted(job.ReportCommand([]string{"12", "13"})) + "\n"
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("not %s; go test ./internal/submit -run Scripts -update renews it. Got\n%s", file, got)
		}
	}
}

// TestTaskScript runs job.sh with a program that prints its arguments, in a folder whose name a shell would divide.
func TestTaskScript(t *testing.T) {
	job := jobOf()
	job.Folder = filepath.Join(t.TempDir(), "it's $HOME/%a")
	if err := os.MkdirAll(job.Folder, 0o777); err != nil {
		t.Fatal(err)
	}
	program := "#!/bin/sh\nfor a; do echo \"$a\"; done\nexit 7\n"
	if err := os.WriteFile(filepath.Join(job.Folder, ProgramFile), []byte(program), 0o777); err != nil {
		t.Fatal(err)
	}
	run := func(script string, args ...string) (string, error) {
		cmd := exec.Command("sh", append([]string{"-c", script, "job.sh"}, args...)...)
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=3")
		out, err := cmd.Output()
		return string(out), err
	}
	file := job.Folder + "/experiment.yaml"
	for _, maxArray := range []int{1001, 5} {
		job.MaxArray = maxArray
		arrays, err := job.Arrays()
		if err != nil {
			t.Fatal(err)
		}
		task, report := job.Scripts(arrays)
		want, args := "3/8", []string(nil)
		if line := job.ArrayCommand(arrays[len(arrays)-1], len(arrays) > 1); len(arrays) > 1 {
			want, args = "7/8", line[slices.Index(line, filepath.Join(job.Folder, TaskScript))+1:]
		}
		out, err := run(task, args...)
		if want := strings.Join([]string{"run", file, "--task", want, "--trials", "0-9,17,23", "--out", job.Results, ""}, "\n"); out != want || err == nil || err.Error() != "exit status 7" {
			t.Errorf("job.sh: %v\n%s\nwant\n%s", err, out, want)
		}
		out, err = run(report)
		if want := strings.Join([]string{
			"verify", file, "--no-train", "--seeds", "1,2,3", "--out", job.Results,
			"report", job.Results + "/kl-vanishing", "--experiment", file, "",
		}, "\n"); out != want || err == nil || err.Error() != "exit status 7" {
			t.Errorf("report.sh: %v\n%s\nwant\n%s", err, out, want)
		}
	}
}

// TestArrays: the tasks are in arrays of sizes that Slurm allows, and the limit of tasks at a time is kept in all.
func TestArrays(t *testing.T) {
	for _, c := range []struct {
		tasks, atOnce, maxArray int
		want                    string
	}{
		{1, 0, 1001, "[{0 0 0}]"},
		{1001, 7, 1001, "[{0 1000 7}]"},
		{1002, 7, 1001, "[{0 500 3} {501 1001 4}]"},
		{10, 0, 4, "[{0 2 0} {3 5 0} {6 9 0}]"},
		{3, 3, 1, "[{0 0 1} {1 1 1} {2 2 1}]"},
		{3, 2, 1, "--at-once 2: 3 tasks are 3 arrays, since Slurm allows 1 in one (MaxArraySize), and each has a limit of its own; must be at least 3, or lower --tasks"},
		{3, 0, 0, "Slurm has no job arrays here: MaxArraySize is 0 (scontrol show config)"},
	} {
		arrays, err := Slurm{Tasks: c.tasks, AtOnce: c.atOnce, MaxArray: c.maxArray}.Arrays()
		got := fmt.Sprint(arrays)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%d tasks, %d at once, MaxArraySize %d: %s, want %s", c.tasks, c.atOnce, c.maxArray, got, c.want)
		}
		for _, a := range arrays {
			if a.Last-a.First >= c.maxArray {
				t.Errorf("%v is larger than %d", a, c.maxArray)
			}
		}
	}
	if got := (Array{First: 5, Last: 9, AtOnce: 2}).Indices(); got != "0-4%2" {
		t.Errorf("indices %s", got)
	}
}

// TestReportArguments: the report is no array, whatever the user asks for.
func TestReportArguments(t *testing.T) {
	for args, want := range map[string]string{
		"-p cpu -a 0-3 --mem 2G":                     "-p cpu --mem 2G",
		"-a0-3 --array=0-3 --arr 1 --ar=1 -A me":     "-A me",
		"--account me --acctg-freq=1 --array 0-3 -O": "--account me --acctg-freq=1 -O",
		"--array": "",
	} {
		if got := strings.Join(forReport(strings.Fields(args)), " "); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
}

func TestCheckSlurm(t *testing.T) {
	for path, ok := range map[string]bool{"/a b/%j's": true, `/a"b`: false, `/a\b`: false, "/a\nb": false} {
		if err := (Slurm{Folder: path}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
	if err := (Slurm{Folder: "/a", Trials: strings.Repeat("1,3-5,", 30000)}).Check(); err == nil {
		t.Error("a command line that is too long")
	}
}
