package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/vae"
)

// The files that a trial's folder has beside those of record.
const (
	CheckpointFile = "last.safetensors"  // everything needed to go on
	ModelFile      = "model.safetensors" // the weights that were tested
	VocabFile      = "vocab.txt"         // one word a line, line number = symbol
)

// Progress is what a running trial tells while it runs.
type Progress struct {
	Step, Steps int     // Steps at most: train.stop or the decays may end training earlier
	Rec, KL     float64 // of the last row of split train
	State       string  // how the last evaluation saw the model, see metrics.State; empty before it
}

// Hooks connect a trial to the world; each may be nil. The clock stays outside.
type Hooks struct {
	Progress      func(Progress)
	CheckpointDue func() bool  // asked after every step
	Note          func(string) // told what the user should know
	// Settings are saved with the weights, see Stamp: those of the trial that it would need to be trained again, without
	// paths.
	Settings map[string]string
	// Class is the class of kernels that the trial runs with, see record.Manifest.Class. A checkpoint of another one rounds
	// differently, and is not resumed.
	Class string
	// Owner is the number of the claim under which the trial's folder is this process's own, 0 if no other works there. The
	// rows and the checkpoint have it in their names until they are published; see record.Numbered.
	Owner int
	// Owned returns an error if the folder is not this process's any more. Then Run publishes nothing, and returns it.
	Owned func() error
	// Weightless tells whether the finished trial is to have no weights and no vocabulary.
	Weightless bool
	// Vocabularies is the folder in which trials share their vocabularies, see record.WriteShared; empty if they do not.
	Vocabularies string
	// Finished is called when nothing but DONE is missing; resumed tells whether the trial went on from a checkpoint. It may
	// write the manifest, which DONE covers.
	Finished func(resumed bool) error
}

// owned is Owned, if that is set.
func (h Hooks) owned() error {
	if h.Owned == nil {
		return nil
	}
	return h.Owned()
}

// Run trains a trial in its folder, from its checkpoint if there is one, and leaves rows,
// weights and DONE. A checkpoint that is damaged, or is of other rows, of another trial or of another class of kernels, is not
// resumed: the trial is trained from the start, with a note. If ctx ends it leaves a checkpoint and returns ctx's error. A trial
// that fails, a panic of the engine included, leaves FAILED with the reason.
func Run(ctx context.Context, trial Trial, set *data.Set, dir string, hooks Hooks) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil && !errors.Is(err, context.Canceled) && hooks.owned() == nil {
			reason := []byte(err.Error() + "\n")
			err = errors.Join(err, record.WriteFileAtomic(filepath.Join(dir, record.FailedFile), reason))
		}
	}()
	if err := record.CleanUp(dir); err != nil {
		return err
	}
	t, rows, err := begin(trial, set, dir, hooks)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := t.loop(ctx, dir, rows, hooks); err != nil {
		return err
	}
	if err := t.checkpoint(dir, rows); err != nil { // the test may take minutes, and be stopped
		return err
	}
	return t.finish(ctx, dir, rows, hooks)
}

// loop trains epoch after epoch.
func (t *Trainer) loop(ctx context.Context, dir string, rows *record.Writer, hooks Hooks) error {
	steps := t.Steps()
	last := Progress{Steps: steps}
	for {
		if t.Batch > 0 && t.Batch == len(t.batches) {
			err := t.endEpoch(ctx, rows)
			if err != nil && errors.Is(err, ctx.Err()) { // nothing has been written or counted yet
				return errors.Join(t.checkpoint(dir, rows), err)
			}
			if err != nil {
				return err
			}
		}
		if t.Step == steps || t.ended() != byItself {
			return nil
		}
		// Before the step, so that a checkpoint never stands for this row: it is measured again.
		if every := t.trial.Train.LagEvery; every > 0 && t.Step%every == 0 {
			if err := t.lag(rows); err != nil {
				return err
			}
		}
		if err := t.TrainStep(); err != nil {
			return err
		}
		if t.Step%t.trial.Train.LogEvery == 0 || t.Step == steps {
			row := t.trainRow()
			last.Rec, last.KL = row.Values["rec"], row.Values["kl"]
			if err := rows.Write(row); err != nil {
				return err
			}
		}
		last.Step = t.Step
		if t.Monitor.Readings > 0 {
			last.State = t.Monitor.State.String()
		}
		if hooks.Progress != nil {
			hooks.Progress(last)
		}
		stop := ctx.Err()
		if stop != nil || hooks.CheckpointDue != nil && hooks.CheckpointDue() {
			if err := t.checkpoint(dir, rows); err != nil {
				return err
			}
		}
		if stop != nil {
			return stop
		}
	}
}

// endEpoch counts the epoch whose batches are used up, and measures the validation split if it is time for that.
func (t *Trainer) endEpoch(ctx context.Context, rows *record.Writer) error {
	if (t.Epoch+1)%t.trial.Train.EvalEvery == 0 && t.set.Valid.N() > 0 {
		if err := t.validate(ctx, rows); err != nil {
			return err
		}
	} else if t.ask() != "" {
		row, _, err := t.judge(ctx, "valid", t.set.Valid, Quick)
		if err != nil {
			return err
		}
		t.told(row.Values)
	}
	t.Batch = 0
	t.Epoch++
	return nil
}

