package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"vaelab/internal/fetch"
	"vaelab/internal/sweep"
)

// vaelabData is vaelab data with other data sets than the published ones.
func vaelabData(t *testing.T, all fetch.Catalogue, args ...string) result {
	t.Helper()
	root := newRoot()
	for _, c := range root.Commands() {
		if c.Name() == "data" {
			root.RemoveCommand(c)
		}
	}
	root.AddCommand(dataCommand(all))
	var out, err bytes.Buffer
	r := result{code: execute(root, &out, &err, append([]string{"data"}, args...))}
	r.out, r.err = out.String(), err.String()
	noPanic(t, args, r.out+r.err)
	return r
}

// three is a data set of three small texts on a server of its own.
func three(t *testing.T) (fetch.Catalogue, *httptest.Server) {
	t.Helper()
	texts := map[string]string{"train.txt": "a b c\na\nb c d e\n", "valid.txt": "a b\n", "test.txt": "a f\n"}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, texts[r.URL.Path[1:]])
	}))
	t.Cleanup(web.Close)
	d := fetch.Dataset{Name: "three", Title: "three small texts", Licence: "none", Citation: "Nobody 2026",
		Settings: []string{"data.text.train={dir}/train.txt", "data.text.valid={dir}/valid.txt", "data.text.test={dir}/test.txt"}}
	for _, name := range []string{"train.txt", "valid.txt", "test.txt"} {
		sum := sha256.Sum256([]byte(texts[name]))
		d.Files = append(d.Files, fetch.File{Name: name, URLs: []string{web.URL + "/" + name}, Size: int64(len(texts[name])), SHA256: hex.EncodeToString(sum[:])})
	}
	return fetch.Catalogue{d, {Name: "other", Title: "nothing", Licence: "none", Citation: "Nobody 2026", Files: []fetch.File{{Name: "o.txt", URLs: []string{web.URL + "/gone"}, Blob: strings.Repeat("0", 40)}}}}, web
}

// TestData is the life of a data set: fetched, listed, verified, shown, damaged, fetched again.
func TestData(t *testing.T) {
	folder(t)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("HOME", t.TempDir())
	all, _ := three(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "vaelab", "data", "three")
	step := func(code int, args ...string) result {
		t.Helper()
		r := vaelabData(t, all, args...)
		if r.code != code {
			t.Fatalf("data %v: exit code %d, want %d\n%s%s", args, r.code, code, r.out, r.err)
		}
		return r
	}
	list := squeezed(step(exitOK, "list").out)
	has(t, "list", list, "name what size fetched licence three three small texts 0.0 kB no none other")
	for name := range builtInSources(t) {
		has(t, "list", list, " "+name+" ", " – built in ")
		has(t, "list "+name, step(exitOK, "list", name).out, "data "+name+"\n")
	}
	has(t, "verify of nothing", step(exitOK, "verify").out, "nothing has been fetched into "+filepath.Dir(dir))
	has(t, "show of nothing", step(exitFailed, "show", "three").err, "three has not been fetched: vaelab data fetch three\n")
	has(t, "show of nothing, set", step(exitFailed, "show", "three", "--set", "data.text.lower=true").err, "three has not been fetched")

	r := step(exitOK, "fetch", "three")
	has(t, "fetch", r.out, "three: three small texts, licence: none\n  in "+dir+"\n",
		"vaelab run my.yaml --set data=text \\\n      --set data.text.train="+filepath.ToSlash(dir)+"/train.txt \\\n")
	has(t, "progress", r.err, "train.txt: 0.0 kB of 0.0 kB\n")
	if r := step(exitOK, "fetch", "three", "-q"); r.err != "" {
		t.Errorf("quiet says %q", r.err)
	}
	has(t, "list", squeezed(step(exitOK, "list").out), " yes none other nothing – no ")
	has(t, "list NAME", step(exitOK, "list", "three").out, "cite: Nobody 2026\n", "folder: "+dir+"\n", all[0].Files[0].SHA256, all[0].Files[0].URLs[0])
	has(t, "verify", step(exitOK, "verify").out, "three: 3 files as published\n")
	has(t, "show", step(exitOK, "show", "three", "-n", "2", "--set", "data.text.min_count=2").out,
		"data text: text, vocabulary 7, at most 6 symbols, digest ", "vocabulary: 7 symbols",
		"train         3           1       3    4   25.0 %       –\n",
		" test         1           2       2    2   50.0 %       –\n",
		"first of train:\n  a b c\n  a\n")

	write(t, filepath.Join(dir, "valid.txt"), "a x\n")
	r = step(exitFailed, "verify")
	has(t, "verify", r.err, "vaelab: error: three: valid.txt: wrong sha256: must be ", "vaelab: error: three: to download it again: vaelab data fetch three\n")
	step(exitOK, "fetch", "three")
	step(exitOK, "verify", "three")
	if got := read(t, filepath.Join(dir, "valid.txt.wrong")); got != "a x\n" {
		t.Errorf("kept aside: %q", got)
	}
}

