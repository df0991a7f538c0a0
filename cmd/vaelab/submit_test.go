package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/submit"
)

// A cluster is a Slurm of shell scripts: sbatch gives numbers and notes its arguments, squeue prints the file queue,
// scancel empties it.
type cluster struct{ dir string }

func newCluster(t *testing.T) cluster {
	t.Helper()
	c := cluster{t.TempDir()}
	for name, script := range map[string]string{
		"sbatch": `for a; do printf '%s|' "$a"; done >> calls; echo >> calls
case "$* " in *" -p none "*) echo "sbatch: error: invalid partition specified: none" >&2; exit 1;; esac
case "$* " in *" --no-report "*report.sh*) echo "sbatch: error: no report" >&2; exit 1;; esac
echo "sbatch: be patient" >&2
echo $(($(wc -l < calls) + 100))`,
		"squeue":   "cat queue",
		"scancel":  `echo "$@" > cancelled`,
		"scontrol": `echo "MaxArraySize = $(cat size)"`,
	} {
		c.write(t, name, "#!/bin/sh\ncd "+c.dir+"\n"+script+"\n")
	}
	c.write(t, "queue", "")
	c.write(t, "size", "1001")
	c.write(t, "calls", "")
	t.Setenv("PATH", c.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return c
}

func (c cluster) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
}

// calls are the arguments of each call of sbatch since the last time.
func (c cluster) calls(t *testing.T) (all []string) {
	t.Helper()
	all = strings.Split(strings.TrimSuffix(read(t, filepath.Join(c.dir, "calls")), "\n"), "\n")
	return all[c.done(t, len(all)):]
}

func (c cluster) done(t *testing.T, n int) (before int) {
	t.Helper()
	path := filepath.Join(c.dir, "read")
	if text, err := os.ReadFile(path); err == nil {
		fmt.Sscan(string(text), &before)
	}
	c.write(t, "read", fmt.Sprint(n))
	return before
}

// submissionDir is the folder of a submission of my.yaml.
func submissionDir(t *testing.T, k int) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("results", "my", "submit", fmt.Sprint(k)))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// files are those in and below a folder, with /.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// startTask runs a task as Slurm would: in another folder, with the copies that the submission has.
func startTask(t *testing.T, script string, index int, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{script}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), beMain+"=1", fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", index))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestSubmit: an experiment in four tasks is trained by them, whatever becomes of its file, and a second submission
// has what is neither done nor queued.
func TestSubmit(t *testing.T) {
	slurm := newCluster(t)
	folder(t, "my.yaml", strings.Replace(twoVariants, "seeds: 2", "seeds: 3", 1)+"claims:\n  - {say: A, source: B, order: {metric: kl, of: bn, is: greater, than: vanilla}}\n")
	r := succeeds(t, "submit", "my.yaml", "--slurm", "--tasks", "4", "--at-once", "2", "--set", "train.lr=0.02", "--", "-p", "cpu", "-t", "2:00:00", "-a", "0-1")
	has(t, "stdout", r.out, "6 trials: 0 done, 0 queued, 6 to submit\n", "submitted: 4 tasks as job 101, their report as job 102\n", "scancel 101 102\n")
	has(t, "stderr", r.err, "sbatch: be patient", "the claims need 6 seeds to be decided, and the experiment has 3; --seeds 6 adds the others")
	dir := submissionDir(t, 1)
	if got, want := slurm.calls(t), []string{
		"--parsable|-p|cpu|-t|2:00:00|-a|0-1|" + dir + "/job.sh|",
		"--parsable|-p|cpu|-t|2:00:00|--dependency=afterany:101|" + dir + "/report.sh|",
	}; !slices.Equal(got, want) {
		t.Errorf("sbatch got\n%s\nwant\n%s", got, want)
	}
	if got := files(t, filepath.Dir(dir)); !slices.Equal(got, []string{"1/experiment.yaml", "1/job.sh", "1/jobs.csv", "1/report.sh", "1/tasks.csv", "1/vaelab"}) {
		t.Errorf("files: %v", got)
	}
	has(t, "jobs.csv", read(t, dir+"/jobs.csv"), "job,first,last,what\n101,0,3,array\n102,0,0,report\n")
	has(t, "job.sh", read(t, dir+"/job.sh"), "#SBATCH --array=0-3%2\n")

	if err := os.Remove("my.yaml"); err != nil { // the tasks do not need it
		t.Fatal(err)
	}
	tasks, err := submit.ReadTasks(dir)
	if err != nil || len(tasks) != 4 {
		t.Fatal(tasks, err)
	}
	for _, i := range []int{0, 2} {
		if out, err := startTask(t, dir+"/job.sh", i); err != nil {
			t.Fatalf("task %d: %v\n%s", i, err, out)
		}
		for _, id := range tasks[i] {
			has(t, id, read(t, filepath.Join("results", "my", id, "trial.json")), `"train.lr": "0.02"`)
			if _, err := os.Stat(filepath.Join("results", "my", id, "DONE")); err != nil {
				t.Errorf("task %d: %v", i, err)
			}
		}
	}
	done := len(tasks[0]) + len(tasks[2])
	slurm.write(t, "queue", "101 3\n101 1\n102 N/A\n")
	frozen := dir + "/experiment.yaml"
	r = succeeds(t, "submit", frozen, "--slurm")
	has(t, "stdout", r.out, fmt.Sprintf("6 trials: %d done, %d queued, 0 to submit\n", done, 6-done))

	slurm.write(t, "queue", "101 3\n102 N/A\n") // task 1 was cancelled
	r = succeeds(t, "submit", frozen, "--slurm", "--tasks", "1")
	has(t, "stdout", r.out, fmt.Sprintf("6 trials: %d done, %d queued, %d to submit\n", done, len(tasks[3]), len(tasks[1])), "submitted: 1 task as job 103, their report as job 104\n")
	second := submissionDir(t, 2)
	if calls := slurm.calls(t); len(calls) != 2 || !strings.Contains(calls[1], "--dependency=afterany:103:101:102|") {
		t.Errorf("sbatch got %q", calls)
	}
	if again, err := submit.ReadTasks(second); err != nil || len(again) != 1 || !slices.Equal(again[0], tasks[1]) {
		t.Errorf("the second submission has %v (%v), want %v", again, err, tasks[1])
	}
	if got, want := read(t, second+"/experiment.yaml"), read(t, frozen); got != want {
		t.Errorf("frozen again:\n%s\nwas\n%s", got, want)
	}
	if one, err := os.Stat(dir + "/vaelab"); err != nil {
		t.Error(err)
	} else if two, err := os.Stat(second + "/vaelab"); err != nil || !os.SameFile(one, two) {
		t.Errorf("there are two copies of the program: %v", err)
	}
	out, err := startTask(t, second+"/job.sh", 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, "log", out, tasks[1][0], fmt.Sprintf("%d to train", len(tasks[1])))
	if out, err = startTask(t, second+"/report.sh", 0); err != nil { // some trials are missing
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, "log", out, "undecided", "report.html")
}

