package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFigureFiles: plot writes the formats, the width and the resolution that it is asked for, and refuses others as mistakes
// on the command line before it reads anything.
func TestFigureFiles(t *testing.T) {
	published := filepath.Join("..", "..", "results", "published", "kl-vanishing")
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	if code := run(&stdout, &stderr, []string{"plot", published, "--figure", "kl-curve", "--format", "svg,png", "--width", "3.3in", "--dpi", "300", "--no-caption", "--out", out}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	file, err := os.Open(filepath.Join(out, "kl-curve.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.DecodeConfig(file)
	if err != nil || picture.Width != 990 {
		t.Errorf("the picture is %d pixels wide (%v), want 990", picture.Width, err)
	}
	svg, err := os.ReadFile(filepath.Join(out, "kl-curve.svg"))
	if err != nil || bytes.Contains(svg, []byte("Training KL(")) || bytes.Contains(svg, []byte("At step")) {
		t.Errorf("the SVG has the caption, or is not there: %v", err)
	}
	if r := vaelab(t, "plot", published, "--figure", "kl-curve", "--format", "svg", "--dpi", "300", "--out", out); r.code != exitUsage || !strings.Contains(r.err, "--dpi is of PNG") {
		t.Errorf("--dpi without a PNG: exit code %d, %s", r.code, r.err)
	}
	for flag, want := range map[string]string{"--format=pgn": `did you mean "png"`, "--width=1in": "2.5in", "--width=8.4": "unit", "--dpi=5": "50", "--dpi=x": "syntax"} {
		stderr.Reset()
		if code := run(&stdout, &stderr, []string{"plot", "nowhere", flag}); code != 2 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, want 2 and %q: %s", flag, code, want, &stderr)
		}
	}
}
