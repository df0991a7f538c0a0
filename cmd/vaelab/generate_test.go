package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vaelab/internal/report"
	"vaelab/internal/tensor"
)

// learnt are sentences that a small model learns by heart, shorter and longer ones.
const learnt = "the cat sat on the mat\na dog ran\nbirds sing in the morning sun\nthe dog sat\nfish swim\nthe sun sat on a cat and sang\n"

// byHeart is an experiment that does so: a plain autoencoder with a KL weight of nearly nothing.
const byHeart = `# Does it learn by heart?
base:
  data: {text: {train: learnt.txt, valid: learnt.txt, test: learnt.txt}}
  model: {lstm: {latent_dim: 4, embed_dim: 16, enc_hidden: 32, dec_hidden: 32, init: pytorch}}
  kl: {beta: 0.0001}
  train: {epochs: 200, batch_size: 6, batching: mixed, lr: 0.02, eval_every: 200}
grid: [{variant: vanilla}]
`

// TestTextByHeart: a model that has learnt sentences by heart writes them of their own z, by
// every way of decoding, and others of another's z; between two z lie their sentences' ends.
func TestTextByHeart(t *testing.T) {
	folder(t, "learnt.txt", learnt, "heart.yaml", byHeart)
	succeeds(t, "run", "heart.yaml", "-q")
	trial := trials(t, "results")[0]
	lines := strings.Split(strings.TrimSpace(learnt), "\n")
	for _, decode := range [][]string{nil, {"--decode", "beam"}, {"--decode", "sample", "--temperature", "0.05"}, {"--sample-z"}} {
		out := succeeds(t, append([]string{"reconstruct", trial, "-n", "100"}, decode...)...).out
		for i, line := range lines {
			found := regexp.MustCompile(fmt.Sprintf(`(?m)^%d  original  %s\n   own z     %s\n   z of (\d)    (.*)$`, i, line, line)).FindStringSubmatch(out)
			if found == nil {
				t.Fatalf("reconstruct %v: sentence %d is not there, or not written of its own z:\n%s", decode, i, out)
			}
			if k, _ := strconv.Atoi(found[1]); k == i || k >= len(lines) || found[2] != lines[k] {
				t.Errorf("reconstruct %v: %d with the z of %s is %q", decode, i, found[1], found[2])
			}
		}
	}
	out := succeeds(t, "reconstruct", trial).out
	found := regexp.MustCompile(`of these 6: (-\d+\.\d\d) nats from their own z, (-\d+\.\d\d) from another's\n`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("reconstruct gives no nats:\n%s", out)
	}
	own, _ := strconv.ParseFloat(found[1], 64)
	others, _ := strconv.ParseFloat(found[2], 64)
	if own < -1 || others > own-5 {
		t.Errorf("ln p(x|z) %v from their own z, %v from another's", own, others)
	}

	for _, way := range []string{"--spherical", "--spherical=false"} {
		out = succeeds(t, "interpolate", trial, "--from", "1", "--to", "4", "--steps", "5", way).out
		has(t, "interpolate", out, "\n1     a dog ran\n0.00  a dog ran\n0.25  ", "\n1.00  fish swim\n4     fish swim\n")
		if n := strings.Count(out, "\n"); n != 1+5+2 {
			t.Errorf("interpolate prints %d lines:\n%s", n, out)
		}
	}
	short := succeeds(t, "reconstruct", trial, "--max-words", "2").out
	has(t, "two words", short, "own z     the cat …\n", "own z     fish swim\n")
}

// TestSampleText: what is drawn depends on the seed alone, and the JSON says what the table says.
func TestSampleText(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	trial := trials(t, "results")[0]
	for _, decode := range [][]string{nil, {"--decode", "sample"}, {"--decode", "beam", "--beam", "3"}} {
		args := append([]string{"sample", trial}, decode...)
		table := succeeds(t, args...).out
		if again := succeeds(t, args...).out; again != table {
			t.Errorf("%s prints first\n%sthen\n%s", quoted(args), table, again)
		}
		if len(decode) == 2 && succeeds(t, append(args, "--seed", "2")...).out == table {
			t.Errorf("%s does not depend on the seed", quoted(args))
		}
		lines := strings.Split(table, "\n")[2:]
		dec := json.NewDecoder(strings.NewReader(succeeds(t, append(args, "--json")...).out))
		for i := range 10 {
			var s sampleJSON
			if err := dec.Decode(&s); err != nil {
				t.Fatal(err)
			}
			text := *s.Text
			if s.Cut {
				text = strings.TrimSpace(text + " …")
			}
			if got, want := strings.Fields(lines[i]), append([]string{strconv.Itoa(i), report.Decimal(*s.LogProb, 2)}, strings.Fields(text)...); !slices.Equal(got, want) {
				t.Errorf("%s: the table has %q, the JSON %q", quoted(args), got, want)
			}
			if s.Index != i || len(s.Z) != 4 {
				t.Errorf("%s: object %d has index %d and %d numbers of z", quoted(args), i, s.Index, len(s.Z))
			}
		}
		if dec.More() {
			t.Errorf("%s --json prints more than 10 objects", quoted(args))
		}
	}
	weights := filepath.Join(trial, "model.safetensors")
	if succeeds(t, "sample", weights, "--config", "tiny.yaml").out != succeeds(t, "sample", trial).out {
		t.Error("the weights alone write something else than the trial")
	}
}

