package sweep

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/train"
)

// TestRenamedFile: what was trained under an experiment's former name is found, used where it lies, and noted; what is
// not finished there is not touched.
func TestRenamedFile(t *testing.T) {
	results := t.TempDir()
	jobs := prepare(t, tiny+"experiment: old\ngrid: [{variant: [vanilla, bn]}]\nseeds: 2\n", results)
	if _, err := run(context.Background(), jobs, 2, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(jobs[3].Dir, record.DoneFile)); err != nil {
		t.Fatal(err)
	}
	e := parse(t, tiny+"experiment: new\ngrid: [{variant: [vanilla, ln, bn]}]\nseeds: 2\n", Options{})
	now, err := e.Prepare(results)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := done(now), []bool{true, true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("done %v, want %v", got, want)
	}
	for i, want := range map[int]string{0: jobs[0].Dir, 1: jobs[1].Dir, 4: jobs[2].Dir, 5: now[5].Trial.Trial.Dir(results)} {
		if now[i].Dir != want || now[i].Experiment != "new" {
			t.Errorf("job %d: folder %s, want %s; experiment %s", i, now[i].Dir, want, now[i].Experiment)
		}
	}
	old := filepath.Join(results, "old")
	if want := "3 finished trials of new are in " + old + " and are used there"; len(e.Notes) != 1 || !strings.HasPrefix(e.Notes[0], want) || !strings.Contains(e.Notes[0], `"experiment: old"`) {
		t.Errorf("notes %q, want one that begins with %q", e.Notes, want)
	}
	w, err := run(context.Background(), now, 2, nil)
	slices.Sort(w.started)
	if err != nil || !slices.Equal(w.started, []int{2, 3, 5}) {
		t.Errorf("error %v, started %v", err, w.started)
	}
	// An experiment that has some trials in common with another is not that one renamed.
	e = parse(t, tiny+"experiment: third\ngrid: [{variant: vanilla}]\n", Options{})
	if now, err = e.Prepare(results); err != nil || slices.Contains(done(now), true) {
		t.Errorf("error %v, done %v", err, done(now))
	}
	if want := "1 finished trials of third are in " + old + ", beside others that are not in the file, and are not used"; len(e.Notes) == 0 || !strings.HasPrefix(e.Notes[len(e.Notes)-1], want) {
		t.Errorf("notes %q, want %q", e.Notes, want)
	}
	// Nor is one whose file stands beside the other's.
	beside := t.TempDir()
	for _, name := range []string{"old.yaml", "twin.yaml"} {
		if err := os.WriteFile(filepath.Join(beside, name), []byte(tiny+"grid: [{variant: [vanilla, bn]}]\nseeds: 2\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if e, err = Read(filepath.Join(beside, "twin.yaml"), Options{}); err != nil {
		t.Fatal(err)
	}
	if now, err = e.Prepare(results); err != nil || slices.Contains(done(now), true) {
		t.Errorf("error %v, done %v", err, done(now))
	}
	if want := "because the file of old is still there"; !strings.Contains(strings.Join(e.Notes, "\n"), want) {
		t.Errorf("notes %q, want %q", e.Notes, want)
	}
	// Its own trials come first.
	jobs = prepare(t, tiny+"experiment: new\ngrid: [{variant: [vanilla, ln, bn]}]\nseeds: 2\n", results)
	if got := filepath.Base(filepath.Dir(filepath.Dir(jobs[5].Dir))); slices.Contains(done(jobs), false) || got != "new" {
		t.Errorf("done %v; the last lies in %s", done(jobs), got)
	}
}

// aged makes a trial's folder one that a version before the tag neutral has left, and returns where it is.
func aged(t *testing.T, j Job) string {
	t.Helper()
	old := j.Trial.Trial
	old.Format = 1
	old.Config = map[string]string{}
	for key, value := range j.Config {
		dot := strings.LastIndex(key, ".")
		if dot < 0 || slices.Contains(strings.Fields(frozen[key[:dot]]), key[dot+1:]) {
			old.Config[key] = value
		}
	}
	old.ID = OldNameOf(old)
	if old.ID == j.ID {
		t.Fatalf("the old name is the new: %s", j.ID)
	}
	to := filepath.Join(filepath.Dir(filepath.Dir(j.Dir)), filepath.FromSlash(old.ID))
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(j.Dir, to); err != nil {
		t.Fatal(err)
	}
	if err := old.Save(to); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, record.DoneFile), nil, 0o666); err != nil { // it had no sums then
		t.Fatal(err)
	}
	return to
}

