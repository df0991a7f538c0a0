package submit

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fake puts a shell script of this name on the PATH.
func fake(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestQueued: what squeue still lists of earlier submissions is queued, whichever of its forms the job has.
func TestQueued(t *testing.T) {
	dir := opened(t)
	var folders []string
	for _, jobs := range [][]Job{{{"12", 0, 1, ArrayJob}, {"13", 2, 3, ArrayJob}, {"14", 0, 0, ReportJob}}, nil, {{"20", 0, 0, ArrayJob}}} {
		folder, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, folder)
		if jobs == nil {
			continue // killed before sbatch
		}
		if err := WriteJobs(folder, jobs); err != nil {
			t.Fatal(err)
		}
		if err := WriteTasks(folder, [][]string{{"a", "b"}, {"c"}, {"d"}, {"e", "f"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		squeue string
		jobs   string
		trials string
	}{
		{"12 1\n13 0\n13 1\n14 N/A\n", "12 13 14", "c d e f"},
		{"13 1\n99 0\n14 N/A\n", "13 14", "e f"},
		{"12 7\n", "12", ""}, // an index that the submission has not
		{"20 0\n", "20", "a b"},
		{"", "", ""},
	} {
		fake(t, "squeue", "[ \"$*\" = '--noheader -r --format=%F %K --jobs=12,13,14,20' ] || { echo \"asked $*\" >&2; exit 1; }\ncat <<EOF\n"+c.squeue+"EOF")
		jobs, trials, err := Queued(folders)
		want := map[string]bool{}
		for _, id := range strings.Fields(c.trials) {
			want[id] = true
		}
		if err != nil || strings.Join(jobs, " ") != c.jobs || !reflect.DeepEqual(trials, want) {
			t.Errorf("%q: jobs %v, trials %v, %v", c.squeue, jobs, trials, err)
		}
	}
	fake(t, "squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
	if jobs, trials, err := Queued(folders); err != nil || len(jobs)+len(trials) > 0 {
		t.Errorf("jobs that Slurm has forgotten: %v %v %v", jobs, trials, err)
	}
	fake(t, "squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
	if _, _, err := Queued(folders); err == nil || err.Error() != "slurm_load_jobs error: Unable to contact slurm controller" {
		t.Errorf("without a controller: %v", err)
	}
	fake(t, "squeue", "echo what")
	if _, _, err := Queued(folders); err == nil || !strings.HasPrefix(err.Error(), `squeue: "what"`) {
		t.Errorf("another squeue: %v", err)
	}
}

// TestMaxArray reads scontrol show config.
func TestMaxArray(t *testing.T) {
	fake(t, "scontrol", "printf 'MaxDBDMsgs = 20008\\nMaxArraySize            = 40\\nMaxJobCount = 10000\\n'")
	if n, err := MaxArray(); err != nil || n != 40 {
		t.Error(n, err)
	}
	fake(t, "scontrol", "echo a")
	if n, err := MaxArray(); err != nil || n != DefaultMaxArray {
		t.Error(n, err)
	}
	fake(t, "scontrol", "echo 'slurm_load_ctl_conf error: Unable to contact slurm controller' >&2; exit 1")
	if _, err := MaxArray(); err == nil || !strings.HasPrefix(err.Error(), "slurm_load_ctl_conf") {
		t.Error(err)
	}
}
