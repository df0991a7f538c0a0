package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
		progressKey: string(state), trialKey: t.trial.ID, dataKey: t.trial.Trial.Data, classKey: t.class,
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
	return record.WriteFileAtomic(filepath.Join(dir, CheckpointFile), text)
}

// ReadCheckpoint reads the checkpoint in a trial's folder. The error is a *record.Damage if the file has changed
// since it was written.
func ReadCheckpoint(dir string) (*safetensors.File, error) {
	text, err := os.ReadFile(filepath.Join(dir, CheckpointFile))
	if err != nil {
		return nil, err
	}
	f, err := safetensors.DecodeSealed(text)
	if err != nil {
		return nil, &record.Damage{Dir: dir, File: CheckpointFile, What: err.Error()}
	}
	return f, nil
}

// CheckCheckpoint is nil if the checkpoint in a trial's folder is as it was written, and so are the rows it stands for; the
// error is a *record.Damage if not.
func CheckCheckpoint(dir string) error {
	f, err := ReadCheckpoint(dir)
	if err != nil {
		return err
	}
	var p progress
	if err := json.Unmarshal([]byte(f.Metadata[progressKey]), &p); err != nil {
		return &record.Damage{Dir: dir, File: CheckpointFile, What: err.Error()}
	}
	return record.CheckRows(dir, p.Rows)
}

// begin returns a trainer, with the writer for its rows: resumed, if the folder has a checkpoint that
// may be, else at the start.
func begin(trial Trial, set *data.Set, dir string, hooks Hooks) (*Trainer, *record.Writer, error) {
	t, err := New(trial, set)
	if err != nil {
		return nil, nil, err
	}
	t.class = hooks.Class
	refused := t.restore(dir)
	path := filepath.Join(dir, record.RowsFile)
	if refused == nil {
		rows, err := record.OpenWriter(path, t.Rows)
		var damage *record.Damage
		if !errors.As(err, &damage) {
			return t, rows, err
		}
		refused = damage
	}
	if hooks.Note != nil {
		hooks.Note(refused.Error() + "; the trial is trained from the start")
	}
	if t, err = New(trial, set); err != nil {
		return nil, nil, err
	}
	t.class = hooks.Class
	rows, err := record.OpenWriter(path, record.Sum{})
	return t, rows, err
}

// restore takes up a checkpoint, if there is one. The error says why it cannot be; then the trainer cannot
// be used either.
func (t *Trainer) restore(dir string) error {
	f, err := ReadCheckpoint(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	path := filepath.Join(dir, CheckpointFile)
	for _, must := range []struct{ what, key, be string }{
		{"the trial", trialKey, t.trial.ID}, {"the data", dataKey, t.trial.Trial.Data}, {"the class of kernels", classKey, t.class},
	} {
		if is := f.Metadata[must.key]; is != must.be {
			return fmt.Errorf("%s: %s must be %q, and is %q", path, must.what, must.be, is)
		}
	}
	if err := json.Unmarshal([]byte(f.Metadata[progressKey]), &t.progress); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if n := len(t.Sum.Values); n != 0 && n != numSums {
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
