package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
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
	// Under small weights a random word costs about ln V, a random pixel ln 2.
	for size, want := range map[string]float64{"tiny": 5 * math.Log(50), "tiny-transformer": 5 * math.Log(50), "tiny-pixelcnn": 42 * math.Log(2)} {
		for _, optimizer := range []string{"sgd", "adam"} {
			name := size + " " + optimizer
			out := command(t, strings.NewReader("go\n"), "-ours", "train", "-sizes", size, "-steps", "3", "-wait", "-optimizer", optimizer)
			said, text, _ := strings.Cut(string(out), "\n")
			if said != ready {
				t.Errorf("%s: it said %q before the timed part", name, said)
			}
			var r Run
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Fatalf("%s: %v in %s", name, err, text)
			}
			if r.Steps != 3 || r.Tokens <= 0 || r.TokensPerSecond <= 0 || r.SecondsToFirstStep <= 0 || r.Threads < 1 || math.Abs(r.Loss-want) > 0.2*want {
				t.Errorf("%s: %+v; want 3 steps and a loss near %v", name, r, want)
			}
			if r.PeakRSSBytes != 0 && (r.PeakRSSBytes < 1<<20 || r.PeakRSSBytes > 1<<34) {
				t.Errorf("%s: peak memory of %d bytes", name, r.PeakRSSBytes)
			}
			if kernel.Available && r.Ceiling < 1e8 {
				t.Errorf("%s: a ceiling of %v operations a second", name, r.Ceiling)
			}
		}
	}
}

func TestOursCheck(t *testing.T) {
	for size, some := range map[string]string{
		"tiny": "decoder.lstm.weight_ih_l0", "tiny-transformer": "decoder.memory.1.weight", "tiny-pixelcnn": "decoder.block.2.bias",
	} {
		dir := t.TempDir()
		args := []string{"-ours", "check", "-sizes", size, "-dir", dir}
		first := command(t, nil, args...)
		var c Check
		if err := json.Unmarshal(first, &c); err != nil || c.Loss <= 0 || c.GradNorm <= 0 || c.Later <= 0 {
			t.Errorf("%s: %v, %+v", size, err, c)
		}
		if again := command(t, nil, args...); !bytes.Equal(again, first) {
			t.Errorf("%s: the same check gave %s and %s", size, first, again)
		}
		weights, err := safetensors.Read(filepath.Join(dir, weightsFile))
		if err != nil {
			t.Fatal(err)
		}
		p := weights.Get(some)
		if p == nil || !slices.ContainsFunc(p.Data, func(x float64) bool { return x != 0 }) {
			t.Errorf("%s: %s is missing or 0", size, some)
		}
		// The examples can be read back for training.
		command(t, nil, "-ours", "train", "-sizes", size, "-steps", "2", "-data", filepath.Join(dir, dataFile))
	}
}

// TestSettings: the other side is told the model's settings under their names in YAML, and
// there is a script for every size.
func TestSettings(t *testing.T) {
	for _, s := range sizes {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([][]float64, s.Batch)
		for i := range rows {
			rows[i] = s.draw(rand.New(rand.NewPCG(1, 2)))
		}
		var told struct {
			Latent int `json:"latent_dim"`
			Batch  int `json:"batch"`
			Tokens int `json:"tokens"`
		}
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatal(err)
		}
		if told.Latent != s.Model.Latent() || told.Batch != s.Batch || told.Tokens != s.batch(rows).Tokens() {
			t.Errorf("%s: %s", s.Name, text)
		}
		if s.Scripts["torch"] == "" {
			t.Errorf("%s: no script for PyTorch", s.Name)
		}
		for _, script := range s.Scripts {
			if _, err := scripts.Open(script); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
}

// TestChoices: every setting of a size's model that is a choice has one of its words. An empty word, of a setting
// newer than the size, would be another model than the script's.
func TestChoices(t *testing.T) {
	for _, s := range sizes {
		m := reflect.ValueOf(s.Model)
		for i := range m.NumField() {
			tag := m.Type().Field(i).Tag
			if choice, ok := tag.Lookup("choice"); ok && !slices.Contains(strings.Split(choice, "|"), m.Field(i).String()) {
				t.Errorf("%s: %s is %q, no choice of %s", s.Name, tag.Get("yaml"), m.Field(i).String(), choice)
			}
		}
	}
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

func TestMistakes(t *testing.T) {
	mistakes := map[string][]string{
		`unknown size "huge"`: {"-sizes", "huge"},
		`unknown "rmsprop"`:   {"-optimizer", "rmsprop"},
		`-threads: "x"`:       {"-threads", "x"},
		`-configs: unknown`:   {"-configs", "quick"},
		`unknown "both"`:      {"-mode", "both"},
		`-precision: unknown`: {"-precision", "half"},
		"-ours wants one":     {"-ours", "train"},
		"-dir is missing":     {"-ours", "check", "-sizes", "tiny"},
	}
	if tensor.Bits == 32 { // else that is the first complaint
		mistakes["pip install torch"] = []string{"-busy", "-python", "no-such-python"}
	}
	for want, args := range mistakes {
		var out, errs bytes.Buffer
		if code := run(nil, &out, &errs, args); code != 1 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit code %d, %s does not say %q", args, code, errs.String(), want)
		}
	}
}
