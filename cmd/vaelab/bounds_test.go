package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/memory"
)

// TestSampleChunks: samples that are made in several chunks are those of one.
func TestSampleChunks(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\n", "glyphs.yaml", glyphs)
	succeeds(t, "run", "tiny.yaml", "-q")
	succeeds(t, "run", "glyphs.yaml", "-q", "--out", "images")
	for _, args := range [][]string{
		{"sample", trials(t, "results")[0], "--decode", "sample", "--json", "-n"},
		{"sample", trials(t, "images")[0], "--json", "-n"},
	} {
		some := succeeds(t, append(args, "1000")...).out
		more := succeeds(t, append(args, "1003")...).out
		if !strings.HasPrefix(more, some) || strings.Count(more, "\n") != 1003 {
			t.Errorf("vaelab %s: the first 1000 of 1003 differ from 1000, or %d are not 1003", quoted(args), strings.Count(more, "\n"))
		}
		has(t, "the last", more, `{"index":1002,"z":[`)
	}
	table := succeeds(t, "sample", trials(t, "results")[0], "-n", "1001").out
	if n := strings.Count(table, "\n"); n != 1003 || strings.Count(table, "ln p(x|z)") != 1 {
		t.Errorf("a table of 1001 sentences has %d lines", n)
	}
}

// TestBounds: what would fill the memory, or never end, is refused before it begins.
func TestBounds(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\n", "glyphs.yaml", glyphs, "large.yaml", strings.Repeat("# comment\n", 110_000))
	succeeds(t, "run", "tiny.yaml", "-q", "-j", "1000000000")
	succeeds(t, "run", "glyphs.yaml", "-q", "--out", "images")
	text, images := trials(t, "results")[0], trials(t, "images")[0]
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"run", "large.yaml"}, exitFailed, "large.yaml: the file is larger than 1 MiB"},
		{[]string{"run", "/dev/zero"}, exitFailed, "/dev/zero: the file is larger than 1 MiB"},
		{[]string{"eval", "/dev/zero", "--config", "tiny.yaml"}, exitFailed, "/dev/zero: is no regular file"},
		{[]string{"sample", text, "-n", "1000000001"}, exitUsage, "--n 1000000001: must be 1 to 1000000000"},
		{[]string{"sample", images, "-n", "1000000000"}, exitUsage, "a picture holds at most 85598 images of 784 pixels; lower --n, or write JSON"},
		{[]string{"sample", images, "-n", "3", "--json", "--png", "-"}, exitUsage, "--png -: --json uses the standard output"},
		{[]string{"sample", text, "--decode", "beam", "--beam", "1001"}, exitUsage, "--beam 1001: must be 1 to 1000"},
		{[]string{"reconstruct", text, "-n", "10001"}, exitUsage, "--n 10001: must be 1 to 10000"},
		{[]string{"interpolate", text, "--steps", "1000000000"}, exitUsage, "--steps 1000000000: must be 2 to 10000"},
		{[]string{"eval", text, "--iw-samples", "1000000000"}, exitUsage, "--iw-samples 1000000000: must be 0 to 100000"},
		{[]string{"plan", "tiny.yaml", "--set", "train.iw_samples=100001"}, exitUsage, "train.iw_samples: "},
		{[]string{"plan", "tiny.yaml", "--set", "data.synthetic.vocab=1000000", "--set", "data.synthetic.hidden=10000", "--set", "data.synthetic.embed=10000"},
			exitFailed, "synthetic: train, valid and test of this length, vocab, hidden and embed are too large: they need "},
		{[]string{"plan", "tiny.yaml", "--set", "data.synthetic.train=10000000", "--set", "data.synthetic.length=10000"}, exitFailed, "synthetic: "},
		{[]string{"data", "show", "gaussian", "--set", "data.gaussian.dims=2000", "--set", "data.gaussian.train=10000000", "--set", "data.gaussian.test=10000000", "--set", "data.gaussian.valid=10000000"},
			exitFailed, "gaussian: train, valid and test of so many dims are too large: they need 2"},
	} {
		if _, err := os.Stat("/dev/zero"); err != nil && strings.Contains(quoted(c.args), "/dev/zero") {
			continue
		}
		if total := memory.Total(); c.code == exitFailed && strings.Contains(quoted(c.args), "--set") && (total == 0 || total > 200e9) {
			continue // unknown, or enough
		}
		r := vaelab(t, c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.says) {
			t.Errorf("vaelab %s: exit code %d, want %d with %q\n%s%s", quoted(c.args), r.code, c.code, c.says, r.out, r.err)
		}
	}
	if left, _ := filepath.Glob("*.png"); len(left) > 0 {
		t.Errorf("%v is drawn", left)
	}
}
