package record

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// lines are rows, nearly rows, and no rows at all.
var lines = []string{
	`{"step":20,"epoch":0.5,"split":"train","values":{"kl":null,"mi":null,"nll":101.25},"vectors":{"kl_dim":[],"theta":[1,null]}}`,
	`{"step":0,"epoch":0,"split":"test","values":{}}`,
	`{"step":-1,"epoch":-1.5e-7,"split":"valid","values":{"a":1e300,"b":-0}}`,
	`{"step":1,"epoch":null,"split":"t","values":{"a":1,"a":2},"vectors":{"v":[1],"v":[2,3]}}`,
	`{"step":1,"epoch":1,"split":"t","values":{},"vectors":{}}`,
	`{"step":1,"epoch":1,"split":"t","values":null}`,
	`{"step":null,"epoch":1,"split":"t","values":{}}`,
	`{"step":1.0,"epoch":1,"split":"t","values":{}}`,
	`{"step":1e2,"epoch":1,"split":"t","values":{}}`,
	`{"step":99999999999999999999,"epoch":1,"split":"t","values":{}}`,
	`{"step":9007199254740993,"epoch":1,"split":"t","values":{}}`,
	`{"epoch":1,"step":1,"split":"t","values":{}}`,
	`{"step":1, "epoch":1,"split":"t","values":{}}`,
	`{"step":1,"epoch":1,"split":"","values":{}}`,
	`{"step":1,"epoch":1,"split":"t\u0041","values":{"é":1}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":01}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":.5}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1.}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":+1}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1e999}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1e}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":inf}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":0x1p2}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1_0}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1,}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1}}}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":1},"stop":1}`,
	`{"step":1,"epoch":1,"split":"t","values":{"a":"1"}}`,
	`{"step":1,"epoch":1,"split":"t","values":{},"vectors":{"a":null}}`,
	`{"step":1,"epoch":1,"split":"t","values":{},"vectors":{"a":[1,]}}`,
	`{"step":1,"epoch":1,"split":"t","values":{},"vectors":{"a":[1]},"vectors":{}}`,
	`{"step":1,"epoch":1,"split":"t","values":{}} {}`,
	``, `null`, `{}`,
}

// What the scanner accepts is what encoding/json reads; so is, hence, every row.
func checkScanner(t *testing.T, line string) (accepted bool) {
	t.Helper()
	var numbers []float64
	s := scanner{names: map[string]string{}}
	if _, ok := s.row([]byte(line), &numbers); !ok {
		return false
	}
	var r rowReader
	r.begin(nil)
	if err := r.line([]byte(line), 0); err != nil {
		t.Fatal(err)
	}
	got := r.end()[0].Row()
	var want Row
	if err := json.Unmarshal([]byte(line), &want); err != nil {
		t.Fatalf("%q: the scanner accepts what encoding/json refuses: %v", line, err)
	}
	if a, b := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); a != b { // NaN is not NaN, its text is
		t.Fatalf("%q: the scanner reads\n%s\nand encoding/json\n%s", line, a, b)
	}
	return true
}

func TestScanner(t *testing.T) {
	for i, line := range lines {
		if accepted := checkScanner(t, line); i < 3 && !accepted {
			t.Errorf("%s: left to encoding/json", line)
		}
	}
	row := Row{Step: 7, Epoch: 0.25, Split: "train", Values: map[string]float64{"kl": math.Pi, "tiny": 5e-324},
		Vectors: map[string][]float64{"kl_dim": {1e-9, 1e21, math.NaN()}}}
	text, err := json.Marshal(row)
	if err != nil || !checkScanner(t, string(text)) {
		t.Errorf("%s: left to encoding/json: %v", text, err)
	}
}

// Numbers at and around the middle between two float64, at the ends of what one division reads, and at random.
func TestShortNumbers(t *testing.T) {
	texts := []string{"0", "-0", "0.0", "-0.000", "1", "9007199254740993", "9007199254740992.5", "9007199254740993.0", "9007199254740993.001", "18014398509481986", "4503599627370497.5",
		"0.1", "0.3", "0.0000000000000000001", "0.000000000000000001", "9.999999999999999999", "9999999999999999999", "0.5000000000000001110", "1.000000000000000111", "1.000000000000000112",
		"-", ".5", "1.", "-.1", "00", "01.5", "-01", "0.00000000000000000001", "99999999999999999999", "1e5", "1E5", "1.5e-3", "1..2", "1.2.3", "1,", "1.25]", ""}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		v := math.Ldexp(r.Float64(), r.IntN(80)-40)
		texts = append(texts, strconv.FormatFloat(v, 'f', -1, 64), strconv.FormatFloat(v, 'f', r.IntN(18), 64), strconv.FormatFloat(-v, 'g', 1+r.IntN(17), 64))
	}
	read := 0
	for _, text := range texts {
		got, n := short19([]byte(text))
		if n == 0 {
			continue
		}
		read++
		want, err := strconv.ParseFloat(text[:n], 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) || n != numberLen([]byte(text)) {
			t.Fatalf("%q: %v of %d bytes, want %v of %d (%v)", text, got, n, want, numberLen([]byte(text)), err)
		}
	}
	if read < len(texts)/2 {
		t.Errorf("only %d of %d numbers were read", read, len(texts))
	}
}

