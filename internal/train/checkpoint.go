package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
)

// The metadata of a checkpoint.
const (
	progressKey = "progress" // JSON of progress
	trialKey    = "trial"    // ID
	dataKey     = "data"     // digest
	classKey    = "kernels"  // Hooks.Class
)

// bestPrefix begins the names of a checkpoint's best weights.
const bestPrefix = "best/"

// checkpoint writes everything the next step depends on, after the rows it stands for.
func (t *Trainer) checkpoint(dir string, rows *record.Writer) error {
	var err error
	if t.Rows, err = rows.Sync(); err != nil {
		return err
	}
	state, err := json.Marshal(t.progress)
	if err != nil {
		return err
	}
	f := safetensors.File{Metadata: map[string]string{
		progressKey: string(state), trialKey: t.trial.ID, dataKey: t.trial.Trial.Data, classKey: t.hooks.Class,
	}}
	f.Tensors = nn.Tensors(t.Model.Params.All(), "model/")
	for _, s := range t.opts {
		f.Tensors = append(f.Tensors, nn.Tensors(s.opt.State(), s.prefix())...)
	}
	for _, best := range t.best {
		best.Name = bestPrefix + best.Name
		f.Tensors = append(f.Tensors, best)
	}
	text, err := f.EncodeSealed()
	if err != nil {
		return err
	}
	if err := t.hooks.owned(); err != nil {
		return err
	}
	if err := record.WriteFileAtomic(filepath.Join(dir, record.Numbered(CheckpointFile, t.hooks.Owner)), text); err != nil {
		return err
	}
	if t.alone {
		return nil
	}
	t.alone = true
	return removeOwners(dir, func(owner int) bool { return owner < t.hooks.Owner }) // whose checkpoints are not needed any more
}

// owners are the numbers of those whose checkpoints are in a trial's folder, the last first; see record.Numbered.
func owners(dir string) []int {
	entries, _ := os.ReadDir(dir) // a folder that is not there has none
	var all []int
	for _, e := range entries {
		if n, ok := record.NumberIn(e.Name(), CheckpointFile); ok {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all
}

// Resumable tells whether an interrupted trial has left a checkpoint in its folder.
func Resumable(dir string) bool { return len(owners(dir)) > 0 }

// removeOwners removes the checkpoints and unpublished rows of some owners of a trial's folder.
func removeOwners(dir string, which func(owner int) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		n, ok := record.NumberIn(e.Name(), CheckpointFile)
		if !ok {
			n, ok = record.NumberIn(e.Name(), record.RowsFile)
			ok = ok && n > 0 // rows.jsonl may have been published
		}
		if !ok || !which(n) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ReadCheckpoint reads the last checkpoint in a trial's folder. The error is a *record.Damage if the file has changed
// since it was written.
func ReadCheckpoint(dir string) (*safetensors.File, error) {
	last := 0
	if all := owners(dir); len(all) > 0 {
		last = all[0]
	}
	return readCheckpoint(dir, last)
}

// readCheckpoint reads the checkpoint of one owner.
func readCheckpoint(dir string, owner int) (*safetensors.File, error) {
	name := record.Numbered(CheckpointFile, owner)
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	f, err := safetensors.DecodeSealed(text)
	if err != nil {
		return nil, &record.Damage{Dir: dir, File: name, What: err.Error()}
	}
	return f, nil
}

// rowsAt is the path of the rows that an owner's checkpoint stands for. They have their final name if the owner was
// killed between their publication and DONE.
func rowsAt(dir string, owner int) string {
	path := filepath.Join(dir, record.Numbered(record.RowsFile, owner))
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(dir, record.RowsFile)
	}
	return path
}

// CheckCheckpoint is nil if the checkpoints in a trial's folder are as they were written, and so are the rows they stand for; the
// error is a *record.Damage if not.
func CheckCheckpoint(dir string) error {
	for _, owner := range owners(dir) {
		f, err := readCheckpoint(dir, owner)
		if err != nil {
			return err
		}
		var p progress
		if err := json.Unmarshal([]byte(f.Metadata[progressKey]), &p); err != nil {
			return &record.Damage{Dir: dir, File: record.Numbered(CheckpointFile, owner), What: err.Error()}
		}
		if err := record.CheckRows(rowsAt(dir, owner), p.Rows); err != nil {
			return err
		}
	}
	return nil
}

// begin returns a trainer, with the writer for its rows: resumed, from the last checkpoint in the folder that may be, else
// at the start.
func begin(trial Trial, set *data.Set, dir string, hooks Hooks) (*Trainer, *record.Writer, error) {
	fresh := func() (*Trainer, error) {
		t, err := New(trial, set)
		if err == nil {
			t.hooks = hooks
		}
		return t, err
	}
	path := filepath.Join(dir, record.Numbered(record.RowsFile, hooks.Owner))
	for _, before := range owners(dir) {
		t, err := fresh()
		if err != nil {
			return nil, nil, err
		}
		refused := t.restore(dir, before)
		if refused == nil {
			rows, err := continued(path, rowsAt(dir, before), t.Rows)
			var damage *record.Damage
			if !errors.As(err, &damage) {
				return t, rows, err
			}
			refused = damage
		}
		if hooks.Note != nil {
			hooks.Note(refused.Error() + "; the trial is trained from the start")
		}
	}
	t, err := fresh()
	if err != nil {
		return nil, nil, err
	}
	rows, err := record.OpenWriter(path, record.Sum{})
	return t, rows, err
}

// continued opens the rows of a checkpoint to be continued in another file or in the same.
func continued(path, from string, keep record.Sum) (*record.Writer, error) {
	if path == from {
		return record.OpenWriter(path, keep)
	}
	return record.ContinueWriter(path, from, keep)
}

// restore takes up the checkpoint of an owner. The error says why it cannot be; then the trainer cannot
// be used either.
func (t *Trainer) restore(dir string, owner int) error {
	f, err := readCheckpoint(dir, owner)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, record.Numbered(CheckpointFile, owner))
	for _, must := range []struct{ what, key, be string }{
		{"the trial", trialKey, t.trial.ID}, {"the data", dataKey, t.trial.Trial.Data}, {"the class of kernels", classKey, t.hooks.Class},
	} {
		if is := f.Metadata[must.key]; is != must.be {
			return fmt.Errorf("%s: %s must be %q, and is %q", path, must.what, must.be, is)
		}
	}
	if err := json.Unmarshal([]byte(f.Metadata[progressKey]), &t.progress); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if n := len(t.Sum.Values); n != 0 && n != numSums || t.Step > 0 && t.Updates == 0 {
		return fmt.Errorf("%s: it was written by another version of the program", path)
	}
	if err := nn.LoadTensors(f, t.Model.Params.All(), "model/"); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range t.opts {
		if err := nn.LoadTensors(f, s.opt.State(), s.prefix()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, tensor := range f.Tensors {
		if name, ok := strings.CutPrefix(tensor.Name, bestPrefix); ok {
			tensor.Name = name
			t.best = append(t.best, tensor)
		}
	}
	if t.best != nil {
		if err := nn.CheckTensors(f, t.restored(), bestPrefix); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	t.load(t.Epoch)
	t.resumed = true
	return nil
}
