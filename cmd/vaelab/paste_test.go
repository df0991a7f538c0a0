package main

import (
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestCommandsCanBePasted: the commands of a report on an experiment whose names have a space and a quotation mark
// are read by a shell as they are meant, and work.
func TestCommandsCanBePasted(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	const name = "it's mine"
	folder(t, name+".yaml", tiny+"grid:\n  - variant: vanilla\nclaims:\n  - {say: s, source: ours, bound: {metric: kl, of: vanilla, at_most: 9}}\n")
	succeeds(t, "run", name+".yaml", "--quiet")
	succeeds(t, "report", "results/"+name, "--experiment", name+".yaml", "--figure", "kl-curve")
	found := 0
	for _, line := range regexp.MustCompile(`(?m)^ *(vaelab [a-z]+ .*)$`).FindAllStringSubmatch(read(t, "results/"+name+"/report.md"), -1) {
		command, _, _ := strings.Cut(line[1], " > ")
		found++
		words, err := exec.Command(shell, "-c", `for w in "$@"; do printf '%s\n' "$w"; done`+"\n"+strings.Replace(command, "vaelab", "set --", 1)+"\n"+`printf '%s\n' "$@"`, "sh").Output()
		if err != nil {
			t.Errorf("%s: %v", command, err)
			continue
		}
		if args := strings.Split(strings.TrimSpace(string(words)), "\n"); args[0] != "verify" { // that would train
			if code := run(io.Discard, io.Discard, args); code != exitOK {
				t.Errorf("%s, read by a shell as %q: exit code %d", command, args, code)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d commands in\n%s", found, read(t, "results/"+name+"/report.md"))
	}
}

// TestParallelByDefault: -j is what Go may use, which a container's quota or GOMAXPROCS bounds, and not what the machine has.
func TestParallelByDefault(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, procs := range []int{1, 3} {
		runtime.GOMAXPROCS(procs)
		for _, command := range []string{"run", "plan", "verify"} {
			c, _, err := newRoot().Find([]string{command})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Flags().Lookup("parallel").DefValue; got != strconv.Itoa(procs) {
				t.Errorf("%s -j is %s by default, with %d processors", command, got, procs)
			}
		}
	}
}

// TestReportTakesWhatRunTook: the experiment's name is in the file, or the file's own without its extension; a file that was
// renamed since is known by its trials, and a shipped one by its name.
func TestReportTakesWhatRunTook(t *testing.T) {
	const text = tiny + "grid:\n  - variant: vanilla\n"
	folder(t, "any.txt", "# Why?\nexperiment: mine\n"+strings.TrimPrefix(text, "# Does it run?\n"), "new.yml", "# Why?\nexperiment: later\n"+strings.TrimPrefix(text, "# Does it run?\n"),
		"other.yaml", "experiment: mine\n"+strings.Replace(text, "epochs: 2", "epochs: 3", 1))
	succeeds(t, "run", "any.txt", "--quiet")
	for _, file := range []string{"any.txt", "new.yml"} {
		succeeds(t, "report", "results/mine", "--experiment", file, "--figure", "kl-curve")
		has(t, file, read(t, "results/mine/report.md"), "vaelab run "+file+" ", "Why?")
	}
	if r := vaelab(t, "report", "results/mine", "--experiment", "any.txt", "--experiment", "other.yaml"); r.code != exitUsage || !strings.Contains(r.err, "any.txt is the experiment mine, too") {
		t.Errorf("two files of one experiment: exit code %d, %s", r.code, r.err)
	}
	if r := vaelab(t, "report", "results/mine", "--experiment", "kl-vanishing"); r.code != exitUsage || !strings.Contains(r.err, "no trial is of an experiment kl-vanishing") {
		t.Errorf("a shipped experiment that is another: exit code %d, %s", r.code, r.err)
	}
}