func FuzzScanner(f *testing.F) {
	for _, line := range lines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) { checkScanner(t, line) })
}

func TestLoadManifest(t *testing.T) {
	results := t.TempDir()
	dir := write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-1", Variant: "bn"}, true)
	for _, c := range []struct {
		text, warning string
		want          Manifest
	}{
		{`{"version":"v1","kernel":"avx2","seconds":1.5,"later":1}`, "", Manifest{Version: "v1", Kernel: "avx2", Seconds: 1.5}},
		{`{"version":`, "manifest.json: left out: unexpected end", Manifest{}},
	} {
		put(t, filepath.Join(dir, ManifestFile), c.text)
		set, err := Load(results)
		if err != nil || !reflect.DeepEqual(set.Runs[0].Manifest, c.want) {
			t.Errorf("%s: %+v, %v", c.text, set, err)
			continue
		}
		if got := fmt.Sprint(set.Warnings); c.warning == "" && len(set.Warnings) > 0 || !strings.Contains(got, c.warning) {
			t.Errorf("%s: warnings %s, want %q", c.text, got, c.warning)
		}
	}
}

var trials = flag.Int("trials", 20, "trials that BenchmarkLoad reads")

// BenchmarkLoad reads finished trials of 200 rows as the trainer writes them, with 32 latent dimensions; 10,000 of them are
// 4.9 GB. Those of format 1 have no sums that their files could be checked by.
func BenchmarkLoad(b *testing.B) {
	for _, format := range []int{1, 2} {
		b.Run(fmt.Sprintf("format %d", format), func(b *testing.B) {
			results := b.TempDir()
			var size int64
			for seed := range *trials {
				size += finished(b, results, format, seed)
			}
			b.SetBytes(size)
			for b.Loop() {
				if set, err := Load(results); err != nil || len(set.Damage) > 0 || len(set.Runs) != *trials {
					b.Fatal(err, set.Damage)
				}
			}
		})
	}
}

// finished makes a finished trial and returns the size of its rows.
func finished(b *testing.B, results string, format, seed int) int64 {
	b.Helper()
	trial := Trial{Format: format, Experiment: "a", ID: fmt.Sprintf("bn-1/seed-%d", seed), Variant: "bn", Seed: seed}
	dir := trial.Dir(results)
	if err := trial.Save(dir); err != nil {
		b.Fatal(err)
	}
	if err := (Manifest{Version: "v1", Kernel: "avx2"}).Save(dir); err != nil {
		b.Fatal(err)
	}
	var text []byte
	for step := range 200 {
		row := Row{Step: step, Epoch: float64(step) / 175, Split: "train", Values: map[string]float64{}, Vectors: map[string][]float64{}}
		for i := range 14 {
			row.Values[fmt.Sprintf("metric_%d", i)] = math.Sin(float64(step*14 + i + seed))
		}
		for _, name := range []string{"kl_dim", "mu2", "theta"} {
			for d := range 32 {
				row.Vectors[name] = append(row.Vectors[name], math.Cos(float64(step*8+d+seed)))
			}
		}
		line, err := json.Marshal(row)
		if err != nil {
			b.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, RowsFile), text, 0o666); err != nil {
		b.Fatal(err)
	}
	var err error
	if format == 1 {
		err = os.WriteFile(filepath.Join(dir, DoneFile), nil, 0o666)
	} else {
		err = WriteDone(dir, SumOf(text), TrialFile, ManifestFile)
	}
	if err != nil {
		b.Fatal(err)
	}
	return int64(len(text))
}

// TestCost: what a trial took is known if it finished in one go; its CPU time may be missing.
func TestCost(t *testing.T) {
	rows := Entries(Row{Step: 10, Split: "train"}, Row{Step: 12, Split: "test"})
	for _, c := range []struct {
		run  Run
		want Cost
		says string
	}{
		{Run{State: Done, Rows: rows, Manifest: Manifest{Seconds: 3}}, Cost{Seconds: 3, Steps: 12}, ""},
		{Run{State: Done, Rows: rows, Manifest: Manifest{Seconds: 3, CPUSeconds: 5}}, Cost{3, 5, 12}, ""},
		{Run{State: Failed, Rows: rows, Manifest: Manifest{Seconds: 3, CPUSeconds: 5}}, Cost{}, "not finished"},
		{Run{State: Done, Rows: rows, Manifest: Manifest{Seconds: 3, CPUSeconds: 5, Resumed: true}}, Cost{}, "interrupted"},
		{Run{State: Done, Rows: rows}, Cost{}, "manifest.json does not say"},
		{Run{State: Done, Manifest: Manifest{Seconds: 3}}, Cost{}, "manifest.json does not say"},
	} {
		got, err := c.run.Cost()
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %+v, %v; want %+v, %q", c.run, got, err, c.want, c.says)
		}
	}
}