// TestSubmitMany: more tasks than an array may have are several arrays, each with the number of its first task.
func TestSubmitMany(t *testing.T) {
	slurm := newCluster(t)
	slurm.write(t, "size", "3")
	folder(t, "my.yaml", strings.Replace(twoVariants, "seeds: 2", "seeds: 4", 1))
	succeeds(t, "submit", "my.yaml", "--slurm", "--tasks", "8", "--at-once", "4", "--keep", "none")
	dir := submissionDir(t, 1)
	if got, want := slurm.calls(t), []string{
		"--parsable|--array=0-1%1|" + dir + "/job.sh|0|",
		"--parsable|--array=0-2%1|" + dir + "/job.sh|2|",
		"--parsable|--array=0-2%2|" + dir + "/job.sh|5|",
		"--parsable|--dependency=afterany:101:102:103|" + dir + "/report.sh|",
	}; !slices.Equal(got, want) {
		t.Errorf("sbatch got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	slurm.write(t, "queue", "102 1\n103 2\n")
	r := succeeds(t, "submit", "my.yaml", "--slurm", "--tasks", "2", "--print")
	has(t, "stdout", r.out, "8 trials: 0 done, 2 queued, 6 to submit\n")
	out, err := startTask(t, dir+"/job.sh", 2, "5")
	if err != nil {
		t.Fatal(err, out)
	}
	tasks, err := submit.ReadTasks(dir)
	if err != nil || len(tasks) != 8 {
		t.Fatal(tasks, err)
	}
	has(t, "log of the last task", out, tasks[7][0])
	if _, err := os.Stat(filepath.Join("results", "my", tasks[7][0], "model.safetensors")); err == nil {
		t.Error("--keep none: there are weights")
	}
	r = vaelab(t, "submit", "my.yaml", "--slurm", "--tasks", "5", "--at-once", "1")
	has(t, "stderr", r.err, "--at-once 1: 5 tasks are 2 arrays, since Slurm allows 3 in one (MaxArraySize)")
	if r.code != exitUsage {
		t.Errorf("exit code %d", r.code)
	}
}

// TestSubmitPrint writes nothing and needs no Slurm.
func TestSubmitPrint(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	folder(t, "my.yaml", twoVariants)
	r := succeeds(t, "submit", "my.yaml", "--slurm", "--print", "--", "--mem", "2 G")
	dir := submissionDir(t, 1)
	has(t, "stdout", r.out, "4 trials: 0 done, 0 queued, 4 to submit\n", "on one processor: 1 task; --tasks sets another number\n",
		dir+"/job.sh:\n", "#SBATCH --array=0-0\n", dir+"/report.sh:\n",
		"sbatch --parsable --mem '2 G' "+dir+"/job.sh\n", "sbatch --parsable --mem '2 G' --dependency=afterany:ARRAY1 "+dir+"/report.sh\n")
	if got := files(t, "."); !slices.Equal(got, []string{"my.yaml"}) {
		t.Errorf("written: %v", got)
	}
}

// TestSubmitMistakes: one line says what is wrong, nothing is queued, and nothing is left behind.
func TestSubmitMistakes(t *testing.T) {
	slurm := newCluster(t)
	folder(t, "my.yaml", twoVariants, "file", "", "text.yaml", "base: {data: {text: {train: none.txt}}}\ngrid: [{variant: vanilla}]\n")
	for _, c := range []struct {
		args string
		code int
		want []string // lines of stderr
	}{
		{"my.yaml", exitUsage, []string{"say where the tasks are to run: --slurm or --k8s"}},
		{"my.yaml --slurm --k8s", exitUsage, []string{"--slurm and --k8s exclude each other; leave one of them out"}},
		{"my.yaml -- -p cpu", exitUsage, []string{"-- -p cpu: arguments behind -- are for sbatch; add --slurm"}},
		{"--slurm -- my.yaml", exitUsage, []string{"accepts 1 arg(s), received 0; usage: vaelab submit EXPERIMENT --slurm|--k8s [flags] [-- SBATCH ARGUMENTS]"}},
		{"my.yaml --slurm --tasks 0", exitUsage, []string{"--tasks 0: must be at least 1"}},
		{"my.yaml --slurm --tasks 5", exitUsage, []string{"--tasks 5: must be 1 to 4, the number of trials to submit"}},
		{"my.yaml --slurm --keep some", exitUsage, []string{"--keep some: must be weights or none"}},
		{"my.yaml --slurm --at-once 0", exitUsage, []string{"--at-once 0: must be at least 1; leave it out for no limit"}},
		{"my.yaml --slurm --out file", exitFailed, []string{"results cannot be written: mkdir "}},
		{"text.yaml --slurm", exitFailed, []string{"text.yaml:1:29: data.text.train: none.txt: no such file in the working directory"}},
		{"my.yaml --slurm --tasks 1 -- -p none", exitFailed, []string{"sbatch: error: invalid partition specified: none"}},
		{"my.yaml --slurm --tasks 1 -- --no-report", exitFailed, []string{"sbatch: error: no report"}},
	} {
		r := vaelab(t, append([]string{"submit"}, strings.Fields(c.args)...)...)
		var errs []string
		for line := range strings.Lines(r.err) {
			if text, ok := strings.CutPrefix(line, "vaelab: error: "); ok {
				errs = append(errs, text)
			}
		}
		if ok := len(errs) == len(c.want) && strings.HasPrefix(errs[0], c.want[0]); !ok || r.code != c.code {
			t.Errorf("%s: exit code %d, want %d:\n%s\nwant %q", c.args, r.code, c.code, r.err, c.want)
		}
		if got := files(t, "."); !slices.Equal(got, []string{"file", "my.yaml", "text.yaml"}) {
			t.Fatalf("%s: left behind: %v", c.args, got)
		}
	}
	has(t, "scancel", read(t, filepath.Join(slurm.dir, "cancelled")), "10")
	slurm.write(t, "scancel", "#!/bin/sh\necho 'scancel: error: Unable to contact slurm controller' >&2\nexit 1\n")
	slurm.write(t, "calls", "")
	refused := vaelab(t, "submit", "my.yaml", "--slurm", "--tasks", "1", "--", "--no-report")
	has(t, "stderr", refused.err, "error: sbatch: error: no report\n", "error: scancel: error: Unable to contact slurm controller\n", "error: cancel by hand: scancel 101\n")
	has(t, "jobs.csv", read(t, filepath.Join("results", "my", "submit", "1", "jobs.csv")), "101,0,0,array\n") // what is queued needs its folder
	t.Setenv("PATH", t.TempDir())
	r := vaelab(t, "submit", "my.yaml", "--slurm")
	has(t, "stderr", r.err, "there is no sbatch on the PATH: log in where Slurm is; or see the scripts with --print; or start tasks here: seq 0 3 | xargs -P 4 -I{} vaelab run my.yaml --task {}/4\n")
}

// TestSubmitTurns: of processes that submit the same experiment at the same time, one queues its trials.
func TestSubmitTurns(t *testing.T) {
	slurm := newCluster(t)
	slurm.write(t, "squeue", "#!/bin/sh\n[ \"$(wc -l < "+slurm.dir+"/calls)\" -lt 2 ] || printf '101 0\\n101 1\\n'\n")
	folder(t, "my.yaml", twoVariants)
	var all []*exec.Cmd
	var said [3]strings.Builder
	for i := range said {
		cmd := process(nil, "submit", "my.yaml", "--slurm", "--tasks", "2")
		cmd.Stdout, cmd.Stderr = &said[i], &said[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	submitted := 0
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &said[i])
		}
		submitted += strings.Count(said[i].String(), "submitted: ")
	}
	if calls := slurm.calls(t); submitted != 1 || len(calls) != 2 {
		t.Errorf("%d submitted; sbatch got %q\n%s%s%s", submitted, calls, &said[0], &said[1], &said[2])
	}
}