// pictures are experiments on images: a decoder that sees z only, and one that reads pixels.
const pictures = `# Does it draw?
base:
  data: {glyphs: {train: 64, valid: 32, test: 16, alphabets: digits}}
  train: {epochs: 1, batch_size: 16}
grid:
  - {variant: vanilla, model: {mlp: {latent_dim: 3, hidden: 16}}}
  - {variant: vanilla, model: {pixelcnn: {latent_dim: 3, enc_channels: 4, enc_hidden: 8, kernels: "3,3", channels: 4, z_maps: 1}}}
`

// TestPictures: images are drawn into a file of the size that their number asks for, the same
// each time.
func TestPictures(t *testing.T) {
	folder(t, "pictures.yaml", pictures)
	succeeds(t, "run", "pictures.yaml", "-q")
	all := trials(t, "results")
	if len(all) != 2 {
		t.Fatalf("trials %v", all)
	}
	const side, gap, margin = 84, 6, 14
	for _, trial := range all {
		cnn := strings.Contains(read(t, filepath.Join(trial, "trial.json")), "pixelcnn")
		for _, c := range []struct {
			args          []string
			file          string
			width, height int // of images; 0 where captions make it larger
		}{
			{[]string{"sample", "-n", "8"}, "samples.png", 4, 2},
			{[]string{"sample", "-n", "8", "--decode", "sample", "--temperature", "0.5"}, "samples.png", 4, 2},
			{[]string{"sample", "-n", "8", "--decode", "greedy", "--png", "other.png"}, "other.png", 4, 2},
			{[]string{"reconstruct", "-n", "5"}, "reconstructions.png", 0, 3},
			{[]string{"reconstruct", "-n", "5", "--split", "train"}, "reconstructions.png", 0, 3},
			{[]string{"interpolate", "--from", "2", "--to", "15", "--steps", "4"}, "interpolation.png", 6, 0},
		} {
			args := append(c.args, trial)
			out := succeeds(t, args...).out
			if !strings.HasSuffix(out, c.file+"\n") {
				t.Errorf("%s does not name its file: %s", quoted(args), out)
			}
			first := read(t, c.file)
			picture, err := png.Decode(strings.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			for what, n := range map[string][2]int{"width": {c.width, picture.Bounds().Dx()}, "height": {c.height, picture.Bounds().Dy()}} {
				if want := n[0]*(side+gap) - gap + 2*margin; n[0] > 0 && n[1] != want {
					t.Errorf("%s: a %s of %d, want %d", quoted(args), what, n[1], want)
				}
			}
			if c.args[0] == "sample" {
				blackAndWhite := true
				for y := range side {
					for x := range side {
						v, _, _, _ := picture.At(margin+x, margin+y).RGBA()
						blackAndWhite = blackAndWhite && (v == 0 || v == 0xffff)
					}
				}
				if wantGrey := len(c.args) == 3 && !cnn; blackAndWhite == wantGrey {
					t.Errorf("%s: black and white only is %v", quoted(args), blackAndWhite)
				}
			}
			if succeeds(t, args...); read(t, c.file) != first {
				t.Errorf("%s draws another picture the second time", quoted(args))
			}
		}
		var s sampleJSON
		if err := os.Remove("samples.png"); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(succeeds(t, "sample", trial, "-n", "1", "--json").out), &s); err != nil || len(s.Values) != 28*28 || s.Text != nil {
			t.Errorf("--json of an image: %d values, %v", len(s.Values), err)
		}
		if _, err := os.Stat("samples.png"); err == nil {
			t.Error("--json alone draws a picture")
		}
		if r := vaelab(t, "sample", trial, "--decode", "mean"); cnn != (r.code == exitUsage) {
			t.Errorf("--decode mean, pixelcnn %v: exit code %d, %s", cnn, r.code, r.err)
		}
	}
	originals(t)
}