// TestOldNamesAreUsed: trials under names of an older version are used in place, finished or not; trial.json still fits
// the folder's name after they were finished there. They are found under a renamed file, too.
func TestOldNamesAreUsed(t *testing.T) {
	results := t.TempDir()
	const text = tiny + "grid: [{variant: [vanilla, bn]}]\nseeds: 2\n"
	jobs := prepare(t, text, results)
	if _, err := run(context.Background(), jobs, 2, nil); err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for i, j := range jobs {
		dirs = append(dirs, aged(t, j))
		if i == 3 { // interrupted before its first checkpoint
			for _, name := range []string{record.DoneFile, record.RowsFile, train.ModelFile} {
				if err := os.Remove(filepath.Join(dirs[3], name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	e := parse(t, text, Options{})
	jobs, err := e.Prepare(results)
	if err != nil {
		t.Fatal(err)
	}
	if got := done(jobs); !slices.Equal(got, []bool{true, true, true, false}) {
		t.Errorf("done %v", got)
	}
	for i, j := range jobs {
		if j.Dir != dirs[i] {
			t.Errorf("job %d: folder %s, want %s", i, j.Dir, dirs[i])
		}
	}
	if len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "4 of the trials there have other names, such as those of an older version") {
		t.Errorf("notes %q", e.Notes)
	}
	if w, err := run(context.Background(), jobs, 1, nil); err != nil || !slices.Equal(w.started, []int{3}) {
		t.Errorf("error %v, started %v", err, w.started)
	}
	set, err := record.Load(results)
	if err != nil || len(set.Runs) != 4 {
		t.Fatalf("%d trials, %v", len(set.Runs), err)
	}
	for _, r := range set.Runs {
		if r.State != record.Done || r.ID != OldNameOf(r.Trial) || !strings.HasSuffix(filepath.ToSlash(r.Dir), "/"+r.ID) {
			t.Errorf("%s: %v, ID %s, old name %s", r.Dir, r.State, r.ID, OldNameOf(r.Trial))
		}
	}
	e = parse(t, "experiment: y\n"+text, Options{})
	if jobs, err = e.Prepare(results); err != nil || slices.Contains(done(jobs), false) || len(e.Notes) != 1 {
		t.Errorf("renamed: %v, done %v, notes %q", err, done(jobs), e.Notes)
	}
}

// TestStrangeFolders: what else lies below the results is no trial, and nothing is said of it here.
func TestStrangeFolders(t *testing.T) {
	results := t.TempDir()
	for _, name := range []string{"a-file", "x/vanilla-01234567", "y/vanilla-01234567/seed-1/trial.json", "z/vanilla-0123/seed-1/trial.json"} {
		path := filepath.Join(results, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	e := parse(t, tiny, Options{})
	if jobs, err := e.Prepare(results); err != nil || len(jobs) != 1 || jobs[0].Done || e.Notes != nil {
		t.Errorf("%v, jobs %+v, notes %q", err, jobs, e.Notes)
	}
}

// TestDataElsewhere: the same contents under another path make the same trial, and other contents or other settings
// another.
func TestDataElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	words := func(n int) (text, lines string) {
		for i := range 30 {
			s := fmt.Sprintf("the dog %c sees %c", 'a'+i%n, 'a'+i%3)
			text += s + "\n"
			line, _ := json.Marshal(map[string]string{"text": s})
			lines += string(line) + "\n"
		}
		return text, lines
	}
	text, lines := words(5)
	other, _ := words(6)
	write("old/t.txt", []byte(text))
	write("new/other name", []byte(text))
	write("else/t.txt", []byte(other))
	write("old/t.jsonl", []byte(lines))
	write("new/t.jsonl", []byte(lines))
	write("old/words", []byte("<pad>\n<s>\n</s>\n<unk>\nthe\ndog\nsees\na\nb\nc\nd\ne\n"))
	write("new/words", []byte("<pad>\n<s>\n</s>\n<unk>\nthe\ndog\nsees\na\nb\nc\nd\ne\n"))
	idx := append([]byte{0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2}, 0, 255, 9, 99, 1, 2, 3, 200, 0, 0, 0, 50, 255, 255, 1, 0)
	write("old/x.idx", idx)
	var zipped strings.Builder
	z := gzip.NewWriter(&zipped)
	z.Write(idx)
	z.Close()
	write("new/x.gz", []byte(zipped.String()))
	for _, dir := range []string{"old/pictures", "new/sheets"} {
		for i := range 4 {
			var b strings.Builder
			picture := image.NewGray(image.Rect(0, 0, 2, 2))
			picture.Pix[i] = 255
			if err := png.Encode(&b, picture); err != nil {
				t.Fatal(err)
			}
			write(filepath.Join(dir, fmt.Sprintf("%d.png", i)), []byte(b.String()))
		}
	}
	linked := os.Symlink("old", "link") == nil

	id := func(data string) string {
		t.Helper()
		jobs := prepare(t, "base: {data: "+data+", model: {mlp: {latent_dim: 2, hidden: 4}}, variant: bn}\n", t.TempDir())
		return jobs[0].ID
	}
	three := func(kind, path, more string) string {
		return fmt.Sprintf("{%s: {train: %q, valid: %q, test: %q%s}}", kind, path, path, path, more)
	}
	base := three("text", "old/t.txt", "")
	for _, c := range []struct {
		what, a, b string
		same       bool
	}{
		{"a dot before it", base, three("text", "./old/t.txt", ""), true},
		{"absolute", base, three("text", filepath.Join(here, "old/t.txt"), ""), true},
		{"a copy of another name", base, three("text", "new/other name", ""), true},
		{"lines of JSON", three("jsonl", "old/t.jsonl", ""), three("jsonl", "new/t.jsonl", ""), true},
		{"a vocabulary", three("text", "old/t.txt", ", vocab: old/words"), three("text", "old/t.txt", ", vocab: new/words"), true},
		{"images, zipped", three("images", "old/x.idx", ", binarise: threshold"), three("images", "new/x.gz", ", binarise: threshold"), true},
		{"a folder of images", three("images", "old/pictures", ""), three("images", "new/sheets", ""), true},
		{"other contents", base, three("text", "else/t.txt", ""), false},
		{"the same contents by another setting", base, three("text", "old/t.txt", ", min_count: 2"), false},
		{"another kind", base, three("jsonl", "old/t.jsonl", ""), false},
	} {
		if got := id(c.a) == id(c.b); got != c.same {
			t.Errorf("%s: the same trial: %t, want %t (%s, %s)", c.what, got, c.same, id(c.a), id(c.b))
		}
	}
	if linked && id(base) != id(three("text", "link/t.txt", "")) {
		t.Error("a linked folder makes another trial")
	}

	// Two entries with the same data are one trial, and two that differ share the data.
	twice := "grid:\n- data: " + base + "\n- data: " + three("text", "new/other name", "") + "\nseeds: 2\n"
	_, err = parse(t, twice, Options{}).Prepare(t.TempDir())
	if want := "x.yaml:3:3: grid: has the same settings as the entry at x.yaml:2:3, and the same data under other paths; each trial must differ in some setting"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	jobs, err := parse(t, twice, Options{Sets: []string{"train.lr=0.01"}}).Prepare(t.TempDir())
	if err != nil || len(jobs) != 2 {
		t.Errorf("by --set: %d jobs, %v", len(jobs), err)
	}
	jobs = prepare(t, "grid:\n- data: "+base+"\n- data: "+three("text", "new/other name", "")+"\n  variant: bn\n", t.TempDir())
	if jobs[0].Set != jobs[1].Set {
		t.Error("equal data are held twice")
	}
}
