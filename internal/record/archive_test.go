package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archiveOf is the content of a set's archive.
func archiveOf(t *testing.T, set *Set) string {
	t.Helper()
	var b strings.Builder
	if err := WriteArchive(&b, set); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// printed is a set as text. NaN is not NaN, its text is.
func printed(set *Set) string {
	var b strings.Builder
	for _, r := range set.Runs {
		fmt.Fprintf(&b, "%#v %v\n", r.Trial, r.State)
		fmt.Fprintf(&b, "%q %#v %s\n", r.Reason, r.Manifest, r.Dir)
		for _, e := range r.Rows {
			fmt.Fprintf(&b, "%#v\n", e.Row())
		}
	}
	return b.String()
}

// What Load reads of an archive is what it read of the folders, but for where they are and for digits
// that float32 does not have.
func TestArchive(t *testing.T) {
	results := t.TempDir()
	row := Row{Step: 7, Epoch: 1. / 7, Split: "train", Values: map[string]float64{"kl": math.Pi, "nan": math.NaN(), "tiny": 1e-300, "huge": -1e300, "none": 0},
		Vectors: map[string][]float64{"kl_dim": {1. / 3, math.NaN()}, "empty": {}}}
	exact := map[string]string{"precision": "float64"}
	write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-1", Variant: "bn", Seed: 1, Config: exact}, true, row, row)
	write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-2", Variant: "bn", Seed: 2, Config: map[string]string{"precision": "float32"}, Data: "d"}, false, row)
	failed := write(t, results, Trial{Experiment: "a", ID: "bn-1/seed-10", Variant: "bn", Seed: 10, Config: exact}, false)
	put(t, filepath.Join(failed, FailedFile), "it <failed>\nthere\n")
	put(t, filepath.Join(failed, ManifestFile), `{"version":"v1","kernel":"avx2","data_warnings":["w"],"seconds":1.5}`)
	from := filepath.Join(results, "a")
	set, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	text := archiveOf(t, set)
	to := t.TempDir()
	put(t, filepath.Join(to, ArchiveFile), text)
	got, err := Load(to)
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Runs {
		set.Runs[i].Files = nil // an archive has no sums of files
	}
	if got, want := printed(got), strings.ReplaceAll(printed(set), from, to); got != want { // WriteArchive has rounded the set
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
	if a, _ := got.Runs[0].Rows[1].Value("kl"); a != math.Pi {
		t.Errorf("a float64 trial's number is %v", a)
	}
	if a := got.Runs[1].Rows[0].Row().Values; a["kl"] != 3.1415927 || a["tiny"] != 1e-300 || a["huge"] != -1e300 {
		t.Errorf("a float32 trial's numbers are %v", a)
	}
	if again := archiveOf(t, got); again != text {
		t.Error("the archive of the archive is another one")
	}

	// Beside the folders it adds nothing, and below a folder it is not looked for.
	put(t, filepath.Join(from, ArchiveFile), text)
	if both, err := Load(from); err != nil || len(both.Runs) != 3 || len(both.Warnings) != 3 || !strings.Contains(both.Warnings[0].Error(), "left out of an archive") {
		t.Errorf("beside the folders: %d runs, %v, %v", len(both.Runs), both.Warnings, err)
	}
	if above, err := Load(results); err != nil || len(above.Runs) != 3 || len(above.Warnings) != 0 {
		t.Errorf("from above: %d runs, %v, %v", len(above.Runs), above.Warnings, err)
	}
}

func TestArchiveRefusals(t *testing.T) {
	zipped := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	const head, row = `{"format":1,"id":"a/seed-1","state":"done","rows":1}`, `{"step":1,"epoch":1,"split":"t","values":{}}`
	whole := zipped(head + "\n" + row + "\n")
	sum := func(of string) string { return `{"sha256":"` + SumOf([]byte(of)).SHA256 + `"}` + "\n" }
	sound := head + "\n" + row + "\n" + sum(head+"\n"+row+"\n")
	for name, text := range map[string]string{"with its sum": sound, "of an older version, without": head + "\n" + row + "\n"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, ArchiveFile), zipped(text))
		if set, err := Load(dir); err != nil || len(set.Runs) != 1 || len(set.Runs[0].Rows) != 1 || len(set.Damage)+len(set.Warnings) > 0 {
			t.Errorf("%s: %v, %v", name, set, err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"not zipped", head, "gzip: invalid header"},
		{"cut off", whole[:len(whole)-12], fmt.Sprintf("cut off: it has %d bytes, and ends within line 3; copy it again", len(whole)-12)},
		{"changed", whole[:len(whole)-8] + "abcd" + whole[len(whole)-4:], "line 3: gzip: invalid checksum"},
		{"no end of line", zipped(head + "\n" + row), fmt.Sprintf("cut off: it has %d bytes, and ends within line 2", len(zipped(head+"\n"+row)))},
		{"empty", "", "cut off: it has 0 bytes"},
		{"a row too few", zipped(head + "\n"), "line 1: the trial has 0 rows, not 1"},
		{"a row too many", zipped(head + "\n" + row + "\n" + row + "\n"), "line 3: format 0"},
		{"a broken row", zipped(head + "\n{\n"), "line 2: broken row: unexpected end"},
		{"no trial", zipped("[]\n"), "line 1: must be a trial: json"},
		{"no state", zipped(`{"format":1,"id":"a","rows":0}` + "\n"), "line 1: must be a trial with its id, its state"},
		{"rows below zero", zipped(`{"format":1,"id":"a","state":"done","rows":-1}` + "\n"), "line 1: must be a trial with its id"},
		{"a line without an end", zipped(strings.Repeat(" ", maxLine)), "line 1: longer than 16 MiB"},
		{"a digit", zipped(strings.Replace(sound, `"epoch":1`, `"epoch":2`, 1)), "line 3: the SHA-256 of the lines of a/seed-1 begins with "},
		{"another seed", zipped(strings.Replace(sound, "seed-1", "seed-2", 1)), "line 3: the SHA-256 of the lines of a/seed-2 begins with "},
		{"a digit of the sum", zipped(sound[:len(sound)-4] + "00\"}\n"), "line 3: the SHA-256 of the lines of a/seed-1"},
		{"half a sum", zipped(sound[:len(sound)-9] + "\n"), "line 3: must be a SHA-256"},
		{"a sum left out", zipped(strings.Replace(head, `"format":1`, `"format":2`, 1) + "\n" + row + "\n"), "line 3: must be the SHA-256 of the lines of a/seed-1"},
		{"a sum alone", zipped(sum("")), "line 1: format 0"},
		{"of the future", zipped(`{"format":3,"id":"a","state":"done","rows":0}` + "\n"), "line 1: format 3, but this program reads formats 1 to 2"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, ArchiveFile)
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		set, err := Load(dir)
		if err != nil || len(set.Runs)+len(set.Warnings) > 0 || len(set.Damage) != 1 {
			t.Fatalf("%s: %v, %v", c.name, set, err)
		}
		if err := set.Damage[0]; !strings.HasPrefix(err.Error(), path+": damaged: "+c.want) || !strings.Contains(err.Error(), "vaelab report --rows") {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if _, _, damage, err := CheckAll(dir); err != nil || fmt.Sprint(damage) != fmt.Sprint(set.Damage) {
			t.Errorf("%s: CheckAll: %v, %v, want %v", c.name, damage, err, set.Damage)
		}
	}
}

// TestArchiveIsBounded: what unpacks to more than may be read is refused, by the line where it does.
func TestArchiveIsBounded(t *testing.T) {
	const text = `{"format":1,"id":"a/seed-1","state":"done","rows":0}` + "\n"
	for _, left := range []int{2 * len(text), 2*len(text) - 1} {
		a := archive{text: bufio.NewReader(strings.NewReader(text + text)), left: int64(left)}
		if err := a.read("."); (err == nil) != (left == 2*len(text)) || err != nil && !strings.HasPrefix(err.Error(), "line 2: the text is longer than") {
			t.Errorf("%d of %d bytes: %v", left, 2*len(text), err)
		}
	}
}