// originals checks that the reconstructions drawn last stand below the examples themselves: the
// first row of the picture is black and white, with some ink in every image.
func originals(t *testing.T) {
	t.Helper()
	picture, err := png.Decode(strings.NewReader(read(t, "reconstructions.png")))
	if err != nil {
		t.Fatal(err)
	}
	right := picture.Bounds().Dx() - 14
	for c := range 5 {
		area := image.Rect(right-84-90*c, 14, right-90*c, 14+84)
		ink := 0
		for y := area.Min.Y; y < area.Max.Y; y++ {
			for x := area.Min.X; x < area.Max.X; x++ {
				switch v, _, _, _ := picture.At(x, y).RGBA(); v {
				case 0xffff:
					ink++
				case 0:
				default:
					t.Fatalf("original %d has a grey pixel", 4-c)
				}
			}
		}
		if share := float64(ink) / (84 * 84); share < 0.02 || share > 0.5 {
			t.Errorf("original %d has a share of ink of %v", 4-c, share)
		}
	}
}

// vectors is an experiment on vectors, which have no labels.
const vectors = `# Vectors?
base:
  data: {gaussian: {train: 64, valid: 32, test: 16, dims: 5, spectrum: 4 2}}
  model: {linear: {latent_dim: 2}}
  train: {epochs: 1}
grid: [{variant: vanilla}]
`

// TestVectors: means come as CSV.
func TestVectors(t *testing.T) {
	folder(t, "linear.yaml", vectors)
	succeeds(t, "run", "linear.yaml", "-q")
	trial := trials(t, "results")[0]
	for _, c := range []struct {
		args       []string
		rows       int
		head, last string
	}{
		{[]string{"sample"}, 10, "index,x_1,x_2,x_3,x_4,x_5", "9,"},
		{[]string{"reconstruct", "-n", "3"}, 9, "index,of,x_1,x_2,x_3,x_4,x_5", "2,another's z,"},
		{[]string{"interpolate", "--steps", "3"}, 3, "at,x_1,x_2,x_3,x_4,x_5", "1.00,"},
	} {
		out := succeeds(t, append(c.args, trial)...).out
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != c.rows+1 || strings.Join(rows[0], ",") != c.head || !strings.HasPrefix(strings.Join(rows[c.rows], ","), c.last) {
			t.Errorf("%s prints, %v,\n%s", quoted(c.args), err, out)
		}
	}
	for _, c := range []struct{ flags, says string }{
		{"--decode=greedy", `--decode: unknown way "greedy"; known: mean; this model generates vector data`},
		{"--png=x.png", "--png: this model generates vector data; a picture can be drawn only of images"},
		{"--max-words=3", "--max-words: this model generates vector data and no words"},
		{"--no-unk", "--no-unk: this model generates vector data and no words"},
		{"--beam=3", "--beam has no effect on mean; add --decode beam"},
	} {
		if r := vaelab(t, "sample", trial, c.flags); r.code != exitUsage || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: exit code %d, %s", c.flags, r.code, r.err)
		}
	}
}

// npy is an array of four or eight bytes a number as the .npy file has it.
func npy(t *testing.T, path string) (shape string, numbers []float64) {
	t.Helper()
	file := []byte(read(t, path))
	header, body, ok := bytes.Cut(file[10:], []byte("\n"))
	if !ok || !bytes.HasPrefix(file, []byte("\x93NUMPY\x01\x00")) || int(binary.LittleEndian.Uint16(file[8:])) != len(header)+1 {
		t.Fatalf("%s: header %q", path, header)
	}
	found := regexp.MustCompile(`'descr': '(<f4|<i8)', 'fortran_order': False, 'shape': \((.*)\), }`).FindSubmatch(header)
	if found == nil {
		t.Fatalf("%s: header %q", path, header)
	}
	for len(body) > 0 {
		if string(found[1]) == "<i8" {
			numbers = append(numbers, float64(int64(binary.LittleEndian.Uint64(body))))
			body = body[8:]
		} else {
			numbers = append(numbers, float64(math.Float32frombits(binary.LittleEndian.Uint32(body))))
			body = body[4:]
		}
	}
	return string(found[2]), numbers
}