// ask is the metric of the validation split that the regime asks for, empty for none.
func (t *Trainer) ask() string {
	if regime := t.Model.Variant.Regime; regime != nil {
		return regime.Phase().Ask
	}
	return ""
}

// told keeps the metric that a regime asks for, if it is a number.
func (t *Trainer) told(values map[string]float64) {
	if v, ok := values[t.ask()]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
		t.Seen.Valid = map[string]float64{t.ask(): v}
	}
}

// lag writes a row with the inference lag, if there are examples for it.
func (t *Trainer) lag(rows *record.Writer) error {
	if t.set.Valid.N() == 0 {
		return nil
	}
	return rows.Write(t.Lag())
}

// validate measures the validation split and, once the KL weight is final, lets train.stop and the
// decay judge it, and keeps the best weights.
func (t *Trainer) validate(ctx context.Context, rows *record.Writer) error {
	row, seen, err := t.evaluate(ctx, "valid", t.set.Valid, Quick, rows)
	if err != nil {
		return err
	}
	t.Monitor = seen
	t.told(row.Values)
	if !t.counts() {
		return nil
	}
	stop := t.trial.Train.Stop
	t.Waiting.Judge(stop, row.Values[stop.Metric], t.Updates)
	switch t.Plateau.Judge(t.trial.Train.Decay, t.Epoch+1, row.Values["objective"]) {
	case optim.IsBest:
		t.best = nn.Tensors(t.restored(), "")
	case optim.Lower:
		t.LR *= t.trial.Train.Decay.Factor
		for _, s := range t.opts {
			s.opt.Reset()
		}
		return t.reload()
	}
	return nil
}

// evaluate measures a split and writes the row; a bound that is not finite is divergence.
func (t *Trainer) evaluate(ctx context.Context, name string, split data.Split, depth Depth, rows *record.Writer) (record.Row, metrics.Monitor, error) {
	row, seen, err := t.judge(ctx, name, split, depth)
	if err != nil {
		return row, seen, err
	}
	if err := rows.Write(row); err != nil {
		return row, seen, err
	}
	if v := row.Values["nelbo"]; math.IsNaN(v) || math.IsInf(v, 0) {
		return row, seen, fmt.Errorf("%w by step %d: the %s NELBO is %v; try a smaller train.lr or train.clip", ErrDiverged, t.Step, name, v)
	}
	return row, seen, nil
}

// reload takes back the weights with the lowest validation objective.
func (t *Trainer) reload() error {
	return nn.LoadTensors(&safetensors.File{Tensors: t.best}, t.restored(), "")
}

// restored are the parameters and buffers that the best weights are of. A regime does not go back to an earlier phase.
func (t *Trainer) restored() []*nn.Param {
	return slices.DeleteFunc(slices.Clone(t.Model.Params.All()), func(p *nn.Param) bool { return strings.HasPrefix(p.Name, vae.RegimeMemory) })
}

// finish tests the reported weights, saves them if they are to be kept, and marks the trial as done. The rows that it writes come after those
// of the last checkpoint, which stays: if ctx ends, finish is begun anew.
func (t *Trainer) finish(ctx context.Context, dir string, rows *record.Writer, hooks Hooks) error {
	if t.Waiting.Over && t.Sum.Steps > 0 { // the last row of split train is of the last step here, too
		if err := rows.Write(t.trainRow()); err != nil {
			return err
		}
	}
	if t.trial.Train.LagEvery > 0 {
		if err := t.lag(rows); err != nil {
			return err
		}
	}
	if t.trial.Train.Report == "best" && t.best != nil {
		if err := t.reload(); err != nil {
			return err
		}
	}
	if t.set.Test.N() > 0 {
		if _, _, err := t.evaluate(ctx, "test", t.set.Test, Final, rows); err != nil {
			return err
		}
	}
	sum, err := rows.Sync()
	if err != nil {
		return err
	}
	if err := hooks.owned(); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, record.Numbered(record.RowsFile, hooks.Owner)), filepath.Join(dir, record.RowsFile)); err != nil {
		return err
	}
	if err := t.keep(dir, hooks); err != nil {
		return err
	}
	if hooks.Finished != nil {
		if err := hooks.Finished(t.resumed); err != nil {
			return err
		}
	}
	if err := hooks.owned(); err != nil {
		return err
	}
	if err := record.WriteDone(dir, sum, record.TrialFile, record.ManifestFile, ModelFile, VocabFile); err != nil {
		return err
	}
	return Tidy(dir)
}

// Untidy tells whether a finished trial's folder has files that Tidy removes, or others that the function names.
func Untidy(dir string, other func(name string) bool) bool {
	entries, _ := os.ReadDir(dir) // what cannot be read cannot be tidied
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		name := e.Name()
		_, rows := record.NumberIn(name, record.RowsFile)
		_, checkpoint := record.NumberIn(name, CheckpointFile)
		return rows && name != record.RowsFile || checkpoint || name == record.FailedFile || record.IsPart(name) || other(name)
	})
}

// Tidy removes from a finished trial's folder what only a killed or failed one needs. Nobody
// else may be writing there.
func Tidy(dir string) error {
	if err := os.Remove(filepath.Join(dir, record.FailedFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeOwners(dir, func(int) bool { return true }); err != nil {
		return err
	}
	return record.CleanUp(dir)
}
