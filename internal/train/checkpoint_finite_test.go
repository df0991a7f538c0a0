package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/variants"
)

// TestCheckpointsMustBeFinite: a checkpoint with a number that is not finite, in its weights, its optimiser or its best
// weights, is not resumed, and the tensor is named.
func TestCheckpointsMustBeFinite(t *testing.T) {
	trial, set := small(t, 12, Defaults, variants.BN{Gamma: 0.5, Eps: 1e-8, Momentum: 0.1})
	dir := t.TempDir()
	tr, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.TrainStep(); err != nil {
		t.Fatal(err)
	}
	tr.best = nn.Tensors(tr.Model.Params.All(), "")
	rows, err := record.OpenWriter(filepath.Join(dir, record.RowsFile), record.Sum{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if err := tr.checkpoint(dir, rows); err != nil {
		t.Fatal(err)
	}
	fresh, err := New(trial, set)
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.restore(dir, 0); err != nil {
		t.Fatal(err)
	}
	f, err := ReadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model/decoder.pred_linear.weight", "model/encoder.mu_bn.running_var", "optimizer/" + tr.opts[0].opt.State()[1].Name, "best/encoder.linear.weight"} {
		data := f.Get(name).Data
		old := data[0]
		data[0] = math.NaN()
		text, err := f.EncodeSealed()
		if err != nil {
			t.Fatal(err)
		}
		data[0] = old
		if err := os.WriteFile(filepath.Join(dir, CheckpointFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		_, tensor, _ := strings.Cut(name, "/")
		if fresh, err = New(trial, set); err != nil {
			t.Fatal(err)
		}
		if err := fresh.restore(dir, 0); err == nil || !strings.Contains(err.Error(), tensor+"[") && !strings.Contains(err.Error(), tensor+" is NaN") {
			t.Errorf("NaN in %s: %v", name, err)
		}
	}
}
