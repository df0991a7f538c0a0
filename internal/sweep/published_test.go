package sweep

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
)

// Every trial of a published archive is one that the shipped file of that name asks for, and every
// setting of the file is in the archive: its verdicts can be reached again by a later program, whatever has
// become of the defaults. The data are not there, so that the archive's digest stands for them.
func TestPublishedArchivesMatch(t *testing.T) {
	if tensor.Bits != 32 {
		t.Skip("the archives are of trials in float32")
	}
	for _, dir := range archived(t) {
		name := filepath.Base(dir)
		yaml := filepath.Join("../../experiments", experiments.Path(name))
		if experiments.Path(name) == "" {
			t.Errorf("%s is of no shipped experiment", dir)
			continue
		}
		runs, err := record.LoadArchive(dir)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Read(yaml, Options{ForClaims: true})
		if err != nil {
			t.Fatal(err)
		}
		var strange []string
		found := map[string]bool{} // settings that the file asks for
		for _, r := range runs {
			asked := false
			for _, trial := range e.Trials {
				if matches(trial, r.Trial) {
					asked = true
					found[Settings(trial.Config)] = true
				}
			}
			if !asked {
				strange = append(strange, r.ID)
			}
		}
		if strange != nil {
			t.Errorf("%s: the file does not ask for %d of %d trials: %s", name, len(strange), len(runs), strings.Join(strange, ", "))
		}
		missing := 0
		for _, trial := range e.Trials {
			if !found[Settings(trial.Config)] {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("%s: the archive lacks the settings of %d of %d trials", name, missing, len(e.Trials))
		}
	}
}

// earlier are the experiments whose rows were not kept: they were published before archives were, as figures and numbers in
// experiments/LOG.md. Their reports cannot be made again without training them.
var earlier = []string{"godoc", "mlp-glyphs", "mnist", "omniglot", "pixelcnn-glyphs", "transformer-captions", "transformer-godoc"}

// published are the folders with files in and below results/published.
func published(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir("../../results/published", func(path string, entry fs.DirEntry, err error) error {
		if dir := filepath.Dir(path); err == nil && !entry.IsDir() && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		return err
	})
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	return dirs
}

// archived are those that have rows.
func archived(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(published(t), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, record.ArchiveFile))
		return err != nil
	})
}

// TestPublishedFolders: each published folder lies where the file of its experiment does, and has the rows of its report.
func TestPublishedFolders(t *testing.T) {
	for _, dir := range published(t) {
		name := filepath.Base(dir)
		want := strings.TrimSuffix(filepath.FromSlash(experiments.Path(name)), ".yaml")
		if at, err := filepath.Rel("../../results/published", dir); err != nil || at != want {
			t.Errorf("%s: the shipped experiment of that name is to be published in %q", dir, want)
		}
		_, archived := os.Stat(filepath.Join(dir, record.ArchiveFile))
		_, reported := os.Stat(filepath.Join(dir, "report.md"))
		if old := slices.Contains(earlier, name); (archived == nil) == old || (reported == nil) == old {
			t.Errorf("%s: rows: %v, report: %v", dir, archived, reported)
		}
	}
}

// matches tells whether a trial of a file is a published one, if its data are.
func matches(t train.Trial, published record.Trial) bool {
	t.Trial.Data = published.Data
	return Job{Trial: t}.Is(published)
}

// TestNeededTrials: the trials that no claim selects change no verdict. Those of each published experiment are judged with
// them, and without what they have measured.
func TestNeededTrials(t *testing.T) {
	if tensor.Bits != 32 {
		t.Skip("the archives are of trials in float32")
	}
	fewer := 0
	for _, dir := range archived(t) {
		runs, err := record.LoadArchive(dir)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Read(filepath.Join("../../experiments", experiments.Path(filepath.Base(dir))), Options{ForClaims: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Claims) == 0 {
			continue
		}
		all, needed := &record.Set{Runs: runs}, &record.Set{}
		Complete(all)
		left := 0
		for _, r := range all.Runs {
			if !slices.ContainsFunc(e.Claims, func(c claims.Claim) bool { return c.Needs(r.Trial) }) {
				r, left = record.Run{Trial: r.Trial, Dir: r.Dir}, left+1
			}
			needed.Runs = append(needed.Runs, r)
		}
		if left > 0 {
			fewer++
			t.Logf("%s: %d of %d trials are needed", e.Name, len(runs)-left, len(runs))
		}
		want, errWant := json.Marshal(claims.Judge(all, e.Claims, e.Converged))
		got, errGot := json.Marshal(claims.Judge(needed, e.Claims, e.Converged))
		if errWant != nil || errGot != nil || string(got) != string(want) {
			t.Errorf("%s: with the needed trials\n%s\nwith all\n%s%v%v", e.Name, got, want, errWant, errGot)
		}
	}
	if fewer < 5 {
		t.Errorf("only %d experiments have trials that no claim selects", fewer)
	}
}
