package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/safetensors"
	"vaelab/internal/tensor"
	"vaelab/internal/tensor/kernel"
)

// command runs our side and returns what it prints.
func command(t *testing.T, in io.Reader, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(in, &out, &errs, args); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, errs.String())
	}
	return out.Bytes()
}

func TestOursTrain(t *testing.T) {
	for _, optimizer := range []string{"sgd", "adam"} {
		out := command(t, strings.NewReader("go\n"), "-ours", "train", "-sizes", "tiny", "-steps", "3", "-wait", "-optimizer", optimizer)
		said, text, _ := strings.Cut(string(out), "\n")
		if said != ready {
			t.Errorf("%s: it said %q before the timed part", optimizer, said)
		}
		var r Run
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%s: %v in %s", optimizer, err, text)
		}
		// Uniform random words cost about T ln V under small weights.
		want := 5 * math.Log(50)
		if r.Steps != 3 || r.TokensPerSecond <= 0 || r.SecondsToFirstStep <= 0 || r.Threads < 1 || math.Abs(r.Loss-want) > 0.1*want {
			t.Errorf("%s: %+v; want 3 steps and a loss near %v", optimizer, r, want)
		}
		if r.PeakRSSBytes != 0 && (r.PeakRSSBytes < 1<<20 || r.PeakRSSBytes > 1<<34) {
			t.Errorf("%s: peak memory of %d bytes", optimizer, r.PeakRSSBytes)
		}
		if kernel.Available && (r.Ceiling < 1e8 || r.Share <= 0) {
			t.Errorf("%s: a ceiling of %v operations a second, share %v", optimizer, r.Ceiling, r.Share)
		}
	}
}

func TestOursCheck(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-ours", "check", "-sizes", "tiny", "-dir", dir}
	first := command(t, nil, args...)
	var c Check
	if err := json.Unmarshal(first, &c); err != nil || c.Loss <= 0 || c.GradNorm <= 0 {
		t.Errorf("%v, %+v", err, c)
	}
	if again := command(t, nil, args...); !bytes.Equal(again, first) {
		t.Errorf("the same check gave %s and %s", first, again)
	}
	weights, err := safetensors.Read(filepath.Join(dir, "weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(weights.Tensors) != 13 || weights.Get("decoder.lstm.weight_ih_l0") == nil {
		t.Errorf("%d tensors", len(weights.Tensors))
	}
	// The sentences can be read back for training.
	command(t, nil, "-ours", "train", "-sizes", "tiny", "-steps", "2", "-tokens", filepath.Join(dir, "tokens.safetensors"))
}

// TestFlop: PTB by hand, 8H(E+H) = 1048576, 8H(E+D+H) = 1114112, 2HV = 5120000.
func TestFlop(t *testing.T) {
	ptb, err := sizesByName("ptb")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ptb[0].Flop(), 3*(1048576.0+1114112+5120000); got != want {
		t.Errorf("%v operations, want %v", got, want)
	}
}

// TestSummary: two threads are better in the median though not in every pair.
func TestSummary(t *testing.T) {
	runs := func(ceiling float64, speeds ...float64) (out []Run) {
		for _, x := range speeds {
			out = append(out, Run{TokensPerSecond: x, Ceiling: ceiling, PeakRSSBytes: int64(x), SecondsToFirstStep: 1})
		}
		return out
	}
	r := Result{FlopPerToken: 2, Ours: runs(1200, 300, 200, 400), Torch: []TorchRuns{
		{1, runs(0, 90, 210, 80)}, {2, runs(0, 100, 100, 160)},
	}}
	r.summarise()
	if r.Best != 2 || r.OurSpeed != (Spread{200, 300, 400}) || r.Ratio != (Spread{2, 3, 3}) ||
		r.OurPeak != 400 || r.TorchPeak != 160 || r.OurShare != 0.5 {
		t.Errorf("%+v", r)
	}
}

func TestMistakes(t *testing.T) {
	mistakes := map[string][]string{
		`unknown "huge"`:    {"-sizes", "huge"},
		`unknown "rmsprop"`: {"-optimizer", "rmsprop"},
		`-threads: "x"`:     {"-threads", "x"},
		`unknown "both"`:    {"-mode", "both"},
		"-ours wants one":   {"-ours", "train"},
		"-dir is missing":   {"-ours", "check", "-sizes", "tiny"},
	}
	if tensor.Bits == 32 { // else that is the first complaint
		mistakes["pip install torch"] = []string{"-python", "no-such-python"}
	}
	for want, args := range mistakes {
		var out, errs bytes.Buffer
		if code := run(nil, &out, &errs, args); code != 1 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit code %d, %s does not say %q", args, code, errs.String(), want)
		}
	}
}