// TestDataByHand: without the web the error says what to do, and doing that works.
func TestDataByHand(t *testing.T) {
	folder(t, "train.txt", "a b c\na\nb c d e\n", "download", "a b\n", "test.txt", "<html>Sign in</html>")
	all, web := three(t)
	web.Close()
	r := vaelabData(t, all, "fetch", "three", "--dir", "my data")
	if r.code != exitFailed {
		t.Errorf("exit code %d", r.code)
	}
	has(t, "offline", r.err, "vaelab: error: three: train.txt: no address gave this file\n", "connection refused",
		"vaelab: error:   "+web.URL+"/valid.txt\n", "vaelab: error: then: vaelab data import three train.txt valid.txt test.txt --dir 'my data'\n")

	r = vaelabData(t, all, "import", "three", "train.txt", "download", "--dir", "my data")
	has(t, "import", r.out, "three: train.txt is train.txt\nthree: download is valid.txt\nthree: still missing: test.txt\n")
	has(t, "list", vaelabData(t, all, "list", "--dir", "my data").out, "  2 of 3 ")
	has(t, "verify", vaelabData(t, all, "verify", "--dir", "my data").err, "three: test.txt: missing\n", "vaelab data fetch three --dir 'my data'\n")
	r = vaelabData(t, all, "import", "three", "test.txt", "--dir", "my data")
	has(t, "import of a page", r.err, "vaelab: error: test.txt: not accepted: test.txt: wrong size: must be 4, got 20; it is a web page, not the file\n")
	write(t, "test.txt", "a f\n")
	r = vaelabData(t, all, "import", "three", "test.txt", "--dir", "my data")
	has(t, "import", r.out, "three: complete, in ", `--set 'data.text.test=`)
	if r := vaelabData(t, all, "fetch", "three", "--dir", "my data"); r.code != exitOK {
		t.Errorf("fetch of what is there: %s", r.err)
	}
}

func TestDataMistakes(t *testing.T) {
	folder(t)
	all, _ := three(t)
	for _, test := range []struct {
		args, says string
	}{
		{"fetch thre", `unknown data set "thre"; did you mean "three"?`},
		{"fetch three thre --dir d", `did you mean "three"?`},
		{"list thre", `did you mean "three"?`},
		{"verify thre --dir d", `did you mean "three"?`},
		{"import thre x", `did you mean "three"?`},
		{"import three", "requires at least 2 arg(s)"},
		{"fetsh", `unknown command "fetsh"; did you mean "fetch"?`},
		{"show synthetc", `unknown experiment or data "synthetc"; did you mean "synthetic"?`},
		{"show synthetic -n -1", "-n -1: must be 0 to 2147483647"},
	} {
		r := vaelabData(t, all, strings.Fields(test.args)...)
		if r.code != exitUsage || !strings.Contains(r.err, test.says) {
			t.Errorf("data %s: exit code %d, %s", test.args, r.code, r.err)
		}
	}
	if entries, _ := os.ReadDir("d"); len(entries) > 0 {
		t.Error("a mistake left files")
	}
}

