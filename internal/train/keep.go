package train

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
)

// keep writes what a finished trial's folder has beside its rows: the weights and the vocabulary, unless it is to have none.
func (t *Trainer) keep(dir string, hooks Hooks) error {
	if hooks.Weightless {
		for _, name := range []string{ModelFile, VocabFile} { // of a process that was to keep them, killed before DONE
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}
	stamp, err := t.trial.stamp(t.set, hooks.Settings).metadata()
	if err != nil {
		return err
	}
	f := safetensors.File{Tensors: nn.Tensors(t.Model.Params.All(), ""), Metadata: stamp}
	weights, err := f.Encode()
	if err != nil {
		return err
	}
	if err := record.WriteFileAtomic(filepath.Join(dir, ModelFile), weights); err != nil {
		return err
	}
	if t.set.Vocab == nil {
		return nil
	}
	words, err := text(t.set.Vocab)
	if err != nil {
		return err
	}
	return writeVocab(dir, words, hooks.Vocabularies)
}

// text is what VocabFile holds.
func text(v *data.Vocab) ([]byte, error) {
	var words bytes.Buffer
	err := v.Write(&words)
	return words.Bytes(), err
}

// writeVocab writes VocabFile, shared by trials if there is a folder for that.
func writeVocab(dir string, words []byte, vocabularies string) error {
	path := filepath.Join(dir, VocabFile)
	if vocabularies == "" {
		return record.WriteFileAtomic(path, words)
	}
	return record.WriteShared(path, words, vocabularies)
}

// MendVocab writes the vocabulary of a finished trial again if it is the one that DONE has the sum of, and tells whether it
// is. See Hooks.Vocabularies.
func MendVocab(dir string, v *data.Vocab, vocabularies string) (bool, error) {
	words, err := text(v)
	if err != nil || !record.Means(dir, VocabFile, words) {
		return false, err
	}
	return true, writeVocab(dir, words, vocabularies)
}