// TestLatents: the files hold the same numbers, and with sigma and mu the KL that eval finds.
func TestLatents(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: rms-scaler}]\n", "linear.yaml", vectors)
	succeeds(t, "run", "tiny.yaml", "-q", "--out", "sentences")
	succeeds(t, "run", "linear.yaml", "-q")
	for _, c := range []struct {
		trial  string
		d, n   int
		labels bool
	}{{trials(t, "sentences")[0], 4, 64, true}, {trials(t, "results")[0], 2, 16, false}} {
		dir := filepath.Join("made", strconv.Itoa(c.d))
		out := succeeds(t, "latents", c.trial, "--out", dir).out
		has(t, "latents", out, filepath.Join(dir, "mu.npy")+"\n", filepath.Join(dir, "latents.csv")+"\n")
		shape, mu := npy(t, filepath.Join(dir, "mu.npy"))
		shapeOfSigma, sigma := npy(t, filepath.Join(dir, "sigma.npy"))
		if want := fmt.Sprintf("%d, %d", c.n, c.d); shape != want || shapeOfSigma != want {
			t.Errorf("shapes %s and %s, want %s", shape, shapeOfSigma, want)
		}
		var kl float64
		for i, s := range sigma {
			if s <= 0 {
				t.Errorf("sigma %v", s)
			}
			kl += (mu[i]*mu[i] + s*s - 2*math.Log(s) - 1) / 2 / float64(c.n)
		}
		if want := evalJSON(t, c.trial).Values["kl"]; math.Abs(kl-want) > 1e-4*(1+want) {
			t.Errorf("the KL of the files is %v, eval has %v", kl, want)
		}
		rows, err := csv.NewReader(strings.NewReader(read(t, filepath.Join(dir, "latents.csv")))).ReadAll()
		if err != nil || len(rows) != c.n+1 || len(rows[0]) != 2+2*c.d || rows[0][2] != "mu_1" || rows[0][2+c.d] != "sigma_1" {
			t.Fatalf("latents.csv: %d rows, head %v, %v", len(rows), rows[0], err)
		}
		var labels []float64
		if _, err := os.Stat(filepath.Join(dir, "labels.npy")); (err == nil) != c.labels {
			t.Errorf("labels.npy: %v", err)
		} else if c.labels {
			if shape, labels = npy(t, filepath.Join(dir, "labels.npy")); shape != fmt.Sprintf("%d,", c.n) {
				t.Errorf("labels.npy has the shape (%s)", shape)
			}
		}
		for i, row := range rows[1:] {
			want := []string{strconv.Itoa(i), ""}
			if c.labels {
				want[1] = fmt.Sprint(labels[i])
			}
			for _, x := range slices.Concat(mu[i*c.d:(i+1)*c.d], sigma[i*c.d:(i+1)*c.d]) {
				want = append(want, strconv.FormatFloat(x, 'g', -1, 32))
			}
			if !slices.Equal(row, want) {
				t.Fatalf("latents.csv has %v, the arrays %v", row, want)
			}
		}
	}
	r := vaelab(t, "latents", trials(t, "results")[0], "--out", filepath.Join("made", "4"))
	if r.code != exitFailed || !strings.Contains(r.err, "labels.npy belongs to other data") {
		t.Errorf("a folder with the labels of other data: exit code %d, %s", r.code, r.err)
	}
}

// TestLatentsNameClasses: names of classes stand in a file of their own, and not beside data that have none.
func TestLatentsNameClasses(t *testing.T) {
	dir, x := t.TempDir(), tensor.New(2, 1)
	if err := saveLatents(io.Discard, dir, x, x, []int{1, 0}, []string{"follows", "hates, or so"}); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, filepath.Join(dir, "classes.csv")), "label,class\n0,follows\n1,\"hates, or so\"\n"; got != want {
		t.Errorf("classes.csv is %q, want %q", got, want)
	}
	err := saveLatents(io.Discard, dir, x, x, []int{1, 0}, nil)
	if err == nil || !strings.Contains(err.Error(), "classes.csv belongs to other data, because these have no names of classes") {
		t.Errorf("data without names beside the names of others: %v", err)
	}
	dir = t.TempDir()
	if err := saveLatents(io.Discard, dir, x, x, nil, []string{"follows"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "classes.csv")); err == nil {
		t.Error("a split without labels has names for them")
	}
}