// TestDataShow: an experiment is shown as it would be read; images are drawn.
func TestDataShow(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{data: {synthetic: {train: [128, 64]}}}]\n", "labelled.txt", "b\tx y\na\tx\nb\tx\n")
	out := succeeds(t, "data", "show", "tiny.yaml").out
	has(t, "show", out, "data synthetic: text, vocabulary 54, at most 8 symbols", " train       128 ", " train        64 ")
	has(t, "show a source", succeeds(t, "data", "show", "synthetic", "--set", "data.synthetic.train=7", "-n", "0").out, " train         7 ")
	has(t, "show labels", succeeds(t, "data", "show", "text", "--set", "data.text.train=labelled.txt", "--set", "data.text.labels=true").out,
		"2 (1 + 2)\n", "labels: 0 a, 1 b\n", "  [b] x y\n  [a] x\n", " valid         0           –")
	has(t, "show of no image", vaelab(t, "data", "show", "tiny.yaml", "--png", "x.png").err, "--png: the data are text data")
	if pictures, _ := filepath.Glob("*.png"); len(pictures) > 0 {
		t.Errorf("text is drawn into %v", pictures)
	}
	small := []string{"data", "show", "glyphs", "--set", "data.glyphs.train=30", "--set", "data.glyphs.valid=5", "--set", "data.glyphs.test=5"}
	has(t, "show images", succeeds(t, small...).out, "\nimages are drawn with --png FILE\n")
	if pictures, _ := filepath.Glob("*.png"); len(pictures) > 0 {
		t.Errorf("without --png images are drawn into %v", pictures)
	}
	has(t, "show images", succeeds(t, append(small, "--png", "x.png")...).out, "\nx.png\n")
	f, err := os.Open("x.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
}

// TestPublishedSettings: the settings of every published data set are ones that its source has, and
// those of its experiment.
func TestPublishedSettings(t *testing.T) {
	for _, d := range fetch.Published() {
		if d.Experiment != "" {
			c := choice{sets: d.Apply("/d")}
			if _, err := c.read(new(bytes.Buffer), d.Experiment); err != nil {
				t.Errorf("%s: %v", d.Name, err)
			}
		}
		p := &published{all: fetch.Catalogue{{Name: "none"}}}
		c := choice{sets: d.Apply("/d")}
		e, err := p.experiment(new(bytes.Buffer), &c, d.Source())
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		var missing sweep.Faults
		if _, err := e.Prepare("results"); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "train") {
			t.Errorf("%s: without its files: %v", d.Name, err)
		}
	}
}

// TestArrivals: what is said without a terminal: a line at the end of each file, the time left
// now and then, and nothing if quiet.
func TestArrivals(t *testing.T) {
	var w bytes.Buffer
	a := newArrivals(&w, false)
	a.progress("a.gz", 1_000_000, 5_000_000)
	a.progress("a.gz", 2_000_000, 5_000_000)
	if w.Len() > 0 {
		t.Errorf("says %q at once", w.String())
	}
	a.started, a.last = a.started.Add(-plainEvery), a.last.Add(-plainEvery)
	a.progress("a.gz", 3_000_000, 5_000_000)
	a.progress("a.gz", 5_000_000, 5_000_000)
	a.note("b: note")
	a.progress("b", 900, 0)
	a.close()
	want := regexp.MustCompile(`^a.gz: 3.0 MB of 5.0 MB, 10s left\na.gz: 5.0 MB of 5.0 MB\nb: note\n$`)
	if !want.MatchString(w.String()) {
		t.Errorf("says %q", w.String())
	}
	w.Reset()
	a = newArrivals(&w, true)
	a.progress("a.gz", 5, 5)
	a.note("note")
	if w.Len() > 0 {
		t.Errorf("quiet says %q", w.String())
	}
}

// TestPatient: a server that falls silent is given up after the time, one that is slow is not.
func TestPatient(t *testing.T) {
	stop := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 6 {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
		if r.URL.Path == "/silent" {
			<-stop
		}
	}))
	defer web.Close()
	defer close(stop)
	for path, ok := range map[string]bool{"/slow": true, "/silent": false} {
		resp, err := patient(200 * time.Millisecond).Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(resp.Body)
		resp.Body.Close()
		if (err == nil) != ok || b.String() != "xxxxxx" {
			t.Errorf("%s: %q, %v", path, b.String(), err)
		}
	}
}

func TestPauseStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := pause(ctx, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
