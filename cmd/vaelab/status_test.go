package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/status"
)

// makeTrial makes a trial's folder with files, given as name and text in turns, that were last changed some time ago.
func makeTrial(t *testing.T, id string, ago time.Duration, files ...string) {
	t.Helper()
	dir := filepath.Join("results", "x", id)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	variant, _, _ := strings.Cut(id, "-")
	if ago > 0 {
		ago += time.Second // the clock of files is a few milliseconds behind, and ages are rounded down
	}
	files = append(files, record.TrialFile, fmt.Sprintf(`{"format":2,"experiment":"x","id":%q,"variant":%q,"seed":1,"config":{"train.epochs":"20"}}`, id, variant))
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		write(t, path, files[i+1])
		at := time.Now().Add(-ago)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// claimOf is the text of a claim on another host, with 60 heartbeats of 30 s.
func claimOf(host string) string {
	return fmt.Sprintf(`{"host":%q,"system":"another","pid":7,"job":"12_3","heartbeat_seconds":30,"nonce":"a"}`, host) + "\n" + strings.Repeat(".", 60)
}

// TestStatus: the table says what is not done, and what is wrong with it; a trial that has failed is no error of the command.
func TestStatus(t *testing.T) {
	const released = "\nreleased\n"
	folder(t)
	makeTrial(t, "bn-0123abcd/seed-1", 0, "DONE", "")
	makeTrial(t, "bn-0123abcd/seed-2", 0, "claim.1", claimOf("n1"), "rows.1.jsonl", `{"step":1200,"epoch":3.14159,"split":"train","values":{"kl":1.234}}`+"\n")
	makeTrial(t, "bn-0123abcd/seed-3", 3*time.Hour, "claim.1", claimOf("n2"))
	makeTrial(t, "ln-0123abcd/seed-1", 50*time.Hour, "claim.1", claimOf("n3")+released, "FAILED", "training diverged by step 7\x1b[31m; try a smaller train.lr\n")
	makeTrial(t, "ln-0123abcd/seed-2", 5*time.Minute, "claim.1", claimOf("n3")+released, "last.1.safetensors", "")
	makeTrial(t, "ln-0123abcd/seed-3", 0, "claim.1", "")
	if err := os.MkdirAll("results/x/submit/1", 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, "results/x/submit/1/tasks.csv", "task,trial\n0,bn-0123abcd/seed-1\n0,bn-0123abcd/seed-4\n1,bn-0123abcd/seed-5\n")
	write(t, "results/x/submit/1/jobs.csv", "job,first,last,what\n12,0,1,array\n13,0,0,report\n")
	r := succeeds(t, "status", "results/x")
	const want = `8 trials: 1 done, 2 not begun, 2 running, 1 stopped, 1 stale, 1 failed
not begun of results/x/submit/1: 2 (job 12, 13)

state    trial               where               time              last row, or what is wrong
failed   ln-0123abcd/seed-1  n3, job 12_3        since 2d02h       training diverged by step 7\x1b[31m; try a smaller train.lr
stale    bn-0123abcd/seed-3  n2, job 12_3        silent for 3h00m
stopped  ln-0123abcd/seed-2  n3, job 12_3        since 5m
running  bn-0123abcd/seed-2  n1, job 12_3        for 30m           step 1200, epoch 3.14 of 20, KL 1.23
running  ln-0123abcd/seed-3  an unknown process  for 0s            claim.1 is empty
`
	got := r.out
	for i := range 60 { // this test may be slow
		got = strings.Replace(got, fmt.Sprintf("for %-12s", fmt.Sprintf("%ds", i)), fmt.Sprintf("for %-12s", "0s"), 1)
	}
	if got != want || r.err != "" {
		t.Errorf("got\n%s%swant\n%s", r.out, r.err, want)
	}
	has(t, "a trial", succeeds(t, "status", "results/x/bn-0123abcd/seed-2").out, "1 trial: 1 running\n", "running  bn-0123abcd/seed-2  n1")
	has(t, "results", succeeds(t, "status", "results").out, "8 trials: 1 done, ", "running  x/bn-0123abcd/seed-2  n1")

	var set status.Set
	if err := json.Unmarshal([]byte(succeeds(t, "status", "results/x", "--json").out), &set); err != nil {
		t.Fatal(err)
	}
	if n, ok := set.Count[status.Unreadable]; n != 0 || !ok || set.Count[status.Failed] != 1 || set.Count[status.NotBegun] != 2 || len(set.Trials) != 8 || set.Trials[3].Queued != "12_0" || set.Trials[1].Owner.Host != "n1" || *set.Trials[1].Row.KL != 1.234 {
		t.Errorf("--json: %+v", set)
	}
}

// TestStatusOfMany: trials of one variant and state share a line, unless what is said of them differs in words.
func TestStatusOfMany(t *testing.T) {
	folder(t)
	for i := range 30 {
		reason := fmt.Sprintf("diverged by step %d", i)
		if i == 0 {
			reason = "there is no memory"
		}
		makeTrial(t, fmt.Sprintf("bn-%08x/seed-1", i), 0, "FAILED", reason)
		makeTrial(t, fmt.Sprintf("ln-%08x/seed-1", i), time.Duration(i+1)*time.Hour+20*time.Second, "claim.1", claimOf(fmt.Sprintf("n%d", i%(1+i/20))))
	}
	r := succeeds(t, "status", "results/x")
	has(t, "status", r.out, "60 trials: 30 stale, 30 failed\n",
		"failed  bn-00000000/seed-1                         ", "there is no memory\n",
		"failed  bn: 29 trials, such as bn-00000001/seed-1  ", "diverged by step 1\n",
		"stale   ln: 30 trials, such as ln-00000000/seed-1  n0, n1  silent for 60m to 30h00m\n")
	if n := strings.Count(r.out, "\n"); n != 6 {
		t.Errorf("%d lines, want 6\n%s", n, r.out)
	}
}

// TestStatusOfRun: what run leaves is done, and a trial that fails has failed.
func TestStatusOfRun(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}, {variant: bn, train: {lr: 1e30}}]\n")
	if r := vaelab(t, "run", "tiny.yaml", "-q"); r.code != exitFailed {
		t.Fatalf("exit code %d\n%s", r.code, r.err)
	}
	has(t, "status", succeeds(t, "status", "results").out, "2 trials: 1 done, 1 failed\n", "diverged")
	succeeds(t, "report", "results/tiny", "--rows", "--out", "published", "--unknown-revision")
	has(t, "an archive", succeeds(t, "status", "published").out, "0 trials\n", record.ArchiveFile+" holds more finished trials, which are not counted here\n")
	write(t, "file", "")
	if err := errors.Join(os.Mkdir("empty", 0o777)); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"tiny":          "tiny: no such file or folder; did you mean results/tiny?",
		"results/tinny": "results/tinny: no such file or folder; did you mean results/tiny?",
		"file":          "file: is not a folder; must be the folder of results, of an experiment or of a trial",
		"empty":         "empty: there is no trial in or below this folder; vaelab run trains some",
	} {
		if r := vaelab(t, "status", args); r.code != exitFailed || r.out != "" || r.err != "vaelab: error: "+want+"\n" {
			t.Errorf("status %s: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
	if r := vaelab(t, "status"); r.code != exitUsage {
		t.Errorf("status without a folder: exit code %d", r.code)
	}
}
