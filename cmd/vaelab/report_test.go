package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/plots"
)

// made makes trials of so many rows as the trainer writes them: bn at some gammas and bn-scaler at
// some taus, six seeds each.
func made(t testing.TB, dir string, groups, rows int) {
	t.Helper()
	for g := range groups {
		variant, knob := "bn", "gamma"
		if g%2 == 1 {
			variant, knob = "bn-scaler", "tau"
		}
		value := 0.1 + float64(g)/float64(groups)
		text := madeRows(t, rows, value, variant == "bn-scaler")
		for seed := 1; seed <= 6; seed++ {
			trial := record.Trial{Format: record.Format, Experiment: "made", ID: fmt.Sprintf("%s-%08x/seed-%d", variant, g, seed), Variant: variant, Seed: seed, Data: "0123",
				Config: map[string]string{"data": "made", "model": "lstm", "variant": variant, "variant." + variant + "." + knob: fmt.Sprint(value)}}
			at := trial.Dir(dir)
			if err := trial.Save(at); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string][]byte{
				record.RowsFile:     text,
				record.ManifestFile: []byte(`{"version":"v1","revision":"0a1b","modified":"false","go":"go1","os":"linux","arch":"amd64","precision":"float32","kernel":"avx2","data":"made 0123","started":"2026-01-01T00:00:00Z","seconds":60}`),
			} {
				if err := os.WriteFile(filepath.Join(at, name), text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if err := record.WriteDone(at, record.SumOf(text), record.TrialFile, record.ManifestFile); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// madeRows are rows of which every twentieth is of split valid and the last of test.
func madeRows(t testing.TB, rows int, value float64, scaler bool) (text []byte) {
	t.Helper()
	const D = 8
	for step := 1; step <= rows; step++ {
		r := record.Row{Step: 20 * step, Epoch: float64(step) / 50, Split: "train", Values: map[string]float64{}, Vectors: map[string][]float64{}}
		names := []string{"loss", "rec", "kl", "nelbo", "kl_weight", "lr", "grad_norm", "clipped", "mu2", "sigma2", "moment", "kl_mu", "floor", "slack"}
		vectors := []string{"kl_dim"}
		if scaler {
			vectors = append(vectors, "theta", "sig_theta", "gamma_mu", "gamma_sigma")
		}
		if step%20 == 0 {
			r.Split = "valid"
			names = append(names, "mi", "mi_se", "mi_cap", "marginal_kl", "gap", "au", "au_free", "ppl", "logvar", "sigma_small", "sigma_negative", "probe_100", "probe_500", "lag", "lag_model_sd", "lag_mu_sd")
			vectors = append(vectors, "lag_model", "lag_mu")
		}
		if step == rows {
			r.Split = "test"
			r.Vectors["kl_quantiles"] = []float64{value, 2 * value, 5 * value}
			r.Vectors["aggregate"], r.Vectors["aggregate_dims"] = []float64{0.1, 0.4, 0.4, 0.1}, []float64{0, 3}
		}
		for i, name := range names {
			r.Values[name] = value * (1.5 + math.Sin(float64(step)/100+float64(i)))
		}
		for i, name := range vectors {
			for d := range D {
				r.Vectors[name] = append(r.Vectors[name], value/2+0.3*math.Abs(math.Sin(float64(step)/300+float64(i+d))))
			}
		}
		if r.Split != "train" {
			r.Vectors["collapse"] = make([]float64, len(record.CollapseEps))
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	return text
}

func TestReport(t *testing.T) {
	folder(t, "made.yaml", strings.Replace(tiny, "Does it run?", "Is it made?", 1)+"grid:\n  - variant: bn\n")
	made(t, "results", 4, 60)
	r := succeeds(t, "report", "results/made")
	for _, name := range []string{"report.html", "report.md", "report.tex"} {
		file := filepath.Join("results", "made", name)
		has(t, "report", r.out, file+"\n")
		has(t, name, read(t, file), "24 trials of 4 settings: 24 done.", "made", "Provenance", "figure kl-curve")
	}
	html := read(t, "results/made/report.html")
	// What these trials cannot show is left out with the reason.
	lacks := map[string]string{"bn-gap": "no valid or test row has the metric", "phase": "no trial of a linear VAE on Gaussian data"}
	for _, name := range plots.Figures.Names() {
		if why, ok := lacks[name]; ok {
			has(t, name, html, "Left out: "+name+": "+why)
			continue
		}
		if _, err := os.Stat(filepath.Join("results", "made", name+".png")); err != nil {
			t.Errorf("%v", err)
		}
		has(t, name, html, "vaelab plot results/made --figure "+name)
	}
	succeeds(t, "report", "results/made", "--figure", "theta,z-use", "--out", "few")
	if found, err := filepath.Glob("few/*.png"); err != nil || len(found) != 2 {
		t.Errorf("--figure theta,z-use: %v, %v", found, err)
	}
	if r := vaelab(t, "report", "results/made", "--figure", "teta", "--out", "few"); r.code == 0 || !strings.Contains(r.err, `did you mean "theta"?`) {
		t.Errorf("--figure teta: exit code %d, %s", r.code, r.err)
	}
	if strings.Contains(html, "<h2>Claims") {
		t.Error("there are claims, but nothing has been judged")
	}

	// Another folder, read from where no other machine has it: the same page, but for the files' names.
	abs, err := filepath.Abs("results/made")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "results/made/verdicts.json", `{"experiment":"made","question":"Is it judged?","claims":[{"say":"it holds","verdict":"holds","n":6,"estimate":1.5}]}`)
	succeeds(t, "report", abs, "--out", "a")
	succeeds(t, "report", "results/made", "--out", "b")
	page := read(t, "a/report.html")
	has(t, "judged", page, "Is it judged?", "it holds", "1 claim. Holds: 1, does not hold: 0")
	if page != read(t, "b/report.html") || strings.Contains(page, filepath.Dir(abs)) {
		t.Error("the page depends on where the folder is")
	}
	write(t, "made.yaml", read(t, "made.yaml")+"figures: [z-use, kl-curve]\n")
	succeeds(t, "report", "results", "--experiment", "made.yaml", "--out", "c")
	page = read(t, "c/report.html")
	if first, second, third := strings.Index(page, `<figure id="z-use"`), strings.Index(page, `<figure id="kl-curve"`), strings.Index(page, `<figure id="aggregate"`); first < 0 || second < first || third < second {
		t.Errorf("z-use, kl-curve, aggregate stand at %d, %d, %d; the file asks for the first two", first, second, third)
	}
	has(t, "with its file", read(t, "c/report.md"), "Is it made?", "vaelab run made.yaml --seeds 6", "24 of 24 trials of made have settings that its file does not have",
		"1 of 1 setting in the file of made have no trial here")
}

// TestReportFormats: the files beside the report have the formats asked for, and each form takes one that it can show. The page
// has the figures inside, without their captions, which it has as text.
func TestReportFormats(t *testing.T) {
	folder(t)
	made(t, "results", 2, 40)
	for _, c := range []struct{ formats, files, markdown, latex string }{
		{"", "[kl-curve.png]", "](kl-curve.png)", "{kl-curve.png}"},
		{"svg", "[kl-curve.svg]", "](kl-curve.svg)", `(see \texttt{kl-curve.svg})`},
		{"pdf", "[kl-curve.pdf]", "](kl-curve.pdf)", "{kl-curve.pdf}"},
		{"png,svg,pdf", "[kl-curve.pdf kl-curve.png kl-curve.svg]", "](kl-curve.png)", "{kl-curve.pdf}"},
	} {
		args := []string{"report", "results/made", "--figure", "kl-curve", "--out", "out-" + c.formats}
		if c.formats != "" {
			args = append(args, "--format", c.formats)
		}
		succeeds(t, args...)
		files, err := filepath.Glob(filepath.Join("out-"+c.formats, "kl-curve.[ps]*"))
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if err != nil || fmt.Sprint(files) != c.files {
			t.Errorf("--format %q: %v, %v, want %s", c.formats, files, err, c.files)
		}
		has(t, "report.md", read(t, filepath.Join("out-"+c.formats, "report.md")), c.markdown)
		has(t, "report.tex", read(t, filepath.Join("out-"+c.formats, "report.tex")), c.latex)
		page := read(t, filepath.Join("out-"+c.formats, "report.html"))
		has(t, "report.html", page, `<svg role="img"`, "Lines are means over n = 6 seeds")
		if n := strings.Count(page, "Lines are means over n = 6 seeds"); n != 1 {
			t.Errorf("the page has the caption %d times", n)
		}
	}
	succeeds(t, "report", "results/made", "--figure", "kl-curve", "--out", "bare", "--no-caption", "--format", "pdf")
	for _, form := range []string{"report.md", "report.tex"} {
		has(t, form, read(t, filepath.Join("bare", form)), "Lines are means over n = 6 seeds")
	}
}

// TestLaTeXTable: one table, on the screen or in a file, with the numbers of the report.
func TestLaTeXTable(t *testing.T) {
	folder(t)
	made(t, "results", 2, 40)
	r := succeeds(t, "report", "results/made", "--latex-table", "medians")
	has(t, "medians", r.out, `\begin{tabular}{@{}l`, `\toprule`, "bn & 6 & ")
	succeeds(t, "report", "results/made", "--latex-table", "medians", "-o", "medians.tex")
	if read(t, "medians.tex") != r.out {
		t.Error("the file is another table than the screen has")
	}
	if files, err := filepath.Glob(filepath.Join("results", "made", "report.*")); err != nil || files != nil {
		t.Errorf("a table was asked for, and there are %v, %v", files, err)
	}
}

// TestReportRows: what is published can be drawn, exported and judged again, to the same bytes.
func TestReportRows(t *testing.T) {
	folder(t, "made.yaml", tiny+"grid:\n  - variant: bn\n")
	made(t, "results", 4, 60)
	var dirs []string
	for _, pattern := range []string{"bn-00000000/seed-1", "bn-scaler-00000001/seed-2"} {
		dirs = append(dirs, filepath.Join("results", "made", filepath.FromSlash(pattern)))
	}
	for _, dir := range dirs { // one that failed, one that goes on
		if err := os.Remove(filepath.Join(dir, record.DoneFile)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dirs[0], record.FailedFile), "loss is NaN\n")
	write(t, "results/made/verdicts.json", `{"experiment":"made","claims":[{"say":"it holds","verdict":"holds","n":6,"estimate":1.5}]}`)
	succeeds(t, "report", "results/made", "--experiment", "made.yaml", "--rows", "--out", "published/made")
	succeeds(t, "report", "published/made", "--experiment", "made.yaml", "--out", "again")
	succeeds(t, "plot", "published/made", "--out", "again/plots")
	files, err := os.ReadDir("again")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		want := read(t, filepath.Join("published", "made", f.Name()))
		if read(t, filepath.Join("again", f.Name())) != want {
			t.Errorf("%s is another one", f.Name())
		}
		if filepath.Ext(f.Name()) == ".png" && read(t, filepath.Join("again", "plots", f.Name())) != want {
			t.Errorf("%s of vaelab plot is another one", f.Name())
		}
	}
	has(t, "the report", read(t, "again/report.md"), "22 done, 1 unfinished, 1 failed", "it holds", "vaelab plot published/made --figure")
	if succeeds(t, "export", "published/made").out != succeeds(t, "export", "results/made").out {
		t.Error("the rows are other ones")
	}
}

// TestReportRevision: rows are published only if their program can be built again, or if that is waived.
func TestReportRevision(t *testing.T) {
	folder(t)
	made(t, "results", 1, 20)
	publish := []string{"report", "results/made", "--rows", "--out", "published/made", "--figure", "kl-curve"}
	manifests, err := filepath.Glob(filepath.Join("results", "made", "*", "seed-*", record.ManifestFile))
	if err != nil || len(manifests) != 6 {
		t.Fatal(manifests, err)
	}
	good := read(t, manifests[0])
	for _, c := range []struct {
		name   string
		change map[int]string // manifest -> its text
		want   string         // "" if it is published
	}{
		{"known", nil, ""},
		{"unknown", map[int]string{0: strings.Replace(good, `"revision":"0a1b",`, "", 1), 3: "{}"}, "2 of 6 trials do not name the revision of the program, so nobody can"},
		{"both", map[int]string{1: "{}", 2: strings.Replace(good, `"modified":"false"`, `"modified":"true"`, 1)},
			"1 of 6 trials do not name the revision of the program; 1 of 6 trials ran a program with uncommitted changes, so nobody can"},
		{"modified", map[int]string{5: strings.Replace(good, `"modified":"false"`, `"modified":"true"`, 1)}, "1 of 6 trials ran a program with uncommitted changes, so nobody can"},
	} {
		if err := os.RemoveAll("published"); err != nil {
			t.Fatal(err)
		}
		for i, name := range manifests {
			dir := filepath.Dir(name)
			write(t, name, cmp.Or(c.change[i], good))
			if err := record.WriteDone(dir, record.SumOf([]byte(read(t, filepath.Join(dir, record.RowsFile)))), record.TrialFile, record.ManifestFile); err != nil {
				t.Fatal(err)
			}
		}
		r := vaelab(t, publish...)
		if c.want == "" {
			if r.code != exitOK {
				t.Errorf("%s: exit code %d, %s", c.name, r.code, r.err)
			}
			continue
		}
		if r.code != exitFailed {
			t.Errorf("%s: exit code %d", c.name, r.code)
		}
		has(t, c.name, r.err, "results/made: "+c.want, "make build", "--unknown-revision")
		if _, err := os.Stat("published"); err == nil {
			t.Errorf("%s: refused, but something was written", c.name)
		}
		succeeds(t, append(publish, "--unknown-revision")...)
		if r := vaelab(t, "report", "published/made", "--rows", "--out", "again"); r.code != exitFailed {
			t.Errorf("%s: published, and then published again unasked: exit code %d", c.name, r.code)
		}
		succeeds(t, "report", "results/made", "--out", "only", "--figure", "kl-curve") // without rows nothing is refused
	}
}

func TestReportRefusals(t *testing.T) {
	folder(t, "other.yaml", tiny+"grid:\n  - variant: bn\n")
	made(t, "results", 1, 20)
	made(t, "good", 1, 20)
	write(t, "results/made/verdicts.json", "{")
	for _, dir := range []string{"nothing", "broken"} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join("broken", record.ArchiveFile), "this is not zipped, and longer than a header")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report"}, exitUsage, "usage: vaelab report DIR"},
		{[]string{"report", "missing"}, exitFailed, "missing: no such file or folder; in . are "},
		{[]string{"report", "made"}, exitFailed, "made: no such file or folder; did you mean results/made?"},
		{[]string{"report", "results/maed"}, exitFailed, "results/maed: no such file or folder; did you mean results/made?"},
		{[]string{"report", "nothing"}, exitFailed, "nothing: there is no trial in or below this folder"},
		{[]string{"report", "results", "--experiment", "other.yaml"}, exitUsage, "no trial is of an experiment other; there are: made"},
		{[]string{"report", "results/made"}, exitFailed, "verdicts.json: unexpected end of JSON input; vaelab verify writes it again"},
		{[]string{"report", "other.yaml"}, exitFailed, "other.yaml: is not a folder; must be the folder of results, of an experiment or of a trial"},
		{[]string{"report", "results/made", "--rows"}, exitUsage, "results/made has the rows already; choose another folder for the report with --out"},
		{[]string{"report", "results/made", "--rows", "--out", "./results/../results/made"}, exitUsage, "has the rows already"},
		{[]string{"report", "good/made", "--out", "other.yaml"}, exitFailed, "not a directory; choose another folder with --out"},
		{[]string{"report", "good/made", "--experiment", "nowhere/made.yaml"}, exitFailed, "nowhere/made.yaml: no such file"},
		{[]string{"report", "broken"}, exitFailed, filepath.Join("broken", record.ArchiveFile) + ": damaged: gzip: invalid header; vaelab report --rows writes it again"},
		{[]string{"report", "good/made", "--latex-table", "resluts"}, exitUsage, `--latex-table: unknown table "resluts"; did you mean "results"? known: results, `},
		{[]string{"report", "good/made", "--latex-table", ""}, exitUsage, `--latex-table: unknown table ""; known: results, `},
		{[]string{"report", "good/made", "--latex-table", "claims"}, exitUsage, "--latex-table: claims: no claim has been judged here; vaelab verify judges those of an experiment"},
		{[]string{"report", "good/made", "--latex-table", "results", "--rows"}, exitUsage, "--latex-table and --rows exclude each other"},
		{[]string{"report", "good/made", "--latex-table", "results", "-o", "no/such.tex"}, exitUsage, "--output no/such.tex: there is no folder no"},
		{[]string{"report", "good/made", "-o", "such.tex"}, exitUsage, "--output goes with --latex-table only; --out names the folder of a report"},
		{[]string{"report", "good/made", "--format", "bmp"}, exitUsage, `unknown format "bmp"; known: png, svg, pdf`},
		{[]string{"plot", "good", "--out", "other.yaml"}, exitFailed, "mkdir other.yaml: not a directory; choose another folder with --out"},
		{[]string{"export", "nothing"}, exitFailed, "nothing: there is no trial in or below this folder; vaelab run trains some"},
		{[]string{"export", "good", "missing"}, exitFailed, "missing: no such file or folder; in . are "},
		{[]string{"export", "good", "--output", "nothing"}, exitUsage, "--output nothing: is a folder; name a file"},
		{[]string{"export", "good", "--output", "no/such.csv"}, exitUsage, "--output no/such.csv: there is no folder no"},
		{[]string{"export", "good", "--output", "other.yaml/such.csv"}, exitUsage, "there is no folder other.yaml"},
		{[]string{"export", "good", "--output", "such.xlsx"}, exitUsage, "--output such.xlsx: the name must end in .csv, .jsonl, .parquet, or --format must name the format"},
		{[]string{"export", "good", "--output", "such.csv.gz"}, exitUsage, "--output such.csv.gz: the name must end in "},
		{[]string{"export", "good", "--tensorboard", "other.yaml"}, exitFailed, "event files cannot be written: mkdir other.yaml: not a directory; choose another folder with --tensorboard"},
	} {
		if r := vaelab(t, c.args...); r.code != c.code || !strings.Contains(r.err, c.want) {
			t.Errorf("%s: exit code %d, %s\nwant %d, %s", quoted(c.args), r.code, r.err, c.code, c.want)
		}
	}
}

// BenchmarkReport is a report over 504 trials of 1,000 rows each.
func BenchmarkReport(b *testing.B) {
	dir := b.TempDir()
	made(b, dir, 84, 1000)
	out := b.TempDir()
	for b.Loop() {
		if code := run(io.Discard, os.Stderr, []string{"report", dir, "--out", out}); code != exitOK {
			b.Fatal(code)
		}
	}
}
