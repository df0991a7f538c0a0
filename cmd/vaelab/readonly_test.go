//go:build unix

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestReadOnlyResults: what is finished can be printed, judged, drawn and reported from a folder that may not be written.
func TestReadOnlyResults(t *testing.T) {
	folder(t, "tiny.yaml", tiny+claimed)
	succeeds(t, "run", "tiny.yaml", "-q")
	table := succeeds(t, "run", "tiny.yaml", "-q").out
	open := func(mode fs.FileMode) {
		err := filepath.WalkDir("results", func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, mode)
			} else if err == nil {
				err = os.Chmod(path, mode&0o666)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	makeTrial(t, "bn-0123abcd/seed-1", 0, "claim.1", claimOf("n1"))
	open(0o555)
	t.Cleanup(func() { open(0o755) }) // so that it can be removed
	if err := errors.Join(os.Mkdir("elsewhere", 0o777), os.Chmod("elsewhere", 0o777), os.Chmod(".", 0o755)); err != nil {
		t.Fatal(err)
	}
	asOther := func(args ...string) result {
		t.Helper()
		return asOther(t, args...)
	}
	if r := asOther("plot", "results/tiny"); r.code != exitFailed || !strings.Contains(r.err, "results cannot be written") {
		t.Fatalf("the folder can be written: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	before, _, _ := strings.Cut(table, "results/tiny/")
	if r := asOther("run", "tiny.yaml", "-q"); r.code != exitOK || strings.TrimSpace(r.out) != strings.TrimSpace(before) ||
		!strings.Contains(r.err, "no figure is drawn, because results/tiny is not writable; vaelab plot results/tiny --out FOLDER") {
		t.Errorf("run: exit code %d\n%s%s, want\n%s", r.code, r.out, r.err, before)
	}
	if r := asOther("run", "tiny.yaml", "-q", "--seeds", "2"); r.code != exitFailed || !strings.Contains(r.err, "results cannot be written") {
		t.Errorf("run of one more seed: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	for _, more := range [][]string{{"--no-train"}, {"--seeds", "1"}, {"--seeds", "1", "--json"}} {
		r := asOther(append([]string{"verify", "tiny.yaml"}, more...)...)
		if r.code != exitUndecided || !strings.Contains(r.out, said) || !strings.Contains(r.err, "vaelab: warning: the verdicts are not saved: ") {
			t.Errorf("verify %v: exit code %d\n%s%s", more, r.code, r.out, r.err)
		}
	}
	if r := asOther("status", "results"); r.code != exitOK || !strings.HasPrefix(r.out, "3 trials: 2 done, 1 running\n") || !strings.Contains(r.out, "Times are by the clock of this machine") {
		t.Errorf("status: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	for _, args := range [][]string{
		{"plot", "results/tiny", "--out", "elsewhere/figures"},
		{"report", "results/tiny", "--out", "elsewhere/page", "--experiment", "tiny.yaml"},
		{"export", "results", "-o", "elsewhere/all.csv"},
		{"eval", trials(t, "results")[0]},
		{"plan", "tiny.yaml"},
	} {
		if r := asOther(args...); r.code != exitOK {
			t.Errorf("vaelab %s: exit code %d\n%s%s", quoted(args), r.code, r.out, r.err)
		}
	}
	for _, name := range []string{"figures/kl-curve.png", "page/report.html", "all.csv"} {
		if _, err := os.Stat(filepath.Join("elsewhere", name)); err != nil {
			t.Error(err)
		}
	}
}

// asOther runs vaelab as a user who may write and read only what everybody may.
func asOther(t *testing.T, args ...string) result {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	if os.Geteuid() == 0 { // root may write everywhere
		if runtime.GOOS != "linux" {
			t.Skip("no way to run as another user")
		}
		cmd = exec.Command("/proc/self/exe", args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Env = append(os.Environ(), beMain+"=1")
	var out, wErr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wErr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Skip(err) // may not become another user
	}
	noPanic(t, args, out.String()+wErr.String())
	return result{cmd.ProcessState.ExitCode(), out.String(), wErr.String()}
}

// TestClosedFolders: a folder that cannot be read is named and left out, the other trials are used, and the exit code is 1.
func TestClosedFolders(t *testing.T) {
	folder(t, "tiny.yaml", strings.Replace(twoVariants, "seeds: 2", "seeds: 3", 1))
	succeeds(t, "run", "tiny.yaml", "-q")
	all := trials(t, "results")
	trial, group := all[0], filepath.Dir(all[len(all)-1])
	modes := map[string]fs.FileMode{trial: 0, group: 0o644} // neither listed, or listed without the files
	t.Cleanup(func() {
		for path := range modes {
			_ = os.Chmod(path, 0o755)
		}
	})
	if err := errors.Join(os.Chmod(".", 0o755), os.Mkdir("elsewhere", 0o777), os.Chmod("elsewhere", 0o777)); err != nil {
		t.Fatal(err)
	}
	for path, mode := range modes {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, says string }{
		{"plot results/tiny --out elsewhere --figure kl-curve", "kl-curve.png"},
		{"report results --out elsewhere --experiment tiny.yaml", "2 trials of 1 setting"},
		{"export results", "tiny"},
		{"compare results/tiny results", "bn"},
		{"rank results --at 1", "bn"},
	} {
		r := asOther(t, strings.Fields(c.args)...)
		if r.code != exitFailed {
			t.Errorf("%s: exit code %d, want %d", c.args, r.code, exitFailed)
		}
		if strings.HasPrefix(c.args, "report") {
			r.out += read(t, "elsewhere/report.md")
		}
		has(t, c.args, r.out, c.says)
		has(t, c.args, r.err, "vaelab: warning: "+trial+": the folder cannot be read: permission denied\n", "vaelab: warning: "+group+": the folder cannot be read: permission denied\n",
			"vaelab: error: folders that cannot be read, named above: 2; the trials in them are left out. Change their permissions\n")
	}
	if r := asOther(t, "plot", trial); r.code != exitFailed || !strings.Contains(r.err, "permission denied") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("plot of a folder that cannot be read: exit code %d\n%s", r.code, r.err)
	}
}
