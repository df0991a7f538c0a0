package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/train"
)

// TestKeepNone: trials without weights are the same trials with the same rows, and who needs weights says why there are none.
func TestKeepNone(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn]}]\n")
	all := succeeds(t, "run", "tiny.yaml", "--out", "all")
	rows := succeeds(t, "run", "tiny.yaml", "--out", "rows", "--keep", "none")
	if a, b := strings.ReplaceAll(all.out, "all/", ""), strings.ReplaceAll(rows.out, "rows/", ""); a != b {
		t.Errorf("run prints\n%s, with weights\n%s", b, a)
	}
	with, without := trials(t, "all"), trials(t, "rows")
	for i, dir := range without {
		for _, name := range []string{record.RowsFile, record.TrialFile} {
			if read(t, filepath.Join(dir, name)) != read(t, filepath.Join(with[i], name)) {
				t.Errorf("%s of %s depends on --keep", name, dir)
			}
		}
		for _, name := range []string{train.ModelFile, train.VocabFile} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("%s is kept", filepath.Join(dir, name))
			}
		}
		var m record.Manifest
		if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, record.ManifestFile))), &m); err != nil || m.Kept != keepNone {
			t.Errorf("the manifest says %q is kept (%v)", m.Kept, err)
		}
	}
	has(t, "verify", succeeds(t, "verify", "rows", "--files").out, "2 trials (2 done); 0 files damaged\n")
	for _, keep := range []string{keepNone, keepWeights} {
		has(t, "run again", succeeds(t, "run", "tiny.yaml", "--out", "rows", "--keep", keep).err, "2 done, 0 to train")
	}
	for _, command := range []string{"eval", "sample", "reconstruct", "interpolate", "latents"} {
		args := []string{command, without[0]}
		if command == "latents" {
			args = append(args, "--out", "latents")
		}
		r := vaelab(t, args...)
		if r.code != exitFailed || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d\n%s", command, r.code, r.err)
		}
		has(t, command, r.err, without[0]+": there are no weights: the trial was trained with --keep none; ")
	}
	for _, command := range []string{"run", "verify"} {
		if r := vaelab(t, command, "tiny.yaml", "--keep", "all"); !strings.Contains(r.err, "--keep all: must be weights or none") {
			t.Errorf("%s --keep all: exit code %d\n%s", command, r.code, r.err)
		}
	}
}

// TestKeepNoneAfterKill: what a process has written that was to keep the weights, and was killed before DONE, is not kept.
func TestKeepNoneAfterKill(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml")
	dir := trials(t, "results")[0]
	if err := os.Remove(filepath.Join(dir, record.DoneFile)); err != nil {
		t.Fatal(err)
	}
	succeeds(t, "run", "tiny.yaml", "--keep", "none")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == train.ModelFile || f.Name() == train.VocabFile {
			t.Errorf("%s is kept", f.Name())
		}
	}
	succeeds(t, "verify", "results", "--files")
}

// TestSharedVocabulary: trials of one data set have one vocabulary on disk. A trial's folder can be moved; damage spreads to no
// new trial, and run mends it without training.
func TestSharedVocabulary(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn]}]\n")
	succeeds(t, "run", "tiny.yaml")
	dirs := trials(t, "results")
	vocab := func(i int) string { return filepath.Join(dirs[i], train.VocabFile) }
	same := func(a, b string) bool {
		t.Helper()
		one, errOne := os.Stat(a)
		two, errTwo := os.Stat(b)
		if errOne != nil || errTwo != nil {
			t.Fatal(errOne, errTwo)
		}
		return os.SameFile(one, two)
	}
	if !same(vocab(0), vocab(1)) {
		t.Error("two trials have two files")
	}
	whole := read(t, vocab(0))
	if err := os.Rename(dirs[0], "moved"); err != nil {
		t.Fatal(err)
	}
	succeeds(t, "sample", "moved", "--n", "2")
	if err := os.Rename("moved", dirs[0]); err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod(vocab(0), 0o666); err != nil {
		t.Fatal(err)
	}
	write(t, vocab(0), strings.Replace(whole, "\n", "\r", 1))
	if r := vaelab(t, "verify", "results", "--files"); r.code != exitDamaged || !strings.Contains(r.out, "2 trials (2 damaged); 2 files damaged") {
		t.Errorf("verify: exit code %d\n%s", r.code, r.out)
	}
	r := succeeds(t, "run", "tiny.yaml", "--seeds", "2")
	has(t, "run", r.err, "4 to train, 2 of them because they are damaged", dirs[0]+": vocab.txt was damaged; it has been written again", dirs[1]+": vocab.txt was damaged; it has been written again")
	dirs = trials(t, "results")
	for i, dir := range dirs {
		if read(t, vocab(i)) != whole {
			t.Errorf("%s has another vocabulary", dir)
		}
		if aside, _ := filepath.Glob(filepath.Join(dir, "damaged-*")); len(aside) > 0 {
			t.Errorf("%s was trained again", dir)
		}
	}
	has(t, "verify", succeeds(t, "verify", "results", "--files").out, "4 trials (4 done); 0 files damaged\n")
}
