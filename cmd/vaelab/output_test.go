package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// glyphs is an experiment on images that trains in a tenth of a second.
const glyphs = `# Does it draw?
base:
  data: {glyphs: {train: 20, valid: 10, test: 10}}
  model: {mlp: {latent_dim: 2}}
  train: {epochs: 1}
grid: [{variant: vanilla}]
`

// TestOutputFiles: each flag that names a file takes the standard output, by all its names, and writes through links.
func TestOutputFiles(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\n", "glyphs.yaml", glyphs)
	succeeds(t, "run", "tiny.yaml", "-q")
	succeeds(t, "run", "glyphs.yaml", "-q", "--out", "images")
	trial := trials(t, "images")[0]
	want := succeeds(t, "export", "results").out
	if err := os.Symlink("target", "link"); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"export", "results", "-o"},
		{"sample", trial, "--png"},
		{"reconstruct", trial, "--png"},
		{"interpolate", trial, "--png"},
		{"data", "show", "glyphs.yaml", "--png"},
	} {
		isOutput := func(name string, text []byte) {
			t.Helper()
			if command[0] == "export" && string(text) != want || command[0] != "export" && !bytes.Contains(text, []byte("\x89PNG")) {
				t.Errorf("vaelab %s %s writes %.200q", quoted(command), name, text)
			}
		}
		succeeds(t, append(command, "link")...)
		isOutput("link", []byte(read(t, "target")))
		if to, err := os.Readlink("link"); err != nil || to != "target" {
			t.Errorf("vaelab %s has replaced the link", quoted(command))
		}
		isOutput("-", []byte(succeeds(t, append(command, "-")...).out))
		if r := vaelab(t, append(command, "no/file")...); r.code != exitUsage || !strings.Contains(r.err, "there is no folder no") {
			t.Errorf("vaelab %s no/file: exit code %d\n%s", quoted(command), r.code, r.err)
		}
		for _, name := range []string{"/dev/stdout", "/dev/fd/1"} {
			if _, err := os.Stat(name); err != nil {
				continue // not on this system
			}
			write(t, "all", "before\n")
			all, err := os.OpenFile("all", os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			cmd := process(nil, append(command, name)...)
			cmd.Stdout = all
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
			all.Close()
			text, found := strings.CutPrefix(read(t, "all"), "before\n")
			if !found {
				t.Errorf("vaelab %s %s cuts off what the shell has written before", quoted(command), name)
			}
			isOutput(name, []byte(text))
		}
	}
}

// TestSubstitutedProcess: a shell's >(...) names a pipe.
func TestSubstitutedProcess(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	cmd := exec.Command(bash, "-c", `"$0" export results -o >(cat > got) && wait $!`, os.Args[0])
	cmd.Env = append(os.Environ(), beMain+"=1")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := read(t, "got"); got != succeeds(t, "export", "results").out {
		t.Errorf("the other process got %.200q", got)
	}
	if left, _ := filepath.Glob(".*.tmp"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
