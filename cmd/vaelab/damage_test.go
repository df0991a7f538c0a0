package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
)

// corruptions are ways in which a file can change on a disk, on the way between two, or under an editor. Some leave some files
// as they are.
var corruptions = map[string]func(rng *rand.Rand, text []byte) []byte{
	"a digit": func(rng *rand.Rand, text []byte) []byte {
		var digits []int
		for i, c := range text {
			if '0' <= c && c <= '9' {
				digits = append(digits, i)
			}
		}
		if digits != nil {
			text[digits[rng.IntN(len(digits))]] = byte('0' + rng.IntN(10))
		}
		return text
	},
	"a bit": func(rng *rand.Rand, text []byte) []byte {
		text[rng.IntN(len(text))] ^= 1 << rng.IntN(8)
		return text
	},
	"two bytes swapped": func(rng *rand.Rand, text []byte) []byte {
		i, j := rng.IntN(len(text)), rng.IntN(len(text))
		text[i], text[j] = text[j], text[i]
		return text
	},
	"a line dropped": func(rng *rand.Rand, text []byte) []byte {
		lines := bytes.SplitAfter(text, []byte("\n"))
		i := rng.IntN(len(lines))
		return bytes.Join(append(lines[:i:i], lines[i+1:]...), nil)
	},
	"a line twice": func(rng *rand.Rand, text []byte) []byte {
		lines := bytes.SplitAfter(text, []byte("\n"))
		i := rng.IntN(len(lines))
		return bytes.Join(append(lines[:i+1:i+1], lines[i:]...), nil)
	},
	"two lines swapped": func(rng *rand.Rand, text []byte) []byte {
		lines := bytes.SplitAfter(text, []byte("\n"))
		i, j := rng.IntN(len(lines)), rng.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
		return bytes.Join(lines, nil)
	},
	"cut off": func(rng *rand.Rand, text []byte) []byte { return text[:rng.IntN(len(text))] },
	"zeros at the end": func(rng *rand.Rand, text []byte) []byte {
		for i := rng.IntN(len(text)); i < len(text); i++ {
			text[i] = 0
		}
		return text
	},
	"a byte more": func(rng *rand.Rand, text []byte) []byte { return append(text, byte(rng.IntN(256))) },
}

