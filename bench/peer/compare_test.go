package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vaelab/internal/tensor"
)

// TestMain: the comparison starts itself as our side.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-ours" {
		os.Exit(run(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func shell(t *testing.T) string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	return sh
}

// interpreter is a fake one: PyTorch computes what we do, but in bf16 what bf16 gives, and its compiler is missing.
// "medium" makes the digits of eager, JAX computes something else if wrong is set.
func interpreter(t *testing.T, wrong bool) string {
	t.Helper()
	sh := shell(t)
	var c Check
	if err := json.Unmarshal(command(t, nil, "-ours", "check", "-sizes", "tiny", "-dir", t.TempDir()), &c); err != nil {
		t.Fatal(err)
	}
	says := func(speed float64, factor float64) string {
		text, err := json.Marshal(Run{
			TokensPerSecond: speed, Tokens: 100, Steps: 2, CPUSeconds: 1, Version: "fake 1", PeakRSSBytes: 5e6,
			Check: &Check{Loss: c.Loss * factor, GradNorm: c.GradNorm, Later: c.Later},
		})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("echo ready; read go; echo '%s'", text)
	}
	jax := says(50, 1)
	if wrong {
		jax = says(50, 1.1)
	}
	script := fmt.Sprintf(`#!%s
case "$*" in
"-c import torch") ;;
*jax_lstm_vae.py*) %s;;
*--compile*) echo '{"missing": "no C++ compiler"}';;
*--autocast*) %s;;
*"--threads 1"*) %s;;
*) %s;;
esac
`, sh, jax, says(60, 1.005), says(70, 1), says(100, 1))
	name := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(name, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestComparison(t *testing.T) {
	if tensor.Bits != 32 {
		t.Skip("the other side computes in float32")
	}
	file := filepath.Join(t.TempDir(), "all.json")
	args := []string{"-busy", "-sizes", "tiny", "-pairs", "2", "-seconds", "0.01", "-threads", "1,2"}
	out := string(command(t, nil, append(args, "-python", interpreter(t, false), "-json", file)...))
	for _, want := range []string{
		`tiny +float32 +\d+ \(\d+\.\.\d+\) +torch eager +2 +100 \(100\.\.100\) +\d+\.\d\d \(`,
		`tiny +bf16 .* torch eager bf16 +\d +60 \(60\.\.60\)`,
		`tiny +float32 .* torch eager bf16 +\d +60 \(60\.\.60\)`,
		`tiny +float32 .* jax jit +\d +50 \(50\.\.50\)`,
		`tiny +torch eager medium +2 +100 +100 +0e\+00 +0e\+00 +float32 +the same digits as with highest\n`,
		`tiny +torch compile medium +2 +- +- +- +- +- +medium is no other product here\n`,
		`tiny +torch compile +2 +- +- +- +- +- +no C\+\+ compiler\n`,
		`tiny +torch eager bf16 +1 +60 +100 +5e-03 +\S+ +bf16 +yes\n`,
		`torch: fake 1`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"measured_precision": "bf16"`, `"left_out": "no C++ compiler"`, `"others_load"`, `"tokens_per_cpu_second"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	table := string(command(t, nil, append(args, "-python", interpreter(t, false), "-markdown", "-configs", "eager")...))
	if !strings.Contains(table, "| size | ours | tokens/s (range) |") || !strings.Contains(table, "| torch eager | 2 |") {
		t.Errorf("%s", table)
	}

	var errs bytes.Buffer
	if code := run(nil, &errs, &errs, append(args, "-python", interpreter(t, true))); code != 1 ||
		!strings.Contains(errs.String(), "jax jit, 2 threads: both sides do not compute the same: loss ") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// TestCores: our side alone needs no interpreter.
func TestCores(t *testing.T) {
	out := string(command(t, nil, "-busy", "-mode", "cores", "-sizes", "tiny", "-pairs", "1", "-seconds", "0.01", "-python", "no-such-python"))
	if !regexp.MustCompile(`tiny +float32 .* ours float32 +1 .*\d\.\d\d \(`).MatchString(out) {
		t.Errorf("%s", out)
	}
}

// TestRefusal: beside others there are no ratios, unless asked for.
func TestRefusal(t *testing.T) {
	r := Result{Size: Size{Name: "tiny"}, Loads: []Load{{0.05, 0.02}, {0.03, 0.25}}}
	ours := &Entry{Config: ourConfigs[0], Measured: float32Products, Runs: runs(0, 30, 30)}
	r.Ours, r.Peers = []*Entry{ours}, []*Entry{{Config: peerConfigs[0], Measured: float32Products, Runs: runs(0, 20, 20)}}
	r.summarise()
	report := Report{LoadKnown: true, Results: []*Result{&r}}
	var out bytes.Buffer
	report.write(&out, false)
	err := report.refused()
	if err == nil || !strings.Contains(err.Error(), "others use 25 % of the processors") || strings.Contains(out.String(), "1.50 (") ||
		!strings.Contains(out.String(), "30 (30..30)") || !strings.Contains(out.String(), "refused") {
		t.Errorf("%v\n%s", err, out.String())
	}
	report.Busy = true
	out.Reset()
	report.write(&out, false)
	if err := report.refused(); err != nil || !strings.Contains(out.String(), "1.50 (1.50..1.50)") || !strings.Contains(out.String(), "25 % of the processors") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