// TestGenerateMistakes: what may be wrong on the command line, and what is said about it.
func TestGenerateMistakes(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\nfigures: []\n", "file", "")
	succeeds(t, "run", "tiny.yaml", "-q")
	trial := trials(t, "results")[0]
	if err := os.Mkdir("nothing", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"sample"}, exitUsage, "received 0; usage: vaelab sample TRIAL-DIR | WEIGHTS.safetensors [--config EXPERIMENT]"},
		{[]string{"sample", "nothing"}, exitFailed, "nothing: the folder has 0 trials; name the folder of one"},
		{[]string{"latents", "missing", "--out", "x"}, exitFailed, "missing: no such file or folder; in . are "},
		{[]string{"sample", filepath.Join(filepath.Dir(filepath.Dir(trial)), "rms-scaler-zzz", "seed-1")}, exitFailed, "no such file or folder; in " + filepath.Dir(filepath.Dir(trial)) + " are " + filepath.Base(filepath.Dir(trial))},
		{[]string{"sample", filepath.Join(filepath.Dir(trial), "sed-1")}, exitFailed, "did you mean " + trial + "?"},
		{[]string{"sample", trial, "-n", "0"}, exitUsage, "--n 0: must be 1 to 1000000000"},
		{[]string{"sample", trial, "--decode", "beem"}, exitUsage, `unknown way "beem"; did you mean "beam"? known: greedy, sample, beam; this model generates text data`},
		{[]string{"sample", trial, "--decode", "mean"}, exitUsage, `unknown way "mean"`},
		{[]string{"sample", trial, "--decode", "sample", "--temperature", "0"}, exitUsage, "--temperature 0: must be above 0; its limit at 0 is --decode greedy"},
		{[]string{"sample", trial, "--decode", "sample", "--temperature", "NaN"}, exitUsage, "--temperature NaN: must be above 0"},
		{[]string{"sample", trial, "--temperature", "0.5"}, exitUsage, "--temperature has no effect on greedy; add --decode sample"},
		{[]string{"sample", trial, "--decode", "beam", "--beam", "0"}, exitUsage, "--beam 0: must be 1 to 1000"},
		{[]string{"sample", trial, "--beam", "3"}, exitUsage, "--beam has no effect on greedy; add --decode beam"},
		{[]string{"sample", trial, "--max-words", "7"}, exitUsage, "--max-words 7: must be 0 to 6, the symbols of the longest sentence of the data"},
		{[]string{"sample", trial, "--png", "x.png"}, exitUsage, "--png: this model generates text data; a picture can be drawn only of images"},
		{[]string{"reconstruct", trial, "--split", "tset"}, exitUsage, `--split: unknown split "tset"; did you mean "test"?`},
		{[]string{"reconstruct", trial, "-n", "0"}, exitUsage, "--n 0: must be 1 to 10000"},
		{[]string{"reconstruct", filepath.Join(trial, "model.safetensors"), "--config", "tiny.yaml", "--set", "data.synthetic.test=1"}, exitFailed, "the test split has one example"},
		{[]string{"interpolate", trial, "--to", "64"}, exitUsage, "--to 64: the test split has 64 examples; must be 0 to 63"},
		{[]string{"interpolate", trial, "--from", "-1"}, exitUsage, "--from -1: the test split has 64 examples"},
		{[]string{"interpolate", trial, "--steps", "1"}, exitUsage, "--steps 1: must be 2 to 10000"},
		{[]string{"latents", trial}, exitUsage, "--out is missing: name a folder"},
		{[]string{"latents", trial, "--out", "file"}, exitFailed, "latents cannot be written: "},
	} {
		r := vaelab(t, c.args...)
		if r.code != c.code || r.out != "" || strings.Count(r.err, "vaelab: error: ") != 1 {
			t.Errorf("vaelab %s: exit code %d, want %d\n%s%s", quoted(c.args), r.code, c.code, r.out, r.err)
		}
		has(t, "vaelab "+quoted(c.args), r.err, c.says)
	}
	if err := os.Remove(filepath.Join(trial, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if r := vaelab(t, "sample", trial); r.code != exitFailed || !strings.Contains(r.err, "model.safetensors: damaged: it is missing; DONE says ") {
		t.Errorf("a trial without weights: exit code %d, %s", r.code, r.err)
	}
}

// TestPartners: another's z is of any other example of the split, equally often.
func TestPartners(t *testing.T) {
	const n, all, draws = 3, 5, 4000
	var times [n][all]int
	for seed := range uint64(draws) {
		for i, k := range (&decoding{seed: seed}).partners(n, all) {
			times[i][k]++
		}
	}
	for i := range n {
		for k, got := range times[i] {
			if i == k && got != 0 || i != k && math.Abs(float64(got)-draws/4) > 4*math.Sqrt(draws*3/16.) {
				t.Errorf("%d has the z of %d in %d of %d draws", i, k, got, draws)
			}
		}
	}
}