// TestCorruptions: of 200 random changes to the files of a finished trial and of a checkpoint, verify --files names each, and so
// does whatever reads the file.
func TestCorruptions(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n", "long.yaml", long)
	succeeds(t, "run", "tiny.yaml", "--out", "done")
	if text, err := killable(t, "begun", syscall.SIGINT, 20000, 0, "run", "long.yaml", "--out", "begun", "-j", "1"); err == nil {
		t.Fatalf("it was not stopped\n%s", text)
	}
	done, begun := trials(t, "done")[0], ""
	for _, dir := range trials(t, "begun") {
		if train.Resumable(dir) {
			begun = dir
		}
	}
	has(t, "before", succeeds(t, "verify", "done", "--files").out, "1 trial (1 done); 0 files damaged\n")
	has(t, "before", succeeds(t, "verify", "long.yaml", "--out", "begun", "--files").out, "unfinished); 0 files damaged\n")
	files := []string{
		filepath.Join(done, record.RowsFile), filepath.Join(done, record.TrialFile), filepath.Join(done, record.ManifestFile), filepath.Join(done, record.DoneFile),
		filepath.Join(done, train.ModelFile), filepath.Join(done, train.VocabFile), filepath.Join(begun, "last.1.safetensors"), filepath.Join(begun, "rows.1.jsonl"),
	}
	if err := os.Chmod(filepath.Join(done, train.VocabFile), 0o666); err != nil { // it is read-only, because trials share it
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var kinds []string
	for kind := range corruptions {
		kinds = append(kinds, kind)
	}
	seen := map[string]int{} // by file and kind
	for n := 0; n < 200; {
		file, kind := files[rng.IntN(len(files))], kinds[rng.IntN(len(kinds))]
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := corruptions[kind](rng, bytes.Clone(whole))
		if bytes.Equal(changed, whole) || filepath.Dir(file) == begun && bytes.HasPrefix(changed, whole) { // rows after a checkpoint are cut
			continue
		}
		n++
		seen[filepath.Base(file)]++
		seen[kind]++
		write(t, file, string(changed))
		what := fmt.Sprintf("%s, %s", file, kind)
		r := vaelab(t, "verify", strings.Split(file, string(filepath.Separator))[0], "--files")
		if line := file + ": damaged: "; r.code != exitDamaged || !strings.HasPrefix(r.out, line) || strings.Count(r.out, ": damaged: ") != 1 || !strings.Contains(r.out, "; 1 file damaged\n") {
			t.Errorf("%s: verify --files: exit code %d, %s%s", what, r.code, r.out, r.err)
		}
		switch filepath.Base(file) {
		case "last.1.safetensors":
			_, err = train.ReadCheckpoint(begun)
		case train.ModelFile:
			_, err = ofTrial(done)
		case train.VocabFile:
			_, err = record.Run{Dir: done, Files: sumsOf(t, done)}.ReadFile(train.VocabFile)
		default:
			if filepath.Dir(file) == begun {
				err = train.CheckCheckpoint(begun)
			} else if set, loadErr := record.Load(done); loadErr == nil && len(set.Damage) == 1 {
				err = set.Damage[0]
			}
		}
		if err == nil || !strings.HasPrefix(err.Error(), file+": damaged: ") {
			t.Errorf("%s: who reads it finds %v", what, err)
		}
		if jobs, err := jobsOf("tiny.yaml", "done"); err != nil || jobs[0].Done != (filepath.Dir(file) == begun) {
			t.Errorf("%s: run takes it for done, or %v", what, err)
		}
		write(t, file, string(whole))
	}
	for _, file := range files {
		if seen[filepath.Base(file)] < 10 {
			t.Errorf("%s was changed %d times", file, seen[filepath.Base(file)])
		}
	}
	for _, kind := range kinds {
		if seen[kind] < 5 {
			t.Errorf("%s occurred %d times", kind, seen[kind])
		}
	}
	succeeds(t, "verify", "done", "--files")
}

// sumsOf is what DONE says of a trial's files.
func sumsOf(t *testing.T, dir string) record.Sums {
	t.Helper()
	set, err := record.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set.Runs[0].Files
}

// jobsOf are the jobs of an experiment.
func jobsOf(file, results string) ([]sweep.Job, error) {
	e, err := sweep.Read(file, sweep.Options{})
	if err != nil {
		return nil, err
	}
	return e.Prepare(results)
}

// TestVerifyFiles: trials of an older version are checked by their name; run mends what is damaged, of whatever file.
func TestVerifyFiles(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\nseeds: 3\n")
	succeeds(t, "run", "tiny.yaml")
	dirs := trials(t, "results")
	weights := filepath.Join(dirs[0], train.ModelFile)
	whole := read(t, weights)
	write(t, weights, whole[:len(whole)-1]+"\x55")
	// The others are of an older version, and one of them has been edited.
	for _, dir := range dirs[1:] {
		write(t, filepath.Join(dir, record.DoneFile), "")
		file := filepath.Join(dir, record.TrialFile)
		write(t, file, strings.Replace(read(t, file), `"format": 2`, `"format": 1`, 1))
	}
	edited := filepath.Join(dirs[2], record.TrialFile)
	write(t, edited, strings.Replace(read(t, edited), `"train.lr": "`, `"train.lr": "1`, 1))
	const old = "finished trials of an older version, whose files cannot be checked because their DONE has no checksums: 2\n"
	r := vaelab(t, "verify", "tiny.yaml", "--files")
	if r.code != exitDamaged || r.err != "" {
		t.Errorf("exit code %d\n%s", r.code, r.err)
	}
	has(t, "verify --files", r.out, weights+": damaged: it has ", edited+": damaged: its settings are those of bn-", "3 trials (1 done, 2 damaged); 2 files damaged\n", old)
	r = vaelab(t, "eval", dirs[0])
	if r.code != exitFailed {
		t.Errorf("eval: exit code %d", r.code)
	}
	has(t, "eval", r.err, weights+": damaged: it has ")
	r = vaelab(t, "export", "results")
	if r.code != exitFailed {
		t.Errorf("export: exit code %d", r.code)
	}
	has(t, "export", r.err, "vaelab: warning: "+edited+": damaged: ", "vaelab: warning: "+old)
	has(t, "run", succeeds(t, "run", "tiny.yaml", "-q").err, "1 done, 2 to train, 2 of them because they are damaged", weights, edited)
	if read(t, weights) != whole || read(t, filepath.Join(dirs[0], "damaged-1", train.ModelFile)) == whole {
		t.Error("the weights are not those before, or the damaged ones are not kept")
	}
	has(t, "after run", succeeds(t, "verify", "results", "--files").out, "3 trials (3 done); 0 files damaged\n", "no checksums: 1\n")
	rows := filepath.Join(dirs[0], record.RowsFile)
	lines := read(t, rows)
	write(t, rows, lines[1:])
	r = vaelab(t, "export", "results", "--tensorboard", "runs")
	if files, err := filepath.Glob("runs/tiny/*/*"); err != nil || len(files) != 2 || r.code != exitFailed || r.out != "2 trials in runs\n" {
		t.Errorf("event files in %v: exit code %d\n%s%s", files, r.code, r.out, r.err)
	}
	write(t, rows, lines)
	has(t, "another folder", vaelab(t, "verify", "tiny.yaml", "--out", "nowhere", "--files").err, "nowhere/tiny: no such folder; if the trials of tiny.yaml are in another folder, name it")
	for _, c := range [][]string{{"verify", "nowhere", "--files"}, {"verify", "tiny.yaml", "--out", "nowhere", "--files"}, {"verify", "tiny.yaml", "--files", "--no-train"}} {
		if r := vaelab(t, c...); r.code != exitNotJudged || r.out != "" || !strings.Contains(r.err, "vaelab: error: ") {
			t.Errorf("vaelab %s: exit code %d, %s%s", quoted(c), r.code, r.out, r.err)
		}
	}
	succeeds(t, "report", "results/tiny", "--rows", "--out", "published", "--unknown-revision")
	has(t, "an archive", succeeds(t, "verify", "published", "--files").out, "0 trials and 3 in trials.jsonl.gz; 0 files damaged\n")
	archive := filepath.Join("published", record.ArchiveFile)
	text := read(t, archive)
	write(t, archive, text[:len(text)-9])
	r = vaelab(t, "verify", "published", "--files")
	if r.code != exitDamaged {
		t.Errorf("a damaged archive: exit code %d", r.code)
	}
	has(t, "a damaged archive", r.out, archive+": damaged: cut off: ", "; 1 file damaged\n")
	if err := os.Mkdir("empty", 0o777); err != nil {
		t.Fatal(err)
	}
	if r := vaelab(t, "verify", "empty", "--files"); r.code != exitNotJudged {
		t.Errorf("an empty folder: exit code %d", r.code)
	}
}

// TestLostSettings: a finished trial whose trial.json is gone, or says another seed, is damaged to every command; run trains
// it again, and the trial of the other seed in a folder of its own.
func TestLostSettings(t *testing.T) {
	const claims = "claims: [{say: it is small, source: own, bound: {metric: kl, of: bn, at_most: 100}}]\n"
	folder(t, "tiny.yaml", tiny+"grid: [{variant: bn}]\n"+claims)
	succeeds(t, "run", "tiny.yaml")
	dir := trials(t, "results")[0]
	file := filepath.Join(dir, record.TrialFile)
	for _, name := range []string{"another seed", "missing"} { // seed 2 has no folder yet at the first
		if name == "missing" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, strings.Replace(read(t, file), `"seed": 1`, `"seed": 2`, 1))
		}
		for command, code := range map[string]int{"export results": exitFailed, "eval " + dir: exitFailed, "verify results --files": exitDamaged, "verify tiny.yaml --no-train": exitUndecided} {
			r := vaelab(t, strings.Fields(command)...)
			if r.code != code || !strings.Contains(r.out+r.err, file+": damaged: ") {
				t.Errorf("%s, %s: exit code %d\n%s%s", name, command, r.code, r.out, r.err)
			}
		}
		has(t, name, vaelab(t, "verify", "tiny.yaml", "--no-train").out, ": damaged: ")
		if r := succeeds(t, "run", "tiny.yaml", "-q", "--seeds", "2"); strings.Contains(r.err, "older version") {
			t.Errorf("%s: it is taken for one of an older version\n%s", name, r.err)
		}
		has(t, name, succeeds(t, "verify", "results", "--files").out, "2 trials (2 done); 0 files damaged\n")
	}
}
