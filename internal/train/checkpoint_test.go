package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/safetensors"
)

// short is eventful for fewer epochs.
func short() Settings {
	s := eventful()
	s.Epochs = 5
	return s
}

// stopAt trains until so many steps are done and leaves a checkpoint.
func stopAt(t *testing.T, step int, dir string, hooks Hooks) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hooks.Progress = func(p Progress) {
		if p.Step == step {
			cancel()
		}
	}
	if err := runTo(t, ctx, short(), dir, hooks); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestRefusedCheckpoints: a checkpoint that is not what was written, or does not belong to the trial, its rows or the
// kernels, is not resumed. A note says so, and the trial ends with the bytes of one trained in one go.
func TestRefusedCheckpoints(t *testing.T) {
	const class = "amd64 float32 avx2 or avx512"
	whole := filepath.Join(t.TempDir(), "whole")
	if err := runTo(t, context.Background(), short(), whole, Hooks{}); err != nil {
		t.Fatal(err)
	}
	begun := filepath.Join(t.TempDir(), "begun")
	stopAt(t, 20, begun, Hooks{Class: class})
	if err := CheckCheckpoint(begun); err != nil {
		t.Fatal(err)
	}
	edit := func(file string, change func(text []byte) []byte) func(dir string) {
		return func(dir string) {
			path := filepath.Join(dir, file)
			if err := os.WriteFile(path, change(read(t, path)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	metadata := func(key, value string) func(dir string) {
		return edit(CheckpointFile, func(text []byte) []byte {
			f, err := safetensors.DecodeSealed(text)
			if err != nil {
				t.Fatal(err)
			}
			f.Metadata[key] = value
			if text, err = f.EncodeSealed(); err != nil {
				t.Fatal(err)
			}
			return text
		})
	}
	for _, c := range []struct {
		name   string
		change func(dir string)
		class  string
		says   string // the note; empty if the checkpoint is resumed
		damage string // what CheckCheckpoint says
	}{
		{"as it was", func(string) {}, class, "", ""},
		{"more rows since", edit(record.RowsFile, func(b []byte) []byte { return append(b, `{"st`...) }), class, "", ""},
		{"a bit", edit(CheckpointFile, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), class, "last.safetensors: damaged: its SHA-256 begins with ", "last.safetensors: damaged: its SHA-256"},
		{"cut", edit(CheckpointFile, func(b []byte) []byte { return b[:100] }), class, "last.safetensors: damaged: cut off: it has 100 bytes, and its header alone must end at byte ", "last.safetensors: damaged: "},
		{"another file", edit(CheckpointFile, func([]byte) []byte { return []byte("not tensors at all") }), class, "last.safetensors: damaged: not a safetensors file", "damaged"},
		{"rows are gone", edit(record.RowsFile, func(b []byte) []byte { return b[:10] }), class, "rows.jsonl: damaged: it begins with 10 bytes", "rows.jsonl: damaged: it begins with 10 bytes"},
		{"no rows", func(dir string) { os.Remove(filepath.Join(dir, record.RowsFile)) }, class, "rows.jsonl: damaged: it begins with 0 bytes", "rows.jsonl: damaged: it is missing"},
		{"a digit of the rows", edit(record.RowsFile, func(b []byte) []byte { return bytes.Replace(b, []byte(`"kl":`), []byte(`"kl":1`), 1) }), class, "rows.jsonl: damaged: it begins with", "rows.jsonl: damaged"},
		{"other kernels", func(string) {}, "amd64 float32 gonum blas32", `the class of kernels must be "amd64 float32 gonum blas32", and is "` + class + `"`, ""},
		{"another seed's", metadata("trial", "bn-0/seed-2"), class, `the trial must be "test", and is "bn-0/seed-2"`, ""},
		{"other data", metadata("data", "d"), class, `the data must be "", and is "d"`, ""},
		{"of a version that did not count updates of the decoder", metadata("progress", `{"Step": 20}`), class, "it was written by another version of the program", ""},
		{"no progress", metadata("progress", ""), class, "unexpected end of JSON input", "unexpected end of JSON input"},
	} {
		dir := filepath.Join(t.TempDir(), "trial")
		if err := os.CopyFS(dir, os.DirFS(begun)); err != nil {
			t.Fatal(err)
		}
		c.change(dir)
		if err := CheckCheckpoint(dir); (err != nil) != (c.damage != "") || err != nil && !strings.Contains(err.Error(), c.damage) {
			t.Errorf("%s: CheckCheckpoint: %v, want %q", c.name, err, c.damage)
		}
		var notes []string
		first, resumed := 0, false
		err := runTo(t, context.Background(), short(), dir, Hooks{
			Class: c.class, Note: func(note string) { notes = append(notes, note) },
			Progress: func(p Progress) {
				if first == 0 {
					first = p.Step
				}
			},
			Finished: func(r bool) error { resumed = r; return nil },
		})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if anew := c.says != ""; anew != (first == 1) || anew == resumed {
			t.Errorf("%s: it began with step %d, resumed %t", c.name, first, resumed)
		}
		if said := strings.Join(notes, "\n"); c.says == "" && said != "" || c.says != "" && (len(notes) != 1 || !strings.Contains(said, c.says) || !strings.HasSuffix(said, "; the trial is trained from the start")) {
			t.Errorf("%s: notes %q, want %q", c.name, said, c.says)
		}
		for _, name := range []string{record.RowsFile, ModelFile} {
			if !bytes.Equal(read(t, filepath.Join(whole, name)), read(t, filepath.Join(dir, name))) {
				t.Errorf("%s: %s differs from an uninterrupted trial's", c.name, name)
			}
		}
	}
}

// TestBegunAnew: the checkpoint of a trial that was begun anew because of other kernels is resumed with these.
func TestBegunAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	stopAt(t, 20, dir, Hooks{Class: "one"})
	var notes []string
	other := Hooks{Class: "other", Note: func(note string) { notes = append(notes, note) }}
	stopAt(t, 30, dir, other)
	stopAt(t, 40, dir, other)
	if len(notes) != 1 {
		t.Errorf("notes %q, want one", notes)
	}
}
